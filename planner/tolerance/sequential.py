"""Closed bounds of the sequential tolerance (TOLERANCE §6).

Below: the history-free certificate, and one failure is one failure whether alone or first. Above: the
simultaneous figure, with its witness. `deeper` betters them by search. Must never claim a figure that depends
on how VMs were restarted.
"""

from __future__ import annotations

from hacore.clock import Deadline
from planner.results import Bounds
from planner.tolerance.bounds import history_free
from planner.tolerance.counts import Counted


def bounds(counted: Counted, simultaneous: Bounds, cap: int | None, deadline: Deadline) -> Bounds:
    """Return the sequential bounds of counted VMs, given the simultaneous ones (capped alike)."""
    without_history = _history_free(counted, simultaneous.upper, deadline)
    if cap is not None:
        without_history = min(without_history, cap)
    first = min(simultaneous.lower, _alike(counted))
    lower, method = max(
        (without_history, "certificate"), (first, simultaneous.method), key=lambda proof: proof[0]
    )
    return Bounds(min(lower, simultaneous.upper), simultaneous.upper, method, simultaneous.witness)


def _history_free(counted: Counted, most: int, deadline: Deadline) -> int:
    if not counted.problem.resources:
        return history_free(counted)
    from planner.tolerance.blocking import Certificate

    return Certificate(counted, any_order=True).lower(most, deadline)


def _alike(counted: Counted) -> int:
    """Return up to how many failures both figures agree: where VMs that are down go is a choice."""
    return 0 if any(counted.layout.down) else 1
