"""Measure what was promised and print one table: `python -m bench [--quick] [SUBJECT …]`.

Exit code 1 if a target is missed, 2 for a subject that does not exist. `--quick` takes a hundredth of
everything, to see that measuring works: its timings mean nothing and are not judged. Plots and the table in
Markdown go to var/bench.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from bench.answers import warm_up
from bench.scale import Scale
from bench.subjects import SUBJECTS
from bench.table import Row, markdown, show
from hacore.clock import Stopwatch, SystemClock

FOLDER = Path("var/bench")
TABLE = "table.md"
WIDTH = 130
"""Of the table where it does not go to a terminal."""


def main(arguments: Sequence[str] | None = None, console: Console | None = None) -> int:
    """Run the bench and return the exit code."""
    chosen = _parser().parse_args(arguments)
    console = console or _console()
    scale = Scale(SystemClock(), chosen.folder, chosen.quick)
    scale.folder.mkdir(parents=True, exist_ok=True)
    _say_how_busy(console)
    rows = _measured(chosen.subjects or list(SUBJECTS), scale, console)
    shown = [replace(row, met=None) for row in rows] if scale.quick else rows
    show(shown, console)
    (scale.folder / TABLE).write_text(markdown(shown), encoding="utf-8")
    console.print(f"plots, and the table as {TABLE}: {scale.folder}")
    return int(not scale.quick and any(row.met is False for row in rows))


def _say_how_busy(console: Console) -> None:
    """Say it where others keep the machine busy: waiting for a core is counted as if it were ours."""
    cores, load = len(os.sched_getaffinity(0)), os.getloadavg()[0]
    console.print(f"machine: {cores} cores, load average {load:.1f}")
    if load > cores / 2:
        console.print("[yellow]other programs are busy: times will be longer than they should be[/]")


def _console() -> Console:
    console = Console()
    return console if console.is_terminal else Console(width=WIDTH)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__.split("\n\n")[0])
    parser.add_argument("subjects", nargs="*", metavar="SUBJECT", help=f"of: {', '.join(SUBJECTS)}")
    parser.add_argument("--quick", action="store_true", help="a smoke test; judges nothing")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="for plots and pool files")
    return parser


def _measured(subjects: Sequence[str], scale: Scale, console: Console) -> list[Row]:
    unknown = [subject for subject in subjects if subject not in SUBJECTS]
    if unknown:
        _parser().error(f"no subject {', '.join(unknown)}; expected: {', '.join(SUBJECTS)}")
    warm_up(scale.clock)
    rows: list[Row] = []
    for subject in subjects:
        watch = Stopwatch.start(scale.clock)
        rows += SUBJECTS[subject](scale)
        console.print(f"[dim]{subject}: measured in {watch.seconds():.0f} s[/]")
    return rows


if __name__ == "__main__":
    raise SystemExit(main())
