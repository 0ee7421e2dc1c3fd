"""The simultaneous tolerance of counted VMs: closed bounds, search, quorum cap, proof.

Units may be hosts or whole domains. Decides no packing itself, and never says more than one of the proofs
does.
"""

from __future__ import annotations

from collections.abc import Callable

from hacore.clock import Deadline
from planner.results import Bounds, SolverUse, Witness
from planner.tolerance.bounds import closed_form
from planner.tolerance.counts import Counted
from planner.tolerance.explain import witness
from planner.tolerance.search import Found, search

QUORUM = Witness(hosts=(), vms=(), reason="quorum")


def capped(failures: int, cap: int | None) -> Bounds:
    """Return a figure that only the quorum may limit."""
    if cap is not None and cap < failures:
        return Bounds(cap, cap, "trivial", QUORUM)
    return Bounds(failures, failures, "trivial")


def simultaneous_bounds(
    counted: Counted, cap: int | None, deadline: Deadline, *, solve: bool = True, explained: bool = True
) -> tuple[Bounds, SolverUse]:
    """Return the bounds of the failures of units at once, capped; `cap` counts units.

    Without `explained` the upper bound comes without its witness: for those who only count.
    """
    ceiling = counted.units if cap is None else cap
    found, explain = _found(counted, ceiling, deadline, solve)
    if found.upper > ceiling:
        bounds = Bounds(min(found.lower, ceiling), ceiling, found.method, QUORUM)
    else:
        bounds = Bounds(found.lower, found.upper, found.method, explain() if explained else None)
    return bounds, found.solver


def level(counted: Counted, failures: int, deadline: Deadline) -> Found:
    """Return bounds that matter up to so many failures, without a witness: for those who ask one level."""
    return _found(counted, failures, deadline, solve=True)[0]


def _found(
    counted: Counted, ceiling: int, deadline: Deadline, solve: bool
) -> tuple[Found, Callable[[], Witness]]:
    """Return the bounds, and how to come by the witness of the upper one."""
    if counted.problem.resources:
        from planner.tolerance.constrained import search_constrained
        from planner.tolerance.scarcity import scarcity

        settled = search_constrained(counted, cap=ceiling, deadline=deadline, solve=solve)
        return settled.found, lambda: scarcity(counted, settled, deadline, solve=solve)
    closed = closed_form(counted)
    found = search(counted, closed, cap=ceiling, deadline=deadline, solve=solve)
    return found, lambda: witness(counted, found.lost, closed.most, deadline)
