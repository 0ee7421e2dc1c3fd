"""A leader that was paused between its look and its write, and wakes up when another one leads.

No disk compares before it writes: what the sleeper still writes, it writes. Nobody may ever read anything
that was not written, and its successor's `renew` must heal whatever was spoilt.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest

from hacore.errors import MetadataError, StaleWriter
from hacore.metadata import PLAN, SNAPSHOT
from tests.hacore.metadata.test_volume import HALF, drawing, formatted, opened, told

PLANS = tuple(bytes([number]) * 3_000 for number in range(3))


def pending(disk: Any, draw: Callable[[int], bytes], before: int) -> list[tuple[int, bytes]]:
    """What a leader of epoch 5 is about to write: a flip, or a record behind its last one."""
    ahead = disk.copy()
    sleeper = opened(ahead, draw, writer=3)
    for number in range(before):
        sleeper.append(SNAPSHOT, 5, bytes([50 + number]) * 9_000)
    disk.content[:] = ahead.content
    ahead.writes.clear()
    sleeper.append(SNAPSHOT, 5, b"late" * 3_000)
    return list(ahead.writes)


def landing(disk: Any, writes: list[tuple[int, bytes]]) -> None:
    for offset, data in writes:
        disk.content[offset : offset + len(data)] = data


@pytest.mark.parametrize("before", [0, 1, 4, 5, 6])
def test_a_successor_heals_what_a_sleeper_spoilt(make_disk, before: int) -> None:
    """Every write of the sleeper lands at every moment of its successor's."""
    for moments in itertools.combinations_with_replacement(range(len(PLANS) + 1), 3):
        draw = drawing()
        disk = formatted(make_disk(), draw)
        opened(disk, draw, writer=4).append(SNAPSHOT, 4, b"first")
        late = pending(disk, draw, before)
        parts = [late[:1], late[1:2], late[2:]]
        oldest = told(opened(disk))
        successor = opened(disk, draw, writer=1)
        for moment in range(len(PLANS) + 1):
            for part, at in zip(parts, moments, strict=True):
                if at == moment:
                    landing(disk, part)
            written = {b"late" * 3_000, *oldest.values(), *PLANS}
            assert written.issuperset(told(opened(disk)).values()), "older at worst, never rubbish"
            if moment < len(PLANS):
                successor.append(PLAN, 7, PLANS[moment])
        successor.renew(7)
        found = told(opened(disk))
        assert found[PLAN] == PLANS[-1], (before, moments)
        assert found[SNAPSHOT] in (oldest[SNAPSHOT], b"late" * 3_000)
        successor.append(SNAPSHOT, 7, b"after")
        assert told(opened(disk)) == {PLAN: PLANS[-1], SNAPSHOT: b"after"}


def test_a_cut_while_it_heals_costs_nothing_more(make_disk) -> None:
    """The half that counts for readers is spared: wherever the healing is cut, a reader finds a volume."""
    draw = drawing()
    disk = formatted(make_disk(), draw)
    late = pending(disk, draw, 5)
    oldest = told(opened(disk))
    successor = opened(disk, draw, writer=1)
    successor.append(PLAN, 7, PLANS[0])
    landing(disk, late[:1])
    disk.writes.clear()
    before = disk.copy()
    assert told(opened(before)) == oldest, "its records are spoilt, the other half counts"
    successor.renew(7)
    for offset, data in disk.writes:
        for cut in (0, 1, 100, 600, len(data) - 1):
            torn = before.copy()
            torn.content[offset : offset + cut] = data[:cut]
            assert told(opened(torn)) in (oldest, {**oldest, PLAN: PLANS[0]})
        before.content[offset : offset + len(data)] = data
    assert told(opened(before)) == {**oldest, PLAN: PLANS[0]}


def test_a_sleeper_that_wakes_up_in_the_middle_of_a_flip_gives_way(disk) -> None:
    draw = drawing()
    formatted(disk, draw)
    sleeper = opened(disk, draw, writer=3)
    sleeper.append(SNAPSHOT, 5, b"s" * 5 * 4096)
    sleeper.append(PLAN, 5, b"p" * 5 * 4096)
    first = len(disk.writes)

    def overtake(_offset: int, _data: bytes) -> None:
        if len(disk.writes) == first:  # before the first of three writes lands
            disk.spoil = None
            opened(disk, draw, writer=1).append(PLAN, 7, b"new")

    disk.spoil = overtake
    with pytest.raises(StaleWriter, match="host 1 has written in epoch 7"):
        sleeper.append(SNAPSHOT, 5, b"t" * 6 * 4096)
    mine = [offset for offset, data in disk.writes[first:] if b"tttt" in data]
    assert mine == [4096], "after the one that was on its way it looked again"
    assert {offset // HALF for offset, _ in disk.writes[first:]} == {0}


def test_who_is_written_over_again_and_again_says_so(disk) -> None:
    draw = drawing()
    formatted(disk, draw)
    volume = opened(disk, draw, writer=3)
    others = (b"x%d" % number for number in itertools.count())

    def meddle(offset: int, _data: bytes) -> None:
        if offset % HALF:
            spoil, disk.spoil = disk.spoil, None
            opened(disk, draw, writer=1).append(PLAN, 2, next(others))
            disk.spoil = spoil

    disk.spoil = meddle
    with pytest.raises(MetadataError, match="somebody else writes it again and again"):
        volume.append(SNAPSHOT, 5, b"mine")
