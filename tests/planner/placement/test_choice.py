"""The best choice of numbers: equal to what trying all numbers finds, and cut by what is true for all."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import product
from random import Random

import pytest

from hacore.clock import Deadline
from planner.placement import leaf
from planner.placement.choice import Choice, Chooser, Wanted
from planner.placement.packing import Instance, Item, Open, Outcome, Packed, Refuted
from planner.placement.pattern import Cutter
from planner.placement.solver import Floor
from planner.placement.spread import Piece, Room
from planner.placement.wishes import Kind, Wish, instance_of, kinds_of, merged

Truth = Callable[[Instance], bool]
Numbers = tuple[int, ...]


def drawn(rng: Random) -> tuple[list[Kind], Room]:
    hosts = rng.randint(1, 3)
    everywhere = (1 << hosts) - 1
    wishes = [
        Wish(Piece(rng.randint(2, 6), rng.choice((everywhere, everywhere, 1))), rng.randint(0, 1), True)
        for _ in range(rng.randint(1, 6))
    ]
    free = tuple(rng.randint(0, 12) for _ in range(hosts))
    return kinds_of(wishes), Room(free, tuple(room + 1 for room in free))


def wanted(rng: Random, kinds: list[Kind]) -> Wanted:
    ranges = [(0, len(kind.members)) for kind in kinds]
    if rng.random() < 0.3:
        ranges[0] = (1, 1)
    floors = (Floor(tuple(int(kind.wish.turn == 0) for kind in kinds), rng.randint(0, 2)),)
    return Wanted(tuple(rng.randint(0, 5) for _ in kinds), tuple(ranges), floors)


def allowed(asked: Wanted) -> Iterator[Numbers]:
    for numbers in product(*(range(low, high + 1) for low, high in asked.ranges)):
        if all(worth(floor.weights, numbers) >= floor.at_least for floor in asked.floors):
            yield numbers


def worth(weights: Numbers, numbers: Numbers) -> int:
    return sum(weight * number for weight, number in zip(weights, numbers, strict=True))


def some_of(kinds: list[Kind], numbers: Numbers) -> list[Kind]:
    return [Kind(k.wish, k.members[:n]) for k, n in zip(kinds, numbers, strict=True) if n]


def best(kinds: list[Kind], room: Room, asked: Wanted, fits: Truth) -> int | None:
    merits = (
        worth(asked.weights, numbers)
        for numbers in allowed(asked)
        if fits(instance_of(some_of(kinds, numbers), room))
    )
    return max(merits, default=None)


def merit_of(kinds: list[Kind], asked: Wanted, placed: set[int]) -> int:
    return worth(asked.weights, tuple(len(placed.intersection(kind.members)) for kind in kinds))


def assert_best(
    kinds: list[Kind], room: Room, asked: Wanted, chooser: Chooser, at: Deadline, f: Truth
) -> bool:
    """Assert that a choice is as good as any; tell whether there was one."""
    choice = chooser.best(asked, at)
    chosen, expected = choice.chosen, best(kinds, room, asked, f)
    assert choice.settled
    assert choice.at_most is None or choice.at_most == expected
    if chosen is None:
        assert expected is None
        return False
    placed = {m for k, row in zip(chosen.kinds, chosen.counts, strict=True) for m in k.members[: sum(row)]}
    assert merit_of(kinds, asked, placed) == expected
    return True


def test_choices_equal_brute_force(fits: Truth, ample: Deadline) -> None:
    found = 0
    for seed in range(150):
        rng = Random(seed)
        kinds, room = drawn(rng)
        chooser = Chooser(kinds, room, lambda instance: leaf.decide(instance, ample))
        for _ in range(3):  # what was cut off for one question must stay true for the next
            found += assert_best(kinds, room, wanted(rng, kinds), chooser, ample, fits)
    assert 200 < found < 440


@pytest.mark.parametrize("priced", [True, False])
def test_choices_are_right_where_only_leaves_refuse(priced: bool, fits: Truth, ample: Deadline) -> None:
    """Leaves refuse with prices of their own or without: nothing is excluded that fits."""

    def decide(instance: Instance) -> Outcome:
        outcome = leaf.decide(instance, ample)
        return Refuted(None, "cp-sat") if isinstance(outcome, Refuted) and not priced else outcome

    for seed in range(60):
        rng = Random(seed)
        kinds, room = drawn(rng)
        chooser = Chooser(kinds, room, decide, cutter=_Blunt)
        assert_best(kinds, room, wanted(rng, kinds), chooser, ample, fits)


class _Blunt(Cutter):
    """A cutter whose LP never finds anything."""

    def cut(self, demand: Sequence[int], deadline: Deadline) -> None:
        return None


def test_an_open_leaf_leaves_the_choice_open(passed: Deadline, ample: Deadline) -> None:
    kinds = kinds_of([Wish(Piece(3, 1), 0, True)])
    asked = Wanted((1,), ((0, 1),), ())
    room = Room((4,), (5,))
    assert Chooser(kinds, room, lambda _: Open("cp-sat")).best(asked, ample) == Choice(False, None, 1)
    assert Chooser(kinds, room, lambda _: Packed(((1,),), "greedy")).best(asked, passed) == Choice(False)


def test_cuts_hold_for_every_part_that_fits(fits: Truth, ample: Deadline) -> None:
    cuts = 0
    for seed in range(200):
        kinds, room = drawn(Random(seed))
        instance, joined = merged(kinds, room)
        cutter = Cutter(instance)
        whole = tuple(len(kind.members) for kind in joined)
        cut = cutter.cut(whole, ample)
        if cut is None:
            continue
        cuts += 1
        assert cut.excludes(whole)
        for numbers in product(*(range(n + 1) for n in whole)):
            assert not (cut.excludes(numbers) and fits(instance_of(some_of(joined, numbers), room))), seed
    assert cuts > 60


def test_prices_too_high_to_multiply_are_no_cut() -> None:
    cutter = Cutter(Instance((1 << 47,), (Item((1 << 46) + 1, 1, 2), Item(1 << 46, 1, 1))))
    assert cutter.at([1, 1]) is not None
    assert cutter.at([1 << 46, 1]) is None
