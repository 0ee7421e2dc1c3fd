#!/bin/sh
# Build the daemon's kernels under AddressSanitizer and UndefinedBehaviorSanitizer, apart from the normal
# build, and run their tests on them. Ends at the first finding, with its stack.
# Arguments: further test paths. Run by `make sanitize`.
set -eu

BIN="${VENV:-.venv}/bin"
TREE=build/sanitize-tree
CHECKS="-fsanitize=address,undefined"

CFLAGS="$CHECKS -fno-sanitize-recover=undefined -fno-omit-frame-pointer" LDFLAGS="$CHECKS" \
    "$BIN/python" -W ignore setup.py -q build --build-base build/sanitize --build-lib "$TREE"

# The runtime libraries come first, before an interpreter that was built without them. Its own memory goes
# through malloc, so that it is watched, too; what it never frees is no finding.
LD_PRELOAD="$(gcc -print-file-name=libasan.so) $(gcc -print-file-name=libubsan.so)" \
ASAN_OPTIONS=detect_leaks=0 UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1 \
PYTHONMALLOC=malloc PYTHONDONTWRITEBYTECODE=1 \
    "$BIN/pytest" -q -s -o "pythonpath=$TREE ." tests/hacore/kernel/beats tests/hacore/test_statefile.py "$@"
