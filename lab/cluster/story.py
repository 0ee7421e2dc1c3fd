"""What happened in a cluster, from the history and the daemons' journals, as plain values. Judges nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from lab.cluster.daemonfile import host_of
from lab.cluster.history import Record, Run

NS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Boot:
    """One life of a host, from power on to the last of its processes."""

    host: int
    boot: int
    on_ns: int
    asked_ns: int | None  # when the power was cut; None: it runs still
    down_ns: int | None  # when nothing was left
    why: str  # "crash", "watchdog", "off" or ""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a daemon's journal."""

    host: int
    at_ns: int
    word: str
    values: dict[str, str]


@dataclass(frozen=True, slots=True)
class Epoch:
    """A decision as one daemon learnt it."""

    by: int
    at_ns: int
    epoch: int
    liveset: frozenset[int]
    leader: str
    cause: str


@dataclass(frozen=True, slots=True)
class Dead:
    """`by` said that from now on `host` certainly runs nothing."""

    by: int
    at_ns: int
    host: int


@dataclass(frozen=True, slots=True)
class Mark:
    """Something about one life of a host: armed, disarmed, fenced."""

    host: int
    boot: int
    at_ns: int
    why: str = ""


@dataclass(frozen=True, slots=True)
class Story:
    """Everything the judge may look at."""

    boots: tuple[Boot, ...]
    runs: tuple[Run, ...]
    epochs: tuple[Epoch, ...]
    dead: tuple[Dead, ...]
    member: tuple[Mark, ...]  # when daemons found themselves members
    armed: tuple[Mark, ...]
    fences: tuple[Mark, ...]
    latest_ns: int  # by how much the lab's watchdogs, or their alarm clocks, were late at worst
    lines: tuple[Line, ...] = ()


def story_of(records: Iterable[Record], runs: Iterable[Run], journals: dict[int, Path]) -> Story:
    """Put the pieces together; `journals` by host."""
    records = tuple(records)
    lines = tuple(sorted(_lines(journals), key=lambda line: line.at_ns))
    return Story(
        boots=_boots(records),
        runs=tuple(runs),
        epochs=tuple(_epochs(lines)),
        dead=tuple(_dead(lines)),
        member=tuple(_member(lines, records)),
        armed=tuple(_marks(records, "armed")),
        fences=tuple(_marks(records, "fence")),
        latest_ns=max((int(_late(record)) for record in records), default=0),
        lines=lines,
    )


def parse_line(host: int, text: str) -> Line | None:
    """Return a line of the journal; None: it is none. Written apart from the daemon's own reader."""
    values: dict[str, str] = {}
    for word in _words(text):
        key, equals, value = word.partition("=")
        if equals:
            values[key] = value
    if "mono" not in values or "event" not in values:
        return None
    return Line(host, round(float(values.pop("mono")) * NS), values.pop("event"), values)


def _words(text: str) -> Iterator[str]:
    """Split at spaces outside of quotes; drop the quotes."""
    word, quoted, escaped = "", False, False
    for letter in text.strip():
        if escaped or (letter not in '\\"' and (quoted or letter != " ")):
            word, escaped = word + letter, False
        elif letter == "\\":
            escaped = True
        elif letter == '"':
            quoted = not quoted
        else:
            yield word
            word = ""
    yield word


def _lines(journals: dict[int, Path]) -> Iterator[Line]:
    for host, path in journals.items():
        if path.exists():
            for text in path.read_text(encoding="utf-8", errors="replace").splitlines():
                line = parse_line(host, text)
                if line is not None:
                    yield line


def _boots(records: tuple[Record, ...]) -> tuple[Boot, ...]:
    downs = {(record.host, record.boot): record for record in records if record.what == "down"}
    found = []
    for record in records:
        if record.what == "boot":
            down = downs.get((record.host, record.boot))
            asked_ns = int(down.values["asked_ns"]) if down else None
            why = str(down.values["why"]) if down else ""
            down_ns = down.at_ns if down else None
            found.append(Boot(record.host, record.boot, record.at_ns, asked_ns, down_ns, why))
    return tuple(found)


def _epochs(lines: tuple[Line, ...]) -> Iterator[Epoch]:
    for line in lines:
        if line.word == "epoch":
            values = line.values
            liveset = frozenset(_hosts(values["liveset"]))
            yield Epoch(
                line.host, line.at_ns, int(values["epoch"]), liveset, values["leader"], values["cause"]
            )


def _dead(lines: tuple[Line, ...]) -> Iterator[Dead]:
    for line in lines:
        yield from dead_in(line)


def dead_in(line: Line) -> Iterator[Dead]:
    """Return whom a line of the journal calls dead, if anybody."""
    if line.word == "dead":
        for host in _hosts(line.values["host"]):
            yield Dead(line.host, line.at_ns, host)


def _hosts(text: str) -> Iterator[int]:
    """Return the hosts of a journal's list of names."""
    for each in text.split(","):
        if each != "nobody":
            yield host_of(each)


def _member(lines: tuple[Line, ...], records: tuple[Record, ...]) -> Iterator[Mark]:
    boots = [record for record in records if record.what == "boot"]
    for line in lines:
        if line.word == "state" and line.values["state"] == "member":
            lives = [each.boot for each in boots if each.host == line.host and each.at_ns <= line.at_ns]
            yield Mark(line.host, max(lives), line.at_ns)


def _marks(records: tuple[Record, ...], what: str) -> Iterator[Mark]:
    for record in records:
        if record.what == what:
            yield Mark(record.host, record.boot, record.at_ns, str(record.values.get("why", "")))


def _late(record: Record) -> str | int:
    if record.what == "fence":
        return record.values["late_ns"]
    return record.values["by_ns"] if record.what == "late" else 0
