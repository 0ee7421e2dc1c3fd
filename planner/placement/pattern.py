"""The pattern LP: prices that refute, or fractions of patterns to round (Gilmore & Gomory 1961).

Columns are loads of one bin; bins of equal capacity and allowed items form a group. Duals become integer
prices π, and what they claim is checked in integers: if the dearest loads of all bins (bounded by the counts)
are together worth less than all items, not everything fits, whatever the LP's floats say. If the LP finds
room for every item, its fractions are rounded bin by bin. Must never call anything refuted on a float's word.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from math import floor, inf

from hacore import kernel
from hacore.clock import Deadline
from planner.placement.packing import Instance, Open, Outcome, Packed, Refuted
from planner.placement.solver import EPSILON, Counts, Master, Relaxed
from planner.placement.units import in_units

PRICE_TOP = 1 << 20
"""The highest integer price: a millionth of it is as fine as the LP's own tolerance."""
PRODUCT_TOP = 1 << 61
ROUNDS_TOP = 400
CLOSE = 1.0005
"""Prices are good enough when their bound is within this factor of the LP's optimum."""


def decide(instance: Instance, deadline: Deadline) -> Outcome:
    """Return Refuted with prices, Packed by rounding, or Open. Sizes, counts and capacities are > 0."""
    generation = _Generation(instance, most=1.0)
    while not deadline.passed():
        relaxed = generation.master.solve(deadline)
        if relaxed is None:
            break
        if relaxed.share > 1 - EPSILON:
            return _rounded(generation, relaxed, deadline)
        offer = generation.offer(relaxed)
        if offer.worth < offer.asked:
            return Refuted(offer.prices, "pattern-lp")
        if not generation.extend(relaxed, offer):
            break
    return Open("pattern-lp")


def price_vector(instance: Instance, deadline: Deadline) -> tuple[int, ...] | None:
    """Return integer prices, one an item, under which the bins are worth least beside the items.

    They refute the instance if any prices do (up to rounding); otherwise they tell which sizes are scarce.
    None if the deadline came before any were found, or there is nothing to price.
    """
    if not any(item.count for item in instance.items) or not instance.capacities:
        return None
    generation = _Generation(in_units(instance), most=inf)
    best: _Offer | None = None
    for _ in range(ROUNDS_TOP):
        relaxed = None if deadline.passed() else generation.master.solve(deadline)
        if relaxed is None:
            break
        offer = generation.offer(relaxed)
        if best is None or offer.worth * best.asked < best.worth * offer.asked:
            best = offer
        if best.worth <= CLOSE * relaxed.share * best.asked or not generation.extend(relaxed, offer):
            break
    return best.prices if best else None


@dataclass(frozen=True, slots=True)
class _Group:
    """Equal bins: their capacity, the items that fit into one, the bins."""

    capacity: int
    inside: tuple[int, ...]
    bins: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Offer:
    """Integer prices, what all items cost, what all bins hold at most, and the dearest load of each group."""

    prices: tuple[int, ...]
    asked: int
    worth: int
    loads: tuple[tuple[int, ...], ...]


