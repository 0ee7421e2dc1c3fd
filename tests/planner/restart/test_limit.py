"""Two runs for one pool give one plan, unless one of them says that the limit ended a search."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest

from bench.clocks import AlarmClock, StillClock
from bench.worlds import drawn_with_rules
from planner.constraints.rules import Rules
from planner.model import Pool, VMGroup
from planner.restart import plan

READINGS = 120
"""About as often do such plans look at the clock."""
AMPLE_SECONDS = 1e6
"""Solvers work on the machine's own time: it must never be what ends them here."""


def world(seed: int) -> tuple[Pool, Rules, list[str]]:
    """Return a pool too small for all, with soft and enforced groups, and hosts that fail."""
    rng = Random(seed)
    pool, rules = drawn_with_rules(rng, 6, 16)
    soft = tuple(
        VMGroup(group.uuid, rng.choice(("affinity", "anti_affinity")), enforced=False)
        if not group.enforced or rng.random() < 0.5
        else group
        for group in pool.groups
    )
    names = [host.uuid for host in pool.hosts]
    return replace(pool, groups=soft), rules, rng.sample(names, min(2, len(names)))


@pytest.mark.parametrize("chunk", range(4))
def test_a_plan_that_no_limit_cut_is_the_plan_of_every_run(chunk: int) -> None:
    cut = whole = 0
    for seed in range(chunk * 30, chunk * 30 + 30):
        pool, rules, failed = world(seed)
        reference = plan(pool, failed, limit_seconds=AMPLE_SECONDS, clock=StillClock(), rules=rules)
        assert not reference.limit_reached, seed
        for readings in Random(seed).choices(range(READINGS), k=12):
            clock = AlarmClock(readings)
            made = plan(pool, failed, limit_seconds=AMPLE_SECONDS, clock=clock, rules=rules)
            assert made.limit_reached or made.plan_id == reference.plan_id, (seed, readings)
            cut += made.limit_reached and made.plan_id != reference.plan_id
            whole += not made.limit_reached
    assert whole > 60
    assert cut > 1
