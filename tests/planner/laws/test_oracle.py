"""The judge judged: naive enumeration, worlds whose answer is known by heart."""

from __future__ import annotations

from itertools import product
from random import Random

import pytest

from bench import oracle
from bench.pools import hvm_overhead_bytes, pool
from bench.worlds import drawn, tiny

GIB = 1 << 30


@pytest.mark.parametrize("seed", range(300))
def test_packable_is_plain_enumeration(seed: int) -> None:
    rng = Random(seed)
    rooms = [rng.randint(0, 7) for _ in range(rng.randint(1, 3))]
    items = [(rng.randint(1, 5), rng.randint(0, 2 ** len(rooms) - 1)) for _ in range(rng.randint(0, 4))]
    assert oracle.packable(rooms, items) is any(
        _fits(rooms, items, bins) for bins in product(range(len(rooms)), repeat=len(items))
    )


def _fits(rooms: list[int], items: list[tuple[int, int]], bins: tuple[int, ...]) -> bool:
    left = list(rooms)
    for (size, allowed), bin_ in zip(items, bins, strict=True):
        left[bin_] -= size
        if left[bin_] < 0 or not allowed >> bin_ & 1:
            return False
    return True


def test_what_is_certainly_unpackable_is_unpackable() -> None:
    rng = Random(5)
    verdicts = []
    for _ in range(2000):
        rooms = [rng.randint(0, 9) for _ in range(3)]
        sizes = [rng.randint(1, 6) for _ in range(rng.randint(1, 6))]
        fits = oracle.packable(rooms, [(size, 7) for size in sizes])
        certain = oracle.certainly_unpackable(rooms, sizes)
        assert not (fits and certain)
        verdicts.append((fits, certain))
    assert set(verdicts) == {(True, False), (False, True), (False, False)}


@pytest.mark.parametrize(
    ("free", "vms", "simultaneous", "sequential"),
    [
        pytest.param([0, 0], [], 2, 2, id="nothing protected"),
        pytest.param([4, 4], [(3, 0, None)], 1, 1, id="one VM, two hosts"),
        pytest.param([4, 2], [(3, 0, None)], 0, 0, id="no room elsewhere"),
        pytest.param([9, 9], [(3, 0, 1)], 0, 0, id="bound to its host"),
        pytest.param([2, 2], [(3, None, None)], -1, -1, id="down and too big"),
        pytest.param([2, 2], [(1, None, 0)], -1, -1, id="down and nowhere allowed"),
        pytest.param([3, 3, 3], [(3, 0, None), (3, 1, None)], 1, 1, id="one spare host"),
        pytest.param([7, 6, 0], [(6, 2, None), (4, 2, None), (3, 2, None)], 1, 1, id="worst fit misses it"),
        pytest.param([1, 1, 0, 0], [(1, None, 3), (1, 2, 1), (1, 3, 2)], 1, 0, id="a restart that traps"),
    ],
)
def test_known_worlds(free, vms, simultaneous, sequential) -> None:
    assert oracle.simultaneous(tiny(free, vms)) == simultaneous
    assert oracle.sequential(tiny(free, vms)) == sequential


def test_sequential_is_never_above_simultaneous() -> None:
    for seed in range(400):
        world = drawn(Random(seed), hosts=4, vms=6)
        assert oracle.sequential(world) <= oracle.simultaneous(world)


def test_a_seed_makes_one_pool() -> None:
    assert pool(7, hosts=8, vms=60) == pool(7, hosts=8, vms=60)
    assert pool(7, hosts=8, vms=60) != pool(8, hosts=8, vms=60)


@pytest.mark.parametrize("load", [0.5, 0.95])
def test_load_is_the_share_in_use(load: float) -> None:
    made = pool(3, hosts=16, vms=800, load=load, mixed=True)
    room = sum(host.memory_total_bytes - host.memory_overhead_bytes - 8 * GIB for host in made.hosts)
    assert sum(made.free_bytes(host.uuid) for host in made.hosts) / room == pytest.approx(1 - load, abs=0.01)
    assert min(made.free_unclamped_bytes.values()) >= 0


def test_overhead_is_xapis() -> None:
    """120 GiB and 1 vCPU, HVM: 964 MiB."""
    assert hvm_overhead_bytes(120 * GIB, 1) == 964 << 20
