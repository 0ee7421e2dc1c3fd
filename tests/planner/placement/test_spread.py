"""Balance: VMs go where the used share stays lowest, and no single move betters the measure."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from random import Random

from planner.placement.spread import NOWHERE, Piece, Room, even, spread


def measure(pieces: Sequence[Piece], to: Sequence[int], room: Room) -> Fraction:
    """Return Σ used² / total."""
    used = [total - free for total, free in zip(room.total_bytes, room.free_bytes, strict=True)]
    for piece, host in zip(pieces, to, strict=True):
        if host != NOWHERE:
            used[host] += piece.need_bytes
    return sum((Fraction(u * u, t) for u, t in zip(used, room.total_bytes, strict=True)), Fraction())


def drawn(rng: Random) -> tuple[list[Piece], Room]:
    hosts = rng.randint(1, 5)
    totals = tuple(rng.randint(10, 60) for _ in range(hosts))
    room = Room(tuple(rng.randint(0, total) for total in totals), totals)
    masks = range(1, 1 << hosts)
    return [Piece(rng.randint(1, 12), rng.choice(masks)) for _ in range(rng.randint(0, 9))], room


def test_equal_vms_on_equal_hosts_are_dealt_out() -> None:
    to = spread([Piece(2, 0b111)] * 6, Room((20, 20, 20), (40, 40, 40)))
    assert sorted(to) == [0, 0, 1, 1, 2, 2]


def test_the_used_share_counts_not_the_free_bytes() -> None:
    """A small empty host takes the VM rather than a large one that is nearly full with more bytes free."""
    assert spread([Piece(2, 0b11)], Room((30, 20), (300, 20))) == [1]


def test_what_does_not_fit_stays_nowhere() -> None:
    assert spread([Piece(5, 0b1), Piece(4, 0b1), Piece(1, 0b0)], Room((5,), (9,))) == [0, NOWHERE, NOWHERE]


def test_no_single_move_betters_an_even_placement() -> None:
    for seed in range(200):
        pieces, room = drawn(Random(seed))
        start = spread(pieces, room)
        done = even(pieces, start, room)
        assert measure(pieces, done, room) <= measure(pieces, start, room)
        assert [host == NOWHERE for host in start] == [host == NOWHERE for host in done]
        for i, piece in enumerate(pieces):
            for host in range(len(room.free_bytes)):
                other = [*done[:i], host, *done[i + 1 :]]
                load = sum(p.need_bytes for p, at in zip(pieces, other, strict=True) if at == host)
                if done[i] != NOWHERE and piece.hosts >> host & 1 and load <= room.free_bytes[host]:
                    assert measure(pieces, other, room) >= measure(pieces, done, room), seed


def test_a_lopsided_placement_is_evened_out() -> None:
    pieces = [Piece(1, 0b11)] * 4
    assert sorted(even(pieces, [0, 0, 0, 0], Room((10, 10), (20, 20)))) == [0, 0, 1, 1]
