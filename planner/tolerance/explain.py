"""Who does not fit: the VMs and the reason of a witness.

Decides which VMs to show for a lost failure set (as few as a closed-form proof needs) and whether memory
alone loses it. Must never call a set lost itself: that is proved before.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from hacore.clock import Deadline
from hacore.kernel.planning import pack
from planner.placement.packing import Refuted
from planner.placement.problem import DOWN
from planner.results import Witness, WitnessReason
from planner.tolerance.counts import Counted, leaf
from planner.tolerance.search import Lost

REASON_SECONDS = 1.0
"""Time to find out whether memory alone loses the set; after it the reason is reach."""


def witness(counted: Counted, lost: Lost, most: array[int], deadline: Deadline) -> Witness:
    """Return the witness of a lost set: its hosts, VMs of which no packing places all, and why.

    Where the reason is memory, the VMs would not fit either if they could run everywhere.
    """
    problem = counted.problem
    hosts = tuple(problem.hosts[h] for h in counted.hosts_of(lost.units))
    reason, vms = _cause(counted, lost, most, deadline)
    return Witness(hosts, tuple(problem.vms[i] for i in sorted(vms)), reason)


def _cause(
    counted: Counted, lost: Lost, most: array[int], deadline: Deadline
) -> tuple[WitnessReason, Sequence[int]]:
    if not lost.units:
        return "down", _vms(counted, lost, most)
    if len(lost.units) == counted.units:
        return "all_hosts", _restarting(counted, lost.units)[:1]
    failed, everywhere = counted.mask_of(lost.units), counted.problem.everywhere
    if all(mask | failed == everywhere for mask in counted.masks):
        return "memory", _vms(counted, lost, most)
    by_memory = _refused_by_memory(counted, lost, most, deadline)
    return ("memory", by_memory) if by_memory else ("reach", _vms(counted, lost, most))


def _refused_by_memory(counted: Counted, lost: Lost, most: array[int], deadline: Deadline) -> Sequence[int]:
    """Return VMs that would not fit even if all could run everywhere; empty if memory does not refute."""
    everywhere = counted.problem.everywhere
    restarting = _restarting(counted, lost.units)
    proof = _proof(counted, restarting, everywhere & ~counted.mask_of(lost.units), most)
    if proof:
        return proof
    instance, _ = leaf(replace(counted, masks=(everywhere,) * len(counted.masks)), lost.units)
    items = instance.items
    greedy = pack(
        instance.capacities, [i.size for i in items], [i.bins for i in items], [i.count for i in items]
    )
    if greedy is not None:
        return ()
    from planner.placement.leaf import decide

    limit = min(REASON_SECONDS, deadline.left_seconds())
    outcome = decide(instance, Deadline.after(deadline.clock, limit))
    return restarting if isinstance(outcome, Refuted) else ()


def _vms(counted: Counted, lost: Lost, most: array[int]) -> list[int]:
    """Return the fewest VMs that a threshold proof needs, else the priced ones, else all that restart."""
    problem = counted.problem
    failed = counted.mask_of(lost.units)
    restarting = _restarting(counted, lost.units)
    proofs: list[list[int]] = []
    for area in dict.fromkeys((problem.everywhere, problem.everywhere if lost.area is None else lost.area)):
        outside = problem.everywhere & ~area & ~failed
        inside = [i for i in restarting if not problem.candidates[i] & outside] if outside else restarting
        proofs.append(_proof(counted, inside, area & ~failed, most))
    found = [proof for proof in proofs if proof]
    if found:
        fewest = min(found, key=len)
        return sorted(fewest)
    if lost.prices is not None:
        priced = _priced(counted, lost.prices, restarting)
        if priced:
            return priced
    return sorted(restarting)


def _restarting(counted: Counted, units: Sequence[int]) -> list[int]:
    """Return the VMs that must restart after these units failed, the largest first."""
    problem = counted.problem
    gone = {DOWN, *counted.hosts_of(units)}
    found = [i for i, home in enumerate(problem.home) if home in gone]
    found.sort(key=problem.need_bytes.__getitem__, reverse=True)
    return found


def _proof(counted: Counted, vms: Sequence[int], area: int, most: array[int]) -> list[int]:
    """Return the fewest of the VMs (largest first) that cannot all be inside the area; empty if none are
    proved.

    For each need s that occurs: more VMs of at least s than the area has slots of s, or more memory than its
    hosts can fill with such VMs.
    """
    problem, hosts = counted.problem, len(counted.problem.hosts)
    inside = [h for h in range(hosts) if area >> h & 1]
    room = [problem.free_bytes[h] for h in inside]
    row_of = {need: row for row, need in reversed(list(enumerate(counted.needs)))}
    equal = Counter([problem.need_bytes[i] for i in vms])
    loads = [(counted.loose.needs[row_of[need]], same) for need, same in equal.items()]
    least, n, load = len(vms) + 1, 0, 0
    for (need, same), (floor, _) in zip(equal.items(), loads, strict=True):
        n += same
        load += floor * same
        slots = sum([free // need for free in room])
        if n > slots:
            least = min(least, slots + 1)
        row = row_of[need] * hosts
        held = sum([most[row + h] for h in inside])
        if load > held:
            least = min(least, _exceeding(loads, held))
    return list(vms[:least]) if least <= len(vms) else []


def _exceeding(loads: Sequence[tuple[int, int]], held: int) -> int:
    """Return how many VMs, taken kind by kind, weigh more than `held`; loads are (weight of one, number)."""
    n = weight = 0
    for floor, same in loads:
        if weight + floor * same > held:
            return n + (held - weight) // floor + 1
        n += same
        weight += floor * same
    raise AssertionError("all of them weigh no more")


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
