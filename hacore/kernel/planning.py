"""Façade of the planner's compiled kernels: its only way in. Knows no policy.

Speaks plain Python: sequences of ints go in, frozen values come out. All amounts are integers of one unit
that the caller chose; nothing is rounded here. Formulas: TOLERANCE §2–§5.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import cmp_to_key

from hacore.kernel import certificate as _certificate
from hacore.kernel import failsets as _failsets
from hacore.kernel import knapsack as _knapsack
from hacore.kernel import loads as _loads
from hacore.kernel import packing as _packing
from hacore.kernel import sums as _sums
from hacore.kernel import witness as _witness

__all__ = [
    "FailureSets",
    "FoundWitness",
    "Layout",
    "Rows",
    "Verdict",
    "certificate_rows",
    "certified",
    "dearest_contents",
    "dearest_loads",
    "dominators",
    "find_witness",
    "fits",
    "lost_under_prices",
    "mask_words",
    "pack",
    "saturation",
]

WORD = (1 << 64) - 1
STRATEGIES = 6
"""How many greedy packers `pack` knows."""


def int64s(values: Sequence[int]) -> array[int]:
    """Return the values as the array that the kernels read."""
    return values if isinstance(values, array) and values.typecode == "q" else array("q", values)


def mask_words(masks: Sequence[int], bits: int) -> array[int]:
    """Return the masks as 64-bit words, the low word of each first."""
    words = words_of(bits)
    return array("Q", [mask >> 64 * w & WORD for mask in masks for w in range(words)])


def words_of(bits: int) -> int:
    """Return how many words a mask of so many bits takes."""
    return max(1, (bits + 63) // 64)


@dataclass(frozen=True, slots=True)
class Layout:
    """Which VMs run where, counted: kinds (size and candidate hosts) × units (hosts that fail together).

    Kinds are in order of falling size. Kind i has `masks[mask_of[i]]` as candidates (`words` words a mask,
    bit h is host h), `down[i]` VMs that are down and `count[e]` VMs in `unit[e]` for e in start[i] …
    start[i + 1] − 1 (each unit at most once). The mask of a kind with VMs in a unit contains the hosts of
    that unit.
    """

    host_unit: array[int]
    units: int
    mask_of: array[int]
    masks: array[int]
    words: int
    start: array[int]
    unit: array[int]
    count: array[int]
    down: array[int]


@dataclass(frozen=True, slots=True)
class Rows:
    """The certificate, a row a kind: it cannot fail while Σ `terms` (kinds × units) < its limit."""

    terms: array[int]
    limits: array[int]


@dataclass(frozen=True, slots=True)
class FoundWitness:
    """Units that are lost together, by the price of all kinds up to `kind` that may run only inside `area`.

    slots: the price is 1 a VM; otherwise its size.
    """

    units: tuple[int, ...]
    area: int
    kind: int
    slots: bool


class Verdict(IntEnum):
    """What `FailureSets.run` stopped for."""

    EXHAUSTED = 0
    SLICE_OVER = 1
    LOST = 2
    OPEN = 3


def saturation(
    room: Sequence[int], sizes: Sequence[int], *, any_size: bool = False
) -> tuple[array[int], array[int]]:
    """Return (least, most), kinds × hosts: the tables a_h(s) and A_h(s) of TOLERANCE §2 and §3.

    `sizes` fall; sizes and room are small enough to afford a bit a unit. `least` is the least sum of sizes
    ≥ s in (room − s, room], 0 where room < s; `most` the greatest such sum ≤ room. With `any_size` the sums
    may contain any of the sizes.
    """
    return _sums.saturation(int64s(room), int64s(sizes), any_size)


def certificate_rows(
    layout: Layout, sizes: Sequence[int], least: array[int], *, any_size: bool = False
) -> Rows:
    """Return the rows of the certificate (TOLERANCE §2, §5) for sizes a kind and their `saturation`.

    With `any_size` (and such a saturation) they hold for every order of restarts (§6, history-free).
    """
    terms, limits = _certificate.certificate_rows(
        layout.host_unit,
        layout.units,
        int64s(sizes),
        layout.mask_of,
        layout.masks,
        layout.words,
        layout.start,
        layout.unit,
        layout.count,
        layout.down,
        least,
        any_size,
    )
    return Rows(terms, limits)


def certified(layout: Layout, rows: Rows) -> array[int]:
    """Return for each kind the most failed units under which it cannot fail, −1: not even under none."""
    return _certificate.certified(
        rows.terms, rows.limits, layout.units, layout.start, layout.unit, layout.down
    )


def find_witness(
    layout: Layout, sizes: Sequence[int], room: Sequence[int], most: array[int], areas: Sequence[int]
) -> FoundWitness | None:
    """Return the smallest set of units that a threshold price refutes (TOLERANCE §3, §5), None if there is
    none.

    Sizes and room are rounded down in one unit; `areas` are masks of hosts.
    """
    found = _witness.find_witness(
        layout.host_unit,
        layout.units,
        int64s(sizes),
        int64s(room),
        layout.mask_of,
        layout.masks,
        layout.words,
        layout.start,
        layout.unit,
        layout.count,
        layout.down,
        most,
        mask_words(areas, len(layout.host_unit)),
    )
    return None if found is None else FoundWitness(*found)


def lost_under_prices(
    layout: Layout, sizes: Sequence[int], room: Sequence[int], prices: Sequence[int], area: int
) -> tuple[int, ...] | None:
    """Return the smallest set of units that these prices refute (TOLERANCE §3, §5), None if there is none.

    Sizes (> 0 where priced) and room are rounded down in one unit; prices ≥ 0 by kind count for VMs that
    may run only inside `area`. Costs a word for every price that a host can hold: for small prices.
    """
    dearest = max((price / size for price, size in zip(prices, sizes, strict=True) if price), default=0.0)
    units = _witness.lost_under_prices(
        layout.host_unit,
        layout.units,
        int64s(sizes),
        int64s(room),
        layout.mask_of,
        layout.masks,
        layout.words,
        layout.start,
        layout.unit,
        layout.count,
        layout.down,
        int64s(prices),
        mask_words([area], len(layout.host_unit)),
        int(max(room) * dearest) + 2,
    )
    return None if units is None else tuple(sorted(units))


def pack(
    capacities: Sequence[int],
    sizes: Sequence[int],
    bins: Sequence[int],
    counts: Sequence[int],
    *,
    strategy: int | None = None,
) -> tuple[tuple[int, ...], ...] | None:
    """Return how many items of each kind go into each bin (kinds × bins), None if no greedy packer finds
    room.

    capacities ≥ 0; sizes > 0, counts and masks of allowed `bins` by kind, in any order. None proves nothing.
    `strategy` (0 … STRATEGIES − 1) tries one packer only.
    """
    kinds, question = _question(capacities, sizes, bins, counts)
    placed = _packing.pack(*question, -1 if strategy is None else strategy)
    if placed is None:
        return None
    width = len(capacities)
    rank = {kind: position for position, kind in enumerate(kinds)}
    return tuple(tuple(placed[rank[i] * width : (rank[i] + 1) * width]) for i in range(len(sizes)))


def fits(
    capacities: Sequence[int],
    sizes: Sequence[int],
    bins: Sequence[int],
    counts: Sequence[int],
    *,
    steps: int = 100_000,
) -> bool | None:
    """Return whether everything fits, by a complete search; None if that takes too long.

    Arguments as for `pack`. Tries questions of at most 32 items, and looks at about `steps` bins.
    """
    _, question = _question(capacities, sizes, bins, counts)
    return _packing.fits(*question, steps)


def _question(
    capacities: Sequence[int], sizes: Sequence[int], bins: Sequence[int], counts: Sequence[int]
) -> tuple[list[int], tuple[array[int], array[int], array[int], array[int], array[int], array[int]]]:
    """Return the order in which the packers take the kinds, and their arrays in this order."""
    kinds = sorted(range(len(sizes)), key=lambda i: (-sizes[i], bins[i].bit_count(), bins[i]))
    order = sorted(range(len(capacities)), key=lambda b: (-capacities[b], b))
    return kinds, (
        int64s(capacities),
        array("q", [sizes[i] for i in kinds]),
        array("q", range(len(kinds))),
        mask_words([bins[i] for i in kinds], len(capacities)),
        array("q", [counts[i] for i in kinds]),
        array("q", order),
    )


def dearest_loads(
    capacities: Sequence[int], sizes: Sequence[int], counts: Sequence[int], prices: Sequence[int]
) -> list[int]:
    """Return the dearest load of each capacity (bounded knapsack, exact): K_h(π) of TOLERANCE §3.

    At most counts[i] items of sizes[i] ≥ 0 and prices[i] ≥ 0; costs a word a unit of the largest capacity.
    """
    return list(_knapsack.dearest_loads(int64s(capacities), int64s(sizes), int64s(counts), int64s(prices)))


def dearest_contents(
    capacities: Sequence[int],
    sizes: Sequence[int],
    counts: Sequence[int],
    prices: Sequence[int],
    *,
    budget: int = 100_000,
) -> tuple[list[int], list[int], list[tuple[int, ...]]]:
    """Return (values, bounds, loads) of each capacity ≥ 0: as `dearest_loads`, with how many of each kind.

    Takes no memory for the capacity: also for bytes. sizes > 0, prices ≥ 0, capacity · price < 2^62. Looks at
    `budget` loads a capacity; then a value may be below its bound, which no load exceeds.
    """

    def by_falling_ratio(i: int, j: int) -> int:
        return prices[j] * sizes[i] - prices[i] * sizes[j]

    priced = [i for i in range(len(sizes)) if prices[i] > 0 and counts[i] > 0]
    priced.sort(key=cmp_to_key(by_falling_ratio))
    values, bounds, flat = _loads.dearest_contents(
        int64s(capacities),
        int64s([sizes[i] for i in priced]),
        int64s([counts[i] for i in priced]),
        int64s([prices[i] for i in priced]),
        budget,
    )
    loads = []
    for b in range(len(capacities)):
        load = [0] * len(sizes)
        for position, i in enumerate(priced):
            load[i] = flat[b * len(priced) + position]
        loads.append(tuple(load))
    return list(values), list(bounds), loads


def dominators(layout: Layout, order: Sequence[int], room: Sequence[int]) -> array[int]:
    """Return for each position of `order` the earlier positions whose hosts dominate its host (TOLERANCE §4).

    Only for units of one host each, unit h being host h. Words of positions, units // 64 + 1 words a
    position.
    """
    return _failsets.dominators(
        int64s(order),
        int64s(room),
        layout.mask_of,
        layout.masks,
        layout.words,
        layout.start,
        layout.unit,
        layout.count,
    )


class FailureSets:
    """All sets of `k` units that the certificate's `open_rows` do not exclude, each packed or handed out.

    `room` and `sizes` (> 0) are exact, for the packers; `floor_sizes` and `most` are rounded down, for volume
    bounds. `dominators` as above (all zero: none). Call `run` until it says EXHAUSTED; every call searches
    about `budget` nodes and lets other threads run. After LOST or OPEN, `chosen` holds the set spoken of.
    """

    def __init__(
        self,
        layout: Layout,
        k: int,
        *,
        rows: Rows,
        open_rows: Sequence[int],
        order: Sequence[int],
        dominators: array[int],
        room: Sequence[int],
        sizes: Sequence[int],
        floor_sizes: Sequence[int],
        most: array[int],
    ) -> None:
        self._search = _failsets.FailureSets(
            k,
            layout.host_unit,
            layout.units,
            int64s(order),
            dominators,
            int64s(open_rows),
            rows.terms,
            rows.limits,
            layout.start,
            layout.unit,
            layout.count,
            layout.down,
            int64s(room),
            int64s(sizes),
            layout.mask_of,
            layout.masks,
            int64s(floor_sizes),
            most,
        )

    def run(self, budget: int) -> Verdict:
        """Search on for about `budget` nodes and say what was met."""
        return Verdict(self._search.run(budget))

    @property
    def chosen(self) -> tuple[int, ...]:
        """The units of the set that the last LOST or OPEN spoke of, ascending."""
        return self._search.chosen

    @property
    def leaves(self) -> int:
        """How many sets were packed or tried so far."""
        return self._search.leaves

    @property
    def nodes(self) -> int:
        """How many nodes were searched so far."""
        return self._search.nodes
