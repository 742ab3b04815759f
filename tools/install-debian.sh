#!/bin/sh
# install-debian.sh PACKAGE...: install Debian packages where that is possible without asking (as root, or with a
# password-less sudo); elsewhere say what to install, and leave it at that.
set -eu

if ! command -v apt-get >/dev/null 2>&1; then
    echo "Missing: $*. Install what your system calls these to run everything." >&2
    exit 0
fi
as_root=""
if [ "$(id -u)" != 0 ]; then
    if ! sudo -n true 2>/dev/null; then
        echo "Missing: $*. To run everything: sudo apt-get install $*" >&2
        exit 0
    fi
    as_root="sudo"
fi
echo "Installing Debian packages: $*"
$as_root apt-get update -qq
$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
