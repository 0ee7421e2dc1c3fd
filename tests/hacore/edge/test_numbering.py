"""Where the writes of a starting daemon are numbered from: what the lock file remembers of earlier starts."""

from __future__ import annotations

import os
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hacore.core.numbering import MOST_WRITES, start_floor
from hacore.edge.numbering import numbered_from

WALL_NS = 1_800_000_000 * 10**9


@pytest.fixture
def lock(tmp_path):
    descriptor = os.open(tmp_path / "lock", os.O_RDWR | os.O_CREAT)
    yield descriptor
    os.close(descriptor)


def test_the_first_start_numbers_from_the_wall_clock(lock):
    assert numbered_from(lock, WALL_NS) == WALL_NS


@given(st.lists(st.integers(1, 1 << 61), min_size=1, max_size=9))
def test_no_start_numbers_what_one_before_it_may_have(walls):
    floors = [0]
    for wall_ns in walls:
        floors.append(start_floor(wall_ns, floors[-1]))
    assert floors[1:] == sorted(floors[1:])
    assert all(later - before >= MOST_WRITES for before, later in pairwise(floors[1:]))


def test_a_clock_before_its_epoch_is_none(lock):
    assert numbered_from(lock, -5) == 0


def test_a_clock_that_was_set_back_does_not_matter(lock):
    numbered_from(lock, WALL_NS)
    again = numbered_from(lock, WALL_NS - 3600 * 10**9)
    assert again == WALL_NS + MOST_WRITES
    assert numbered_from(lock, 5) == again + MOST_WRITES


@pytest.mark.parametrize("noted", [b"", b"17\n", b"x" * 21, b"9" * 21, b"\xff" * 21])
def test_rubbish_in_the_lock_file_is_nothing(lock, noted):
    os.pwrite(lock, noted, 0)
    assert numbered_from(lock, WALL_NS) == WALL_NS


def test_a_lock_file_that_cannot_be_written_keeps_nobody_from_starting(tmp_path):
    (tmp_path / "lock").write_bytes(b"")
    descriptor = os.open(tmp_path / "lock", os.O_RDONLY)
    assert numbered_from(descriptor, WALL_NS) == WALL_NS
    os.close(descriptor)
    assert numbered_from(descriptor, WALL_NS) == WALL_NS
