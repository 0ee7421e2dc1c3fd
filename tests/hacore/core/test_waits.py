"""How long it takes until nobody can live on a grant of mine any more, of this daemon or of one before."""

from __future__ import annotations

import pytest

from hacore.core.events import Heard
from hacore.core.grants import to_deny, to_whom
from hacore.core.joining import Heirs
from hacore.core.rules import sighted_ns
from hacore.core.seen import Disk, Net
from hacore.core.setup import Quorum, Setup
from hacore.core.timing import NS, timing
from hacore.records import Cause, Decision, PacketBody, State

TIMING = timing(20 * NS, NS)
SETUP = Setup(3, 0, 11, TIMING, quorum=Quorum.MAJORITY)
SILENCE_NS = TIMING.silence_ns
NOW_NS = 1000 * NS
MEMBERS = Decision(7, 0b111, (11, 22, 33), 0, Cause.FORMED)


def heard(*heard_ns: int, incarnations: tuple[int, ...] = MEMBERS.members) -> Net:
    """Return what host 0 knows of the network."""
    net = Net(SETUP)
    bodies = [PacketBody(each, State.MEMBER, 7, 0b111, True, True, 1, 0, 0, 0, 0) for each in incarnations]
    net.take(Heard(list(heard_ns), bodies, [0, 0, 0], 0))
    net.look(NOW_NS)
    return net


@pytest.mark.parametrize(
    ("started_ns", "heard_ns", "denies"),
    [
        (NOW_NS - SILENCE_NS - 1, NOW_NS - SILENCE_NS - 1, True),
        (NOW_NS - SILENCE_NS - 1, NOW_NS - SILENCE_NS, False),  # what I granted may count from then
        (
            NOW_NS - SILENCE_NS,
            NOW_NS - SILENCE_NS - 1,
            False,
        ),  # a predecessor may have granted so long
        (NOW_NS - SILENCE_NS, 0, False),
        (NOW_NS - SILENCE_NS - 1, 0, True),
    ],
)
def test_nobody_denies_whom_it_or_its_predecessor_may_have_granted(started_ns, heard_ns, denies):
    net = heard(0, heard_ns, NOW_NS)
    assert to_deny(0b010, net, NOW_NS, started_ns, SILENCE_NS) == (0b010 if denies else 0)


def test_grants_are_for_members_as_who_they_were_admitted():
    assert to_whom(heard(0, NOW_NS, NOW_NS), MEMBERS, 0) == 0b110
    rebooted = heard(0, NOW_NS, NOW_NS, incarnations=(11, 22, 34))
    assert to_whom(rebooted, MEMBERS, 0) == 0b010
    unheard = heard(0, NOW_NS, NOW_NS - TIMING.unheard_ns - 1)
    assert to_whom(unheard, MEMBERS, 0) == 0b010


def test_who_joins_has_granted_nothing_for_a_silence_only_when_that_was_read_as_long():
    heirs, disk = Heirs(3), Disk(SETUP, sighted_ns)
    disk.joiners, disk.incarnations, disk.read_completed_ns = 0b010, [11, 22, 33], NOW_NS
    heirs.look(disk)
    assert heirs.rested(0b010, NOW_NS + SILENCE_NS, SILENCE_NS) == 0
    assert heirs.rested(0b010, NOW_NS + SILENCE_NS + 1, SILENCE_NS) == 0b010
    disk.incarnations, disk.read_completed_ns = [11, 23, 33], NOW_NS + SILENCE_NS
    heirs.look(disk)
    assert heirs.rested(0b010, NOW_NS + SILENCE_NS + 1, SILENCE_NS) == 0, "that boot was a member until then"
