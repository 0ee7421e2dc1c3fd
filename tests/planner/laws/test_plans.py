"""Restart plans judged from outside: complete exactly when that is possible, best possible when not."""

from __future__ import annotations

from collections import Counter
from itertools import combinations
from random import Random

import pytest

from bench import oracle
from bench.clocks import StillClock
from bench.worlds import drawn
from planner.model import VM, Pool
from planner.placement.verify import verify_plan
from planner.restart import plan
from planner.results import Plan

MOST_TO_RESTART = 7


def cases(seeds: range) -> list[tuple[int, Pool, list[str]]]:
    found = []
    for seed in seeds:
        rng = Random(seed)
        pool = drawn(rng, hosts=4, vms=9)
        failed = rng.sample([host.uuid for host in pool.hosts], rng.randint(0, min(2, len(pool.hosts))))
        found.append((seed, pool, failed))
    return found


@pytest.mark.parametrize("chunk", range(6))
def test_plans_of_drawn_worlds(chunk: int) -> None:
    for seed, pool, failed in cases(range(chunk * 60, chunk * 60 + 60)):
        made = plan(pool, failed, clock=StillClock())
        world = oracle.World.of(pool)
        gone = [world.hosts.index(host) for host in failed if host in world.hosts]
        assert verify_plan(pool, made) == (), seed
        assert made.complete is oracle.survivable(world, gone), seed
        assert_fits(pool, made)
        placed = class_counts(pool, [p.vm for p in made.placements if p.priority == "restart"])
        if made.optimal and len(to_restart(world, gone)) <= MOST_TO_RESTART:
            assert placed == best_counts(pool, world, gone), seed
        assert made.optimal, seed


def assert_fits(pool: Pool, made: Plan) -> None:
    free = dict(pool.free_unclamped_bytes)
    targets = Counter(placement.to_host for placement in made.placements)
    for placement in made.placements:
        free[placement.to_host] -= pool.vm_by_uuid[placement.vm].need_bytes
        assert placement.to_host not in made.failed_hosts
        assert pool.host_by_uuid[placement.to_host].in_service
    assert all(free[host] >= 0 for host in targets)


def to_restart(world: oracle.World, gone: list[int]) -> list[oracle.Guest]:
    return [guest for guest in world.guests if guest.home is None or guest.home in gone]


def class_counts(pool: Pool, vms: list[str]) -> list[int]:
    """Return how many of these VMs are in each order class: 0 first, ascending, negative ones last."""
    count = Counter(_class(pool.vm_by_uuid[vm]) for vm in vms)
    return [count[order] for order in sorted({_class(vm) for vm in pool.vms})]


def _class(vm: VM) -> float:
    return vm.order if vm.order >= 0 else float("inf")


def best_counts(pool: Pool, world: oracle.World, gone: list[int]) -> list[int]:
    """Return the lexicographically largest counts that any choice of VMs and any packing reaches."""
    mask = sum(1 << host for host in gone)
    guests = to_restart(world, gone)
    rooms = [0 if mask >> i & 1 else room for i, room in enumerate(world.free)]
    choices = (chosen for k in range(len(guests) + 1) for chosen in combinations(guests, k))
    return max(
        class_counts(pool, [guest.uuid for guest in chosen])
        for chosen in choices
        if oracle.packable(rooms, [(guest.size, guest.allowed & ~mask) for guest in chosen])
    )


def test_equal_pools_have_equal_plans() -> None:
    for _, pool, failed in cases(range(1000, 1030)):
        first = plan(pool, failed, clock=StillClock())
        again = plan(pool, list(reversed(failed)), clock=StillClock())
        assert first == again
