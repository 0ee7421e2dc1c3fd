"""Tells what happens in a cluster as lines for people, in the order of time. Prints nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from lab.cluster.daemonfile import name_of
from lab.cluster.history import History, Record
from lab.cluster.story import NS, Line, parse_line

QUIET = frozenset({"late", "daemon", "vm"})
"""Records that are for the judge only."""


class Narrator:
    """Remembers what was told, so that every line is told once."""

    def __init__(self, history: History, journals: dict[int, Path], start_ns: int) -> None:
        self._history = history
        self._journals = journals
        self._start_ns = start_ns
        self._told_records = 0
        self._told_bytes = dict.fromkeys(journals, 0)

    def news(self) -> tuple[str, ...]:
        """Return what has happened since the last call."""
        lines = [(line.at_ns, line.host, _of_journal(line)) for line in self._new_lines()]
        lines += [(record.at_ns, record.host, _of_record(record)) for record in self._new_records()]
        return tuple(self._shown(at_ns, host, text) for at_ns, host, text in sorted(lines))

    def _shown(self, at_ns: int, host: int, text: str) -> str:
        who = name_of(host) if host >= 0 else "lab"
        return f"{(at_ns - self._start_ns) / NS:8.2f} s  {who:8} {text}"

    def _new_records(self) -> Iterable[Record]:
        records = self._history.read()
        fresh, self._told_records = records[self._told_records :], len(records)
        return [record for record in fresh if record.what not in QUIET]

    def _new_lines(self) -> Iterator[Line]:
        for host, path in self._journals.items():
            if not path.exists():
                continue
            with path.open("rb") as file:
                file.seek(self._told_bytes[host])
                text = file.read()
            whole = text[: text.rfind(b"\n") + 1]
            self._told_bytes[host] += len(whole)
            for each in whole.decode(errors="replace").splitlines():
                if (line := parse_line(host, each)) is not None:
                    yield line


def _of_journal(line: Line) -> str:
    values = " ".join(f"{key}={value}" for key, value in line.values.items() if key != "time")
    return f"xenhad: {line.word} {values}".rstrip()


def _of_record(record: Record) -> str:
    values = record.values
    match record.what:
        case "boot":
            return f"power on (life {record.boot})"
        case "down":
            seconds = (record.at_ns - int(values["asked_ns"])) / NS
            return f"power off ({values['why']}; everything gone after {seconds:.3f} s)"
        case "fence":
            return f"WATCHDOG fires ({values['why']})"
        case "took-over":
            return f"starts {values['vm']}, which ran on {name_of(int(values['dead']))}"
        case "fault":
            return f"FAULT: {values['text']}"
        case "armed" | "disarmed":
            return f"watchdog {record.what}"
        case "unattended":
            return "watchdog armed, and nobody holds it"
    return f"{record.what} {' '.join(f'{key}={value}' for key, value in values.items())}".rstrip()
