"""On small pools every bound is sound, closed and open parts alone and together, and the answer is exact."""

from __future__ import annotations

from array import array
from dataclasses import replace
from typing import Any

import pytest

from hacore.clock import Deadline
from hacore.kernel.planning import Rows
from planner.placement.problem import Problem, problem_of
from planner.results import Bounds
from planner.tolerance.answer import tolerance
from planner.tolerance.bounds import Ceiling, closed_form
from planner.tolerance.counts import count
from planner.tolerance.ranks import Certificate
from planner.tolerance.search import search
from planner.tolerance.simultaneous import simultaneous_bounds

BLOCKS = range(0, 1200, 100)


def problems(pools: Any, block: int, blocks: int = 100) -> list[tuple[int, Problem]]:
    found = [(seed, problem_of(pools(seed))) for seed in range(block, block + blocks)]
    return [(seed, problem) for seed, problem in found if problem.vms and problem.hosts]


def singles(problem: Problem) -> list[int]:
    return [1 << h for h in range(len(problem.hosts))]


@pytest.mark.parametrize("block", BLOCKS)
def test_the_answer_is_exact_and_its_witness_holds(
    pools: Any, brute: Any, survivable: Any, clock: Any, block: int
) -> None:
    for seed, problem in problems(pools, block):
        found = tolerance(pools(seed), clock=clock).simultaneous
        assert (found.lower, found.upper) == (brute(problem, singles(problem)),) * 2, seed
        check_witness(problem, found, survivable)


def check_witness(problem: Problem, found: Bounds, survivable: Any) -> None:
    """Check that no packing places all VMs of the witness, and that the reason is true."""
    witness = found.witness
    assert witness is not None
    assert len(witness.hosts) == found.upper + 1
    failed = sum(1 << problem.hosts.index(host) for host in witness.hosts)
    homes = dict(zip(problem.vms, problem.home, strict=True))
    assert all(homes[vm] < 0 or failed >> homes[vm] & 1 for vm in witness.vms)
    assert witness.vms
    assert not survivable(problem, failed, witness.vms)
    anywhere = replace(problem, candidates=(problem.everywhere,) * len(problem.vms))
    if witness.reason == "memory":
        assert not survivable(anywhere, failed)
    elif witness.reason == "reach":
        assert survivable(anywhere, failed)
    else:
        assert witness.reason == ("down" if not failed else "all_hosts")


@pytest.mark.parametrize("most_units", [1, 5, 40])
def test_rounded_bounds_are_sound(pools: Any, brute: Any, clock: Any, most_units: int) -> None:
    for seed, problem in problems(pools, 0, 400):
        counted = count(problem, most_units=most_units)
        closed = closed_form(counted)
        assert closed.lower <= brute(problem, singles(problem)) <= closed.upper, seed
        found, _ = simultaneous_bounds(counted, None, Deadline.after(clock, 1))
        assert (found.lower, found.upper) == (brute(problem, singles(problem)),) * 2, seed


@pytest.mark.parametrize("block", [2000, 2100, 2200])
def test_the_search_alone_is_exact(pools: Any, brute: Any, clock: Any, block: int) -> None:
    for seed, problem in problems(pools, block):
        counted = count(problem)
        closed = closed_form(counted)
        kinds = len(counted.needs)
        knows_nothing = Certificate(
            -1, array("q", [-2] * kinds), Rows(closed.certificate.rows.terms, array("q", [0] * kinds))
        )
        everything = Ceiling(tuple(range(counted.units)), problem.everywhere, kinds - 1, True)
        blind = replace(closed, certificate=knows_nothing, ceiling=everything, ranking=None)
        found = search(counted, blind, cap=counted.units, deadline=Deadline.after(clock, 1))
        assert (found.lower, found.upper) == (brute(problem, singles(problem)),) * 2, seed


def test_units_of_several_hosts(pools: Any, brute: Any, clock: Any) -> None:
    for seed, problem in problems(pools, 3000, 300):
        hosts = range(len(problem.hosts))
        units = [tuple(hosts[:2]), *((h,) for h in hosts[2:])]
        found, _ = simultaneous_bounds(count(problem, units), None, Deadline.after(clock, 1))
        expected = brute(problem, [sum(1 << h for h in unit) for unit in units])
        assert (found.lower, found.upper) == (expected, expected), seed
