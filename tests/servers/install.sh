#!/bin/sh
# Install the servers the tests start, if they are missing and may be installed. Where they may not, the tests that need
# them are skipped, loudly; with CI set they fail.
set -eu

missing=""
command -v redis-server >/dev/null 2>&1 || missing="redis-server"
command -v initdb >/dev/null 2>&1 || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || missing="$missing postgresql"
ls /usr/lib/rabbitmq/bin/rabbitmq-server >/dev/null 2>&1 || missing="$missing rabbitmq-server"
# The programs without the packages that would start a service of their own.
[ -x /usr/sbin/mariadbd ] || command -v mariadbd >/dev/null 2>&1 || missing="$missing mariadb-server-core"
command -v mariadb-install-db >/dev/null 2>&1 || missing="$missing mariadb-client-core"
[ -x /usr/sbin/pgbouncer ] || command -v pgbouncer >/dev/null 2>&1 || missing="$missing pgbouncer"
# mongod comes from PyPI, and needs this.
PATH="$PATH:/sbin:/usr/sbin" ldconfig -p 2>/dev/null | grep -q 'libcurl\.so\.4' || missing="$missing libcurl4"
# shellcheck disable=SC2086
[ -z "$missing" ] || sh "$(dirname "$0")/../../tools/install-debian.sh" $missing
