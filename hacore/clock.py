"""The one place that reads a clock.

Decisions never import this module's state: they take a `Clock`, a `Deadline` or a plain `now_ns` as an
argument. Must never be imported by `hacore.core`.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
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
        return time.monotonic_ns()

    def wall_seconds(self) -> float:
        return time.time()


@dataclass(frozen=True, slots=True)
class Deadline:
    """A point on a monotonic clock after which an answer must not be waited for."""

    clock: Clock
    at_ns: int

    @classmethod
    def after(cls, clock: Clock, seconds: float) -> Deadline:
        """Return the deadline `seconds` from now."""
        return cls(clock, clock.monotonic_ns() + int(seconds * NS_PER_SECOND))

    def part(self, share: float) -> Deadline:
        """Return the deadline at which this share of the time that is left will have passed."""
        return Deadline.after(self.clock, self.left_seconds() * share)

    def left_seconds(self) -> float:
        """Return the seconds left, never below 0."""
        return max(0, self.at_ns - self.clock.monotonic_ns()) / NS_PER_SECOND

    def passed(self) -> bool:
        """Tell whether the time is up."""
        return self.clock.monotonic_ns() >= self.at_ns


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
