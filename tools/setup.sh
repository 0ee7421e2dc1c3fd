#!/bin/sh
# Makes the virtual environment, installs the dependencies and builds the kernels. Run by `make`.
set -eu
PYTHON=${PYTHON:-python3}
VENV=${VENV:-.venv}

fail() { echo "setup: $*" >&2; exit 2; }

command -v "$PYTHON" >/dev/null || fail "$PYTHON not found; expected Python 3.11 or newer (make PYTHON=/path/to/python3)"
"$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
    || fail "$("$PYTHON" --version) is too old; expected Python 3.11 or newer (make PYTHON=/path/to/python3)"

missing=""
"$PYTHON" -c 'import ensurepip, venv' 2>/dev/null || missing="$missing python3-venv"
"$PYTHON" -c 'import os, sys, sysconfig; sys.exit(not os.path.exists(os.path.join(sysconfig.get_path("include"), "Python.h")))' \
    || missing="$missing python3-dev"
command -v gcc >/dev/null || missing="$missing gcc libc6-dev"
if [ -n "$missing" ]; then
    [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null \
        || fail "missing:$missing; as root: apt-get install$missing"
    echo "setup: installing$missing"
    apt-get update -qq
    # shellcheck disable=SC2086
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
fi

if [ ! -x "$VENV/bin/pip" ]; then
    echo "setup: virtual environment in $VENV"
    "$PYTHON" -m venv "$VENV"
fi
echo "setup: dependencies and kernels (the first time takes a minute or two)"
"$VENV/bin/pip" install -q --disable-pip-version-check -c constraints.txt 'setuptools>=77' 'Cython>=3.1'
"$VENV/bin/pip" install -q --disable-pip-version-check --no-build-isolation -c constraints.txt -e '.[dev]'
echo "setup: done"
