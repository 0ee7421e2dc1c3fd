"""Who was left out, as one sees it that missed epochs: nobody is dead who may have been a member since."""

from dataclasses import replace

import pytest

from hacore.core.events import DiskCycle
from hacore.core.fencing import certainly_dead
from hacore.core.removals import Removals
from hacore.core.rules import sighted_ns
from hacore.core.seen import Disk
from hacore.core.setup import Setup
from hacore.core.timing import NS, timing
from hacore.kernel.native import blank_body
from hacore.records import Cause, Decision, State

TIMING = timing(20 * NS, NS // 10, lab=True)
LONG_NS = TIMING.silence_ns + NS
JUDGE, OTHER, HOST = 0, 1, 2
BOOT, NEXT_BOOT = 12, 13


def epoch(number, *, member=0, cause=Cause.DEAD):
    """Return an epoch with the judge, and with the host if its boot is given."""
    return Decision(number, 0b001 | (0b100 if member else 0), (10, 0, member), JUDGE, cause)


def body(state, decided, incarnation, *, armed=False):
    blank = blank_body(decided)
    return replace(
        blank, incarnation=incarnation, state=state, armed=armed, storage=True, carrier=True, arbiters=1
    )


class Judge:
    """One that was told what is on the disk, read after read."""

    def __init__(self):
        setup = Setup(3, JUDGE, 10, TIMING)
        self.disk = Disk(setup, sighted_ns)
        self.removals = Removals(setup)
        self.now_ns = 1000 * NS
        self.knows = epoch(4, member=BOOT)
        self.sequence = 0
        self.still = False

    def reads(self, newest, slot):
        """Read a slot of the host that moves, beside the newest epoch, as a machine does in one event."""
        self.sequence += 0 if self.still else 1
        own = body(State.MEMBER, newest, 10, armed=True)
        at_ns, sequence = self.now_ns, self.sequence
        numbers = [sequence, 0, sequence]
        self.disk.take(
            DiskCycle(1, at_ns, True, at_ns, at_ns, True, numbers, [own, None, slot], 0, 0, 0, False)
        )
        if newest.epoch > self.knows.epoch:
            self.removals.decided(self.knows, newest, self.disk)
            self.knows = newest
        self.removals.look(self.disk)
        self.removals.forget_those_who_left(self.disk)

    def takes_it_for_dead(self):
        if not self.removals.condemned >> HOST & 1:
            return bool(self.removals.dead >> HOST & 1)
        disk = self.disk
        return certainly_dead(self.removals.evidence(HOST, disk, disk.silent, self.now_ns, by_disk=True))


@pytest.fixture
def judge():
    return Judge()


def test_one_that_is_left_out_and_armed_is_dead_when_its_lease_is_over(judge):
    judge.reads(epoch(5), body(State.MEMBER, epoch(4, member=BOOT), BOOT, armed=True))
    assert not judge.takes_it_for_dead()
    judge.now_ns += LONG_NS
    judge.reads(epoch(5), body(State.MEMBER, epoch(4, member=BOOT), BOOT, armed=True))
    assert judge.takes_it_for_dead()


@pytest.mark.parametrize("boot", [BOOT, NEXT_BOOT])
def test_a_removal_counts_anew_where_an_admission_may_have_been_missed(judge, boot):
    """Left out unarmed by epoch 5; admitted by epoch 6, which nobody here read; left out by epoch 7."""
    judge.reads(epoch(5), body(State.JOINING, epoch(5), BOOT))
    judge.now_ns += LONG_NS
    again = body(State.MEMBER, epoch(6, member=boot), boot, armed=True)
    judge.reads(epoch(7), again)
    assert not judge.takes_it_for_dead()
    judge.now_ns += LONG_NS
    judge.reads(epoch(7), again)
    assert judge.takes_it_for_dead()


def test_a_boot_that_shows_only_later_that_it_was_a_member_is_not_the_one_that_is_gone(judge):
    """Its slot still said JOINING when the epoch that leaves it out was read."""
    judge.reads(epoch(5), body(State.MEMBER, epoch(4, member=BOOT), BOOT, armed=True))
    judge.reads(epoch(7), body(State.JOINING, epoch(5), NEXT_BOOT))
    judge.reads(epoch(7), body(State.MEMBER, epoch(6, member=NEXT_BOOT), NEXT_BOOT, armed=True))
    assert not judge.takes_it_for_dead()


def test_the_dead_are_not_dead_as_who_they_became(judge):
    judge.reads(epoch(5), body(State.JOINING, epoch(5), NEXT_BOOT))
    assert judge.takes_it_for_dead()
    judge.removals.bury(HOST)
    judge.reads(epoch(7), body(State.MEMBER, epoch(6, member=NEXT_BOOT), NEXT_BOOT, armed=True))
    assert not judge.takes_it_for_dead()


def test_who_is_dead_stays_so_where_nothing_else_is_seen_of_it(judge):
    judge.reads(epoch(5), body(State.MEMBER, epoch(4, member=BOOT), BOOT, armed=True))
    judge.removals.bury(HOST)
    judge.reads(epoch(7), body(State.MEMBER, epoch(4, member=BOOT), BOOT, armed=True))
    assert judge.takes_it_for_dead()


def test_one_that_was_let_go_unseen_and_fences_as_it_comes_back_gets_its_time(judge):
    """It closed its watchdog, was killed before it said so, and its successor opened it again."""
    leaving = body(State.LEAVING, epoch(4, member=BOOT), BOOT, armed=True)
    judge.reads(epoch(6), leaving)
    judge.now_ns += LONG_NS
    judge.reads(epoch(6), leaving)
    assert not judge.takes_it_for_dead()
    fencing = replace(leaving, state=State.FENCING, decided=epoch(6))
    judge.reads(epoch(6), fencing)
    assert not judge.takes_it_for_dead()
    judge.now_ns += TIMING.confirmation_ns + NS
    judge.reads(epoch(6), fencing)
    assert judge.takes_it_for_dead()


def test_another_boot_is_proof_at_once_where_no_epoch_was_missed(judge):
    judge.reads(epoch(5), body(State.JOINING, epoch(4, member=BOOT), NEXT_BOOT))
    assert judge.takes_it_for_dead()


def test_another_boot_that_may_still_be_admitted_by_an_epoch_unread_is_not_dead(judge):
    """Boot 13 shows JOINING and knows epoch 5 only: epoch 6 may have it, and it may be about to arm."""
    judge.reads(epoch(7), body(State.JOINING, epoch(5), NEXT_BOOT))
    assert not judge.takes_it_for_dead()
    judge.reads(epoch(7), body(State.JOINING, epoch(7), NEXT_BOOT))
    assert judge.takes_it_for_dead()


def test_another_boot_that_ends_before_it_knows_more_is_dead_by_silence(judge):
    judge.reads(epoch(7), body(State.JOINING, epoch(5), NEXT_BOOT))
    assert not judge.takes_it_for_dead()
    judge.still = True
    judge.now_ns += LONG_NS
    judge.reads(epoch(7), body(State.JOINING, epoch(5), NEXT_BOOT))
    assert judge.takes_it_for_dead()


def test_one_that_shows_for_ever_that_it_fences_is_dead_in_time(judge):
    """Its daemon hangs after it said so; or it goes on to move, and its watchdog has had its time."""
    fencing = body(State.FENCING, epoch(5), BOOT)
    judge.reads(epoch(5), fencing)
    assert not judge.takes_it_for_dead()
    judge.now_ns += TIMING.confirmation_ns + NS
    assert judge.takes_it_for_dead()


def test_the_silent_are_dead_however_many_epochs_were_missed(judge):
    """It suffices that my own slot shows the newest of them."""
    gone = body(State.MEMBER, epoch(4, member=BOOT), BOOT, armed=True)
    judge.reads(epoch(5), gone)
    judge.still = True
    for missed in (7, 9, 11):
        judge.now_ns += LONG_NS
        judge.reads(epoch(missed), gone)
        assert judge.takes_it_for_dead()
