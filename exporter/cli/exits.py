"""What a command ends with: its exit code and, for an error, one line on stderr (DESIGN §5.6).

The only place that turns exceptions into codes. Must never print a traceback unless `--debug` asks for it.
"""

from __future__ import annotations

from enum import IntEnum

import typer

from exporter.errors import ConfigError
from planner.errors import InputError, PlannerError, PoolUnreachable


class Exit(IntEnum):
    """The exit codes; 0 to 4 are the contract, the others say that no answer was given at all."""

    DONE = 0
    NO = 1
    BAD_INPUT = 2
    UNREACHABLE = 3
    OPEN = 4
    BUG = 70
    """sysexits' EX_SOFTWARE: never mistaken for an answer."""
    INTERRUPTED = 130
    CUT_OFF = 141
    """Whoever read our output went away: 128 + SIGPIPE, as a shell shows it."""


def code_of(error: BaseException) -> Exit:
    """Return the exit code that stands for an error."""
    if isinstance(error, KeyboardInterrupt):
        return Exit.INTERRUPTED
    if isinstance(error, BrokenPipeError):
        return Exit.CUT_OFF
    if isinstance(error, PoolUnreachable):
        return Exit.UNREACHABLE
    if isinstance(error, InputError | typer.TyperException | OSError):
        return Exit.BAD_INPUT
    return Exit.BUG


def sentence(error: BaseException) -> str:
    """Return what there is to say about an error, in one line."""
    if isinstance(error, typer.TyperException):
        return _usage(error)
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    if code_of(error) is not Exit.BUG or isinstance(error, PlannerError):
        return str(error)
    return f"internal error: {type(error).__name__}: {error}; run again with --debug to see where"


def sentences(error: BaseException) -> tuple[str, ...]:
    """Return what there is to say about an error: one line, for a configuration one a problem."""
    return error.problems if isinstance(error, ConfigError) else (sentence(error),)


def _usage(error: typer.TyperException) -> str:
    context = getattr(error, "ctx", None)
    command = context.command_path if context else "xenha"
    where = f"{command.removeprefix('xenha ')}: " if " " in command else ""
    return f"{where}{error.format_message().strip().rstrip('.')}; see {command} --help"
