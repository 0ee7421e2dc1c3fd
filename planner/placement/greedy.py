"""Greedy packers on multisets: a quick yes, never a no.

Each rule puts the items in decreasing order of size, then those with fewer allowed bins first; equal items
go together. What one rule misses another often finds. Knows nothing of pools, clocks and solvers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from planner.placement.packing import Instance, Item, Packed

Choice = Callable[[list[int], Sequence[int], int], int]
"""(free, allowed bins, size) → the bin for one item, or -1."""


def pack(instance: Instance) -> Packed | None:
    """Return a packing that some rule finds, else None (which proves nothing)."""
    for order in _orders(instance):
        for choose in (_best, _worst, _first):
            counts = _run(instance, order, choose)
            if counts is not None:
                return Packed(counts, "greedy")
    return None


def _orders(instance: Instance) -> Iterator[list[int]]:
    items = instance.items
    by_size = sorted(
        range(len(items)), key=lambda i: (-items[i].size, items[i].bins.bit_count(), items[i].bins)
    )
    yield by_size
    by_reach = sorted(by_size, key=lambda i: items[i].bins.bit_count())
    if by_reach != by_size:
        yield by_reach


def _run(instance: Instance, order: list[int], choose: Choice) -> tuple[tuple[int, ...], ...] | None:
    free = list(instance.capacities)
    counts = [[0] * len(free) for _ in instance.items]
    for i in order:
        if not _place(instance.items[i], free, counts[i], choose):
            return None
    return tuple(map(tuple, counts))


def _place(item: Item, free: list[int], row: list[int], choose: Choice) -> bool:
    allowed = [b for b in range(len(free)) if item.bins >> b & 1]
    left = item.count
    while left:
        b = choose(free, allowed, item.size)
        if b < 0:
            return False
        # Best and first fit would choose the same bin again as long as it holds one more.
        step = 1 if choose is _worst else min(left, free[b] // item.size)
        free[b] -= step * item.size
        row[b] += step
        left -= step
    return True


def _best(free: list[int], allowed: Sequence[int], size: int) -> int:
    return min((b for b in allowed if free[b] >= size), key=lambda b: (free[b], b), default=-1)


def _worst(free: list[int], allowed: Sequence[int], size: int) -> int:
    return max((b for b in allowed if free[b] >= size), key=lambda b: (free[b], -b), default=-1)


def _first(free: list[int], allowed: Sequence[int], size: int) -> int:
    return next((b for b in allowed if free[b] >= size), -1)
