"""What is preferred chooses among places and nothing else."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from random import Random

import pytest

from bench.clocks import StillClock
from bench.worlds import drawn_with_rules, tiny
from planner.model import Pool, VMGroup
from planner.restart import plan
from planner.results import Plan

APART = VMGroup("g", "anti_affinity")
TOGETHER = VMGroup("g", "affinity")


def world(free: list[int], homes: list[int], group: VMGroup) -> Pool:
    pool = tiny(free, [(2, home, None) for home in homes])
    return replace(pool, groups=(group,), vms=tuple(replace(vm, groups=("g",)) for vm in pool.vms))


def after(pool: Pool, made: Plan) -> Counter[str | None]:
    """Return how many VMs of the group each host has after the plan."""
    to = {placement.vm: placement.to_host for placement in made.placements}
    return Counter(to.get(vm.uuid, vm.home) for vm in pool.vms if vm.groups)


def test_vms_that_want_to_be_apart_are():
    pool = world([0, 9, 9, 90], [0, 0, 3], APART)
    assert after(pool, plan(pool, ["h0"], clock=StillClock())) == {"h1": 1, "h2": 1, "h3": 1}


def test_vms_that_want_to_be_together_are():
    pool = world([0, 9, 9, 9], [0, 0, 3], TOGETHER)
    assert after(pool, plan(pool, ["h0"], clock=StillClock())) == {"h3": 3}


@pytest.mark.parametrize("group", [APART, TOGETHER])
def test_a_preference_keeps_nobody_down(group):
    pool = world([0, 4, 0], [0, 0, 1], group)
    made = plan(pool, ["h0"], clock=StillClock())
    assert made.complete
    assert after(pool, made) == {"h1": 3}


@pytest.mark.parametrize("seed", range(150))
def test_plans_place_as_many_with_preferences_as_without(seed):
    """The judge has accepted both."""
    pool, rules = drawn_with_rules(Random(seed), 5, 9)
    kinds = ("anti_affinity", "affinity", "normal")
    soft = replace(
        pool,
        groups=tuple(VMGroup(group.uuid, kinds[(seed + i) % 3]) for i, group in enumerate(pool.groups)),
    )
    none = replace(pool, groups=(), vms=tuple(replace(vm, groups=()) for vm in pool.vms))
    failed = [host.uuid for host in pool.hosts[:1]]
    plans = [plan(each, failed, clock=StillClock(), rules=rules) for each in (soft, none)]
    placed = [{placement.vm for placement in each.placements} for each in plans]
    assert placed[0] == placed[1]
