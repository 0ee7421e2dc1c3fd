"""The commands of `xenha`, and how one is run: parsed, carried out, its errors said in one line."""

from __future__ import annotations

import io
import os
import sys
import traceback
from collections.abc import Sequence
from typing import Annotated

import typer

from exporter.cli import (
    check,
    diagnose,
    drain,
    explain,
    headroom,
    inventory,
    lab,
    plan,
    repair,
    rolling,
    rules,
    serve,
    tolerance,
    whatif,
)
from exporter.cli.exits import Exit, code_of, sentences
from exporter.cli.groups import flat
from exporter.cli.options import Debug, Invocation
from exporter.cli.output import print_error

app = typer.Typer(
    name="xenha",
    add_completion=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)
for command in (
    tolerance.tolerance,
    explain.explain,
    plan.plan,
    whatif.whatif,
    headroom.headroom,
    drain.drain,
    repair.repair,
    rolling.rolling,
    check.check,
    diagnose.diagnose,
    inventory.inventory,
    serve.serve,
    rules.rules,
):
    app.command()(flat(command))
app.add_typer(lab.app)


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(f"xenha {version('xenha')}")
        raise typer.Exit


Version = Annotated[
    bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
]


@app.callback()
def _xenha(version: Version = False, debug: Debug = False) -> None:
    """How many host failures a XenServer / XCP-ng pool really survives, and where its VMs go.

    \b
    Examples:
      xenha tolerance demo:
      xenha serve demo:

    \b
    Exit codes:
      0  done
      1  the answer is "no"
      2  wrong usage or bad input
      3  the pool cannot be reached
      4  open: the limit came before a proof
    """


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; say every error in one line on stderr."""
    invocation = Invocation()
    _have_standard_streams()
    _print_anything()
    try:
        code = _run(sys.argv[1:] if arguments is None else arguments, invocation)
        sys.stdout.flush()
    except typer.Exit as done:
        return done.exit_code
    except (Exception, KeyboardInterrupt) as error:
        return _failed(error, invocation)
    return code


def _have_standard_streams() -> None:
    """Open /dev/null where a stream is closed: else a file or socket would get its number, and our output."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            devnull = open(os.devnull, mode, encoding="utf-8")  # noqa: SIM115 - for as long as we live
            setattr(sys, name, devnull)


def _print_anything() -> None:
    """Let names that the terminal's encoding does not know be shown as escapes instead of breaking off."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _run(arguments: Sequence[str], invocation: Invocation) -> int:
    command = typer.main.get_command(app)
    with command.make_context("xenha", list(arguments), obj=invocation) as context:
        return int(command.invoke(context) or Exit.DONE)


def _failed(error: BaseException, invocation: Invocation) -> Exit:
    code = code_of(error)
    if code is Exit.CUT_OFF:
        # The interpreter flushes stdout once more at its end: give it somewhere to go.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    elif code is not Exit.INTERRUPTED:
        if invocation.debug:
            traceback.print_exception(error)
        for line in sentences(error):
            print_error(line)
    return code
