"""What the lock file keeps from one daemon to the next: a floor of sequences, and that nothing of it is out.

Decides nothing (`hacore.core.numbering` does), and must never keep a daemon from starting. The file lies in
/run and ends with the boot; where it does not, the boot it names tells. So what is written need not reach a
disk: a daemon that is killed leaves the kernel's pages behind, and a host that goes down ends the boot.

| line | holds | written | erased |
|---|---|---|---|
| 1 | the floor | at each start | never |
| 2 | what a daemon says that finished, and who it was | when its pump has ended | at the next start |

Between the two a pump runs, and however it dies there is no second line. A line of another slot, pool or
boot is none. That it speaks of this very volume, and that no daemon with another lock file came between, the
slot itself shows: its newest sequence has to be that of the line (`hacore.kernel._pump.take_over`).
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import asdict

from hacore.config import Config
from hacore.core.numbering import UNFINISHED, Finished, start_floor

DIGITS = 20
"""As many as 2⁶⁴ has."""
FIRST_LINE = DIGITS + 1
MOST_BYTES = 4096


def numbered_from(lock: int, wall_ns: int) -> int:
    """Return above what to number, and note it in the lock file (descriptor)."""
    floor_ns = start_floor(max(wall_ns, 0), _noted(lock))
    with suppress(OSError):
        os.pwrite(lock, b"%0*d\n" % (DIGITS, floor_ns), 0)
    return floor_ns


def _noted(lock: int) -> int:
    """Return what the start before has noted; 0: none, or nothing that makes sense."""
    try:
        noted = os.pread(lock, DIGITS, 0)
    except OSError:
        return 0
    return int(noted) if len(noted) == DIGITS and noted.isdigit() and int(noted) < 1 << 63 else 0


def note_finished(lock: int, config: Config, finished: Finished) -> None:
    """Note what a daemon says whose pump has ended; to be called after everything else of it."""
    if finished == UNFINISHED:
        return
    line = json.dumps({"of": _writer(config)} | asdict(finished)) + "\n"
    with suppress(OSError):
        os.pwrite(lock, line.encode(), FIRST_LINE)


def take_finished(lock: int, config: Config) -> Finished:
    """Return what the daemon before has noted, and erase it; what cannot be erased was never said."""
    try:
        line = os.pread(lock, MOST_BYTES, FIRST_LINE)
        if line:
            os.ftruncate(lock, FIRST_LINE)
    except OSError:
        return UNFINISHED
    return _understood(line, _writer(config))


def _writer(config: Config) -> str:
    """Return who writes: a slot of a pool, in one boot."""
    return f"{config.generation} {config.me.uuid} {config.incarnation:016x}"


def _understood(line: bytes, writer: str) -> Finished:
    try:
        told = json.loads(line)
        if not line.endswith(b"\n") or told.pop("of") != writer:
            return UNFINISHED
        found = Finished(**{**told, "failed_ns": tuple(told["failed_ns"])})
    except (ValueError, TypeError, AttributeError, KeyError, RecursionError):
        return UNFINISHED
    numbers = (found.sequence, *found.failed_ns, found.returned_ns)
    sane = len(found.failed_ns) == len(UNFINISHED.failed_ns)
    sane = sane and all(type(number) is int and 0 <= number < 1 << 63 for number in numbers)
    return found if sane else UNFINISHED
