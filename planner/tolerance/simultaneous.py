"""The simultaneous tolerance of counted VMs: closed bounds, search, quorum cap, proof.

Units may be hosts or whole domains. Decides no packing itself, and never says more than one of the proofs
does.
"""

from __future__ import annotations

from hacore.clock import Deadline
from planner.results import Bounds, SolverUse, Witness
from planner.tolerance.bounds import closed_form
from planner.tolerance.counts import Counted
from planner.tolerance.explain import witness
from planner.tolerance.search import search

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
    closed = closed_form(counted)
    ceiling = counted.units if cap is None else cap
    found = search(counted, closed, cap=ceiling, deadline=deadline, solve=solve)
    if found.upper > ceiling:
        bounds = Bounds(min(found.lower, ceiling), ceiling, found.method, QUORUM)
    else:
        proof = witness(counted, found.lost, closed.most, deadline) if explained else None
        bounds = Bounds(found.lower, found.upper, found.method, proof)
    return bounds, found.solver
