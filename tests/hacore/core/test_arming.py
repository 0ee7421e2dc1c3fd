"""Arming and disarming on demand: said before it is done, and never opened only to fire."""

from __future__ import annotations

from hacore.core.effects import CloseWatchdog
from hacore.core.events import Arm, Disarm
from hacore.core.timing import NS
from hacore.records import State


def test_disarming_is_said_twice_before_it_is_done(pool):
    box = pool[1]
    box.tell(Disarm())
    assert (box.armed, box.view.disarming) == (True, True)
    box.cycle()
    assert (box.armed, box.view.disarming) == (True, True), "one copy may be destroyed"
    box.cycle()
    assert (box.armed, box.view.disarming) == (False, False)
    assert box.view.state is State.MEMBER
    box.tell(Arm())
    assert box.armed


def test_who_is_to_be_armed_waits_for_a_good_cycle(pool):
    """A watchdog that is opened under an old S fires at once."""
    box = pool[1]
    box.tell(Disarm())
    pool.run(2)
    box.storage = False
    pool.now_ns += pool.timing.over_ns + NS
    box.tell(Arm())
    assert not box.armed
    assert box.view.state is State.MEMBER
    box.storage = True
    box.cycle()
    assert box.armed
    assert box.view.armed


def test_a_restarted_daemon_that_was_disarmed_is_armed_when_asked_and_a_member(pool):
    pool[1].tell(Disarm())
    pool.run(2)
    back = pool.boot(1, pool[1].incarnation)
    back.cycle()
    assert not back.armed
    back.tell(Arm())
    assert not back.armed, "it has not run a cycle of its own"
    back.cycle()
    assert back.armed


def test_who_wants_to_be_armed_again_before_it_was_disarmed_stays_so(pool):
    box = pool[1]
    box.tell(Disarm())
    box.cycle()
    box.tell(Arm())
    pool.run(2)
    assert box.armed
    assert box.view.armed
    assert not [each for each in box.effects if isinstance(each, CloseWatchdog)]
