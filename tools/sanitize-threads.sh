#!/bin/sh
# Build the kernels under ThreadSanitizer, apart from the normal build, and run the pump's tests on them: its
# threads against each other and against Python. Ends with an error at any race. Run by `make sanitize`.
# Arguments: further test paths.
set -eu

BIN="${VENV:-.venv}/bin"
TREE=build/threads-tree
CHECKS="-fsanitize=thread"

CFLAGS="$CHECKS -fno-omit-frame-pointer" LDFLAGS="$CHECKS" \
    "$BIN/python" -W ignore setup.py -q build --build-base build/threads --build-lib "$TREE"

# The runtime library comes first, before an interpreter that was built without it: what the interpreter does
# to its own memory is not looked at. It cannot lie where address randomisation may put it (setarch -R).
LD_PRELOAD="$(gcc -print-file-name=libtsan.so)" \
TSAN_OPTIONS="halt_on_error=1 second_deadlock_stack=1 report_signal_unsafe=0" PYTHONDONTWRITEBYTECODE=1 \
    setarch "$(uname -m)" -R \
    "$BIN/python" -m pytest -q -s -o "pythonpath=$TREE ." tests/hacore/edge/pump "$@"
