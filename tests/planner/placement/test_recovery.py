"""The best part when not all fit: equal to what trying every placement finds."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from random import Random

from bench.clocks import StillClock
from hacore.clock import Deadline
from planner.placement.recovery import recover
from planner.placement.settle import settle
from planner.placement.spread import NOWHERE, Piece, Room
from planner.placement.wishes import Wish


def drawn(rng: Random) -> tuple[list[Wish], Room]:
    hosts = rng.randint(1, 3)
    everywhere = (1 << hosts) - 1
    protected_turns = rng.randint(0, 3)
    wishes = []
    for _ in range(rng.randint(0, 5)):
        turn = rng.randint(0, 4)
        mask = everywhere if rng.random() < 0.6 else rng.randint(0, everywhere)
        wishes.append(Wish(Piece(rng.randint(1, 9), mask), turn, turn < protected_turns))
    free = tuple(rng.randint(0, 14) for _ in range(hosts))
    return wishes, Room(free, tuple(room + rng.randint(1, 20) for room in free))


def fits(wishes: Sequence[Wish], to: Sequence[int], room: Room) -> bool:
    free = list(room.free_bytes)
    for wish, host in zip(wishes, to, strict=True):
        if host == NOWHERE:
            continue
        free[host] -= wish.piece.need_bytes
        if free[host] < 0 or not wish.piece.hosts >> host & 1:
            return False
    return True


def merit(wishes: Sequence[Wish], to: Sequence[int]) -> list[int]:
    """Return what a plan is judged by, the weightiest first: counts by turn, memory, best-effort counts."""
    placed = [wish for wish, host in zip(wishes, to, strict=True) if host != NOWHERE]
    counts = {turn: sum(w.turn == turn for w in placed) for turn in range(10)}
    protected = sorted({w.turn for w in wishes if w.protected})
    others = sorted({w.turn for w in wishes if not w.protected})
    memory = sum(w.piece.need_bytes for w in placed if w.protected)
    return [*(counts[t] for t in protected), memory, *(counts[t] for t in others)]


def protected_merit(wishes: Sequence[Wish], merits: list[int]) -> list[int]:
    """Return the part that speaks of protected VMs."""
    return merits[: len({w.turn for w in wishes if w.protected}) + 1]


def best(wishes: Sequence[Wish], room: Room) -> list[int]:
    hosts = range(NOWHERE, len(room.free_bytes))
    every = product(hosts, repeat=len(wishes))
    return max(merit(wishes, to) for to in every if fits(wishes, to, room))


def test_recoveries_equal_brute_force(ample: Deadline) -> None:
    short = 0
    for seed in range(500):
        wishes, room = drawn(Random(seed))
        found = recover(wishes, room, ample)
        assert fits(wishes, found.to, room), seed
        assert found.proven, seed
        said, true = merit(wishes, found.to), best(wishes, room)
        assert protected_merit(wishes, said) == protected_merit(wishes, true), seed
        if all(host != NOWHERE for w, host in zip(wishes, found.to, strict=True) if w.protected):
            assert said == true, seed
        short += NOWHERE in found.to
    assert short > 100


def test_without_time_a_recovery_is_fair_though_not_proven(passed: Deadline) -> None:
    unproven = 0
    for seed in range(300):
        wishes, room = drawn(Random(seed))
        found = recover(wishes, room, passed)
        assert fits(wishes, found.to, room), seed
        unproven += not found.proven
        if found.proven:
            assert protected_merit(wishes, merit(wishes, found.to)) == protected_merit(
                wishes, best(wishes, room)
            ), seed
        assert_fair(wishes, found.to, room)
    assert unproven > 3


def hard(rng: Random) -> tuple[list[Wish], Room]:
    """Return a question that greedy packing mostly leaves open, small enough to try everything."""
    hosts = 3
    wishes = [
        Wish(Piece(rng.randint(3, 9), 0b111), turn, True) for turn in (0, 1) for _ in range(rng.randint(2, 4))
    ]
    return wishes, Room(tuple(rng.randint(7, 14) for _ in range(hosts)), (30,) * hosts)


class Countdown:
    """A clock that stands still until it was asked so often; then all limits are over."""

    def __init__(self, asked: int) -> None:
        self.left = asked

    def monotonic_ns(self) -> int:
        self.left -= 1
        return 0 if self.left > 0 else 1 << 60

    def wall_seconds(self) -> float:
        return 0.0


def test_what_an_unproven_recovery_may_miss_is_never_understated() -> None:
    """Cut off anywhere, the best is at or below the ceiling, and equal to it in all aims before."""
    gaps = {"vms": 0, "memory": 0, "closed": 0}
    worlds = [(seed, *hard(Random(seed))) for seed in range(40)]
    truths = [best(wishes, room) for _, wishes, room in worlds]
    for ((seed, wishes, room), true), asked in product(
        zip(worlds, truths, strict=True), (3, 10, 13, 16, 19, 22, 50)
    ):
        found = recover(wishes, room, Deadline.after(Countdown(asked), 10))
        said, gap = merit(wishes, found.to), found.gap
        assert (gap is None) is found.proven, seed
        if gap is None:
            assert said == true, seed
            gaps["closed"] += NOWHERE in found.to
            continue
        aim = 2 if gap.turn is None else gap.turn
        gaps["memory" if gap.turn is None else "vms"] += 1
        assert said[:aim] == true[:aim], seed
        assert gap.placed == said[aim] <= true[aim] <= gap.at_most, seed
        assert gap.placed < gap.at_most, seed
    assert min(gaps.values()) > 5, gaps


def test_waves_are_settled_by_the_numbers_of_each_order() -> None:
    """A wave is an order with a VM placed: among the best placements no one has fewer of them."""
    for seed in range(120):
        wishes, room = drawn(Random(seed))
        hosts = range(NOWHERE, len(room.free_bytes))
        found = recover(wishes, room, Deadline.after(StillClock(), 10))
        aims = protected_merit(wishes, merit(wishes, found.to))
        for to in product(hosts, repeat=len(wishes)):
            if fits(wishes, to, room) and protected_merit(wishes, merit(wishes, to)) == aims:
                assert waves(wishes, to) == waves(wishes, found.to), seed


def aims(wishes: Sequence[Wish], room: Room, ample: Deadline) -> list[int]:
    """Return what a recovery reaches for the protected VMs."""
    return protected_merit(wishes, merit(wishes, recover(wishes, room, ample).to))


def test_laws_of_recovery(ample: Deadline) -> None:
    """More room never does worse; who comes later never takes from who comes before; names do not matter."""
    for seed in range(150):
        rng = Random(seed)
        wishes, room = drawn(rng)
        before = aims(wishes, room, ample)
        roomier = Room(tuple(free + rng.randint(0, 4) for free in room.free_bytes), room.total_bytes)
        assert aims(wishes, roomier, ample) >= before, seed
        late = Wish(Piece(rng.randint(1, 9), (1 << len(room.free_bytes)) - 1), 9, True)
        firm = [wish for wish in wishes if wish.protected]
        counts = len({wish.turn for wish in firm})
        assert aims([*firm, late], room, ample)[:counts] == before[:counts], seed
        effort = Wish(late.piece, 9, False)
        assert aims([*wishes, effort], room, ample) == before, seed
        assert aims(rng.sample(wishes, len(wishes)), room, ample) == before, seed


def waves(wishes: Sequence[Wish], to: Sequence[int]) -> set[int]:
    return {w.turn for w, host in zip(wishes, to, strict=True) if host != NOWHERE and w.protected}


def assert_fair(wishes: Sequence[Wish], to: Sequence[int], room: Room) -> None:
    for i, wish in enumerate(wishes):
        for host in range(len(room.free_bytes)):
            if to[i] == NOWHERE and wish.piece.hosts >> host & 1:
                ahead = sum(
                    w.piece.need_bytes
                    for w, at in zip(wishes, to, strict=True)
                    if at == host and w.turn <= wish.turn
                )
                assert ahead + wish.piece.need_bytes > room.free_bytes[host]


def test_settling_gives_way_to_earlier_turns_only() -> None:
    room = Room((4,), (10,))
    early, late = Wish(Piece(4, 1), 0, True), Wish(Piece(4, 1), 1, True)
    assert settle([late, early], [0, NOWHERE], room) == [NOWHERE, 0]
    assert settle([early, late], [0, NOWHERE], room) == [0, NOWHERE]


def test_settling_lets_those_who_stepped_back_go_elsewhere() -> None:
    room = Room((4, 3), (10, 10))
    early, late = Wish(Piece(4, 0b01), 0, True), Wish(Piece(3, 0b11), 1, True)
    assert settle([early, late], [NOWHERE, 0], room) == [0, 1]


def test_limits_are_told(passed: Deadline, ample: Deadline) -> None:
    wishes = [Wish(Piece(size, 0b111), 0, True) for size in (6, 6, 6, 4, 4, 3, 3)]
    room = Room((10, 10, 11), (20, 20, 20))
    assert not recover(wishes, room, ample).solver.limit_reached
    cut = recover([*wishes, Wish(Piece(2, 0b111), 0, True)], room, passed)
    assert cut.solver.limit_reached
    assert not cut.proven
