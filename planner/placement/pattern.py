"""The pattern LP: prices that refute, or fractions of patterns to round (Gilmore & Gomory 1961).

Columns are loads of one bin; bins of equal capacity and allowed items form a group. Duals become integer
prices π, and what they claim is checked in integers: if the dearest loads of all bins (bounded by the counts)
are together worth less than all items, not everything fits, whatever the LP's floats say. If the LP finds
room for every item, its fractions are rounded bin by bin. Must never call anything refuted on a float's word.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import floor, inf

from hacore.clock import Deadline
from hacore.kernel import planning as kernel
from planner.placement.packing import Instance, Open, Outcome, Packed, Refuted
from planner.placement.solver import EPSILON, Counts, Master, Relaxed, Use
from planner.placement.units import in_units

PRICE_TOP = 1 << 20
"""The highest integer price: a millionth of it is as fine as the LP's own tolerance."""
PRODUCT_TOP = 1 << 61
ROUNDS_TOP = 400
SEED_LOADS = 100
PRICED_LOADS = 20_000
"""How many loads of a bin are looked at for a first column, and for one that prices ask for (a few tens do
mostly; where they do not, the bound says so)."""
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
            return _rounded(generation, deadline)
        offer = generation.offer(relaxed, generation.counts)
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
        offer = generation.offer(relaxed, generation.counts)
        if best is None or offer.worth * best.asked < best.worth * offer.asked:
            best = offer
        if best.worth <= CLOSE * relaxed.share * best.asked or not generation.extend(relaxed, offer):
            break
    return best.prices if best else None


@dataclass(frozen=True, slots=True)
class Cut:
    """Whatever part of an instance's items is placed: Σ prices · placed ≤ worth. Proved in integers."""

    prices: tuple[int, ...]
    worth: int

    def excludes(self, demand: Sequence[int]) -> bool:
        """Tell whether so many of each item cannot be placed by this."""
        return sum(price * count for price, count in zip(self.prices, demand, strict=True)) > self.worth


class Cutter:
    """Finds cuts for parts of one instance; what it learnt of the bins serves the next part.

    Sizes, counts and capacities as for `decide`.
    """

    def __init__(self, instance: Instance) -> None:
        self._generation = _Generation(in_units(instance), most=1.0)
        self._bins = [len(group.bins) for group in self._generation.groups]

    def cut(self, demand: Sequence[int], deadline: Deadline) -> Cut | None:
        """Return a cut that excludes `demand` (0 … count of each item), None if the LP has none in time."""
        generation = self._generation
        generation.master.ask(demand, self._bins)
        best: Cut | None = None
        while not deadline.passed():
            relaxed = generation.master.solve(deadline)
            if relaxed is None or relaxed.share > 1 - EPSILON:
                break
            offer = generation.offer(relaxed, demand)
            if offer.worth < offer.asked:
                # The closer to the LP's optimum, the more other parts does a cut exclude as well.
                best = Cut(offer.prices, offer.worth)
                if offer.worth <= CLOSE * relaxed.share * offer.asked:
                    break
            if not generation.extend(relaxed, offer):
                break
        return best

    def at(self, prices: Sequence[int]) -> Cut | None:
        """Return the cut of given integer prices ≥ 0; None if they are too high to be multiplied exactly."""
        if max(prices) > self._generation.top:
            return None
        return Cut(tuple(prices), self._generation.worth(prices)[0])


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
        self._known: set[tuple[int, tuple[int, ...]]] = set()
        for prices in (self.sizes, [1] * len(self.sizes)):
            for group, load in enumerate(self._dearest(prices, SEED_LOADS)[1]):
                self._add(group, load)

    def offer(self, relaxed: Relaxed, demand: Sequence[int]) -> _Offer:
        """Return the LP's prices as integers with what they prove of `demand`."""
        highest = max(relaxed.prices)
        scale = self.top / highest if highest > EPSILON else 0.0
        prices = tuple(max(0, floor(price * scale)) for price in relaxed.prices)
        worth, loads = self.worth(prices)
        asked = sum(price * count for price, count in zip(prices, demand, strict=True))
        return _Offer(prices, asked, worth, loads)

    def worth(self, prices: Sequence[int]) -> tuple[int, tuple[tuple[int, ...], ...]]:
        """Return what all bins hold at most under integer prices, and the dearest load of each group."""
        bounds, loads = self._dearest(prices, PRICED_LOADS)
        return sum(len(g.bins) * bound for g, bound in zip(self.groups, bounds, strict=True)), tuple(loads)

    def extend(self, relaxed: Relaxed, offer: _Offer) -> bool:
        """Add every load that is worth more than the rent of its bin; tell whether there was one."""
        found = False
        for group, load in enumerate(offer.loads):
            worth = sum(price * n for price, n in zip(relaxed.prices, load, strict=True) if n)
            if worth > relaxed.rents[group] + EPSILON * (1 + worth):
                found = self._add(group, load) or found
        return found

    def _add(self, group: int, load: tuple[int, ...]) -> bool:
        """Add a column; tell whether it is new: an LP that asks for one it has is at its precision's end."""
        if (group, load) in self._known:
            return False
        self._known.add((group, load))
        self.master.add(group, load)
        return True

    def _dearest(self, prices: Sequence[int], budget: int) -> tuple[list[int], list[tuple[int, ...]]]:
        """Return for each group what no load is worth more than, and the dearest load found."""
        bounds = [0] * len(self.groups)
        loads: list[tuple[int, ...]] = [()] * len(self.groups)
        for inside, members in self._siblings:
            counts = [0] * len(self.sizes)
            for i in inside:
                counts[i] = self.counts[i]
            capacities = [self.groups[g].capacity for g in members]
            _, tops, contents = kernel.dearest_contents(capacities, self.sizes, counts, prices, budget=budget)
            for g, top, content in zip(members, tops, contents, strict=True):
                bounds[g], loads[g] = top, content
        return bounds, loads


