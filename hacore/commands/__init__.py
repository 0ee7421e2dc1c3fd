"""The command line, `xenhad`: every command is a thin function of another module.

A command is one file with `register` (its arguments, its help with examples) and a function that returns its
exit code (DESIGN §5.6): 0 done, 1 the answer is no, 2 wrong usage or bad input, 3 somebody cannot be reached.
Only this package prints. Modules are imported when their command runs: a start has a price.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from hacore.errors import ConfigError, XenhadError

BUG, INTERRUPTED, CUT_OFF = 70, 130, 141


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `xenhad` with `arguments` (default: the process's own) and return its exit code."""
    from hacore.commands.parser import parsed

    chosen = parsed(arguments)
    try:
        code: int = chosen.run(chosen)
        sys.stdout.flush()
        return code
    except XenhadError as error:
        for line in error.problems if isinstance(error, ConfigError) else (str(error),):
            print(f"xenhad: {line}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return CUT_OFF
    except Exception as error:
        if chosen.debug:
            raise
        what = f"{type(error).__name__}: {error}"
        print(f"xenhad: internal error: {what}; run again with --debug to see where", file=sys.stderr)
        return BUG
