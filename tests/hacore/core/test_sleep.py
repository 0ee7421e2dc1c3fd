"""A host that was suspended for longer than its lease: its first look at the time is its last."""

from __future__ import annotations

import pytest

from hacore.core.events import Tick
from hacore.core.timing import NS
from hacore.records import FenceCause

HOUR_NS = 3600 * NS


def tick(box):
    box.tell(Tick())


def a_cycle_that_was_refused(box):
    """The pump of a host that slept over its deadline neither writes nor believes what it reads."""
    box.cycle(written=False, read=False)


@pytest.mark.parametrize("first", [tick, a_cycle_that_was_refused])
def test_a_member_that_slept_over_its_deadline_fences_at_its_first_look(pool, first):
    box = pool[1]
    epoch = box.view.epoch
    pool.now_ns += HOUR_NS
    first(box)
    assert box.fenced
    assert box.view.fence is FenceCause.STORAGE_LOST
    assert box.view.epoch == epoch, "nobody is left out by who slept"


def test_one_that_woke_in_time_goes_on(pool):
    pool.now_ns += pool.timing.over_ns - 2 * pool.timing.beat_ns
    tick(pool[1])
    assert not pool[1].fenced
    pool[1].cycle()
    pool.run(3)
    assert len(pool.up()) == 3
    assert pool[1].view.epoch == pool[0].view.epoch
