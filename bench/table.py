"""The one table: what was measured, what was promised, and whether it holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from rich.console import Console
from rich.table import Table

VERDICTS = {True: "met", False: "missed", None: ""}
COLOURS = {True: "[green]", False: "[bold red]", None: "[dim]"}


@dataclass(frozen=True, slots=True)
class Row:
    """One figure. `met` None: shown without a promise."""

    subject: str
    what: str
    measured: str
    target: str = ""
    met: bool | None = None


def at_most(subject: str, what: str, value: float, limit: float, unit: str, scale: float = 1.0) -> Row:
    """Return a row for a figure that must not exceed a limit; `unit` is `scale` times ours."""
    shown = f"{value * scale:,.4g} {unit}".rstrip()
    return Row(subject, what, shown, f"≤ {limit * scale:,g} {unit}".rstrip(), value <= limit)


def at_least(subject: str, what: str, value: float, limit: float, unit: str, scale: float = 1.0) -> Row:
    """Return a row for a figure that must reach a limit."""
    shown = f"{value * scale:,.4g} {unit}".rstrip()
    return Row(subject, what, shown, f"≥ {limit * scale:,g} {unit}".rstrip(), value >= limit)


def markdown(rows: Sequence[Row]) -> str:
    """Return the rows as a table in Markdown."""
    lines = ["| subject | figure | measured | target | verdict |", "|---|---|---:|---:|---|"]
    for subject, group in groupby(rows, key=lambda row: row.subject):
        for i, row in enumerate(group):
            cells = (subject if i == 0 else "", row.what, row.measured, row.target, VERDICTS[row.met])
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def show(rows: Sequence[Row], console: Console) -> None:
    """Print the rows, a section a subject."""
    table = Table(title="xenha: what was promised and what was measured", title_justify="left")
    for heading in ("subject", "figure", "measured", "target", "verdict"):
        table.add_column(heading, overflow="fold")
    for subject, group in groupby(rows, key=lambda row: row.subject):
        for i, row in enumerate(group):
            verdict = f"{COLOURS[row.met]}{VERDICTS[row.met]}[/]"
            table.add_row(subject if i == 0 else "", row.what, row.measured, row.target, verdict)
        table.add_section()
    console.print(table)
