"""Who did what when: one line of JSON each, appended by every process of the lab, on one monotonic clock.

All namespaces share the kernel's clock, so the lines can be laid beside each other; nobody writes of
another's time. A fake VM cannot write that it was killed: it stamps a file of its own as long as it runs.
"""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from hacore.clock import Clock

_STAMPS = struct.Struct("<qq")
NOT_A_HOST = -1


@dataclass(frozen=True, slots=True)
class Record:
    """One thing that happened. `boot` counts the starts of a host from 1; 0: it does not matter which."""

    at_ns: int
    host: int
    boot: int
    what: str
    values: dict[str, str | int]


class History:
    """The file; lines are short enough to be appended whole by whoever."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self.path = path
        self._clock = clock

    def add(self, what: str, host: int = NOT_A_HOST, boot: int = 0, **values: str | int) -> None:
        """Append what happened just now."""
        record = {"at_ns": self._clock.monotonic_ns(), "host": host, "boot": boot, "what": what, **values}
        fd = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(fd, (json.dumps(record) + "\n").encode())
        finally:
            os.close(fd)

    def read(self) -> tuple[Record, ...]:
        """Return everything so far, in the order of time."""
        return tuple(sorted(self._lines(), key=lambda record: record.at_ns))

    def _lines(self) -> Iterator[Record]:
        if not self.path.exists():
            return
        for line in self.path.read_text(encoding="utf-8").splitlines():
            values = json.loads(line)
            at_ns, host, boot, what = (values.pop(key) for key in ("at_ns", "host", "boot", "what"))
            yield Record(at_ns, host, boot, what, values)


class Stamps:
    """When a VM ran first and last: two numbers that it keeps writing."""

    def __init__(self, path: Path) -> None:
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)

    def write(self, first_ns: int, last_ns: int) -> None:
        """Say that it runs now."""
        os.pwrite(self._fd, _STAMPS.pack(first_ns, last_ns), 0)


@dataclass(frozen=True, slots=True)
class Run:
    """One VM on one boot of one host, and when it certainly ran."""

    vm: str
    host: int
    boot: int
    first_ns: int
    last_ns: int


def runs(records: tuple[Record, ...], folder: Path) -> tuple[Run, ...]:
    """Return every run of every VM that came to run, from the records and the stamps in `folder`."""
    found = []
    for record in records:
        if record.what != "vm":
            continue
        path = folder / str(record.values["stamps"])
        raw = path.read_bytes() if path.exists() else b""
        if len(raw) == _STAMPS.size:
            found.append(Run(str(record.values["vm"]), record.host, record.boot, *_STAMPS.unpack(raw)))
    return tuple(found)
