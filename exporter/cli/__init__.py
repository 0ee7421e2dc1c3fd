"""The command line, `xenha`: every command is a thin function of another module.

This package imports hardly anything when it is imported: a command that needs no web server, no solver and no
table must not wait for one.
"""

from __future__ import annotations

from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `xenha` with `arguments` (default: the process's own) and return its exit code (DESIGN §5.6)."""
    from exporter.cli.app import run

    return run(arguments)
