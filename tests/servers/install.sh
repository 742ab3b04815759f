#!/bin/sh
# Install the servers the tests start, if they are missing and may be installed. Where they may not, the tests that need
# them are skipped, loudly; with CI set they fail.
set -eu

missing=""
command -v redis-server >/dev/null 2>&1 || missing="redis-server"
command -v initdb >/dev/null 2>&1 || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || missing="$missing postgresql"
ls /usr/lib/rabbitmq/bin/rabbitmq-server >/dev/null 2>&1 || missing="$missing rabbitmq-server"
# shellcheck disable=SC2086
[ -z "$missing" ] || sh "$(dirname "$0")/../../tools/install-debian.sh" $missing
