"""What of a host's free memory VMs can fill: equal to trying every selection."""

from __future__ import annotations

from itertools import combinations
from random import Random

from planner.explain.packable import packable
from planner.results import Span


def fullest(free: int, needs: list[int]) -> int:
    chosen = (sum(some) for n in range(len(needs) + 1) for some in combinations(needs, n))
    return max(total for total in chosen if total <= free)


def test_small_hosts_equal_every_selection() -> None:
    for seed in range(400):
        rng = Random(seed)
        unit = rng.choice((1, 7, 1 << 20, (1 << 30) + 1))
        needs = [rng.randint(1, 12) * unit for _ in range(rng.randint(0, 8))]
        free = rng.randint(0, 40) * unit + rng.randint(0, unit - 1)
        best = fullest(free, needs)
        assert packable(free, needs) == Span(best, best), seed


def test_sizes_without_a_common_unit_keep_honest_bounds() -> None:
    for seed in range(60):
        rng = Random(seed)
        needs = [rng.randint(1, 1 << 40) for _ in range(10)]
        free = rng.randint(0, 1 << 43)
        found, best = packable(free, needs), fullest(free, needs)
        assert found.lower <= best <= found.upper <= free or not needs, seed
        assert found.upper - found.lower <= 1 << 24, seed


def test_nothing_fits_and_everything_fits() -> None:
    assert packable(0, [5, 5]) == Span(0, 0)
    assert packable(4, [5, 5]) == Span(0, 0)
    assert packable(100, [5, 5]) == Span(10, 10)
    assert packable(100, []) == Span(0, 0)
