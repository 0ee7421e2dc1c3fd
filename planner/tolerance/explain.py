"""Who does not fit: the VMs and the reason of a witness.

Decides which VMs to show for a lost failure set (as few as a closed-form proof needs) and whether memory alone
loses it. Must never call a set lost itself: that is proved before.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import replace

from hacore.clock import Deadline
from hacore.kernel import pack
from planner.placement.packing import Refuted
from planner.placement.problem import DOWN
from planner.results import Witness, WitnessReason
from planner.tolerance.counts import Counted, leaf
from planner.tolerance.search import Lost

REASON_SECONDS = 1.0
"""Time to find out whether memory alone loses the set; after it the reason is reach."""


def witness(counted: Counted, lost: Lost, most: array[int], deadline: Deadline) -> Witness:
    """Return the witness of a lost set: its hosts, VMs of which no packing places all, and why."""
    problem = counted.problem
    hosts = tuple(problem.hosts[h] for h in counted.hosts_of(lost.units))
    vms = tuple(problem.vms[i] for i in _vms(counted, lost, most))
    return Witness(hosts, vms, _reason(counted, lost, most, deadline))


def _reason(counted: Counted, lost: Lost, most: array[int], deadline: Deadline) -> WitnessReason:
    if not lost.units:
        return "down"
    if len(lost.units) == counted.units:
        return "all_hosts"
    return "memory" if _memory_alone(counted, lost, most, deadline) else "reach"


def _memory_alone(counted: Counted, lost: Lost, most: array[int], deadline: Deadline) -> bool:
    """Tell whether the set were lost too if every VM could run everywhere."""
    everywhere = counted.problem.everywhere
    failed = counted.mask_of(lost.units)
    if all(mask | failed == everywhere for mask in counted.masks):
        return True
    anywhere = replace(counted, masks=(everywhere,) * len(counted.masks))
    if _proof(anywhere, _restarting(counted, lost.units), everywhere & ~failed, most):
        return True
    instance, _ = leaf(anywhere, lost.units)
    items = instance.items
    greedy = pack(
        instance.capacities, [i.size for i in items], [i.bins for i in items], [i.count for i in items]
    )
    if greedy is not None:
        return False
    from planner.placement.leaf import decide

    limit = min(REASON_SECONDS, deadline.left_seconds())
    return isinstance(decide(instance, Deadline.after(deadline.clock, limit)), Refuted)


def _vms(counted: Counted, lost: Lost, most: array[int]) -> list[int]:
    """Return the fewest VMs that a threshold proof needs, else those with a price, else all that must restart."""
    problem = counted.problem
    failed = counted.mask_of(lost.units)
    restarting = _restarting(counted, lost.units)
    proofs = []
    for area in dict.fromkeys((problem.everywhere, problem.everywhere if lost.area is None else lost.area)):
        inside = [i for i in restarting if not problem.candidates[i] & ~failed & ~area]
        proofs.append(_proof(counted, inside, area & ~failed, most))
    found = [proof for proof in proofs if proof]
    if found:
        return sorted(min(found, key=len))
    if lost.prices is not None:
        priced = _priced(counted, lost.prices, restarting)
        if priced:
            return priced
    return sorted(restarting)


def _restarting(counted: Counted, units: Sequence[int]) -> list[int]:
    """Return the VMs that must restart after these units failed, the largest first."""
    problem = counted.problem
    failed = counted.mask_of(units)
    found = [i for i, home in enumerate(problem.home) if home == DOWN or failed >> home & 1]
    return sorted(found, key=lambda i: (-problem.need_bytes[i], i))


def _proof(counted: Counted, vms: Sequence[int], area: int, most: array[int]) -> list[int]:
    """Return the fewest of the VMs, largest first, that cannot all be inside the area; empty if none are proved.

    For each need s that occurs: more VMs of at least s than the area has slots of s, or more memory than its
    hosts can fill with such VMs.
    """
    problem, hosts = counted.problem, len(counted.problem.hosts)
    inside = [h for h in range(hosts) if area >> h & 1]
    best: list[int] = []
    unit_needs = dict(zip(counted.needs, counted.loose.needs, strict=True))
    first_kind = {need: kind for kind, need in reversed(list(enumerate(counted.needs)))}
    for need in {problem.need_bytes[i] for i in vms}:
        large = [i for i in vms if problem.need_bytes[i] >= need]
        slots = sum(problem.free_bytes[h] // need for h in inside)
        held = sum(most[first_kind[need] * hosts + h] for h in inside)
        for proof in (
            large[: slots + 1] if len(large) > slots else [],
            _heavier(counted, large, held, unit_needs),
        ):
            if proof and (not best or len(proof) < len(best)):
                best = proof
    return best


def _heavier(counted: Counted, vms: Sequence[int], held: int, unit_needs: dict[int, int]) -> list[int]:
    total = 0
    for n, i in enumerate(vms, 1):
        total += unit_needs[counted.problem.need_bytes[i]]
        if total > held:
            return list(vms[:n])
    return []


def _priced(counted: Counted, prices: Sequence[int], restarting: Sequence[int]) -> list[int]:
    """Return the restarting VMs of kinds that have a price."""
    problem = counted.problem
    price = dict(zip(zip(counted.needs, counted.masks, strict=True), prices, strict=True))
    unit_of = {host: hosts for hosts in counted.unit_hosts for host in hosts}
    found = []
    for i in restarting:
        own = 0 if problem.home[i] == DOWN else sum(1 << h for h in unit_of[problem.home[i]])
        if price[problem.need_bytes[i], problem.candidates[i] | own]:
            found.append(i)
    return sorted(found)
