"""Who does not fit where hosts have more than memory: the VMs and the reason of a witness.

Decides which constraint is named for a lost set: the first of memory, reach, vCPUs, groups that, together
with those before it, refutes. Must never call a set lost itself: that is proved before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from hacore.clock import Deadline
from planner.placement.packing import Instance, Refuted
from planner.placement.problem import DOWN
from planner.results import Witness, WitnessReason
from planner.tolerance.constrained import Relaxed, Settled
from planner.tolerance.counts import Counted, leaf
from planner.tolerance.explain import witness
from planner.tolerance.search import Lost

REASON_SECONDS = 1.0
"""Time to find out whether fewer constraints lose the set; after it the last that matters is named."""


def scarcity(counted: Counted, settled: Settled, deadline: Deadline, *, solve: bool = True) -> Witness:
    """Return the witness of the upper bound: its hosts, VMs of which no packing places all, and why."""
    lost = settled.found.lost
    if settled.relaxed is not None:
        return _by_relaxed(settled.relaxed, lost, deadline)
    problem = counted.problem
    hosts = tuple(problem.hosts[host] for host in counted.hosts_of(lost.units))
    vms = _restarting(counted, lost.units)
    if len(lost.units) == counted.units:
        return Witness(hosts, vms[:1], "all_hosts")
    if not lost.units:
        return Witness(hosts, vms, "down")
    reason, needed = _reason(counted, lost, vms, deadline, solve)
    return Witness(hosts, needed, reason)


def _by_relaxed(relaxed: Relaxed, lost: Lost, deadline: Deadline) -> Witness:
    return witness(relaxed.counted, lost, relaxed.closed.most, deadline)


def _restarting(counted: Counted, units: Sequence[int]) -> tuple[str, ...]:
    problem = counted.problem
    gone = {DOWN, *counted.hosts_of(units)}
    return tuple(vm for vm, home in zip(problem.vms, problem.home, strict=True) if home in gone)


def _reason(
    counted: Counted, lost: Lost, vms: tuple[str, ...], deadline: Deadline, solve: bool
) -> tuple[WitnessReason, tuple[str, ...]]:
    instance, _ = leaf(counted, lost.units)
    if solve and _refuted(instance.relaxed, deadline):
        everywhere = (1 << len(instance.capacities)) - 1
        agile = replace(
            instance.relaxed, items=tuple(replace(item, bins=everywhere) for item in instance.items)
        )
        return ("memory" if _refuted(agile, deadline) else "reach"), vms
    reasons = [resource.reason for resource in counted.problem.resources]
    single = _by_one_resource(counted, instance, lost, vms)
    if single is not None:
        return single
    if "affinity" not in reasons:
        return "cpu", vms
    with_cpus = tuple(
        room if reason == "cpu" else (1 << 40,) * len(room)
        for room, reason in zip(instance.rooms, reasons, strict=True)
    )
    if "cpu" in reasons and solve and _refuted(replace(instance, rooms=with_cpus), deadline):
        return "cpu", vms
    return "affinity", vms


def _by_one_resource(
    counted: Counted, instance: Instance, lost: Lost, vms: tuple[str, ...]
) -> tuple[WitnessReason, tuple[str, ...]] | None:
    """Return the first resource of which more is asked than the VMs' hosts have, with those who ask."""
    uses = dict(zip(counted.problem.vms, counted.problem.uses, strict=True))
    for resource, each in enumerate(counted.problem.resources):
        takers = [item for item in instance.items if dict(item.uses).get(resource)]
        area = 0
        for item in takers:
            area |= item.bins
        room = sum(free for b, free in enumerate(instance.rooms[resource]) if area >> b & 1)
        if sum(dict(item.uses)[resource] * item.count for item in takers) > room:
            return each.reason, tuple(vm for vm in vms if dict(uses[vm]).get(resource))
    return None


def _refuted(instance: Instance, deadline: Deadline) -> bool:
    from planner.placement.leaf import decide

    limit = min(REASON_SECONDS, deadline.left_seconds())
    return isinstance(decide(instance, Deadline.after(deadline.clock, limit)), Refuted)
