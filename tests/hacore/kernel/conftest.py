"""Small layouts from a seed, and a build with or without checks."""

from __future__ import annotations

from array import array
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

import pytest

from hacore.kernel.planning import Layout, mask_words, words_of


@dataclass(frozen=True, slots=True)
class World:
    """A layout with sizes a kind and room a host, in one unit."""

    layout: Layout
    sizes: list[int]
    room: list[int]


def make_world(seed: int) -> World:
    """Return one to six hosts and up to five kinds, often tight, sometimes with restricted candidates."""
    rng = Random(seed)
    hosts = rng.choice((1, 2, 3, 3, 4, 5, 6))
    units = rng.choice((hosts, hosts, rng.randint(1, hosts)))
    host_unit = [h if units == hosts else min(h, units - 1) for h in range(hosts)]
    restricted = rng.random() < 0.5
    top = rng.choice((3, 6, 12))
    kinds: dict[tuple[int, int], tuple[dict[int, int], int]] = {}
    for _ in range(rng.randint(1, 5)):
        mask = rng.getrandbits(hosts) if restricted else (1 << hosts) - 1
        running = {u: rng.randint(1, 2) for u in range(units) if rng.random() < 0.5}
        if restricted and running:
            unit = rng.choice(sorted(running))
            running = {unit: running[unit]}
            mask |= sum(1 << h for h in range(hosts) if host_unit[h] == unit)
        kinds[rng.randint(1, top), mask] = (running, rng.choice((0, 0, 0, 1)))
    ordered = sorted(kinds.items(), key=lambda kind: (-kind[0][0], kind[0][1]))
    return World(_layout(ordered, host_unit, units), [kind[0] for kind, _ in ordered], _room(rng, hosts, top))


def _room(rng: Random, hosts: int, top: int) -> list[int]:
    most = rng.choice((top, 2 * top, 70))
    return [rng.choice((0, rng.randint(0, most), rng.randint(0, most))) for _ in range(hosts)]


def _layout(
    kinds: list[tuple[tuple[int, int], tuple[dict[int, int], int]]], host_unit: list[int], units: int
) -> Layout:
    masks = sorted({mask for (_, mask), _ in kinds})
    start, unit, count = array("q", [0]), array("q"), array("q")
    for _, (running, _) in kinds:
        unit.extend(sorted(running))
        count.extend(running[u] for u in sorted(running))
        start.append(len(unit))
    return Layout(
        host_unit=array("q", host_unit),
        units=units,
        mask_of=array("q", [masks.index(mask) for (_, mask), _ in kinds]),
        masks=mask_words(masks, len(host_unit)),
        words=words_of(len(host_unit)),
        start=start,
        unit=unit,
        count=count,
        down=array("q", [down for _, (_, down) in kinds]),
    )


@pytest.fixture(scope="session")
def world() -> Callable[[int], World]:
    """Return the maker of small worlds."""
    return make_world
