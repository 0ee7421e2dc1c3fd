"""What is predicted of a plan: when each of its VMs serves again, and the pool. Values and their JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from planner.schedule.detection import Detection
from planner.schedule.pace import Pace


@dataclass(frozen=True, slots=True)
class WaveTimes:
    """When a wave begins and when the last of its VMs serves, in seconds from the failure."""

    wave: int
    starts_seconds: float
    up_seconds: float


@dataclass(frozen=True, slots=True)
class Prediction:
    """Seconds from the failure on. `recovery_seconds`: all protected VMs serve; None: not all restart."""

    detection: Detection
    pace: Pace
    vm_up_seconds: Mapping[str, float]
    waves: tuple[WaveTimes, ...]
    recovery_seconds: float | None

    def to_json(self) -> dict[str, Any]:
        recovery = self.recovery_seconds
        return {
            "detection_seconds": rounded(self.detection.detection_seconds),
            "fence_wait_seconds": rounded(self.detection.fence_wait_seconds),
            "restart_seconds": rounded(None if recovery is None else self._restart_seconds(recovery)),
            "boot_seconds": self.pace.boot_seconds,
            "boot_slots": self.pace.boot_slots,
            "waves": [
                {
                    "wave": wave.wave,
                    "starts_seconds": rounded(wave.starts_seconds),
                    "up_seconds": rounded(wave.up_seconds),
                }
                for wave in self.waves
            ],
        }

    def _restart_seconds(self, recovery_seconds: float) -> float:
        return max(0.0, recovery_seconds - self.detection.seconds)


@dataclass(frozen=True, slots=True)
class RecoveryTime:
    """Seconds from a failure until every protected VM serves; None: no plan restarts them all.

    `proven`: there is a plan, or it is proven that none restarts them all. Else the limit came first.
    """

    seconds: float | None
    proven: bool


def rounded(seconds: float | None) -> float | None:
    """Return seconds as they are told: to the millisecond."""
    return None if seconds is None else round(seconds, 3)
