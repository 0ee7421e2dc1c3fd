"""Clocks for those who must not depend on how fast the machine is."""

from __future__ import annotations


class StillClock:
    """Time stands still: no limit is ever reached, so an answer cannot depend on the machine's speed."""

    def monotonic_ns(self) -> int:
        return 0

    def wall_seconds(self) -> float:
        return 0.0
