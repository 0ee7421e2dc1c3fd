"""The independent judges know the constraints, too."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest

from bench.clocks import StillClock
from bench.worlds import tiny
from planner.constraints.rules import NO_RULES, Rules
from planner.model import Pool, VMGroup
from planner.placement.packing import Instance, Item, Packed
from planner.placement.verify import verify_packing, verify_plan
from planner.placement.verify_moves import verify_moves
from planner.restart import plan
from planner.results import Move

GROUP = VMGroup("g", "anti_affinity", enforced=True)
RATIO = Rules(vcpus_per_core=Fraction(1))


def world() -> Pool:
    """Return three hosts of four cores and room for ten; two VMs of three vCPUs run on the first."""
    pool = tiny([10, 10, 10], [(4, 0, None), (4, 0, None)])
    return replace(
        pool,
        groups=(GROUP,),
        hosts=tuple(replace(host, cpus=4) for host in pool.hosts),
        vms=tuple(replace(vm, vcpus=3, memory_dynamic_min_bytes=2) for vm in pool.vms),
    )


def grouped(pool: Pool) -> Pool:
    return replace(pool, vms=tuple(replace(vm, groups=("g",)) for vm in pool.vms))


def together(pool: Pool, rules: Rules) -> tuple[str, ...]:
    """Return what the judge says of a plan that restarts both VMs on the second host."""
    made = plan(pool, ["h0"], clock=StillClock())
    placements = tuple(replace(placement, to_host="h1") for placement in made.placements)
    return verify_plan(pool, replace(made, placements=placements), rules)


def test_what_nobody_forbids_is_accepted():
    assert together(world(), NO_RULES) == ()


@pytest.mark.parametrize(
    ("pool", "rules", "problem"),
    [
        (grouped(world()), NO_RULES, "2 of group g, expected 1 at most"),
        (world(), RATIO, "6 of the vCPUs, expected 4 at most"),
        (world(), Rules(reserve_bytes=3), "8 bytes placed, 7 free"),
    ],
)
def test_a_plan_that_breaks_a_rule_is_refused(pool, rules, problem):
    assert [text for text in together(pool, rules) if problem in text]


def test_a_plan_that_leaves_a_vm_for_no_reason_is_refused():
    pool = grouped(world())
    made = plan(replace(pool, hosts=pool.hosts[:2]), ["h0"], clock=StillClock())
    assert [left.reason for left in made.unplaced] == ["affinity"]
    assert [text for text in verify_plan(pool, made) if "is left although host h2 has room" in text]
    assert verify_plan(replace(pool, hosts=pool.hosts[:2]), made) == ()


@pytest.mark.parametrize(
    ("pool", "rules", "refused"),
    [
        (world(), NO_RULES, False),
        (grouped(world()), NO_RULES, True),
        (world(), RATIO, True),
        (world(), Rules(reserve_bytes=3), True),
        (world(), Rules(reserve_bytes=3, memory="dynamic-min"), False),
    ],
)
def test_moves_that_break_a_rule_are_refused(pool, rules, refused):
    moves = [Move("v0", "h0", "h1"), Move("v1", "h0", "h1")]
    assert verify_moves(pool, moves[:1], rules) == ()
    assert bool(verify_moves(pool, moves, rules)) is refused


def test_a_move_gives_free_what_it_leaves():
    pool = grouped(world())
    away = [Move("v0", "h0", "h1"), Move("v0", "h1", "h2"), Move("v1", "h0", "h1")]
    assert verify_moves(pool, away, RATIO) == ()


def test_a_packing_keeps_every_room():
    instance = Instance((9, 9), (Item(1, 3, 3, ((0, 2), (1, 1))),), ((4, 2), (9, 1)))
    assert verify_packing(instance, Packed(((2, 1),), "")) == ()
    assert verify_packing(instance, Packed(((1, 2),), "")) == (
        "bin 1: 4 of resource 0 exceed 2",
        "bin 1: 2 of resource 1 exceed 1",
    )
