"""How an answer is shown: JSON lines for programs, tables on a terminal, plain aligned text in a pipe.

What is shown comes from pools, and so from people: nothing in it may act on the terminal. Knows nothing of
pools itself.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

Mood = Literal["plain", "good", "bad", "open", "faint"]
_STYLES: dict[Mood, str] = {
    "plain": "",
    "good": "bold green",
    "bad": "bold red",
    "open": "bold yellow",
    "faint": "dim",
}


@dataclass(frozen=True, slots=True)
class Line:
    """A line of text; `mood` is shown as a colour on a terminal, never instead of words."""

    text: str
    mood: Mood = "plain"


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under headings; columns named in `numbers` are aligned to the right."""

    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numbers: frozenset[str] = frozenset()


Part = Line | Table


def clean(text: str) -> str:
    """Return `text` in one line, with everything unprintable made visible instead of obeyed."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def print_json(value: Any) -> None:
    """Print one JSON object in one line."""
    print(json.dumps(value), flush=True)


def print_error(text: str) -> None:
    """Print one line on stderr."""
    print(f"xenha: {clean(text)}", file=sys.stderr, flush=True)


def warn(text: str) -> None:
    """Print one line on stderr about something that an answer does not count."""
    print_error(f"warning: {text}")


def show(parts: Iterable[Part]) -> None:
    """Print lines and tables: coloured on a terminal, plain anywhere else."""
    if sys.stdout.isatty():
        _show_rich(parts)
    else:
        for part in parts:
            print("\n".join(_plain(part)))
    sys.stdout.flush()


def _plain(part: Part) -> Sequence[str]:
    if isinstance(part, Line):
        return [clean(part.text)]
    cells = [part.headings, *(tuple(clean(cell) for cell in row) for row in part.rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(part.headings))]
    return [_aligned(row, widths, part) for row in cells]


def _aligned(row: tuple[str, ...], widths: Sequence[int], table: Table) -> str:
    cells = (
        cell.rjust(width) if heading in table.numbers else cell.ljust(width)
        for cell, width, heading in zip(row, widths, table.headings, strict=True)
    )
    return "  ".join(cells).rstrip()


def _show_rich(parts: Iterable[Part]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table as RichTable
    from rich.text import Text

    console = Console(file=sys.stdout, highlight=False)
    for part in parts:
        if isinstance(part, Line):
            console.print(Text(clean(part.text), style=_STYLES[part.mood]))
            continue
        table = RichTable(box=box.SIMPLE_HEAD, pad_edge=False)
        for heading in part.headings:
            table.add_column(heading, justify="right" if heading in part.numbers else "left")
        for row in part.rows:
            table.add_row(*(Text(clean(cell)) for cell in row))
        console.print(table)


@contextmanager
def working(what: str) -> Iterator[Callable[[str], None]]:
    """Show on a terminal's stderr what is being worked on; silent anywhere else.

    Yields what tells that it is something else by now.
    """
    if not sys.stderr.isatty():
        yield lambda now: None
        return
    from rich.console import Console
    from rich.markup import escape

    with Console(stderr=True).status(escape(clean(what))) as status:
        yield lambda now: status.update(escape(clean(now)))
