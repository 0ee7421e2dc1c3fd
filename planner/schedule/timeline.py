"""When each VM of a plan starts, serves, and lets the next wave begin. Pure arithmetic; knows no pool.

The rules are xapi's. VMs of one order start together; VM.start returns when the domain runs, not when the
guest is up, and not before the VM's start_delay has passed; the next order waits until every VM.start of this
one has returned. So a start_delay holds back the next order and never its own VM, and a guest may still boot
while the next order starts. A host boots a few VMs at a time, each holding a slot while it boots; of those
that wait for a slot, the one that takes longest goes first.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter


@dataclass(frozen=True, slots=True)
class Boot:
    """A VM to start on a host in a wave (1 first)."""

    vm: str
    host: str
    wave: int
    boot_seconds: float
    start_delay_seconds: float


@dataclass(frozen=True, slots=True)
class Start:
    """When a VM starts and when it serves, in seconds from the first start of all."""

    boot: Boot
    starts_seconds: float

    @property
    def up_seconds(self) -> float:
        return self.starts_seconds + self.boot.boot_seconds

    @property
    def releases_seconds(self) -> float:
        """From when on it holds back nobody."""
        return self.starts_seconds + self.boot.start_delay_seconds


def timeline(boots: Iterable[Boot], slots: int) -> Iterator[Start]:
    """Yield the starts, wave by wave, with `slots` (≥ 1) of every host."""
    free: dict[str, list[float]] = defaultdict(lambda: [0.0] * slots)
    begin_seconds = 0.0
    for _, wave in groupby(sorted(boots, key=_turn), key=attrgetter("wave")):
        starts = [_start(boot, free[boot.host], begin_seconds) for boot in wave]
        begin_seconds = max(start.releases_seconds for start in starts)
        yield from starts


def _turn(boot: Boot) -> tuple[int, float, str]:
    return boot.wave, -max(boot.boot_seconds, boot.start_delay_seconds), boot.vm


def _start(boot: Boot, free_seconds: list[float], begin_seconds: float) -> Start:
    """Take the host's slot that is free first, not before the wave begins."""
    start = Start(boot, max(begin_seconds, free_seconds[0]))
    heapq.heapreplace(free_seconds, start.up_seconds)
    return start


def makespan_seconds(starts: Sequence[Start]) -> float:
    """Return when the last of them serves; 0 of none."""
    return max((start.up_seconds for start in starts), default=0.0)
