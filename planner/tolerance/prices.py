"""Price vectors of TOLERANCE §3: which prices on the kinds of VM show a failure set to be lost?

Alternates "S ← the k largest terms under the prices" and "prices ← dual of the pattern LP for S". Every
claim is rechecked here in integers, whatever the solver said. Must never import a solver at load time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import gcd

from hacore.clock import Deadline
from hacore.kernel.planning import dearest_loads, lost_under_prices
from planner.tolerance.counts import Counted, leaf

ROUNDS = 15
MOST_PRICE = 1 << 62
MOST_GUESSED = 1 << 20


@dataclass(frozen=True, slots=True)
class Priced:
    """Units whose loss is not survived, and the price of each kind that proves it."""

    units: tuple[int, ...]
    prices: tuple[int, ...]


def guess(counted: Counted, fewer_than: int) -> Priced | None:
    """Return fewer units than so many that rounded sizes as prices show to be lost; None if none do.

    For each need s: prices floor(need / s) and round(need / s) for the needs ≥ s. They catch what volume and
    slots miss when every need is a little more than a round size (an overhead). No solver, about 0.1 ms each.
    """
    best: Priced | None = None
    everywhere = counted.problem.everywhere
    for base in dict.fromkeys(counted.loose.needs):
        for half in (0, base // 2):
            prices = [(need + half) // base if need >= base > 0 else 0 for need in counted.loose.needs]
            if sum(counted.loose.room) > MOST_GUESSED * max(1, base):
                continue
            units = lost_under_prices(
                counted.layout, counted.loose.needs, counted.loose.room, prices, everywhere
            )
            if units is not None and len(units) < fewer_than:
                best, fewer_than = Priced(units, tuple(prices)), len(units)
    return best


def refute(counted: Counted, units: Sequence[int], deadline: Deadline) -> Priced | None:
    """Return as many units that prices show to be lost, beginning with these; None if none are found."""
    from planner.placement.pattern import price_vector

    tried: set[tuple[int, ...]] = set()
    current = tuple(units)
    for _ in range(ROUNDS):
        if current in tried or deadline.passed():
            return None
        tried.add(current)
        instance, item_of = leaf(counted, current)
        by_item = price_vector(instance, deadline)
        if by_item is None or not any(by_item):
            return None
        prices = _spread(counted, item_of, by_item)
        if sum(prices) * len(counted.problem.vms) >= MOST_PRICE:
            return None
        bare = [0 if item_of[kind] is None else price for kind, price in enumerate(prices)]
        if is_lost(counted, current, bare):
            return Priced(current, tuple(bare))
        current = worst(counted, prices, len(current))
        if is_lost(counted, current, prices):
            return Priced(current, tuple(prices))
    return None


def _spread(counted: Counted, item_of: Sequence[int | None], by_item: Sequence[int]) -> list[int]:
    """Return a price for every kind: its item's, else the next smaller kind's with the same candidates."""
    prices = [0] * len(item_of)
    last: dict[int, int] = {}
    for kind in range(len(item_of) - 1, -1, -1):
        item = item_of[kind]
        mask = counted.masks[kind]
        prices[kind] = last.get(mask, 0) if item is None else by_item[item]
        last[mask] = prices[kind]
    return prices


def worst(counted: Counted, prices: Sequence[int], failures: int) -> tuple[int, ...]:
    """Return the units with the largest terms K_h(π) + π·c_h; ties by index."""
    held = _held(counted, prices, range(len(counted.problem.hosts)), None)
    layout = counted.layout
    terms = [sum(held[h] for h in hosts) for hosts in counted.unit_hosts]
    for kind, price in enumerate(prices):
        for e in range(layout.start[kind], layout.start[kind + 1]):
            terms[layout.unit[e]] += price * layout.count[e]
    return tuple(sorted(sorted(range(counted.units), key=lambda u: (-terms[u], u))[:failures]))


def is_lost(counted: Counted, units: Sequence[int], prices: Sequence[int]) -> bool:
    """Tell whether the VMs of these units are dearer than all that the survivors can hold: a proof."""
    wanted = counted.wanted(units)
    failed = counted.mask_of(units)
    alive = [h for h in range(len(counted.problem.hosts)) if not failed >> h & 1]
    held = _held(counted, prices, alive, wanted)
    return sum(price * n for price, n in zip(prices, wanted, strict=True)) > sum(held.values())


def _held(
    counted: Counted, prices: Sequence[int], hosts: Sequence[int], wanted: Sequence[int] | None
) -> dict[int, int]:
    """Return the dearest load of each host, in loose units; `wanted` limits the VMs of each kind."""
    by_kinds: dict[tuple[int, ...], list[int]] = {}
    priced = [kind for kind, price in enumerate(prices) if price > 0 and (wanted is None or wanted[kind])]
    for host in hosts:
        by_kinds.setdefault(tuple(k for k in priced if counted.masks[k] >> host & 1), []).append(host)
    found: dict[int, int] = {}
    for kinds, group in by_kinds.items():
        sizes = [counted.loose.needs[k] for k in kinds]
        unit = gcd(*sizes) or 1
        loads = dearest_loads(
            [counted.loose.room[host] // unit for host in group],
            [size // unit for size in sizes],
            [len(counted.problem.vms) if wanted is None else wanted[k] for k in kinds],
            [prices[k] for k in kinds],
        )
        found.update(zip(group, loads, strict=True))
    return found
