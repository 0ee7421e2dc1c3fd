"""One leaf: do these items fit into these bins?

Asks in the order of cost: greedy packers, pattern LP, CP-SAT, arc-flow. Where bins have rooms beside their
capacity, the LP may only refute, and arc-flow is not asked. A "yes" leaves this module only after
the independent verifier has agreed. Must never answer "no" without a proof in integers (prices, or CP-SAT;
SCIP's floats are not enough): what the limit cuts off is Open.
"""

from __future__ import annotations

from collections.abc import Callable

from hacore.clock import Deadline
from hacore.kernel import planning as kernel
from planner.errors import PlanRejected
from planner.placement.packing import Instance, Item, Open, Outcome, Packed, Refuted
from planner.placement.units import in_units
from planner.placement.vector import keeps_rooms, pack_all
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
    return Refuted(None, "greedy") if any(map(_too_much, *_asked(instance))) else None


def _asked(instance: Instance) -> tuple[list[int], list[int]]:
    """Return what all items take of each resource, and what there is of it."""
    asked = [0] * len(instance.rooms)
    for item in instance.items if instance.rooms else ():
        for resource, amount in item.uses:
            asked[resource] += amount * item.count
    return asked, [sum(room) for room in instance.rooms]


def _too_much(asked: int, there: int) -> bool:
    return asked > there


def _fits(item: Item, b: int, capacity: int) -> bool:
    return bool(item.bins >> b & 1) and item.size <= capacity


def _search(instance: Instance, deadline: Deadline) -> Outcome:
    for ask in WITH_ROOMS if instance.rooms else BY_MEMORY:
        outcome = ask(instance, deadline)
        if not isinstance(outcome, Open) or deadline.passed():
            return outcome
    return outcome


def _ask_packers(instance: Instance, deadline: Deadline) -> Outcome:
    if instance.rooms:
        found = pack_all(instance)
        return Open("greedy") if found is None else Packed(found, "greedy")
    items = instance.items
    columns = [item.size for item in items], [item.bins for item in items], [item.count for item in items]
    counts = kernel.pack(instance.capacities, *columns)
    return Open("greedy") if counts is None else Packed(counts, "greedy")


def _ask_pattern_lp(instance: Instance, deadline: Deadline) -> Outcome:
    from planner.placement import pattern

    outcome = pattern.decide(instance, deadline)
    if isinstance(outcome, Packed) and not keeps_rooms(instance, outcome.counts):
        return Open(outcome.method)
    return outcome


def _ask_cp_sat_briefly(instance: Instance, deadline: Deadline) -> Outcome:
    brief = deadline.part(BRIEF_SHARE)
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
    share = deadline.part(FLOW_SHARE)
    verdict, values = solver.integers(flow.tops, flow.rows, share)
    if verdict == "infeasible":
        # A branch and cut in floats is no proof: see `solver.integers`.
        ranges = [(0, top) for top in flow.tops]
        verdict, values = solver.choose(ranges, [0] * len(ranges), flow.rows, (), deadline)
    if values is not None:
        return Packed(arcflow.packing(flow, values), "arc-flow")
    return Refuted(None, "arc-flow") if verdict == "infeasible" else Open("arc-flow")


Ask = Callable[[Instance, Deadline], Outcome]
BY_MEMORY: tuple[Ask, ...] = (
    _ask_packers,
    _ask_pattern_lp,
    _ask_cp_sat_briefly,
    _ask_arc_flow,
    _ask_cp_sat,
)
WITH_ROOMS: tuple[Ask, ...] = (_ask_packers, _ask_pattern_lp, _ask_cp_sat)
