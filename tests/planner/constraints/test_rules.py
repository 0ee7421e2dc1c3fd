"""What an operator may say, and what it changes in a pool's numbers."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from random import Random

import pytest

from bench.worlds import drawn_with_rules
from planner.constraints.memory import applied
from planner.constraints.rules import (
    NO_RULES,
    MemoryPolicyError,
    RatioError,
    Rules,
    memory_policy_of,
    ratio,
)
from planner.model import VM, Host, Pool

GIB = 1 << 30
BALLOON = VM("v", 8 * GIB, memory_dynamic_min_bytes=3 * GIB, memory_overhead_bytes=5, power_state="Running")


def seen(vm: VM) -> VM:
    (after,) = applied(Pool("p", vms=(vm,)), Rules(memory="dynamic-min"))[0].vms
    return after


@pytest.mark.parametrize(
    ("text", "value"),
    [("4", Fraction(4)), (" 2.5 ", Fraction(5, 2)), ("5/2", Fraction(5, 2)), ("1000", 1000)],
)
def test_a_ratio_is_exact(text, value):
    assert ratio(text) == value


@pytest.mark.parametrize("text", ["", "0", "-1", "four", "1001", "1/0", "nan", "inf"])
def test_a_ratio_that_means_nothing_is_refused(text):
    with pytest.raises(RatioError, match="expected vCPUs per core, above 0"):
        ratio(text)


def test_a_memory_policy_is_one_of_two():
    assert [memory_policy_of(text) for text in ("static-max", "dynamic-min")] == ["static-max", "dynamic-min"]
    with pytest.raises(MemoryPolicyError, match="expected static-max or dynamic-min"):
        memory_policy_of("dynamic-max")


def test_without_rules_a_pool_is_the_very_same():
    pool = Pool("p", vms=(BALLOON,))
    assert applied(pool, NO_RULES)[0] is pool
    assert applied(pool, Rules(vcpus_per_core=Fraction(2)))[0] is pool


def test_a_reserve_is_taken_from_every_host():
    pool = Pool("p", hosts=(Host("a", 9 * GIB, memory_overhead_bytes=1), Host("b", 9 * GIB, live=False)))
    after, _ = applied(pool, Rules(reserve_bytes=2 * GIB))
    assert [pool.free_unclamped_bytes[h] - after.free_unclamped_bytes[h] for h in "ab"] == [2 * GIB] * 2


def test_a_vm_that_balloons_takes_its_dynamic_minimum_and_its_overhead():
    assert seen(BALLOON).need_bytes == 3 * GIB + 5


@pytest.mark.parametrize(
    "change",
    [
        {"memory_dynamic_min_bytes": None},
        {"memory_dynamic_min_bytes": 0},
        {"is_control_domain": True},
        {"power_state": "Paused"},
    ],
)
def test_who_cannot_balloon_keeps_the_static_maximum(change):
    assert seen(replace(BALLOON, **change)).need_bytes == 8 * GIB + 5


@pytest.mark.parametrize("seed", range(20))
def test_rules_are_applied_once(seed):
    once = applied(*drawn_with_rules(Random(seed)))
    assert applied(*once) == once
    assert applied(*once)[0] is once[0]
