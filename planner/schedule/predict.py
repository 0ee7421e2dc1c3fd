"""Predict when a plan has restarted its VMs (B10). Reads the plan as it is and changes nothing in it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby

from planner.model import Pool
from planner.results import Placement, Plan
from planner.schedule.detection import detection_of
from planner.schedule.pace import Pace, boot_seconds_of
from planner.schedule.prediction import Prediction, RecoveryTime, WaveTimes
from planner.schedule.timeline import Boot, Start, makespan_seconds, timeline


def predict(
    pool: Pool, failed: Sequence[str], placements: Iterable[Placement], *, complete: bool, pace: Pace
) -> Prediction:
    """Return when the VMs of a plan serve again, from the failure of `failed` (uuids) on.

    With nothing to restart the pool has recovered at once.
    """
    detection = detection_of(pool, failed, pace)
    boots = [_boot(pool, placement, pace) for placement in placements]
    starts = list(timeline(boots, pace.boot_slots))
    protected = [start for start in starts if pool.vm_by_uuid[start.boot.vm].protected]
    recovery = detection.seconds + makespan_seconds(protected) if protected else 0.0
    return Prediction(
        detection=detection,
        pace=pace,
        vm_up_seconds={start.boot.vm: detection.seconds + start.up_seconds for start in starts},
        waves=_waves(starts, detection.seconds),
        recovery_seconds=recovery if complete else None,
    )


def recovery_of(plan: Plan) -> RecoveryTime:
    """Return when the failure that a plan is for is over, as the plan says."""
    assert plan.prediction is not None, "a plan without a prediction is not finished"
    return RecoveryTime(plan.prediction.recovery_seconds, plan.complete or plan.optimal)


def _boot(pool: Pool, placement: Placement, pace: Pace) -> Boot:
    return Boot(
        vm=placement.vm,
        host=placement.to_host,
        wave=placement.wave,
        boot_seconds=boot_seconds_of(pool.vm_by_uuid[placement.vm], pace),
        start_delay_seconds=placement.start_delay_seconds,
    )


def _waves(starts: Sequence[Start], begin_seconds: float) -> tuple[WaveTimes, ...]:
    waves = groupby(starts, key=lambda start: start.boot.wave)
    return tuple(_wave(number, list(wave), begin_seconds) for number, wave in waves)


def _wave(number: int, starts: Sequence[Start], begin_seconds: float) -> WaveTimes:
    first = min(start.starts_seconds for start in starts)
    return WaveTimes(number, begin_seconds + first, begin_seconds + makespan_seconds(starts))
