"""Pools of 64 hosts: what can be judged without brute force, and that nothing depends on chance."""

from __future__ import annotations

import os
import subprocess
import sys
from random import Random

import pytest

from bench import oracle
from bench.pools import pool
from planner.compat import xapi

SEEDS = range(8)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_witness_is_certainly_lost(seed: int, ask) -> None:
    made = pool(seed)
    bounds = ask(made).simultaneous
    world, witness = oracle.World.of(made), bounds.witness
    assert witness is not None
    failed = {world.hosts.index(host) for host in witness.hosts}
    assert len(failed) == bounds.upper + 1
    rooms = [room for host, room in enumerate(world.free) if host not in failed]
    lost = {guest.uuid: guest.size for guest in world.guests if guest.home in failed}
    assert oracle.certainly_unpackable(rooms, lost.values())
    assert oracle.certainly_unpackable(rooms, [lost[vm] for vm in witness.vms])


@pytest.mark.parametrize("seed", SEEDS)
def test_any_set_below_the_figure_is_packed_carelessly(seed: int, ask) -> None:
    """Certified sets need no skill: any-fit decreasing with the host left to chance fits every VM."""
    made, rng = pool(seed), Random(seed)
    bounds = ask(made).simultaneous
    world = oracle.World.of(made)
    if bounds.method != "certificate":
        pytest.skip("not certified in closed form")
    for _ in range(5):
        failed = set(rng.sample(range(len(world.hosts)), bounds.lower))
        free = [-1 if host in failed else room for host, room in enumerate(world.free)]
        for size in sorted((g.size for g in world.guests if g.home in failed), reverse=True):
            host = rng.choice([host for host, room in enumerate(free) if room >= size])
            free[host] -= size


@pytest.mark.parametrize("seed", SEEDS)
def test_xapi_is_never_above_us(seed: int, ask) -> None:
    made = pool(seed)
    answer = ask(made)
    assert xapi.max_failures(made) <= answer.sequential.upper <= answer.simultaneous.upper


ANSWERS = """
import json
from random import Random
from bench.clocks import StillClock
from bench.pools import pool
from bench.worlds import drawn
from planner.restart import plan
from planner.tolerance.answer import tolerance
for made in [pool(1, hosts=16, vms=400), *(drawn(Random(seed)) for seed in range(60))]:
    print(json.dumps(tolerance(made, clock=StillClock()).to_json()))
    print(json.dumps(plan(made, [host.uuid for host in made.hosts[:2]], clock=StillClock()).to_json()))
"""


def test_hash_seeds_change_nothing() -> None:
    said = [
        subprocess.run(
            [sys.executable, "-c", ANSWERS],
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    ]
    assert said[0] == said[1]
    assert said[0].count("\n") == 122
