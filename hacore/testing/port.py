"""One host's path to the shared disk, and how it fails. Decides what becomes of each read and write.

A fate is drawn when the operation is submitted. A failed write may have landed, may land much later (a
*ghost*, MEMBERSHIP §3), may land torn or not at all; one that hangs is answered when the path comes back.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from random import Random

MS = 1_000_000
GHOST_SHARE = 0.575


class Trouble(StrEnum):
    """What may be wrong with a path; several at once are possible."""

    CUT = "cut"  # the path is gone: nothing is read, nothing lands but what was on its way
    WRITE_ERROR = "write_error"  # reported as failed, but some land, even much later
    READ_ERROR = "read_error"
    HANG = "hang"  # nothing is answered until it is over
    READ_HANG = "read_hang"
    READ_ONLY = "read_only"  # writes fail, and none lands
    GHOSTS = "ghosts"  # writes fail, and land a good half of T later
    SLOW = "slow"
    TARDY = "tardy"


class Once(StrEnum):
    """What may happen to one write."""

    TORN = "torn"  # rubbish is left, success is reported
    MISDIRECTED = "misdirected"  # lands on another copy or another host's slot, success is reported
    LOST = "lost"  # lands nowhere, success is reported


@dataclass(frozen=True, slots=True)
class Landing:
    """A write reaches the disk."""

    after_ns: int
    torn: bool = False
    astray: bool = False


@dataclass(frozen=True, slots=True)
class WriteFate:
    after_ns: int  # the answer comes, if the path does not hang then
    worked: bool
    landing: Landing | None


@dataclass(frozen=True, slots=True)
class ReadFate:
    after_ns: int
    worked: bool
    spread: (
        float  # how evenly the slots are read over that time: 0 all at the start, 1 evenly, 2 all at the end
    )


class Port:
    """One host's path; `timeout_ns` is T, by which slow operations and ghosts are measured."""

    __slots__ = ("_rng", "_timeout_ns", "_waiting", "once", "troubles")

    def __init__(self, rng: Random, timeout_ns: int) -> None:
        self._rng = rng
        self._timeout_ns = timeout_ns
        self._waiting: list[Callable[[], None]] = []
        self.troubles: dict[Trouble, int] = {}
        self.once: list[Once] = []

    def begin(self, trouble: Trouble) -> None:
        self.troubles[trouble] = self.troubles.get(trouble, 0) + 1

    def end(self, trouble: Trouble) -> list[Callable[[], None]]:
        """Return what waited for the end of this trouble, to be answered now."""
        self.troubles[trouble] -= 1
        if not self.troubles[trouble]:
            del self.troubles[trouble]
        if self.read_hangs:
            return []  # nothing hangs twice in a world: what waits for one waits for both
        waiting, self._waiting = self._waiting, []
        return waiting

    @property
    def hangs(self) -> bool:
        return Trouble.HANG in self.troubles

    @property
    def fine(self) -> bool:
        return not self.troubles and not self.once

    @property
    def read_hangs(self) -> bool:
        return self.hangs or Trouble.READ_HANG in self.troubles

    def wait(self, answer: Callable[[], None]) -> None:
        """Keep an answer until the path no longer hangs."""
        self._waiting.append(answer)

    def forget(self) -> None:
        """Drop what waits: the host is gone."""
        self._waiting.clear()

    def write(self) -> WriteFate:
        """Draw what becomes of a write that is submitted now."""
        chance = self._rng.random
        after_ns = int((0.5 + 3 * chance()) * MS)
        if self.fine:
            return WriteFate(after_ns, True, Landing(after_ns))
        after_ns = max(after_ns, self._slowed_ns())
        if Trouble.CUT in self.troubles or Trouble.READ_ONLY in self.troubles:
            return WriteFate(after_ns, False, None)
        if Trouble.GHOSTS in self.troubles:
            return WriteFate(after_ns, False, Landing(int(GHOST_SHARE * self._timeout_ns)))
        if Trouble.WRITE_ERROR in self.troubles:
            return WriteFate(after_ns, False, self._failed(after_ns))
        if self.once:
            return self._odd(self.once.pop(), after_ns)
        return WriteFate(after_ns, True, Landing(int(after_ns * chance())))

    def read(self) -> ReadFate:
        """Draw what becomes of a read that is submitted now."""
        chance = self._rng.random
        after_ns = int((1 + 8 * chance()) * MS)
        if self.fine:
            return ReadFate(after_ns, True, 1)
        after_ns = max(after_ns, self._slowed_ns())
        failing = Trouble.READ_ERROR in self.troubles or Trouble.CUT in self.troubles
        return ReadFate(after_ns, not failing, 2 * chance())

    def _slowed_ns(self) -> int:
        share = 0.4 if Trouble.SLOW in self.troubles else 0.03 if Trouble.TARDY in self.troubles else 0
        return int(self._rng.random() * share * self._timeout_ns)

    def _failed(self, after_ns: int) -> Landing | None:
        chance = self._rng.random()
        if chance < 0.35:
            return None
        if chance < 0.6:
            return Landing(int(after_ns * self._rng.random()))
        if chance < 0.7:
            return Landing(int(after_ns * self._rng.random()), torn=True)
        return Landing(after_ns + int(self._rng.random() ** 2 * 1.5 * self._timeout_ns))

    def _odd(self, once: Once, after_ns: int) -> WriteFate:
        landing = Landing(after_ns, torn=once is Once.TORN, astray=once is Once.MISDIRECTED)
        return WriteFate(after_ns, True, None if once is Once.LOST else landing)
