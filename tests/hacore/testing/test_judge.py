"""The judge gives no benefit of the doubt: machines that are wrong on purpose are called so."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hacore.core.rules import RULES, Rules
from hacore.core.survival import Verdict, Why
from hacore.core.timing import NS
from hacore.testing.host import Spell
from hacore.testing.judge import together
from hacore.testing.plan import Fault, Plan
from hacore.testing.seeds import Run
from hacore.testing.twins import TWINS, Twins

T = 20


def fault(kind: str, at: float, until: float, hosts: int = 1, others: int = 0, network: int = -1) -> Fault:
    return Fault(int(at * NS), int(until * NS), kind, hosts, others, network=network)


def accused(*faults: Fault, rules: Rules = RULES, twins: Twins = TWINS, networks: int = 1) -> set[str]:
    plan = Plan(3, T * NS, 1.5, faults=faults, networks=networks)
    outcome = Run("0", plan, rules, twins).to_the_end(settle=False)
    return {violation.guarantee for violation in outcome.violations}


def never_pings_after_a_while(now_ns: int, since_ns: int, *rest: int, **more: object) -> bool:
    """Give up a quarter of T after the last good cycle: far too soon."""
    del rest, more
    return since_ns > 0 and now_ns - since_ns < T * NS // 4


HASTY = replace(TWINS, may_ping=never_pings_after_a_while)
OUT = Verdict(0b110, 0b001, Why.LARGEST, degraded=False)
ALWAYS_OUT = replace(RULES, survive=lambda members, leader, sight, isolation: OUT)


@pytest.mark.parametrize(
    "faults",
    [
        (fault("storage", 40, 48),),
        (fault("storage", 40, 48), fault("brain", 60, 61)),  # another trouble, a good while later
        (fault("storage", 40, 48), fault("hang", 55, 56)),
    ],
)
def test_who_gives_up_too_soon_is_fenced_needlessly(faults):
    assert accused(*faults) == set()
    assert "G3" in accused(*faults, twins=HASTY)


def test_troubles_without_a_good_moment_between_them_are_one():
    faults = [fault("storage", 40 + 2 * step, 41.9 + 2 * step) for step in range(12)]
    outcome = Run("0", Plan(3, T * NS, 1.5, faults=faults)).to_the_end(settle=False)
    assert (outcome.fences, outcome.violations) == (1, ())


@pytest.mark.parametrize(
    ("faults", "needless"),
    [
        ((), True),
        ((fault("link", 40, 45, 1, 6),), True),
        ((fault("link", 40, 45, 1, 6), fault("link", 55, 60, 1, 6)), True),
        ((fault("cable", 30, 80, network=0),), True),
        ((fault("cable", 30, 80, network=0), fault("cable", 30, 80, network=1)), False),
    ],
)
def test_nobody_may_be_left_out_for_links_that_were_well(faults, needless):
    early = () if needless else (fault("link", 1, 80, 1, 6),)
    assert ("G3" in accused(*faults, *early, rules=ALWAYS_OUT, networks=2)) == needless


def test_troubles_of_every_network_count_while_they_overlap():
    one, other = Spell("cable", 10, 20, 0), Spell("link", 15, None, 1)
    assert together([one], 2) == []
    assert together([one, other], 2) == [Spell("cable", 15, 20)]
    assert together([one, Spell("link", 30, 40, 1)], 2) == []
    assert together([one], 1) == [one]
