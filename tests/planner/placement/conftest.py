"""Slow truths about packing questions: every packing, every load."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from itertools import product

import pytest

from bench.clocks import StillClock
from hacore.clock import Deadline
from planner.placement.packing import Instance


@pytest.fixture(scope="session")
def ample() -> Deadline:
    """Ten seconds that never run out."""
    return Deadline.after(StillClock(), 10)


@pytest.fixture(scope="session")
def passed() -> Deadline:
    """A deadline that is over."""
    return Deadline(StillClock(), -1)


@pytest.fixture(scope="session")
def fits() -> Callable[[Instance], bool]:
    """Tell whether everything fits, by trying every bin for every single item."""

    def decide(instance: Instance) -> bool:
        single = tuple(
            (item.size, item.bins)
            for item in sorted(instance.items, key=lambda item: -item.size)
            for _ in range(item.count)
        )

        @cache
        def place(i: int, free: tuple[int, ...]) -> bool:
            if i == len(single):
                return True
            size, bins = single[i]
            return any(
                place(i + 1, (*free[:b], room - size, *free[b + 1 :]))
                for b, room in enumerate(free)
                if bins >> b & 1 and room >= size
            )

        return place(0, instance.capacities)

    return decide


@pytest.fixture(scope="session")
def proves() -> Callable[[Instance, tuple[int, ...]], bool]:
    """Tell whether prices refute: all bins at their dearest, every load tried, are worth less."""

    def check(instance: Instance, prices: tuple[int, ...]) -> bool:
        asked = sum(price * item.count for price, item in zip(prices, instance.items, strict=True))
        worth = sum(_dearest(instance, prices, b) for b in range(len(instance.capacities)))
        return all(type(price) is int and price >= 0 for price in prices) and worth < asked

    return check


def _dearest(instance: Instance, prices: tuple[int, ...], b: int) -> int:
    numbers = [range(item.count + 1 if item.bins >> b & 1 else 1) for item in instance.items]
    loads = (
        load
        for load in product(*numbers)
        if sum(n * item.size for n, item in zip(load, instance.items, strict=True)) <= instance.capacities[b]
    )
    return max(sum(n * price for n, price in zip(load, prices, strict=True)) for load in loads)
