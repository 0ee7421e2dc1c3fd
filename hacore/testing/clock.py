"""The clock of one host: its own rate and its own start. Must never be set back while the host is up."""

from __future__ import annotations

from collections.abc import Sequence

MILLION = 1_000_000
RATE_PPM = 4_900
"""Of true time, each way: two hosts differ by less than ρ = 1 % (MEMBERSHIP §2)."""


class FakeClock:
    """CLOCK_BOOTTIME of one boot: true nanoseconds in, this host's nanoseconds out."""

    __slots__ = ("_booted_ns", "_rate", "_uptime_ns")

    def __init__(self, booted_ns: int, uptime_ns: int, ppm: int) -> None:
        self._booted_ns = booted_ns
        self._uptime_ns = uptime_ns
        self._rate = MILLION + ppm

    def at(self, true_ns: int) -> int:
        """Return what this clock shows at a true instant."""
        return self._uptime_ns + (true_ns - self._booted_ns) * self._rate // MILLION

    def all_at(self, true_ns: Sequence[int]) -> list[int]:
        """Return what this clock showed at many instants; 0 (never) stays 0."""
        uptime, booted, rate = self._uptime_ns, self._booted_ns, self._rate
        return [uptime + (at - booted) * rate // MILLION if at else 0 for at in true_ns]

    def skip(self, slept_ns: int) -> None:
        """Forget that this true time has passed, as CLOCK_MONOTONIC does while a machine is suspended."""
        self._booted_ns += slept_ns

    def lasts(self, own_ns: int) -> int:
        """Return how long an interval of this clock lasts in true time."""
        return own_ns * MILLION // self._rate
