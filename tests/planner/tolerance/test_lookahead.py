"""Plans that keep what can be kept: against brute force over every restart, and never worse than without."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import product
from random import Random

import pytest

from bench import oracle
from bench.clocks import StillClock
from bench.pools import pool as realistic
from bench.worlds import drawn, tiny
from planner.drain import drain, without
from planner.drain import pool_after as moved
from planner.model import Pool
from planner.restart import plan, pool_after
from planner.results import Move, Plan
from planner.tolerance.answer import tolerance
from planner.tolerance.foresight import FORESEEN


def agile(rng: Random) -> Pool:
    hosts = rng.choice((3, 4, 5))
    vms = [(rng.randint(1, 6), rng.randrange(hosts), None) for _ in range(rng.randint(1, 6))]
    return tiny([rng.randint(0, 10) for _ in range(hosts)], vms)


def bound(rng: Random) -> Pool:
    masks = [None, *[sum(1 << b for b in rng.sample(range(5), 3)) for _ in range(3)]]
    vms = [(rng.randint(1, 2), rng.choice((0, 0, 1, 2, 3, 4)), rng.choice(masks)) for _ in range(4)]
    return tiny([rng.choice((0, 1, 2, 2)) for _ in range(5)], vms)


@pytest.mark.parametrize("make", [agile, bound])
def test_a_plan_keeps_what_any_restart_could_keep(make) -> None:
    kept = 0
    for seed in range(600):
        pool = make(Random(seed))
        found = plan(pool, ["h0"], clock=StillClock())
        if not found.complete:
            continue
        lost = replace(pool, hosts=(replace(pool.hosts[0], live=False), *pool.hosts[1:]))
        could = oracle.sequential(lost)
        assert found.tolerance_after is not None
        assert found.tolerance_after.simultaneous.lower >= min(could, FORESEEN), seed
        assert found.tolerance_after.simultaneous.lower == oracle.simultaneous(pool_after(pool, found)), seed
        kept += _kept(pool) < found.tolerance_after.simultaneous.lower
    assert kept, "no world in which looking ahead helps"


def _kept(pool: Pool) -> int:
    return oracle.simultaneous(pool_after(pool, hasty(pool, ["h0"])))


def hasty(pool: Pool, failed: Sequence[str]) -> Plan:
    """Return the plan for which there is no time to look ahead."""
    return plan(pool, failed, limit_seconds=0, clock=StillClock())


def test_a_drain_keeps_what_any_moves_could_keep() -> None:
    kept = 0
    for seed in range(600):
        pool = agile(Random(seed))
        found = drain(pool, ["h0"], clock=StillClock())
        if not found.possible:
            continue
        could = oracle.sequential(replace(pool, hosts=(replace(pool.hosts[0], live=False), *pool.hosts[1:])))
        assert found.tolerance_after.simultaneous.lower >= min(could, FORESEEN), seed
        after = moved(without(pool, frozenset(("h0",))), found.moves)
        assert found.tolerance_after.simultaneous.lower == oracle.simultaneous(after), seed
        first = drain(pool, ["h0"], limit_seconds=0, clock=StillClock()).tolerance_after
        kept += first.simultaneous.upper < found.tolerance_after.simultaneous.lower
    assert kept, "no world in which looking ahead helps"


def test_who_is_not_protected_moves_out_of_the_way_of_others() -> None:
    """Unprotected VMs have to leave, too, but nobody keeps a place for them in later failures."""
    for seed in range(300):
        pool = partly(Random(seed))
        found = drain(pool, ["h0"], clock=StillClock())
        if found.possible:
            best = max(oracle.sequential(after) for after in every_drain(pool))
            assert found.tolerance_after.simultaneous.lower >= min(best, FORESEEN), seed


def partly(rng: Random) -> Pool:
    """Return an agile pool in which about every third VM is not protected."""
    pool = agile(rng)
    loose = [
        replace(vm, ha_restart_priority="", ha_always_run=False) if rng.random() < 0.35 else vm
        for vm in pool.vms
    ]
    return replace(pool, vms=tuple(loose))


def every_drain(pool: Pool) -> Iterator[Pool]:
    """Return the pool after each way to empty h0."""
    left = without(pool, frozenset(("h0",)))
    leaving = [vm.uuid for vm in pool.vms if vm.resident_on == "h0"]
    for places in product([host.uuid for host in left.hosts_in_service], repeat=len(leaving)):
        after = moved(left, [Move(vm, "h0", to) for vm, to in zip(leaving, places, strict=True)])
        needs = {host.uuid: 0 for host in after.hosts}
        for vm in after.vms:
            needs[vm.resident_on or "h0"] += vm.need_bytes
        if all(needs[h.uuid] <= h.memory_total_bytes for h in after.hosts_in_service):
            yield after


def test_looking_ahead_never_costs_anything() -> None:
    """Best-effort VMs, odd hosts: whoever restarts without it restarts with it, and no less is kept."""
    for seed in range(400):
        pool = drawn(Random(seed), hosts=5, vms=9)
        failed = [pool.hosts[0].uuid]
        plain = hasty(pool, failed)
        if plain.unplaced:  # with time others may restart: nothing to compare
            continue
        found = plan(pool, failed, clock=StillClock())
        assert {p.vm for p in found.placements} == {p.vm for p in plain.placements}, seed
        before = tolerance(pool_after(pool, plain), clock=StillClock()).simultaneous.lower
        assert found.tolerance_after is not None
        assert found.tolerance_after.simultaneous.lower >= before, seed


def test_equal_pools_get_equal_plans() -> None:
    helped = 0
    for seed in range(60):
        pool = agile(Random(seed))
        turned = replace(pool, vms=tuple(reversed(pool.vms)), hosts=tuple(reversed(pool.hosts)))
        one, other = (plan(p, ["h0"], clock=StillClock()) for p in (pool, turned))
        assert one.plan_id == other.plan_id
        assert one.placements == other.placements
        helped += one.plan_id != hasty(pool, ["h0"]).plan_id
    assert helped


def test_a_large_pool() -> None:
    pool = realistic(4, hosts=32, vms=900, load=0.9)
    failed = [pool.hosts[0].uuid]
    plain = hasty(pool, failed)
    found = plan(pool, failed, clock=StillClock())
    assert found.tolerance_after is not None
    before = tolerance(pool_after(pool, plain), clock=StillClock()).simultaneous.lower
    assert found.tolerance_after.simultaneous.lower >= before
