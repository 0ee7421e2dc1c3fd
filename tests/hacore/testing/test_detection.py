"""G5 is excused by nothing for longer than it lasts: pools that leave no dead host out are called so."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hacore.core.paxos import Judgement
from hacore.core.rules import RULES
from hacore.core.timing import NS
from hacore.kernel._pump import COPIES
from hacore.testing.plan import Fault, Plan
from hacore.testing.seeds import Outcome, Run

T = 20
IDLE = replace(RULES, judge=lambda round_, _: Judgement.DONE if round_.epoch == 2 else Judgement.BEATEN)
"""Forms a pool, and decides nothing more."""


def fault(kind: str, at: float, until: float, hosts: int, value: float = 0) -> Fault:
    return Fault(int(at * NS), int(until * NS), kind, hosts, value=value)


DEAD = fault("crash", 40, 1000, 0b001)
EXCUSES = {
    "none": (),
    "another host's write was torn": (fault("torn", 30, 30, 0b010),),
    "its own write was torn": (fault("torn", 38, 38, 0b001),),
    "another host's writes fail for a while": (fault("flaky", 45, 70, 0b010),),
    "everybody else is without storage for a while": (fault("storage", 45, 50, 0b110),),
    "a slot is lost and written anew": (fault("rot", 45, 45, 0b010, COPIES),),
    "nobody can decide for a while": (fault("hang", 45, 52, 0b010), fault("readonly", 50, 52, 0b100)),
}


def outcome(*faults: Fault, idle: bool) -> Outcome:
    plan = Plan(3, T * NS, 3.5, faults=(DEAD, *faults))
    return Run("0", plan, IDLE if idle else RULES).to_the_end(settle=False)


@pytest.mark.parametrize("faults", EXCUSES.values(), ids=EXCUSES)
def test_who_leaves_the_dead_where_they_are_is_accused(faults):
    assert outcome(*faults, idle=False).violations == ()
    assert {violation.guarantee for violation in outcome(*faults, idle=True).violations} == {"G5"}


def test_nobody_is_accused_while_a_slot_cannot_be_believed():
    lost = fault("crash", 45, 1000, 0b010), fault("rot", 46, 46, 0b010, COPIES)
    assert outcome(*lost, idle=True).violations == ()


def test_nobody_is_accused_where_nobody_can_decide():
    assert outcome(fault("readonly", 30, 1000, 0b110), idle=True).violations == ()
