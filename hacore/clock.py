"""The one place that reads a clock.

Decisions never import this module's state: they take a `Clock`, a `Deadline` or a plain `now_ns` as an
argument. Must never be imported by `hacore.core`.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import Protocol

NS_PER_SECOND = 1_000_000_000


class Clock(Protocol):
    """Where a program gets its time from."""

    def monotonic_ns(self) -> int:
        """Return nanoseconds that never go back."""
        ...

    def wall_seconds(self) -> float:
        """Return seconds since the Unix epoch."""
        ...


class SystemClock:
    """The machine's own clocks."""

    def monotonic_ns(self) -> int:
        """Return the time since the boot, that in which the machine was suspended included (pumpsys.pxd)."""
        return time.clock_gettime_ns(time.CLOCK_BOOTTIME)

    def wall_seconds(self) -> float:
        return time.time()


@dataclass(slots=True)
class Cuts:
    """Whether any of several deadlines ended something before it was done."""

    any: bool = False


@dataclass(frozen=True, slots=True)
class Deadline:
    """A point on a monotonic clock after which an answer must not be waited for.

    `cuts`, shared with its parts, tells afterwards whether the answer would be the same with more time.
    """

    clock: Clock
    at_ns: int
    cuts: Cuts = field(default_factory=Cuts, compare=False, repr=False)

    @classmethod
    def after(cls, clock: Clock, seconds: float) -> Deadline:
        """Return the deadline `seconds` from now."""
        return cls(clock, clock.monotonic_ns() + int(seconds * NS_PER_SECOND))

    def part(self, share: float) -> Deadline:
        """Return the deadline at which this share of the time that is left will have passed."""
        return replace(Deadline.after(self.clock, self.left_seconds() * share), cuts=self.cuts)

    def left_seconds(self) -> float:
        """Return the seconds left, never below 0."""
        return max(0, self.at_ns - self.clock.monotonic_ns()) / NS_PER_SECOND

    def passed(self) -> bool:
        """Tell whether the time is up; who is told so is taken to be cut short."""
        up = self.clock.monotonic_ns() >= self.at_ns
        if up:
            self.cuts.any = True
        return up

    def cut(self) -> None:
        """Remember that something was cut short by this deadline: a solver that was given what is left."""
        self.cuts.any = True


@dataclass(frozen=True, slots=True)
class Stopwatch:
    """Measures how long something took."""

    clock: Clock
    started_ns: int

    @classmethod
    def start(cls, clock: Clock) -> Stopwatch:
        """Return a stopwatch that runs from now."""
        return cls(clock, clock.monotonic_ns())

    def seconds(self) -> float:
        """Return the seconds since the start."""
        return (self.clock.monotonic_ns() - self.started_ns) / NS_PER_SECOND