def _groups(instance: Instance) -> list[_Group]:
    bins: dict[tuple[int, tuple[int, ...]], list[int]] = defaultdict(list)
    for b, capacity in enumerate(instance.capacities):
        allowed = (i for i, item in enumerate(instance.items) if item.count and item.bins >> b & 1)
        inside = tuple(allowed)
        bins[capacity, inside].append(b)
    return [_Group(*kind, tuple(members)) for kind, members in bins.items() if kind[1]]


def _siblings(groups: Sequence[_Group]) -> list[tuple[tuple[int, ...], list[int]]]:
    """Return the groups by the items they allow: one knapsack call serves all capacities."""
    by_inside: dict[tuple[int, ...], list[int]] = defaultdict(list)
    for g, group in enumerate(groups):
        by_inside[group.inside].append(g)
    return list(by_inside.items())


def _rounded(generation: _Generation, deadline: Deadline) -> Outcome:
    """Fix bins pattern by pattern, solve again for what is left, and let the packers finish when they can."""
    for first in (_most_used, _fullest):
        rounding = _Rounding(generation, first)
        while rounding.fits(deadline):
            rounding.fix()
            counts = rounding.finished()
            if counts is not None:
                return Packed(counts, "pattern-lp")
            if not any(rounding.unused):
                break
    return Open("pattern-lp")


def _most_used(use: Use, generation: _Generation) -> float:
    return use.bins


def _fullest(use: Use, generation: _Generation) -> float:
    load = sum(n * size for n, size in zip(use.pattern, generation.sizes, strict=True))
    return use.bins + load / generation.groups[use.group].capacity


class _Rounding:
    """Bins that are fixed already and the demand that is left. `first` rates which fraction is rounded up."""

    def __init__(self, generation: _Generation, first: Callable[[Use, _Generation], float]) -> None:
        self.generation = generation
        self.first = first
        instance = generation.instance
        self.left = list(generation.counts)
        self.free = list(instance.capacities)
        self.unused = [list(group.bins) for group in generation.groups]
        self.placed = [[0] * len(instance.capacities) for _ in instance.items]

    def fits(self, deadline: Deadline) -> bool:
        """Solve for the bins and the demand that are left; tell whether the LP still sees room."""
        generation = self.generation
        generation.master.ask(self.left, [len(bins) for bins in self.unused])
        while not deadline.passed():
            relaxed = generation.master.solve(deadline)
            if relaxed is None:
                return False
            if relaxed.share > 1 - EPSILON:
                return True
            if not generation.extend(relaxed, generation.offer(relaxed, self.left)):
                return False
        return False

    def fix(self) -> None:
        """Give whole uses their bins; if there are none, one fraction gets one."""
        uses = self.generation.master.uses()
        whole = [use for use in uses if use.bins + EPSILON >= 1]
        for use in whole or [max(uses, key=lambda use: self.first(use, self.generation))]:
            for _ in range(max(1, floor(use.bins + EPSILON))):
                if self.unused[use.group]:
                    self._fill(self.unused[use.group].pop(), use.pattern)

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
