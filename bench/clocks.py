"""Clocks for those who must not depend on how fast the machine is."""

from __future__ import annotations


class StillClock:
    """Time stands still: no limit is ever reached, so an answer cannot depend on the machine's speed."""

    def monotonic_ns(self) -> int:
        return 0

    def wall_seconds(self) -> float:
        return 0.0


class AlarmClock:
    """Time stands still for so many readings, then every limit has passed: the deadline comes anywhere."""

    def __init__(self, readings: int) -> None:
        self.readings_left = readings

    def monotonic_ns(self) -> int:
        self.readings_left -= 1
        return 0 if self.readings_left >= 0 else 1 << 62

    def wall_seconds(self) -> float:
        return 0.0


class TickingClock:
    """Every reading takes a millisecond and nothing else does: how often is looked is how long it takes."""

    def __init__(self) -> None:
        self.now_ns = 0

    def monotonic_ns(self) -> int:
        self.now_ns += 1_000_000
        return self.now_ns

    def wall_seconds(self) -> float:
        return self.now_ns / 1e9
