"""How long a host failure lasts: what is predicted for each host, and the worst of them beside the objective.

Pure. What is not known is never taken for short: a worst case is told only when every host has an answer, or
when one of them settles it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import inf

from planner.model import Pool
from planner.schedule.pace import USUAL_PACE, Pace
from planner.schedule.prediction import RecoveryTime


@dataclass(frozen=True, slots=True)
class RecoverySettings:
    """What operators say of one pool: how fast it restarts, and how fast it is to (None: they do not say)."""

    pace: Pace = USUAL_PACE
    objective_seconds: float | None = None


USUAL_RECOVERY = RecoverySettings()


@dataclass(frozen=True, slots=True)
class Worst:
    """The host whose failure lasts longest, and for how long; infinite: not all protected VMs restart."""

    host: str
    seconds: float


def seconds_of(recovery: RecoveryTime) -> float | None:
    """Return how long a failure lasts, infinite if for ever; None while that is open."""
    if recovery.seconds is None:
        return inf if recovery.proven else None
    return recovery.seconds


def worst(pool: Pool, recoveries: Mapping[str, RecoveryTime]) -> Worst | None:
    """Return the worst over all single failures of hosts in service; None while it is not known."""
    known = list(_known(pool, recoveries))
    longest = max(known, key=lambda one: one.seconds, default=None)
    if longest is None or (len(known) < len(pool.hosts_in_service) and longest.seconds < inf):
        return None
    return longest


def _known(pool: Pool, recoveries: Mapping[str, RecoveryTime]) -> Iterable[Worst]:
    for host in pool.hosts_in_service:
        recovery = recoveries.get(host.uuid)
        seconds = None if recovery is None else seconds_of(recovery)
        if seconds is not None:
            yield Worst(host.uuid, seconds)
