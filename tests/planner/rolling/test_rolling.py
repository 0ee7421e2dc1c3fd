"""Rolling maintenance step by step, and its refusals against every order in small pools."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from random import Random

import pytest

from bench.clocks import StillClock
from bench.oracle import simultaneous
from bench.worlds import drawn, tight_with_rules, tiny
from lab.demo import demo_pool
from planner.drain import pool_after, without
from planner.model import Pool, VMGroup
from planner.placement.verify_moves import verify_moves
from planner.rolling import rolling

CLOCK = StillClock()


def out(pool: Pool, host: str) -> Pool:
    return without(pool, frozenset((host,)))


def world(rng: Random) -> Pool:
    if rng.random() < 0.3:
        return drawn(rng, hosts=4, vms=6)
    hosts = rng.randint(2, 3)
    masks = [None, None, None, rng.randint(1, 2**hosts - 1)]
    vms = [(rng.randint(1, 4), rng.randrange(hosts), rng.choice(masks)) for _ in range(rng.randint(0, 4))]
    pool = tiny([rng.randint(0, 8) for _ in range(hosts)], vms)
    return replace(
        pool, vms=tuple(replace(vm, ha_always_run=rng.random() < 0.6) for vm in pool.vms), srs=(), networks=()
    )


@pytest.mark.parametrize("seed", range(300))
def test_every_step_keeps_the_floor(seed):
    rng = Random(seed)
    pool, floor = world(rng), rng.randint(0, 1)
    answer = rolling(pool, floor=floor, clock=CLOCK)
    state = pool
    for step in answer.steps:
        assert verify_moves(out(state, step.host), step.moves) == ()
        state = pool_after(state, step.moves)
        assert simultaneous(out(state, step.host)) >= floor
        runs = [
            vm for vm in state.vms if vm.power_state in ("Running", "Paused") and not vm.is_control_domain
        ]
        assert all((vm.scheduled_to_be_resident_on or vm.resident_on) != step.host for vm in runs)
    if answer.possible:
        assert sorted(step.host for step in answer.steps) == sorted(h.uuid for h in pool.hosts_in_service)
        assert answer.stuck is None
    else:
        assert answer.stuck is not None


def test_steps_name_the_groups_that_give_way():
    """The two of h0 would rather be together; only apart do they leave it. Back they need not come."""
    there = tiny([0, 2, 2], [(2, 0, None), (2, 0, None)])
    vms = tuple(replace(vm, groups=("g",)) for vm in there.vms)
    pool = replace(there, groups=(VMGroup("g", "affinity"),), vms=vms)
    answer = rolling(pool, floor=0, skip=["h1", "h2"], clock=CLOCK)
    assert [(step.host, step.breaks_groups) for step in answer.steps] == [("h0", ("g",))]
    enforced = replace(pool, groups=(VMGroup("g", "anti_affinity", enforced=True),))
    answer = rolling(enforced, floor=0, skip=["h1", "h2"], clock=CLOCK)
    assert [(step.host, step.breaks_groups) for step in answer.steps] == [("h0", ())]


@pytest.mark.parametrize("chunk", range(3))
def test_steps_keep_the_floor_under_rules(chunk):
    possible = 0
    for seed in range(chunk * 30, chunk * 30 + 30):
        pool, rules = tight_with_rules(Random(seed), 4, 8)
        answer = rolling(pool, floor=0, clock=CLOCK, rules=rules)
        state = pool
        for step in answer.steps:
            assert verify_moves(out(state, step.host), step.moves, rules) == ()
            state = pool_after(state, step.moves)
            assert simultaneous(out(state, step.host), rules.vcpus_per_core) >= 0
        possible += answer.possible is True
    assert possible > 3


def arrangements(pool: Pool) -> Iterator[Pool]:
    """Every way in which the VMs of a tiny pool could be placed, possible moves or not."""
    names = [host.uuid for host in pool.hosts]
    for homes in product(names, repeat=len(pool.vms)):
        vms = []
        for vm, home in zip(pool.vms, homes, strict=True):
            if home != vm.resident_on and vm.candidate_hosts is not None and home not in vm.candidate_hosts:
                break
            vms.append(replace(vm, resident_on=home))
        else:
            yield replace(pool, vms=tuple(vms))


@pytest.mark.parametrize("seed", range(150))
def test_a_refusal_holds_however_vms_are_placed(seed):
    """ "Impossible" names a host: no arrangement at all leaves it empty with the floor kept."""
    rng = Random(seed)
    hosts = rng.randint(2, 3)
    masks = [None, None, None, rng.randint(1, 2**hosts - 1)]
    vms = [(rng.randint(1, 4), rng.randrange(hosts), rng.choice(masks)) for _ in range(rng.randint(1, 4))]
    pool = tiny([rng.randint(0, 5) for _ in range(hosts)], vms)
    answer = rolling(pool, floor=1, clock=CLOCK)
    if answer.possible is not False:
        return
    host = answer.stuck.host
    for placed in arrangements(pool):
        if (
            all(vm.resident_on != host for vm in placed.vms)
            and min(placed.free_unclamped_bytes.values()) >= 0
        ):
            assert simultaneous(out(placed, host)) < 1


def test_the_floor_is_one_below_the_target():
    pool = demo_pool()
    answer = rolling(pool, skip=[pool.hosts[2].uuid], clock=CLOCK)
    assert (answer.floor, answer.possible) == (1, True)
    assert rolling(replace(pool, ha_enabled=False), clock=CLOCK).floor == 0


def test_a_skipped_host_stays_in_service():
    pool = demo_pool()
    kept = pool.hosts[2].uuid
    steps = rolling(pool, skip=[kept], clock=CLOCK).steps
    assert sorted(step.host for step in steps) == sorted(h.uuid for h in pool.hosts if h.uuid != kept)
    assert rolling(pool, clock=CLOCK).stuck.host == kept


def test_what_is_missing_is_counted():
    full = tiny([1, 2], [(5, 0, None), (4, 1, None)])
    answer = rolling(full, floor=0, clock=CLOCK)
    assert (answer.possible, answer.stuck.host, answer.stuck.lacking_bytes) == (False, "h0", 3)


def test_a_bound_vm_is_named():
    answer = rolling(tiny([9, 9], [(1, 0, 1)]), floor=0, clock=CLOCK)
    assert answer.possible is False
    assert [(vm.vm, vm.reason) for vm in answer.stuck.blocked] == [("v0", "reach")]
