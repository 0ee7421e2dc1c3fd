"""Hosts kept for large VMs: no order of failures traps anybody who restarts VMs within their tiers."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest

from bench import oracle
from bench.pools import pool as realistic
from bench.worlds import drawn, tiny
from planner.model import Pool
from planner.placement.problem import problem_of
from planner.tolerance.bounds import history_free
from planner.tolerance.counts import count
from planner.tolerance.tiers import Tiers, tiers


def world(seed: int) -> Pool:
    """Return a pool in which VMs of different needs run, mostly on roomy hosts."""
    rng = Random(seed)
    if seed % 4 == 0:
        return drawn(rng, hosts=5, vms=6)
    hosts = rng.choice((3, 4, 5))
    homes = [*range(hosts)] * 4 + [None]
    masks = [None] * 4 + [rng.randrange(1, 1 << hosts)]
    vms = [(rng.choice((1, 1, 2, 5, 7)), rng.choice(homes), rng.choice(masks)) for _ in range(6)]
    return tiny([rng.randint(0, 16) for _ in range(hosts)], vms)


def tiered(pool: Pool, found: Tiers) -> oracle.World:
    """Return the world in which VMs may only go to the hosts of their tier."""
    truth = oracle.World.of(pool)
    large = sum(1 << host for host in found.large)
    return replace(
        truth,
        guests=tuple(
            replace(guest, allowed=guest.allowed & (large if guest.size >= found.size_bytes else ~large))
            for guest in truth.guests
        ),
    )


@pytest.mark.parametrize("chunk", range(4))
def test_nobody_is_trapped_within_the_tiers(chunk):
    survived = 0
    for seed in range(chunk * 150, chunk * 150 + 150):
        pool = world(seed)
        problem = problem_of(pool)
        found = tiers(count(problem)) if problem.vms and problem.hosts else None
        if found is None or found.failures < 0:
            continue
        assert not oracle.trappable(tiered(pool, found), found.failures), seed
        survived += found.failures > 0
    assert survived > 10


def test_a_large_vm_is_not_shut_out_by_small_ones():
    """Two hosts have 10 left, two have 6; on these runs a VM of 9 each, and two of 2 run on every host.

    A host with 10 left that took one of 2 takes none of 9. Small ones find room enough on the others.
    """
    pool = tiny([10, 10, 6, 6], [(9, 2, None), (9, 3, None), *[(2, host, None) for host in range(4)] * 2])
    counted = count(problem_of(pool))
    found = tiers(counted)
    assert found is not None
    assert (history_free(counted), found) == (0, Tiers(1, 9, frozenset({0, 1})))


def test_needs_that_are_all_equal_make_no_tiers():
    assert tiers(count(problem_of(tiny([3, 3], [(1, 0, None), (1, 1, None)])))) is None


def test_a_nearly_full_pool_is_proven_further():
    counted = count(problem_of(realistic(20_003, load=0.8)))
    found = tiers(counted)
    assert found is not None
    assert (history_free(counted), found.failures) == (1, 5)
