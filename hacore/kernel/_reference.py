"""Slow twins of the kernels, written from the formulas and not from the compiled code: the oracle of its
tests.

Same arguments and answers as the façade's functions. Never imported by production.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

from hacore.kernel.planning import Layout, Rows


def sums_up_to(top: int, sizes: Sequence[int]) -> list[int]:
    """Return the sums ≤ top of any number of each size, ascending."""
    reached = [True] + [False] * top
    for total in range(1, top + 1):
        reached[total] = any(0 < size <= total and reached[total - size] for size in sizes)
    return [total for total, hit in enumerate(reached) if hit]


def saturation(
    room: Sequence[int], sizes: Sequence[int], *, any_size: bool = False
) -> tuple[list[int], list[int]]:
    """Return the tables a_h(s) and A_h(s) of TOLERANCE §2 and §3, kinds × hosts."""
    least: list[int] = []
    most: list[int] = []
    for size in sizes:
        usable = [other for other in sizes if any_size or other >= size]
        sums = sums_up_to(max(room), usable)
        for free in room:
            least.append(min(t for t in sums if free - size < t) if 0 < size <= free else 0)
            most.append(max(t for t in sums if t <= free))
    return least, most


def mask_of_kind(layout: Layout, kind: int) -> int:
    """Return the candidate hosts of a kind as one integer."""
    first = layout.mask_of[kind] * layout.words
    return sum(layout.masks[first + w] << 64 * w for w in range(layout.words))


def running(layout: Layout, kind: int, unit: int) -> int:
    """Return how many VMs of a kind a unit runs."""
    entries = range(layout.start[kind], layout.start[kind + 1])
    return sum(layout.count[e] for e in entries if layout.unit[e] == unit)


def certificate_rows(
    layout: Layout, sizes: Sequence[int], least: Sequence[int], *, any_size: bool = False
) -> tuple[list[int], list[int]]:
    """Return terms and limits of TOLERANCE §5 (§6 with `any_size`), a row a kind."""
    hosts, kinds = range(len(layout.host_unit)), range(len(sizes))
    terms: list[int] = []
    limits: list[int] = []
    for kind in kinds:
        mask = mask_of_kind(layout, kind)
        rivals = [
            other
            for other in kinds
            if (any_size or sizes[other] >= sizes[kind])
            and (mask_of_kind(layout, other) & mask or mask_of_kind(layout, other) == mask)
        ]
        held = [least[kind * len(hosts) + h] if mask >> h & 1 else 0 for h in hosts]
        for unit in range(layout.units):
            own = sum(held[h] for h in hosts if layout.host_unit[h] == unit)
            terms.append(own + sum(sizes[other] * running(layout, other, unit) for other in rivals))
        limits.append(sum(held) + sizes[kind] - sum(sizes[other] * layout.down[other] for other in rivals))
    return terms, limits


def may_fail(layout: Layout, rows: Rows, kind: int, units: Sequence[int]) -> bool:
    """Tell whether the row does not exclude that the kind fails after the loss of these units."""
    if not layout.down[kind] and not any(running(layout, kind, unit) for unit in units):
        return False
    return sum(rows.terms[kind * layout.units + unit] for unit in units) >= rows.limits[kind]


def certified(layout: Layout, rows: Rows) -> list[int]:
    """Return the most failures under which no set makes each kind fail (−1: not even ∅); all sets tried."""
    return [
        next(
            (
                k - 1
                for k in range(layout.units + 1)
                if any(may_fail(layout, rows, kind, s) for s in combinations(range(layout.units), k))
            ),
            layout.units,
        )
        for kind in range(len(rows.limits))
    ]


def only_inside(layout: Layout, kind: int, unit: int | None, area: int) -> bool:
    """Tell whether a VM of the kind may run only inside the area once its unit failed (None: it is down)."""
    own = sum(1 << h for h, of in enumerate(layout.host_unit) if of == unit)
    return not mask_of_kind(layout, kind) & ~own & ~area


def least_lost(
    layout: Layout, prices: Sequence[int], held: Sequence[int], area: int
) -> tuple[int, list[tuple[int, ...]]] | None:
    """Return the fewest units that the prices refute, and all such sets of so many; all sets tried."""
    hosts, kinds = range(len(layout.host_unit)), range(len(prices))
    for k in range(layout.units + 1):
        lost = []
        for units in combinations(range(layout.units), k):
            room = sum(held[h] for h in hosts if layout.host_unit[h] not in units and area >> h & 1)
            asked = sum(
                prices[kind] * (layout.down[kind] if unit is None else running(layout, kind, unit))
                for kind in kinds
                for unit in (None, *units)
                if only_inside(layout, kind, unit, area)
            )
            if asked > room:
                lost.append(units)
        if lost:
            return k, lost
    return None


def dearest_load(
    capacity: int, sizes: Sequence[int], counts: Sequence[int | None], prices: Sequence[int]
) -> int:
    """Return the dearest load that fits, by recursion over the kinds; a count of None has no limit."""
    if not sizes:
        return 0
    size, count, price = sizes[0], counts[0], prices[0]
    fits = capacity // size if size else (count or 0)
    most = fits if count is None else min(count, fits)
    return max(
        n * price + dearest_load(capacity - n * size, sizes[1:], counts[1:], prices[1:])
        for n in range(most + 1)
    )


def dearest_loads(
    capacities: Sequence[int], sizes: Sequence[int], counts: Sequence[int], prices: Sequence[int]
) -> list[int]:
    """Return the dearest load of each capacity."""
    return [dearest_load(capacity, sizes, counts, prices) for capacity in capacities]


def fits(room: Sequence[int], items: Sequence[tuple[int, int]]) -> bool:
    """Tell whether items (size, mask of allowed bins) all fit: every placement tried, volume aside."""
    if not items:
        return True
    if sum(size for size, _ in items) > sum(room):
        return False
    (size, mask), rest = items[0], items[1:]
    return any(
        free >= size and mask >> b & 1 and fits((*room[:b], free - size, *room[b + 1 :]), rest)
        for b, free in enumerate(room)
    )


def fullest(room: int, kinds: Sequence[tuple[int, int]]) -> tuple[int, ...]:
    """Return how many of each kind (size, count) fill the room best; of equals, with the largest items."""
    loads: list[tuple[int, ...]] = [()]
    for size, count in kinds:
        loads = [(*load, n) for load in loads for n in range(min(count, room // size) + 1)]
    weights = [(sum(n * size for n, (size, _) in zip(load, kinds, strict=True)), load) for load in loads]
    return max((weight, load) for weight, load in weights if weight <= room)[1]


def pack(
    capacities: Sequence[int],
    sizes: Sequence[int],
    bins: Sequence[int],
    counts: Sequence[int],
    strategy: int,
) -> tuple[tuple[int, ...], ...] | None:
    """Return what one greedy packer does: kinds by falling size (then fewer bins, then their mask).

    0 best fit, 1 first fit from the roomiest bin, 4 from the tightest, 5 worst fit: one item after the other.
    2 fills bin after bin as full as can be from the tightest, 3 from the roomiest.
    """
    kinds = sorted(range(len(sizes)), key=lambda i: (-sizes[i], bins[i].bit_count(), bins[i]))
    order = sorted(range(len(capacities)), key=lambda b: (-capacities[b], b))
    free = list(capacities)
    placed = [[0] * len(capacities) for _ in sizes]

    def put(kind: int, b: int) -> None:
        placed[kind][b] += 1
        free[b] -= sizes[kind]

    if strategy in (2, 3):
        left = list(counts)
        for b in order if strategy == 3 else reversed(order):
            allowed = [kind for kind in kinds if bins[kind] >> b & 1]
            for kind, n in zip(
                allowed, fullest(free[b], [(sizes[k], left[k]) for k in allowed]), strict=True
            ):
                left[kind] -= n
                for _ in range(n):
                    put(kind, b)
        return None if any(left) else tuple(map(tuple, placed))
    for kind in kinds:
        for _ in range(counts[kind]):
            open_bins = [b for b in order if free[b] >= sizes[kind] and bins[kind] >> b & 1]
            if not open_bins:
                return None
            put(kind, _choice(open_bins, free, strategy))
    return tuple(map(tuple, placed))


def _choice(open_bins: Sequence[int], free: Sequence[int], strategy: int) -> int:
    if strategy == 0:
        return min(open_bins, key=lambda b: free[b])
    if strategy == 5:
        return max(open_bins, key=lambda b: free[b])
    return open_bins[0] if strategy == 1 else open_bins[-1]


def dominates(layout: Layout, room: Sequence[int], strong: int, weak: int) -> bool:
    """Tell whether host `strong` dominates `weak` (TOLERANCE §4): room, candidates, and its VMs by mask."""
    kinds = range(len(layout.down))
    masks = {mask_of_kind(layout, kind) for kind in kinds}
    if room[strong] < room[weak] or any(mask >> weak & 1 and not mask >> strong & 1 for mask in masks):
        return False
    for mask in masks:
        same = [kind for kind in kinds if mask_of_kind(layout, kind) == mask]
        ahead = [running(layout, kind, strong) - running(layout, kind, weak) for kind in same]
        if any(sum(ahead[: n + 1]) < 0 for n in range(len(ahead))):
            return False
    return True


def open_sets(
    layout: Layout,
    k: int,
    *,
    rows: Rows,
    open_rows: Sequence[int],
    order: Sequence[int],
    dominated: Sequence[int],
) -> Iterator[tuple[int, ...]]:
    """Yield the sets of k units that some open row does not exclude and no dominator is missing from.

    dominated: for each position of `order` a mask of positions that must all be in the set too.
    """
    for positions in combinations(range(layout.units), k):
        chosen = sum(1 << p for p in positions)
        if any(dominated[p] & ~chosen for p in positions):
            continue
        units = tuple(order[p] for p in positions)
        if any(may_fail(layout, rows, kind, units) for kind in open_rows):
            yield tuple(sorted(units))


def survives(layout: Layout, sizes: Sequence[int], room: Sequence[int], units: Sequence[int]) -> bool:
    """Tell whether all VMs of these units, and those that are down, fit on the hosts that stay."""
    left = tuple(0 if layout.host_unit[h] in units else free for h, free in enumerate(room))
    alive = sum(1 << h for h in range(len(room)) if layout.host_unit[h] not in units)
    items = [
        (sizes[kind], mask_of_kind(layout, kind) & alive)
        for kind in range(len(sizes))
        for _ in range(layout.down[kind] + sum(running(layout, kind, unit) for unit in units))
    ]
    return fits(left, items)
