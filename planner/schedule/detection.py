"""From the last sign of life of a host until its VMs may be started elsewhere. Must never read a clock.

What xenhad guarantees (MEMBERSHIP G5): T·(1 + ρ), the time between two reads of the disk, and the granularity
of the watchdog, by which it may fire late. A host whose silence has lasted that long cannot be alive, so no
further wait follows; a host that fences itself is dead no later.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from planner.model import Pool
from planner.schedule.pace import Pace

RATE = 0.01
"""ρ: by how much two hosts' clocks may run at different rates (MEMBERSHIP §2)."""
GRANULARITY_SECONDS = 1.0
"""g of a watchdog device, the default of xenhad's configuration."""


@dataclass(frozen=True, slots=True)
class Detection:
    """Seconds until the failure is noticed for certain, then until the host has certainly stopped."""

    detection_seconds: float
    fence_wait_seconds: float

    @property
    def seconds(self) -> float:
        return self.detection_seconds + self.fence_wait_seconds


def detection_of(pool: Pool, failed: Sequence[str], pace: Pace) -> Detection:
    """Return what passes before restarts begin after hosts (uuids) failed.

    Nothing if none of them was live: what is down already is known to be.
    """
    if not any(pool.host_by_uuid[uuid].live for uuid in failed):
        return Detection(0.0, 0.0)
    if pace.detection_seconds is not None:
        return Detection(pace.detection_seconds, 0.0)
    timeout_seconds = float(pool.ha_timeout_seconds)
    return Detection(
        timeout_seconds * (1 + RATE) + read_interval_seconds(timeout_seconds), GRANULARITY_SECONDS
    )


def read_interval_seconds(timeout_seconds: float) -> float:
    """Return the time between two reads of the statefile: clamp(T/20, 0.1 s, 3 s) (MEMBERSHIP §2)."""
    return min(max(timeout_seconds / 20, 0.1), 3.0)
