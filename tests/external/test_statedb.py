"""Databases of real XenServer pools: small, so the point is where each VM could run."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench import oracle
from bench.external import cases, database_pool, pool_of
from planner.agility import Reach, obstacles

CASES = {case["id"]: case for case in cases(Path(__file__).parent / "xenserver-statedb")}
ANSWERED = [name for name, case in CASES.items() if "reference_all_running_protected" in case]


@pytest.mark.parametrize("name", CASES)
def test_vms_can_run_where_the_database_says(name: str) -> None:
    pool = database_pool(CASES[name])
    for vm, told in zip(pool.vms, CASES[name]["pool"]["vms"], strict=True):
        found = [host.uuid for host in pool.hosts if not obstacles(pool, vm, host)]
        assert sorted(found) == sorted(told["allowed"]), vm.name


@pytest.mark.parametrize("name", CASES)
def test_candidate_masks_agree_with_obstacles(name: str) -> None:
    pool = database_pool(CASES[name])
    reach = Reach(pool)
    for vm in pool.vms:
        free_of_obstacles = [not obstacles(pool, vm, host) for host in pool.hosts_in_service]
        assert reach.candidates(vm) == sum(1 << i for i, free in enumerate(free_of_obstacles) if free)
        assert reach.agile(vm) is all(free_of_obstacles)


@pytest.mark.parametrize("name", CASES)
def test_the_figure_if_all_that_runs_were_protected(name: str, answer) -> None:
    for agile, key in ((False, ""), (True, "_and_agile")):
        pool = pool_of(CASES[name], agile=agile)
        bounds = answer(pool)
        assert bounds.lower == bounds.upper == oracle.simultaneous(pool)
        told = CASES[name].get(f"reference_all_running_protected{key}")
        if told is not None:
            assert bounds.lower == told["max_failures"]


@pytest.mark.parametrize("name", ANSWERED)
def test_the_given_witness_is_one(name: str, certainly_lost) -> None:
    told = CASES[name]["reference_all_running_protected"]
    assert certainly_lost(pool_of(CASES[name]), told["witness_not_survivable"])


@pytest.mark.parametrize("name", CASES)
def test_as_it_was_the_pool_protects_nothing(name: str, answer) -> None:
    """No VM there has today's priority "restart": the figure is the number of hosts in service."""
    pool = database_pool(CASES[name])
    assert answer(pool).lower == len(pool.hosts_in_service)
