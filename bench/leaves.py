"""Packing questions that are hard for one method or another, made from a seed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from random import Random

from planner.placement.packing import Instance, Item


def question(capacities: Sequence[int], sizes: Sequence[int]) -> Instance:
    """Return the question whether items of these sizes fit; every bin may take every item."""
    everywhere = (1 << len(capacities)) - 1
    items = (Item(size, everywhere, count) for size, count in sorted(Counter(sizes).items()))
    return Instance(tuple(capacities), tuple(items))


def triplets(seed: int, bins: int, *, capacity: int = 1000) -> Instance:
    """Return bins that are filled exactly by three items each, and by nothing else (Falkenauer 1996)."""
    rng = Random(seed)
    sizes: list[int] = []
    while len(sizes) < 3 * bins:
        large = rng.randint(capacity * 38 // 100, capacity * 49 // 100)
        middle = rng.randint(capacity // 4, capacity // 2)
        small = capacity - large - middle
        if capacity // 4 <= small < capacity // 2:
            sizes += [large, middle, small]
    return question([capacity] * bins, sizes)


def tight(seed: int, bins: int, *, capacity: int = 200, slack: int = 3) -> Instance:
    """Return equal bins with items of a fifth to three fifths of one, which fill all but about `slack`."""
    rng = Random(seed)
    sizes: list[int] = []
    while sum(sizes) < bins * capacity - capacity // 6:
        sizes.append(rng.randint(capacity // 5, capacity * 3 // 5))
    while sum(sizes) > bins * capacity - rng.randint(0, slack):
        sizes.pop()
    return question([capacity] * bins, sizes)


def uneven(seed: int, bins: int) -> Instance:
    """Return bins that all differ with few sizes that share no unit; loaded to the last item."""
    rng = Random(seed)
    capacities = [rng.randint(60, 200) for _ in range(bins)]
    sizes: list[int] = []
    while sum(sizes) < sum(capacities) - 40:
        sizes.append(rng.choice((13, 17, 19, 23, 29, 31, 37, 41, 47, 53, 61, 67)))
    return question(capacities, sizes)


def drawn(rng: Random, *, bins: int = 4, kinds: int = 4, most: int = 3) -> Instance:
    """Return a question small enough to try every packing: any capacities, sizes, masks and counts."""
    number = rng.randint(1, bins)
    capacities = tuple(rng.randint(0, 20) for _ in range(number))
    everywhere = (1 << number) - 1
    distinct = {
        (rng.randint(1, 9), everywhere if rng.random() < 0.6 else rng.randint(0, everywhere))
        for _ in range(rng.randint(0, kinds))
    }
    items = (Item(size, mask, rng.randint(0, most)) for size, mask in sorted(distinct))
    return Instance(capacities, tuple(items))
