"""Drain against every packing of small pools, and move by move."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest

from bench.clocks import StillClock
from bench.oracle import packable
from bench.worlds import drawn, tiny
from lab.demo import demo_pool
from lab.pools import GIB, small_pool
from planner.agility import Reach
from planner.changes.apply import apply
from planner.changes.change import parse_change
from planner.drain import drain
from planner.model import PlacementPolicy, Pool, VMGroup
from planner.placement.verify_moves import verify_moves
from planner.results import Move
from planner.tolerance.answer import tolerance

CLOCK = StillClock()


def possible(pool: Pool, leaving: set[str]) -> bool:
    """Whether all VMs of some hosts fit on the others, by trying every packing."""
    left = replace(
        pool,
        hosts=tuple(replace(h, enabled=h.enabled and h.uuid not in leaving) for h in pool.hosts),
    )
    reach = Reach(left)
    names = [host.uuid for host in left.hosts_in_service]
    items = [
        (vm.need_bytes, reach.candidates(vm))
        for vm in pool.vms
        if vm.power_state in ("Running", "Paused")
        and not vm.is_control_domain
        and (vm.scheduled_to_be_resident_on or vm.resident_on) in leaving
        and not (vm.resident_on in names and reach.candidates(vm) >> names.index(vm.resident_on) & 1)
    ]
    return packable([left.free_bytes(host.uuid) for host in left.hosts_in_service], items)


@pytest.mark.parametrize("seed", range(300))
def test_a_drain_is_found_if_there_is_one(seed):
    rng = Random(seed)
    pool = drawn(rng, hosts=5, vms=10)
    leaving = {host.uuid for host in pool.hosts if rng.random() < 0.3} or {pool.hosts[0].uuid}
    answer = drain(pool, sorted(leaving), clock=CLOCK)
    assert answer.possible is possible(pool, leaving)
    assert answer.possible is (not answer.blocked)
    assert {move.to_host for move in answer.moves}.isdisjoint(leaving)


def test_the_figure_is_that_of_the_pool_meanwhile():
    """A drain equals making its moves and disabling its host by hand."""
    pool = demo_pool()
    answer = drain(pool, [pool.hosts[0].uuid], clock=CLOCK)
    assert answer.possible
    by_hand = pool
    for move in answer.moves:
        by_hand = apply(by_hand, parse_change(f"migrate={move.vm}@{move.to_host}"))
    by_hand = apply(by_hand, parse_change("disable=host-1"))
    assert answer.tolerance_after == tolerance(by_hand, clock=CLOCK)


def test_who_is_blocked_is_named_with_numbers():
    pool = apply(small_pool(), parse_change("start=usb@a"))
    big = replace(pool.vm_by_uuid["vm-0"], memory_static_max_bytes=50 * GIB)
    pool = replace(pool, vms=tuple(big if vm.uuid == "vm-0" else vm for vm in pool.vms))
    answer = drain(pool, ["host-a"], clock=CLOCK)
    assert answer.possible is False
    assert [(vm.vm, vm.reason) for vm in answer.blocked] == [("vm-0", "memory"), ("vm-usb", "reach")]
    assert answer.blocked[0].detail.startswith("needs 50.0 GiB; the largest free among its 2 candidate hosts")
    assert "none of the 2 hosts left is a candidate; missing: a device on 2" in answer.blocked[1].detail
    assert [move.vm for move in answer.moves] == ["vm-3"]


def test_an_empty_host_needs_no_moves():
    pool = apply(demo_pool(), parse_change("add-host=fresh:1GiB"))
    answer = drain(pool, ["fresh"], clock=CLOCK)
    assert (answer.possible, answer.moves, answer.blocked) == (True, (), ())


def test_a_vm_that_was_only_to_come_stays_where_it_takes_memory():
    """h1 is full with it, and yet it needs no more there."""
    there = tiny((9, 0), [(2, 1, None)])
    coming = replace(there.vms[0], scheduled_to_be_resident_on="h0")
    answer = drain(replace(there, vms=(coming,)), ["h0"], clock=CLOCK)
    assert (answer.possible, answer.moves) == (True, (Move("v0", "h0", "h1"),))


def in_group(pool: Pool, placement: PlacementPolicy) -> Pool:
    """The pool with all its VMs in one group that is not enforced."""
    vms = tuple(replace(vm, groups=("g",)) for vm in pool.vms)
    return replace(pool, groups=(VMGroup("g", placement),), vms=vms)


def test_vms_go_where_groups_prefer_them():
    """Unasked they would go to h1, which has more room."""
    there = tiny((0, 90, 9, 9), [(2, 0, None), (2, 1, None), (2, 3, None)])
    assert [move.to_host for move in drain(there, ["h0"], clock=CLOCK).moves] == ["h1"]
    apart = drain(in_group(there, "anti_affinity"), ["h0"], clock=CLOCK)
    assert (apart.moves, apart.breaks_groups) == ((Move("v0", "h0", "h2"),), ())


def test_a_group_that_has_to_give_way_is_named():
    there = tiny((0, 9), [(2, 0, None), (2, 1, None)])
    answer = drain(in_group(there, "anti_affinity"), ["h0"], clock=CLOCK)
    assert (answer.possible, answer.breaks_groups) == (True, ("g",))
    split = in_group(tiny((0, 2, 2), [(2, 0, None), (2, 0, None)]), "affinity")
    answer = drain(split, ["h0"], clock=CLOCK)
    assert (answer.possible, answer.breaks_groups) == (True, ("g",))
    enforced = replace(split, groups=(VMGroup("g", "anti_affinity", enforced=True),))
    assert drain(enforced, ["h0"], clock=CLOCK).breaks_groups == ()


@pytest.mark.parametrize("placement", ["anti_affinity", "affinity"])
def test_a_preference_makes_no_drain_worse(placement):
    for seed in range(60):
        pool = drawn(Random(seed), hosts=5, vms=10)
        pool = replace(pool, groups=(), vms=tuple(replace(vm, groups=()) for vm in pool.vms))
        plain, soft = (
            drain(each, [pool.hosts[0].uuid], clock=CLOCK) for each in (pool, in_group(pool, placement))
        )
        assert {move.vm for move in plain.moves} == {move.vm for move in soft.moves}
        assert (plain.possible, plain.blocked) == (soft.possible, soft.blocked)
        assert plain.tolerance_after.simultaneous.lower <= soft.tolerance_after.simultaneous.lower
        assert plain.tolerance_after.sequential.lower <= soft.tolerance_after.sequential.lower


def test_the_judge_refuses_moves_that_cannot_be_made():
    pool = small_pool()
    fine = Move("vm-0", "host-a", "host-b")
    assert verify_moves(pool, [fine, Move("vm-0", "host-b", "host-c")]) == ()
    wrong = {
        Move("vm-9", "host-a", "host-b"): "not in the pool",
        Move("vm-usb", "host-a", "host-b"): "does not run",
        Move("vm-1", "host-a", "host-b"): "is not on host-a",
        Move("vm-0", "host-a", "host-z"): "not in the pool",
    }
    for move, problem in wrong.items():
        assert any(problem in violation for violation in verify_moves(pool, [fine, move]))


def test_the_judge_counts_memory_move_by_move():
    pool = small_pool()
    tight = replace(
        pool, hosts=tuple(replace(h, memory_total_bytes=24 * GIB) for h in pool.hosts[:2]) + pool.hosts[2:]
    )
    first, second = Move("vm-1", "host-b", "host-a"), Move("vm-4", "host-b", "host-a")
    assert verify_moves(tight, [first]) == ()
    assert verify_moves(tight, [first, second]) == ("move 2: host-a has 0 bytes free, vm-4 needs 8589934592",)
    assert verify_moves(tight, [first, Move("vm-0", "host-a", "host-b"), second]) == ()


def test_the_judge_refuses_hosts_out_of_reach_or_service():
    pool = apply(small_pool(), parse_change("start=lab@a"))
    out = apply(pool, parse_change("disable=b"))
    assert verify_moves(pool, [Move("vm-lab", "host-a", "host-c")]) == (
        "move 1: host-c is no candidate of vm-lab",
    )
    assert verify_moves(out, [Move("vm-0", "host-a", "host-b")]) == ("move 1: host-b is not in service",)
