"""Greedy packers for bins that have more than memory: rooms of other resources beside the capacity.

Tries the memory packers first, whose packings mostly keep the other resources too, then places VM by VM: the
scarcest first, each where most of its scarcest resource is left, or where it fits most tightly. None proves
nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from heapq import heapify, heappop, heapreplace

from hacore.kernel.planning import pack
from planner.placement.packing import Instance, Item
from planner.placement.solver import Counts

MEMORY_PACKERS = (5, 0)
"""Strategies of the kernel: worst fit, which spreads, and best fit."""
SCALE = 1 << 20
"""Shares of a resource are compared in whole parts of this."""


def pack_all(instance: Instance) -> Counts | None:
    """Return a packing that keeps capacities and rooms; None if no packer finds one."""
    for counts in _by_memory(instance):
        if keeps_rooms(instance, counts):
            return counts
    shares = _Shares(instance)
    for order in (shares.scarcest_first(), _largest_first(instance)):
        for level in (True, False):
            found = _one_by_one(instance, shares, order, level)
            if found is not None:
                return found
    return None


def _by_memory(instance: Instance) -> Iterator[Counts]:
    items = instance.items
    for strategy in MEMORY_PACKERS:
        counts = pack(
            instance.capacities,
            [item.size for item in items],
            [item.bins for item in items],
            [item.count for item in items],
            strategy=strategy,
        )
        if counts is not None:
            yield counts


def keeps_rooms(instance: Instance, counts: Counts) -> bool:
    """Tell whether a packing by memory keeps the other resources too."""
    left = [list(room) for room in instance.rooms]
    if not left:
        return True
    for item, row in zip(instance.items, counts, strict=True):
        for resource, amount in item.uses:
            room = left[resource]
            for b, count in enumerate(row):
                if count:
                    room[b] -= amount * count
                    if room[b] < 0:
                        return False
    return True


class _Shares:
    """What one VM takes of all there is: a fraction of the capacity and of each resource, in SCALE parts."""

    def __init__(self, instance: Instance) -> None:
        self.items = instance.items
        self.memory = max(1, sum(instance.capacities))
        self.rooms = [max(1, sum(room)) for room in instance.rooms]

    def of(self, item: Item) -> int:
        """Return the greatest share that one VM takes of anything."""
        shares = [item.size * SCALE // self.memory]
        shares += [amount * SCALE // self.rooms[r] for r, amount in item.uses]
        return max(shares)

    def scarcest_first(self) -> list[int]:
        """Return the items in the order of what they take, the fewest bins first among equals."""
        items = self.items
        return sorted(range(len(items)), key=lambda i: (-self.of(items[i]), items[i].bins.bit_count(), i))


def _largest_first(instance: Instance) -> list[int]:
    """Return the items by the bins they may go to and their size: those that are bound come first."""
    items = instance.items
    return sorted(range(len(items)), key=lambda i: (-len(items[i].uses), -items[i].size, i))


def _one_by_one(instance: Instance, shares: _Shares, order: Sequence[int], level: bool) -> Counts | None:
    free = list(instance.capacities)
    left = [list(room) for room in instance.rooms]
    counts = [[0] * len(free) for _ in instance.items]
    for i in order:
        if not _place(instance.items[i], free, left, shares, level, counts[i]):
            return None
    return tuple(map(tuple, counts))


def _place(
    item: Item, free: list[int], left: Sequence[list[int]], shares: _Shares, level: bool, counts: list[int]
) -> bool:
    """Place all VMs of an item, each in the bin with most of its scarcest resource left, the one with least
    if not `level`; tell whether all found one.

    Of equal VMs each changes only the bin that it goes to, so the bins wait in a heap.
    """
    uses = [(left[resource], amount, shares.rooms[resource]) for resource, amount in item.uses]
    sign = -1 if level else 1

    def rest_of(b: int) -> int | None:
        rest = free[b] * SCALE // shares.memory
        for there, amount, total in uses:
            if there[b] < amount:
                return None
            rest = min(rest, there[b] * SCALE // total)
        return rest

    open_bins = [b for b, room in enumerate(free) if room >= item.size and item.bins >> b & 1]
    heap = [(sign * rest, b) for b in open_bins if (rest := rest_of(b)) is not None]
    heapify(heap)
    for _ in range(item.count):
        if not heap:
            return False
        _, b = heap[0]
        free[b] -= item.size
        for there, amount, _ in uses:
            there[b] -= amount
        counts[b] += 1
        rest = rest_of(b) if free[b] >= item.size else None
        if rest is None:
            heappop(heap)
        else:
            heapreplace(heap, (sign * rest, b))
    return True
