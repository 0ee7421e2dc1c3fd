"""One leaf: do these items fit into these bins?

Asks in the order of cost: greedy packers, pattern LP, CP-SAT, arc-flow. A "yes" leaves this module only after
the independent verifier has agreed. Must never answer "no" without a proof in integers (prices, or CP-SAT;
SCIP's floats are not enough): what the limit cuts off is Open.
"""

from __future__ import annotations

from hacore.clock import Deadline
from hacore.kernel import planning as kernel
from planner.errors import PlanRejected
from planner.placement.packing import Instance, Item, Open, Outcome, Packed, Refuted
from planner.placement.units import in_units
from planner.placement.verify import verify_packing

BRIEF_SHARE = 1 / 20
"""Of the time: CP-SAT finds early what it finds. Arc-flow gets the rest, or CP-SAT where no flow is built."""
FLOW_SHARE = 2 / 3
"""Of the time of arc-flow for SCIP; what is left is for CP-SAT to confirm a "no"."""


def decide(instance: Instance, deadline: Deadline) -> Outcome:
    """Return a verified packing, a refutation, or Open if the deadline came first.

    Raises PlanRejected if a solver's packing is none: a bug.
    """
    outcome = _obvious(instance) or _search(in_units(instance), deadline)
    if isinstance(outcome, Packed):
        violations = verify_packing(instance, outcome)
        if violations:
            raise PlanRejected(violations)
    return outcome


def _obvious(instance: Instance) -> Refuted | None:
    """Refute an item that fits nowhere, or more bytes than there are."""
    for i, item in enumerate(instance.items):
        if item.count and not any(_fits(item, b, c) for b, c in enumerate(instance.capacities)):
            return Refuted(tuple(int(j == i) for j in range(len(instance.items))), "greedy")
    if sum(item.size * item.count for item in instance.items) > sum(instance.capacities):
        return Refuted(tuple(item.size for item in instance.items), "greedy")
    return None


def _fits(item: Item, b: int, capacity: int) -> bool:
    return bool(item.bins >> b & 1) and item.size <= capacity


def _search(instance: Instance, deadline: Deadline) -> Outcome:
    for ask in (_ask_packers, _ask_pattern_lp, _ask_cp_sat_briefly, _ask_arc_flow, _ask_cp_sat):
        outcome = ask(instance, deadline)
        if not isinstance(outcome, Open) or deadline.passed():
            return outcome
    return outcome


def _ask_packers(instance: Instance, deadline: Deadline) -> Outcome:
    items = instance.items
    columns = [item.size for item in items], [item.bins for item in items], [item.count for item in items]
    counts = kernel.pack(instance.capacities, *columns)
    return Open("greedy") if counts is None else Packed(counts, "greedy")


def _ask_pattern_lp(instance: Instance, deadline: Deadline) -> Outcome:
    from planner.placement import pattern

    return pattern.decide(instance, deadline)


def _ask_cp_sat_briefly(instance: Instance, deadline: Deadline) -> Outcome:
    brief = Deadline.after(deadline.clock, deadline.left_seconds() * BRIEF_SHARE)
    return _ask_cp_sat(instance, brief)


def _ask_cp_sat(instance: Instance, deadline: Deadline) -> Outcome:
    from planner.placement import solver

    answer = solver.assign(instance, deadline)
    if answer.counts is not None:
        return Packed(answer.counts, "cp-sat")
    return Refuted(None, "cp-sat") if answer.verdict == "infeasible" else Open("cp-sat")


def _ask_arc_flow(instance: Instance, deadline: Deadline) -> Outcome:
    from planner.placement import arcflow, solver

    flow = arcflow.build(instance)
    if flow is None:
        return Open("arc-flow")
    share = Deadline.after(deadline.clock, deadline.left_seconds() * FLOW_SHARE)
    verdict, values = solver.integers(flow.tops, flow.rows, share)
    if verdict == "infeasible":
        # A branch and cut in floats is no proof: see `solver.integers`.
        ranges = [(0, top) for top in flow.tops]
        verdict, values = solver.choose(ranges, [0] * len(ranges), flow.rows, (), deadline)
    if values is not None:
        return Packed(arcflow.packing(flow, values), "arc-flow")
    return Refuted(None, "arc-flow") if verdict == "infeasible" else Open("arc-flow")
