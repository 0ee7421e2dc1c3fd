#!/bin/sh
# Makes the virtual environment, installs the dependencies and builds the kernels. Run by `make`, from the
# project's root; may be run again at any time, also after it broke off.
set -eu
PYTHON=${PYTHON:-python3}
VENV=${VENV:-.venv}

fail() { echo "setup: $*" >&2; exit 2; }

install() {
    [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || fail "missing: $*; as root: apt-get install $*"
    echo "setup: installing $*"
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

need_python() {
    if ! command -v "$PYTHON" >/dev/null; then
        [ "$PYTHON" = python3 ] || fail "$PYTHON not found; expected Python 3.11 or newer (make PYTHON=/path/to/python3)"
        install python3 python3-venv python3-dev
    fi
    "$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
        || fail "$("$PYTHON" --version) is too old; expected Python 3.11 or newer (make PYTHON=/path/to/python3)"
}

# Debian's own Python comes without venv and headers; other Pythons have both.
need_packages() {
    missing=""
    "$PYTHON" -c 'import ensurepip, venv' 2>/dev/null || missing="$missing python3-venv"
    "$PYTHON" -c 'import os, sys, sysconfig
sys.exit(not os.path.exists(os.path.join(sysconfig.get_path("include"), "Python.h")))' \
        || missing="$missing python3-dev"
    command -v gcc >/dev/null || missing="$missing gcc"
    echo '#include <stdlib.h>' | gcc -E - >/dev/null 2>&1 || missing="$missing libc6-dev"
    # shellcheck disable=SC2086
    [ -z "$missing" ] || install $missing
}

# An environment that was left half made, or whose Python is gone, is made anew.
need_venv() {
    "$VENV/bin/python" -m pip --version >/dev/null 2>&1 && return
    echo "setup: virtual environment in $VENV"
    "$PYTHON" -m venv --clear "$VENV"
}

# Progress for people, silence for logs.
pip_install() {
    quiet=-q
    [ ! -t 1 ] || quiet=""
    # shellcheck disable=SC2086
    PYTHONWARNINGS=ignore "$VENV/bin/python" -m pip install $quiet --disable-pip-version-check -c constraints.txt "$@"
}

need_python
need_packages
need_venv
echo "setup: dependencies (the first time takes a minute or two)"
pip_install 'setuptools>=77' 'Cython>=3.1'
echo "setup: kernels and the other dependencies"
pip_install --no-build-isolation -e '.[dev]'
echo "setup: done"
