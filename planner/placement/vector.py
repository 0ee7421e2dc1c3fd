"""Greedy packers for bins that have more than memory: rooms of other resources beside the capacity.

Tries the memory packers first, whose packings mostly keep the other resources too, then places VM by VM: the
scarcest first, each where most of its scarcest resource is left, or where it fits most tightly. None proves
nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

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
        item = instance.items[i]
        for _ in range(item.count):
            b = _best(item, free, left, shares, level)
            if b is None:
                return None
            free[b] -= item.size
            for resource, amount in item.uses:
                left[resource][b] -= amount
            counts[i][b] += 1
    return tuple(map(tuple, counts))


def _best(
    item: Item, free: Sequence[int], left: Sequence[Sequence[int]], shares: _Shares, level: bool
) -> int | None:
    """Return the bin with most of its scarcest resource left, the one with least if not `level`."""
    best, best_rest = None, 0
    for b, room in enumerate(free):
        if room < item.size or not item.bins >> b & 1:
            continue
        if any(left[resource][b] < amount for resource, amount in item.uses):
            continue
        rest = room * SCALE // shares.memory
        for resource, _ in item.uses:
            rest = min(rest, left[resource][b] * SCALE // shares.rooms[resource])
        if best is None or (rest > best_rest if level else rest < best_rest):
            best, best_rest = b, rest
    return best
