"""The machine in small pools driven by hand: each row of its transition table."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hacore.core.effects import CloseWatchdog, OpenWatchdog, Publish
from hacore.core.events import (
    ConfirmDead,
    Disarm,
    EmergencyDisable,
    Evidence,
    Join,
    Leave,
    ProposeLeader,
    SetWeight,
    Tick,
)
from hacore.core.setup import Quorum
from hacore.core.timing import NS
from hacore.core.view import Mode
from hacore.core.warnings import sentences
from hacore.records import Cause, FenceCause, State

T = 20


# --- forming, admission, removal


def test_all_hosts_form_a_liveset_at_once_and_arm(pool):
    assert pool.livesets() == {(2, 0b111)}
    for box in pool.up():
        assert box.armed
        assert box.view.decided.cause is Cause.FORMED
        assert box.view.leader == 0
        assert box.lease.disk


def test_nobody_arms_before_its_slot_was_read(pool_of):
    box = pool_of(2).boot(0)
    box.tell(Tick())
    assert box.effects == []
    assert box.waiting == "the first read of the statefile"


def test_part_of_a_new_pool_forms_only_after_the_wait(pool_of):
    pool = pool_of(3)
    pool.boot(0), pool.boot(1)
    pool.run(pool.timing.cold_start_ns / NS - 5)
    assert {box.view.state for box in pool.up()} == {State.JOINING}
    assert "hosts that are missing: 2" in pool[0].waiting
    pool.run(10)
    assert pool.livesets() == {(2, 0b011)}


def test_who_joins_and_does_not_write_any_more_is_not_here(pool_of):
    """It is heard, and its slot says for ever that it has storage."""
    pool = pool_of(4)
    pool.boot(0), pool.boot(1), pool.boot(2)
    pool.run(5)
    pool[2].storage = False
    pool.until(lambda: pool[0].view.state is State.MEMBER, pool.timing.cold_start_ns / NS + 5)
    assert [note["liveset"] for note in pool[0].notes("epoch")] == ["0,1"]


def test_an_operator_need_not_wait(pool_of):
    pool = pool_of(3)
    pool.boot(0), pool.boot(1)
    pool.run(5)
    pool[0].tell(Join(force=True))
    pool.run(3)
    assert pool.livesets() == {(2, 0b011)}
    assert pool[1].view.decided.cause is Cause.OPERATOR


def test_a_crashed_host_is_left_out_then_dead_then_admitted_as_somebody_else(pool):
    pool.crash(2)
    crashed_ns = pool.now_ns
    pool.until(lambda: pool[0].view.liveset == 0b011, T * 1.2)
    assert pool.now_ns - crashed_ns <= pool.timing.silence_ns + 3 * pool.timing.beat_ns
    assert pool[0].view.decided.cause is Cause.DEAD
    pool.run(1)
    assert [box.view.dead for box in pool.up()] == [0b100, 0b100]
    pool.boot(2)
    pool.until(lambda: pool[2].view.state is State.MEMBER, T)
    pool.run(2)
    assert {box.view.liveset for box in pool.up()} == {0b111}
    assert {box.view.dead for box in pool.up()} == {0}


def test_nobody_waits_for_the_turn_of_who_has_not_moved_for_long(pool):
    """The leader is dead, too, but not silent yet: it will not propose what is due."""
    pool.crash(2)
    silent_ns = pool.now_ns + pool.timing.silence_ns
    pool.run(4)
    pool.crash(0)
    pool.until(lambda: pool[1].view.liveset == 0b011, 2 * T)
    assert pool.now_ns <= silent_ns + 2 * pool.timing.beat_ns


def test_nobody_is_declared_dead_before_the_removal_is_decided(pool):
    pool.crash(2)
    for _ in range(60):
        for box in pool.up():
            assert not box.view.dead or not box.view.liveset & 0b100
        pool.beat()


def test_a_host_that_rebooted_is_left_out_at_once(pool):
    pool.crash(1)
    pool.run(1)
    pool.boot(1)
    pool.until(lambda: pool[1].view.state is State.MEMBER, 10)
    causes = [note["cause"] for note in pool[0].notes("epoch")]
    assert causes == ["formed", "rebooted", "joined"]
    assert pool[0].notes("dead") == [{"host": "1", "epoch": 3}]


def test_a_joiner_that_a_member_does_not_hear_waits(pool):
    pool.crash(2)
    pool.until(lambda: pool[0].view.dead == 0b100, 2 * T)
    pool.cut |= {(2, 1)}
    pool.boot(2)
    pool.run(T)
    assert pool[2].view.state is State.JOINING
    pool.cut.clear()
    pool.until(lambda: pool[2].view.state is State.MEMBER, T)


def test_the_leader_that_dies_is_replaced_by_weight(pool):
    pool[2].tell(SetWeight(5))
    pool.crash(0)
    pool.until(lambda: pool[1].view.dead == 0b001, 2 * T)
    assert pool[1].view.leader == 2


def test_a_wished_leader_leads_and_the_wish_ends(pool):
    pool[1].tell(ProposeLeader(1))
    pool.run(3)
    assert {box.view.leader for box in pool.up()} == {1}
    assert pool[1].view.leader_wish == -1
    assert pool[0].view.decided.cause is Cause.LEADER


# --- being left out


def test_a_member_that_reads_an_epoch_without_itself_fences(pool):
    others = replace(
        pool[0].view.decided,
        epoch=3,
        liveset=0b011,
        members=(*pool[0].view.decided.members[:2], 0),
        cause=Cause.ISOLATED,
    )
    pool.slots[0] = replace(pool.slots[0], decided=others)
    pool.sequences[0] += 1
    pool[2].cycle()
    assert pool[2].body.state is State.FENCING
    assert pool[2].body.confirmed == 3
    assert not pool[2].fenced, "the confirmation comes first"
    pool[2].cycle()
    assert pool[2].fenced


def test_it_fences_a_beat_later_even_if_it_cannot_say_so(pool):
    others = replace(pool[0].view.decided, epoch=3, liveset=0b011, members=(1, 1, 0), cause=Cause.ISOLATED)
    pool.slots[0] = replace(pool.slots[0], decided=others)
    pool[2].cycle()
    pool[2].storage = False
    pool.now_ns += pool.timing.beat_ns
    pool[2].tell(Tick())
    assert pool[2].fenced
    assert pool[2].view.fence is FenceCause.LEFT_OUT


def test_an_operator_confirms_nobody_who_may_live(pool):
    pool[0].tell(ConfirmDead(1))
    assert pool[0].view.dead == 0


def test_a_cut_cable_costs_the_host_that_has_no_carrier(pool):
    pool.cut_off(2)
    pool[2].tell(Evidence(carrier=False, arbiters=0))
    isolated = pool[2]
    pool.until(lambda: isolated.fenced, 3 * T)
    assert pool[0].view.decided.cause is Cause.ISOLATED
    assert pool[0].view.liveset == 0b011
    assert pool[0].view.dead == 0, "a confirmation alone kills nobody"
    pool.run(3 * (pool.timing.watchdog_ns + pool.timing.granularity_ns) / NS + 2)
    assert pool[0].view.dead == 0b100


def test_a_dead_switch_costs_nobody(pool):
    pool.cut_off(0), pool.cut_off(1), pool.cut_off(2)
    pool.run(5 * T)
    assert len(pool.up()) == 3
    assert {box.view.liveset for box in pool.up()} == {0b111}
    assert all(box.view.degraded for box in pool.up())
    pool.cut.clear()
    pool.run(2)
    assert not any(box.view.degraded for box in pool.up())


# --- storage


def test_who_alone_loses_storage_says_so_and_ends(pool):
    lost = pool[1]
    lost.storage = False
    pool.until(lambda: lost.fenced, T)
    assert lost.view.fence is FenceCause.STORAGE_LOST
    assert lost.notes("storage_lost")
    assert [note["percent"] for note in lost.notes("late") if note["channel"] == "deadline"] == [25, 50]
    pool.until(lambda: pool[0].view.dead == 0b010, 2 * T)


def test_all_live_on_grants_while_nobody_has_storage(pool):
    for box in pool.up():
        box.storage = False
    pool.run(5 * T)
    assert len(pool.up()) == 3
    assert {box.view.mode for box in pool.up()} == {Mode.GRANTS}
    for box in pool.up():
        box.storage = True
    pool.run(3)
    assert {box.view.mode for box in pool.up()} == {Mode.DISK}
    assert pool.livesets() == {(2, 0b111)}


def test_who_gets_storage_back_alone_proposes_nothing_for_a_silence(pool):
    for box in pool.up():
        box.storage = False
    pool.run(2 * T)
    pool[0].storage = True
    back_ns = pool.now_ns
    others = [pool[1], pool[2]]
    pool.until(lambda: pool[0].view.liveset == 0b001, 3 * T)
    assert pool.now_ns - back_ns > pool.timing.silence_ns
    assert all(box.fenced for box in others)


def test_a_member_left_alone_lives_without_storage(pool):
    pool.crash(1), pool.crash(2)
    pool.until(lambda: pool[0].view.dead == 0b110, 2 * T)
    pool[0].storage = False
    pool.run(3 * T)
    assert not pool[0].fenced


# --- leaving, disarming


def test_leaving_is_decided_then_disarmed_then_said_twice(pool):
    pool[1].tell(Leave())
    left = pool[1]
    pool.until(lambda: left.stopped, 10)
    assert not left.armed
    assert pool.slots[1].state is State.EXCLUDED
    pool.run(2 * T)
    assert pool[0].view.decided.cause is Cause.LEFT
    assert pool[0].view.dead == pool[0].view.condemned == 0


def test_the_last_one_may_let_itself_go(pool):
    boxes = pool.up()
    for box in boxes:
        box.tell(Leave())
    pool.until(lambda: all(box.stopped for box in boxes), 20)
    assert {body.state for body in pool.slots} == {State.EXCLUDED}
    assert max(body.decided.epoch for body in pool.slots) >= 3
    for index in range(2):
        pool.boot(index, boxes[index].incarnation).tell(Join())
    pool.until(lambda: pool[0].view.state is State.MEMBER, T * 5)
    assert pool[0].view.liveset == 0b011, "nobody waits for who left"


def test_who_left_stays_out_until_asked(pool):
    pool[1].tell(Leave())
    left = pool[1]
    pool.until(lambda: left.stopped, 10)
    back = pool.boot(1)
    pool.run(10)
    assert back.view.state is State.EXCLUDED
    back.tell(Join())
    pool.until(lambda: back.view.state is State.MEMBER, 10)


def test_the_dead_are_not_admitted_before_they_reboot(pool):
    """An operator said of an unarmed host that it is dead, and there it is: its VMs may run twice."""
    pool[2].tell(Disarm())
    pool.run(2)
    alive = pool[2]
    pool.crash(2)
    pool.until(lambda: pool[0].view.uncertain and pool[1].view.uncertain, 4 * T)
    pool[0].tell(ConfirmDead(2)), pool[1].tell(ConfirmDead(2))
    pool.boxes[2] = alive
    pool.run(T)
    assert alive.view.state is State.JOINING
    assert pool.livesets() == {(3, 0b011)}
    pool.boot(2)
    pool.until(lambda: pool[2].view.state is State.MEMBER, T)


def test_an_unarmed_member_that_is_silent_is_left_out_and_not_declared_dead(pool):
    pool[2].tell(Disarm())
    pool.run(2)
    pool.crash(2)
    pool.run(4 * T)
    assert pool[0].view.liveset == 0b011
    assert pool[0].view.dead == 0
    assert pool[0].view.uncertain == 0b100
    assert pool[0].notes("uncertain")
    pool[1].tell(ConfirmDead(2))
    assert pool[1].view.dead == 0b100, "the operator has looked"
    pool.boot(2)
    pool.run(6)
    assert pool[0].view.uncertain == 0


def test_emergency_disable_needs_nobody(pool):
    pool[1].storage = False
    pool[1].tell(EmergencyDisable())
    assert not pool[1].armed
    pool.now_ns += pool.timing.beat_ns
    pool[1].tell(Tick())
    assert pool[1].stopped


def test_without_fencing_nothing_is_armed_and_nobody_is_certain(pool_of):
    pool = pool_of(2, fencing=False)
    pool.form()
    assert not any(box.armed for box in pool.up())
    pool.crash(1)
    pool.run(3 * T)
    assert pool[0].view.liveset == 0b01
    assert pool[0].view.dead == 0


# --- restart of the daemon


def test_a_restarted_daemon_goes_on_as_a_member(pool):
    incarnation = pool[1].incarnation
    pool.boot(1, incarnation)
    pool.run(2)
    assert not pool[1].notes("hopeless")
    assert pool[1].armed
    assert pool[1].view.state is State.MEMBER
    assert pool.livesets() == {(2, 0b111)}


def test_a_restarted_daemon_pings_nothing_before_a_good_cycle_of_its_own(pool):
    """Opening pings: killed and started again and again it would be silent, taken for dead, and live."""
    back = pool.boot(1, pool[1].incarnation)
    back.cycle()
    assert (back.view.state, back.view.armed, back.armed) == (State.MEMBER, True, False)
    for _ in range(3):
        back.cycle(written=False)
        assert not back.armed
    back.cycle()
    assert back.armed
    assert back.lease.disk
    assert OpenWatchdog(resumed=True) in back.effects


def test_a_restarted_daemon_that_was_left_out_fences_without_a_ping(pool):
    incarnation = pool[2].incarnation
    pool.crash(2)
    pool.until(lambda: pool[0].view.liveset == 0b011, 2 * T)
    back = pool.boot(2, incarnation)
    back.cycle()
    assert (back.view.state, back.armed) == (State.FENCING, False)


def test_a_restarted_daemon_that_leaves_at_once_takes_the_watchdog_to_close_it(pool):
    back = pool.boot(1, pool[1].incarnation)
    back.cycle()
    back.tell(EmergencyDisable())
    assert [each for each in back.effects if isinstance(each, OpenWatchdog | CloseWatchdog)] == [
        OpenWatchdog(resumed=False),
        CloseWatchdog(),
    ]
    assert not back.view.armed


def test_a_restarted_daemon_is_unresolved_until_it_has_read_all(pool):
    box = pool.boot(1, pool[1].incarnation)
    box.cycle()
    assert box.view.unresolved
    box.cycle(doubted=0b001)
    assert box.view.unresolved
    box.cycle()
    assert not box.view.unresolved


def test_a_restarted_daemon_that_was_left_out_meanwhile_fences(pool):
    incarnation = pool[2].incarnation
    pool.crash(2)
    pool.until(lambda: pool[0].view.liveset == 0b011, 2 * T)
    back = pool.boot(2, incarnation)
    pool.run(2)
    assert back.fenced


def test_a_slot_that_somebody_else_writes_is_not_taken_over(pool):
    thief = pool.boot(1, 77)
    thief.cycle()
    pool.sequences[1] += 1
    thief.cycle()
    assert thief.stopped
    assert thief.notes("refused") == [{"reason": "another daemon writes the slot of this host"}]


@pytest.mark.parametrize("formatted", [False, True])
def test_a_damaged_own_slot_is_not_overwritten_at_once(pool, formatted):
    pool.crash(1)
    if formatted:  # all that is left is a copy that nobody has written since
        pool.sequences[1] = 0
    box = pool.boot(1)
    begun_ns = pool.now_ns
    while box.body is None and pool.now_ns - begun_ns < pool.timing.timeout_ns:
        box.cycle(doubted=0b010)
        pool.now_ns += pool.timing.beat_ns
    assert 0 < pool.now_ns - begun_ns - pool.timing.storage_lost_ns < 3 * pool.timing.beat_ns


def test_a_lost_own_slot_is_written_once_no_grant_or_denial_in_it_matters(pool):
    pool.crash(1)
    pool.slots[1] = None
    box = pool.boot(1)
    box.cycle()
    first_ns = pool.now_ns
    while box.body is None:
        assert box.packet is None
        pool.now_ns += pool.timing.beat_ns
        box.cycle()
    assert pool.now_ns - first_ns > pool.timing.silence_ns


def test_an_own_slot_that_can_be_read_again_is_nobody_elses(pool):
    pool.crash(1)
    body, sequence = pool.slots[1], pool.sequences[1]
    pool.slots[1], pool.sequences[1] = None, 0
    box = pool.boot(1)
    box.cycle()
    pool.slots[1], pool.sequences[1] = body, sequence
    pool.until(lambda: box.stopped or box.view.state is State.MEMBER, T)
    assert not box.stopped


def test_a_promise_outlives_the_boot(pool):
    block = replace(pool.slots[1].block, epoch=3, mbal=66)
    pool.crash(1)
    pool.slots[1] = replace(pool.slots[1], block=block)
    box = pool.boot(1)
    for _ in range(20):
        box.cycle()
        pool.now_ns += pool.timing.beat_ns
    first = next(each for each in box.effects if isinstance(each, Publish))
    assert first.body.block == block


# --- odds and ends


def test_a_doubted_slot_stops_every_round(pool):
    pool.crash(2)
    for _ in range(60):
        pool.now_ns += pool.timing.beat_ns
        for box in pool.up():
            box.listen()
            box.cycle(doubted=0b100)
            box.cycle(doubted=0b100)
    assert pool.livesets() == {(2, 0b111)}
    assert pool[0].waiting == "slots that are not believed: 2"


def test_two_decisions_of_one_epoch_fence_whoever_sees_them(pool):
    other = replace(pool.slots[0].decided, leader=1)
    pool.slots[0] = replace(pool.slots[0], decided=other)
    pool[2].cycle()
    assert pool[2].view.fence is FenceCause.BRAIN


def test_a_member_short_of_clean_copies_stays_and_proposes_nothing(pool):
    pool[1].tell(Leave())
    pool[1].cycle()
    for _ in range(5):
        pool[0].cycle(copies=1)
    assert pool[0].view.state is State.MEMBER
    assert pool[0].view.epoch == 2
    assert "clean copies" in pool[0].waiting
    for _ in range(9):
        pool[0].cycle(copies=2)
    assert pool[0].view.liveset == 0b101


def test_who_has_one_clean_copy_disarms_when_another_comes_back(pool):
    """What others rely on stands on two copies; the same one written twice is one."""
    pool[1].tell(Disarm())
    for _ in range(5):
        pool[1].cycle(copies=1)
        assert not pool[1].kicked
    assert pool[1].armed
    for _ in range(2):
        pool[1].cycle(copies=2)
    assert not pool[1].armed


def test_a_member_without_any_clean_copy_lives_until_its_deadline(pool):
    box = pool[1]
    while not box.fenced:
        pool.now_ns += NS
        box.cycle(written=False, read=False, copies=0)
        assert pool.now_ns < 2000 * NS
    assert box.view.fence is FenceCause.NO_COPY_LEFT
    assert pool.now_ns - box.view.lived_ns > pool.timing.ping_until_ns


def test_a_view_is_one_object_until_something_is_told(pool):
    assert pool[0].view is pool[0].view


def test_steady_state_says_nothing(pool):
    pool.run(5)
    before = [len(box.effects) for box in pool.up()]
    pool.run(T)
    assert [len(box.effects) for box in pool.up()] == before


# --- quorum "majority"


def test_a_majority_lives_without_storage(majority):
    assert {box.view.mode for box in majority.up()} == {Mode.MAJORITY}
    for index in (0, 1, 2):
        majority[index].storage = False
    majority.run(4 * T)
    assert len(majority.up()) == 5


def test_a_minority_ends_and_is_dead_only_when_most_deny_it(majority):
    minority = [majority[3], majority[4]]
    majority.cut_off(3, 4)
    majority.until(lambda: all(box.fenced for box in minority), 2 * T)
    assert majority[0].view.dead == 0
    majority.until(lambda: majority[0].view.dead == 0b11000, 2 * T)
    assert majority[0].view.liveset == 0b00111


def test_no_minority_takes_over(majority):
    for index in (2, 3, 4):
        majority.crash(index)
    boxes = majority.up()
    majority.until(lambda: all(box.fenced for box in boxes), 2 * T)
    for index in (0, 1):
        majority.boot(index)
    majority.run(majority.timing.cold_start_ns / NS + 2 * T)
    assert {box.view.state for box in majority.up()} == {State.JOINING}


@pytest.fixture
def denier(pool_of):
    """Three members by majority, of which host 0 denies host 2, which host 1 hears."""
    pool = pool_of(3, quorum=Quorum.MAJORITY)
    pool.form()
    pool.cut |= {(0, 2), (2, 0)}
    pool.until(lambda: pool.slots[0].denied == 0b100, 2 * T)
    return pool


def test_a_successor_denies_whom_its_predecessor_denied(denier):
    """Also in the epoch of a cold start, which readmitted all, but long ago."""
    denier.boot(0, denier[0].incarnation)
    denier.cut.clear()
    denier.run(3)
    assert denier.slots[0].denied == 0b100


def test_a_denial_on_one_copy_is_not_spoken(pool_of):
    pool = pool_of(3, quorum=Quorum.MAJORITY)
    pool.form()
    pool.cut |= {(0, 2), (2, 0)}
    box = pool[0]
    for _ in range(40):
        pool.now_ns += pool.timing.beat_ns
        pool[1].listen()
        pool[1].cycle()
        box.listen()
        box.cycle(copies=1)
    assert (pool.slots[0].denied, box.packet.denied) == (0b100, 0)
    for _ in range(2):
        box.cycle(copies=2)
    assert box.packet.denied == 0b100


def test_who_has_missed_epochs_counts_no_denials_of_before(denier):
    """Epoch 3 let host 2 go, epoch 4 admitted it again: what host 1 said in epoch 2 is void."""
    seen = denier.slots[1].decided
    for host in (1, 2):
        denier.slots[host] = replace(denier.slots[host], decided=replace(seen, epoch=4, cause=Cause.JOINED))
        denier.sequences[host] += 1
    denier[1].packet = replace(denier[1].packet, denied=0b100)
    for _ in range(10):
        denier.sequences[1] += 1
        denier[0].listen()
        denier[0].cycle()
    assert (denier[0].view.epoch, denier[0].view.liveset) == (4, 0b111)


def test_who_waives_is_no_vote_for_its_own_death(denier):
    """A stale slot says so; by now host 2 may live on other grants."""
    denier.slots[2] = replace(denier.slots[2], denied=0b100)
    for _ in range(10):
        denier.sequences[2] += 1
        denier[0].listen()
        denier[0].cycle()
    assert denier[0].view.liveset == 0b111


@pytest.mark.parametrize("hosts", [1, 2, 8])
def test_pools_of_any_size_form(pool_of, hosts):
    pool = pool_of(hosts)
    pool.form()
    assert pool.livesets() == {(2, (1 << hosts) - 1)}


def test_who_was_just_admitted_is_no_joiner_though_its_slot_still_says_so(pool_of):
    """Host 1 has not yet read epoch 2, which names it: it is about to live, so nobody may form beside it."""
    pool = pool_of(3)
    for index in range(2):
        pool.boot(index).cycle()
        pool[index].cycle()
    named = replace(pool.formatted, epoch=2, liveset=0b10, members=(0, pool[1].incarnation, 0), leader=1)
    pool.slots[2] = replace(pool.slots[2], decided=named)
    pool[0].tell(Join(force=True))
    for _ in range(20):
        pool.sequences[1] += 1
        pool.now_ns += pool.timing.beat_ns
        pool[0].listen()
        pool[0].cycle()
    assert pool[0].view.epoch == 2
    assert "to be admitted by the members: 1" in pool[0].waiting


def test_nobody_is_fenced_in_favour_of_a_slot_that_does_not_move(pool_of):
    """Host 1 is gone; a ghost makes its slot look alive, with carrier, while host 0 has lost its own."""
    pool = pool_of(2)
    pool.form()
    pool.crash(1)
    pool[0].tell(Evidence(carrier=False, arbiters=0))
    for _ in range(40):
        pool.beat()
        if pool.now_ns % (3 * NS) < pool.timing.beat_ns:
            pool.sequences[1] += 1
    assert pool[0].view.liveset == 0b11
    assert not pool[0].fenced


# --- what the journal says of slots


def test_slots_are_spoken_of_when_something_changes_and_only_then(pool):
    box = pool[0]
    box.effects.clear()
    for doubted, copies in ((0, 7), (0b100, 7), (0b100, 7), (0b100, 1), (0, 1)):
        box.cycle(doubted=doubted, copies=copies)
    assert [note["hosts"] for note in box.notes("slots_doubted")] == ["2", "nobody"]
    assert box.notes("copies_left")[-1] == {"copies": 1}
    assert "clean copies" in sentences(box.view, str)[0]
    box.cycle(doubted=0b010)
    assert sentences(box.view, str) == [
        "slots that cannot be believed: 1: nothing is decided until they are written anew"
    ]


def test_a_start_is_no_storage_that_came_back(pool):
    assert not any(box.notes("storage_back") for box in pool.up())
