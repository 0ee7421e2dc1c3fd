"""Every kernel function does what its slow twin does, on small worlds."""

from __future__ import annotations

from array import array
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hacore.kernel import _reference as twin
from hacore.kernel import planning as kernel

SEEDS = st.integers(0, 1 << 32)
MANY = settings(max_examples=300)
World = Any
Worlds = Callable[[int], World]


@MANY
@given(
    room=st.lists(st.integers(0, 300), min_size=1, max_size=5),
    sizes=st.lists(st.integers(0, 200), min_size=1, max_size=6),
    any_size=st.booleans(),
)
def test_saturation(room: list[int], sizes: list[int], any_size: bool) -> None:
    falling = sorted(sizes, reverse=True)
    least, most = kernel.saturation(room, falling, any_size=any_size)
    assert (list(least), list(most)) == twin.saturation(room, falling, any_size=any_size)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 31, 32, 33, 63, 64, 65, 127, 128, 129, 1000])
def test_sums_across_words(size: int) -> None:
    room = list(range(0, 1030, 13))
    least, most = kernel.saturation(room, [size])
    assert list(most) == [free // size * size for free in room]
    assert list(least) == list(most)


@MANY
@given(seed=SEEDS, any_size=st.booleans())
def test_certificate(world: Worlds, seed: int, any_size: bool) -> None:
    w = world(seed)
    least, _ = kernel.saturation(w.room, w.sizes, any_size=any_size)
    rows = kernel.certificate_rows(w.layout, w.sizes, least, any_size=any_size)
    assert (list(rows.terms), list(rows.limits)) == twin.certificate_rows(
        w.layout, w.sizes, least, any_size=any_size
    )
    assert list(kernel.certified(w.layout, rows)) == twin.certified(w.layout, rows)


@MANY
@given(seed=SEEDS, area=st.integers(0, 63))
def test_witness(world: Worlds, seed: int, area: int) -> None:
    w = world(seed)
    hosts = len(w.room)
    areas = [(1 << hosts) - 1, area & ((1 << hosts) - 1)]
    _, most = kernel.saturation(w.room, w.sizes)
    found = kernel.find_witness(w.layout, w.sizes, w.room, most, areas)
    expected = [
        lost
        for inside in areas
        for at, size in enumerate(w.sizes)
        for prices, held in (
            ([s if s >= size else 0 for s in w.sizes], [most[at * hosts + h] for h in range(hosts)]),
            ([int(s >= size) for s in w.sizes], [free // size for free in w.room]),
        )
        if (lost := twin.least_lost(w.layout, prices, held, inside))
    ]
    if found is None:
        assert not expected
        return
    assert len(found.units) == min(k for k, _ in expected)
    assert any(tuple(sorted(found.units)) in sets for _, sets in expected)


@MANY
@given(seed=SEEDS, prices=st.lists(st.integers(0, 9), min_size=5, max_size=5), area=st.integers(0, 63))
def test_lost_under_prices(world: Worlds, seed: int, prices: list[int], area: int) -> None:
    w = world(seed)
    inside = area & ((1 << len(w.room)) - 1)
    priced = prices[: len(w.sizes)]
    anyone = (None, *range(w.layout.units))
    kinds = [
        kind
        for kind, price in enumerate(priced)
        if price and any(twin.only_inside(w.layout, kind, unit, inside) for unit in anyone)
    ]
    sizes, no_limit = [w.sizes[kind] for kind in kinds], [None] * len(kinds)
    held = [twin.dearest_load(free, sizes, no_limit, [priced[kind] for kind in kinds]) for free in w.room]
    found = kernel.lost_under_prices(w.layout, w.sizes, w.room, priced, inside)
    expected = twin.least_lost(w.layout, priced, held, inside)
    if found is None:
        assert expected is None
        return
    assert expected is not None
    assert len(found) == expected[0]
    assert found in expected[1]


@MANY
@given(
    capacities=st.lists(st.integers(0, 40), min_size=1, max_size=4),
    kinds=st.lists(st.tuples(st.integers(1, 15), st.integers(0, 15), st.integers(0, 4)), max_size=5),
    strategy=st.integers(0, kernel.STRATEGIES - 1),
)
def test_pack(capacities: list[int], kinds: list[tuple[int, int, int]], strategy: int) -> None:
    distinct = {(size, mask & (1 << len(capacities)) - 1): count for size, mask, count in kinds}
    columns = ([s for s, _ in distinct], [m for _, m in distinct], list(distinct.values()))
    assert kernel.pack(capacities, *columns, strategy=strategy) == twin.pack(capacities, *columns, strategy)


@MANY
@given(
    capacities=st.lists(st.integers(0, 20), min_size=1, max_size=5),
    kinds=st.lists(st.tuples(st.integers(1, 9), st.integers(0, 31), st.integers(0, 3)), max_size=4),
    agile=st.booleans(),
)
def test_fits(capacities: list[int], kinds: list[tuple[int, int, int]], agile: bool) -> None:
    everywhere = (1 << len(capacities)) - 1
    distinct = {(size, everywhere if agile else mask & everywhere): count for size, mask, count in kinds}
    columns = ([s for s, _ in distinct], [m for _, m in distinct], list(distinct.values()))
    items = [kind for kind, count in distinct.items() for _ in range(count)]
    expected = twin.fits(tuple(capacities), sorted(items, reverse=True))
    assert kernel.fits(capacities, *columns) is expected
    if kernel.pack(capacities, *columns) is not None:
        assert expected


def test_fits_says_when_it_takes_too_long() -> None:
    assert kernel.fits([10] * 5, [3, 4, 7], [31] * 3, [5, 5, 2], steps=3) is None
    assert kernel.fits([99], [1], [1], [33]) is None


@MANY
@given(
    capacities=st.lists(st.integers(0, 60), min_size=1, max_size=4),
    kinds=st.lists(st.tuples(st.integers(0, 20), st.integers(0, 5), st.integers(0, 9)), max_size=4),
)
def test_dearest_loads(capacities: list[int], kinds: list[tuple[int, int, int]]) -> None:
    columns = [list(column) for column in zip(*kinds, strict=True)] or [[], [], []]
    assert kernel.dearest_loads(capacities, *columns) == twin.dearest_loads(capacities, *columns)


@MANY
@given(
    capacities=st.lists(st.integers(0, 60), min_size=1, max_size=4),
    kinds=st.lists(st.tuples(st.integers(1, 20), st.integers(0, 5), st.integers(0, 9)), max_size=4),
    budget=st.sampled_from((3, 100_000)),
)
def test_dearest_contents(capacities: list[int], kinds: list[tuple[int, int, int]], budget: int) -> None:
    sizes, counts, prices = [list(column) for column in zip(*kinds, strict=True)] or [[], [], []]
    values, bounds, loads = kernel.dearest_contents(capacities, sizes, counts, prices, budget=budget)
    dearest = twin.dearest_loads(capacities, sizes, counts, prices)
    if budget > 3:
        assert values == bounds == dearest
    for capacity, value, bound, best, load in zip(capacities, values, bounds, dearest, loads, strict=True):
        assert value <= best <= bound
        assert sum(n * price for n, price in zip(load, prices, strict=True)) == value
        assert sum(n * size for n, size in zip(load, sizes, strict=True)) <= capacity
        assert all(n <= count for n, count in zip(load, counts, strict=True))


@MANY
@given(seed=SEEDS, order=st.permutations(range(6)))
def test_dominators(world: Worlds, seed: int, order: list[int]) -> None:
    w = world(seed)
    if w.layout.units != len(w.room):
        return
    shown = [h for h in order if h < len(w.room)]
    words = kernel.dominators(w.layout, shown, w.room)
    expected = [
        sum(1 << q for q in range(p) if twin.dominates(w.layout, w.room, shown[q], shown[p]))
        for p in range(len(shown))
    ]
    assert list(words) == expected


def search_of(w: World, k: int, order: list[int], everything_open: bool) -> tuple[kernel.FailureSets, Any]:
    """Return the kernel's search and what its twin walks."""
    least, most = kernel.saturation(w.room, w.sizes)
    rows = kernel.certificate_rows(w.layout, w.sizes, least)
    if everything_open:
        rows = kernel.Rows(rows.terms, array("q", [0] * len(w.sizes)))
    shown = [u for u in order if u < w.layout.units]
    single = w.layout.units == len(w.room)
    words = kernel.dominators(w.layout, shown, w.room) if single else array("Q", bytes(8 * len(shown)))
    open_rows = [kind for kind, most_ in enumerate(kernel.certified(w.layout, rows)) if most_ < k]
    search = kernel.FailureSets(
        w.layout,
        k,
        rows=rows,
        open_rows=open_rows,
        order=shown,
        dominators=words,
        room=w.room,
        sizes=w.sizes,
        floor_sizes=w.sizes,
        most=most,
    )
    walked = twin.open_sets(w.layout, k, rows=rows, open_rows=open_rows, order=shown, dominated=list(words))
    return search, list(walked)


@MANY
@given(
    seed=SEEDS,
    order=st.permutations(range(6)),
    k=st.integers(0, 6),
    everything_open=st.booleans(),
    budget=st.sampled_from((1, 10**6)),
)
def test_failure_sets(
    world: Worlds, seed: int, order: list[int], k: int, everything_open: bool, budget: int
) -> None:
    w = world(seed)
    if k > w.layout.units:
        return
    search, walked = search_of(w, k, order, everything_open)
    handed_out = set()
    while (verdict := search.run(budget)) is not kernel.Verdict.EXHAUSTED:
        if verdict is kernel.Verdict.SLICE_OVER:
            continue
        assert search.chosen in walked
        handed_out.add(search.chosen)
        if verdict is kernel.Verdict.LOST:
            assert not twin.survives(w.layout, w.sizes, w.room, search.chosen)
    assert search.leaves == len(walked)
    assert all(twin.survives(w.layout, w.sizes, w.room, units) for units in set(walked) - handed_out)
    assert search.run(budget) is kernel.Verdict.EXHAUSTED