class _Generation:
    """An instance and the columns generated for it so far."""

    def __init__(self, instance: Instance, *, most: float) -> None:
        self.instance = instance
        self.groups = _groups(instance)
        self.counts = [item.count for item in instance.items]
        self.sizes = [item.size for item in instance.items]
        self.master = Master(self.counts, [len(group.bins) for group in self.groups], most)
        self.top = max(1, min(PRICE_TOP, PRODUCT_TOP // (max(instance.capacities, default=0) + 1)))
        self._siblings = _siblings(self.groups)
        for prices in (self.sizes, [1] * len(self.sizes)):
            for group, load in enumerate(self._dearest(prices)[1]):
                self.master.add(group, load)

    def offer(self, relaxed: Relaxed) -> _Offer:
        """Return the LP's prices as integers with what they prove."""
        highest = max(relaxed.prices)
        scale = self.top / highest if highest > EPSILON else 0.0
        prices = tuple(max(0, floor(price * scale)) for price in relaxed.prices)
        bounds, loads = self._dearest(prices)
        worth = sum(len(g.bins) * bound for g, bound in zip(self.groups, bounds, strict=True))
        asked = sum(price * count for price, count in zip(prices, self.counts, strict=True))
        return _Offer(prices, asked, worth, tuple(loads))

    def extend(self, relaxed: Relaxed, offer: _Offer) -> bool:
        """Add every load that is worth more than the rent of its bin; tell whether there was one."""
        found = False
        for group, load in enumerate(offer.loads):
            worth = sum(price * n for price, n in zip(relaxed.prices, load, strict=True) if n)
            if worth > relaxed.rents[group] + EPSILON * (1 + worth):
                self.master.add(group, load)
                found = True
        return found

    def _dearest(self, prices: Sequence[int]) -> tuple[list[int], list[tuple[int, ...]]]:
        """Return for each group what no load is worth more than, and the dearest load found."""
        bounds = [0] * len(self.groups)
        loads: list[tuple[int, ...]] = [()] * len(self.groups)
        for inside, members in self._siblings:
            counts = [0] * len(self.sizes)
            for i in inside:
                counts[i] = self.counts[i]
            capacities = [self.groups[g].capacity for g in members]
            _, tops, contents = kernel.dearest_contents(capacities, self.sizes, counts, prices)
            for g, top, content in zip(members, tops, contents, strict=True):
                bounds[g], loads[g] = top, content
        return bounds, loads


def _groups(instance: Instance) -> list[_Group]:
    bins: dict[tuple[int, tuple[int, ...]], list[int]] = defaultdict(list)
    for b, capacity in enumerate(instance.capacities):
        allowed = (i for i, item in enumerate(instance.items) if item.count and item.bins >> b & 1)
        inside = tuple(allowed)
        bins[capacity, inside].append(b)
    return [_Group(capacity, inside, tuple(members)) for (capacity, inside), members in bins.items()]


def _siblings(groups: Sequence[_Group]) -> list[tuple[tuple[int, ...], list[int]]]:
    """Return the groups by the items they allow: one knapsack call serves all capacities."""
    by_inside: dict[tuple[int, ...], list[int]] = defaultdict(list)
    for g, group in enumerate(groups):
        by_inside[group.inside].append(g)
    return list(by_inside.items())


def _rounded(generation: _Generation, relaxed: Relaxed, deadline: Deadline) -> Outcome:
    """Fix bins pattern by pattern, solve again for what is left, and let the packers finish when they can."""
    rounding = _Rounding(generation)
    while not deadline.passed():
        rounding.fix(relaxed)
        counts = rounding.finished()
        if counts is not None:
            return Packed(counts, "pattern-lp")
        if not any(rounding.unused):
            break
        again = rounding.again(deadline)
        if again is None:
            break
        relaxed = again
    return Open("pattern-lp")


class _Rounding:
    """Bins that are fixed already and the demand that is left."""

    def __init__(self, generation: _Generation) -> None:
        self.generation = generation
        instance = generation.instance
        self.left = list(generation.counts)
        self.free = list(instance.capacities)
        self.unused = [list(group.bins) for group in generation.groups]
        self.placed = [[0] * len(instance.capacities) for _ in instance.items]

    def fix(self, relaxed: Relaxed) -> None:
        """Give whole uses their bins; if there are none, the largest fraction gets one."""
        whole = [(g, pattern, floor(use + EPSILON)) for g, pattern, use in relaxed.uses if use + EPSILON >= 1]
        if not whole:
            g, pattern, _ = max(relaxed.uses, key=lambda use: use[2])
            whole = [(g, pattern, 1)]
        for g, pattern, uses in whole:
            for _ in range(min(uses, len(self.unused[g]))):
                self._fill(self.unused[g].pop(), pattern)

    def _fill(self, b: int, pattern: Sequence[int]) -> None:
        for i, wanted in enumerate(pattern):
            count = min(wanted, self.left[i])
            self.left[i] -= count
            self.free[b] -= count * self.generation.sizes[i]
            self.placed[i][b] += count

    def finished(self) -> Counts | None:
        """Return the whole packing if greedy packers place what is left."""
        items = self.generation.instance.items
        masks = [item.bins for item in items]
        rest = kernel.pack(self.free, self.generation.sizes, masks, self.left)
        if rest is None:
            return None
        pairs = zip(self.placed, rest, strict=True)
        return tuple(tuple(a + b for a, b in zip(done, more, strict=True)) for done, more in pairs)

    def again(self, deadline: Deadline) -> Relaxed | None:
        """Solve for the bins and the demand that are left; None if the LP sees no room any more."""
        generation = self.generation
        generation.master.ask(self.left, [len(bins) for bins in self.unused])
        for _ in range(ROUNDS_TOP):
            relaxed = generation.master.solve(deadline)
            if relaxed is None or relaxed.share > 1 - EPSILON:
                return relaxed
            if not generation.extend(relaxed, generation.offer(relaxed)):
                return None
        return None
