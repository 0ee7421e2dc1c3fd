"""What the lock file keeps for the next daemon: where to number from, and that nothing is out any more."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from itertools import pairwise
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hacore.core.events import DiskCycle
from hacore.core.numbering import MOST_WRITES, UNFINISHED, Finished, nothing_out, start_floor
from hacore.edge.numbering import FIRST_LINE, note_finished, numbered_from, take_finished

WALL_NS = 1_800_000_000 * 10**9
SAID = Finished(WALL_NS + 77, (0, 0, 5, 0, 0, 0, 0, 9), 3)


def config(**changes: object) -> SimpleNamespace:
    """Return what of a configuration tells whose slot it is."""
    plain = {"generation": "g1", "incarnation": 0xB007, "me": SimpleNamespace(uuid="u1")}
    return SimpleNamespace(**plain | changes)


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


# --- the second line --------------------------------------------------------------------------------------


def test_who_finished_is_believed_once(lock):
    numbered_from(lock, WALL_NS)
    note_finished(lock, config(), SAID)
    assert take_finished(lock, config()) == SAID
    assert take_finished(lock, config()) == UNFINISHED, "whoever dies after this has said nothing"
    assert numbered_from(lock, 5) == WALL_NS + MOST_WRITES, "the floor stays"


def test_the_floor_of_the_next_start_leaves_the_second_line_alone(lock):
    numbered_from(lock, WALL_NS)
    note_finished(lock, config(), SAID)
    numbered_from(lock, WALL_NS)
    assert take_finished(lock, config()) == SAID


def test_who_did_not_finish_says_nothing(lock):
    numbered_from(lock, WALL_NS)
    note_finished(lock, config(), UNFINISHED)
    assert os.fstat(lock).st_size == FIRST_LINE


@pytest.mark.parametrize(
    "changes", [{"generation": "g2"}, {"incarnation": 0xB008}, {"me": SimpleNamespace(uuid="u2")}]
)
def test_another_pool_boot_or_slot_is_not_meant(lock, changes):
    note_finished(lock, config(), SAID)
    assert take_finished(lock, config(**changes)) == UNFINISHED
    assert take_finished(lock, config()) == UNFINISHED, "it is erased all the same"


def test_a_line_that_was_written_in_part_is_none(lock, tmp_path):
    note_finished(lock, config(), SAID)
    whole = (tmp_path / "lock").read_bytes()
    for length in range(len(whole)):
        (tmp_path / "lock").write_bytes(whole[:length])
        assert take_finished(lock, config()) == UNFINISHED


@pytest.mark.parametrize(
    "line",
    [
        b"rubbish\n",
        b"[]\n",
        b"17\n",
        b"[" * 4000 + b"\n",
        b"\xff\xff\n",
        b"{}\n",
    ],
)
def test_rubbish_in_the_second_line_is_nothing(lock, line):
    os.pwrite(lock, line, FIRST_LINE)
    assert take_finished(lock, config()) == UNFINISHED


@pytest.mark.parametrize(
    "changes",
    [
        {"sequence": -1},
        {"sequence": 1.5},
        {"sequence": True},
        {"sequence": 1 << 63},
        {"failed_ns": [0] * 7},
        {"failed_ns": ["1"] * 8},
        {"failed_ns": 5},
        {"returned_ns": None},
        {"more": 1},
    ],
)
def test_a_second_line_that_says_what_no_daemon_does_is_nothing(lock, changes):
    note_finished(lock, config(), SAID)
    told = json.loads(os.pread(lock, 4096, FIRST_LINE)) | changes
    os.pwrite(lock, (json.dumps(told) + "\n").encode().ljust(1000), FIRST_LINE)
    assert take_finished(lock, config()) == UNFINISHED


def test_what_cannot_be_erased_was_never_said(lock, tmp_path):
    note_finished(lock, config(), SAID)
    reader = os.open(tmp_path / "lock", os.O_RDONLY)
    assert take_finished(reader, config()) == UNFINISHED
    os.close(reader)
    assert take_finished(reader, config()) == UNFINISHED
    note_finished(reader, config(), SAID)  # nobody is kept from ending


def test_only_a_write_that_worked_with_nothing_behind_it_leaves_nothing_out():
    wrote = DiskCycle(7, 1, True, 2, 3, True, (1,), (None,), 0, 2, 0, False)
    assert nothing_out(wrote, ended=True)
    assert nothing_out(replace(wrote, read=False), ended=True), "the start reads for itself"
    assert not nothing_out(wrote, ended=False), "a call to the disk is out"
    assert not nothing_out(replace(wrote, written=False), ended=True), "the last one failed, or was a probe"
    assert not nothing_out(None, ended=True)
