"""Each proof under constraints by itself, on worlds where everything is short: what it claims is true."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import combinations
from random import Random

import pytest

from bench import oracle
from bench.clocks import StillClock
from bench.worlds import tight_with_rules
from hacore.clock import Deadline
from planner.model import Pool
from planner.placement.packing import Refuted
from planner.placement.problem import Problem, problem_of
from planner.results import Bounds
from planner.tolerance.blocking import Certificate, Row
from planner.tolerance.bounds import history_free
from planner.tolerance.constrained import open_sets
from planner.tolerance.counts import count
from planner.tolerance.deeper import bettered
from planner.tolerance.scenarios import survive
from planner.tolerance.sequential import bounds
from planner.tolerance.simultaneous import simultaneous_bounds
from planner.tolerance.state import lost_hosts, settle, state_of

NEVER = Deadline.after(StillClock(), 10.0)


def world(seed: int, hosts: int, vms: int) -> tuple[Pool, Problem, int]:
    """Return a pool, its integers with something beside memory in them, and its true figure."""
    rng = Random(seed)
    while True:
        pool, rules = tight_with_rules(rng, hosts, vms)
        problem = problem_of(pool, rules)
        if problem.resources:
            return pool, problem, oracle.simultaneous(pool, rules.vcpus_per_core)


def ratio_of(problem: Problem) -> Fraction | None:
    return Fraction(1) if any(resource.reason == "cpu" for resource in problem.resources) else None


def sequential_truth(pool: Pool, problem: Problem) -> int:
    return oracle.sequential(pool, ratio_of(problem))


def of_memory(truth: oracle.World) -> oracle.World:
    """Return the same world without anything but memory."""
    return replace(truth, others=(), guests=tuple(replace(guest, takes=()) for guest in truth.guests))


@pytest.mark.parametrize("seed", range(400))
def test_the_certificate_claims_no_more_than_is_true(seed):
    _, problem, truth = world(seed, 6, 10)
    certified = Certificate(count(problem)).lower(len(problem.hosts), NEVER)
    assert certified <= truth
    found, _ = simultaneous_bounds(count(problem), problem.cap, NEVER)
    assert found.lower == found.upper == truth


@pytest.mark.parametrize("seed", range(400))
def test_without_history_it_claims_no_more_than_is_true(seed):
    """Asked as if the simultaneous figure were not known: it would hide a claim that is too high."""
    pool, problem, _ = world(seed, 4, 6)
    unknown = Bounds(-1, len(problem.hosts), "trivial")
    assert bounds(count(problem), unknown, None, NEVER).lower <= sequential_truth(pool, problem)


@pytest.mark.parametrize("seed", range(400))
def test_without_history_nothing_depends_on_how_vms_were_restarted(seed):
    """Stronger than the figure, which rests on the best restarts: here an adversary makes them."""
    pool, problem, _ = world(seed, 4, 6)
    truth = oracle.World.of(pool, ratio_of(problem))
    certified = Certificate(count(problem), any_order=True).lower(len(problem.hosts), NEVER)
    assert certified < 0 or not oracle.trappable(truth, certified)
    by_memory = history_free(count(problem.relaxed))
    assert by_memory < 0 or not oracle.trappable(of_memory(truth), by_memory)


@pytest.mark.parametrize("seed", range(100))
def test_the_worst_sum_of_a_row_is_that_of_all_sets_with_a_holder(seed):
    rng = Random(seed)
    terms = tuple(rng.randint(0, 9) for _ in range(6))
    holders = frozenset(rng.sample(range(6), rng.randint(1, 2)))
    for failures in range(1, 7):
        sets = [units for units in combinations(range(6), failures) if not holders.isdisjoint(units)]
        worst = max(sum(terms[unit] for unit in units) for units in sets)
        assert Row(0, terms, 9, holders).worst(failures) == worst
        found = sorted(open_sets([Row(0, terms, 9, holders)], failures))
        assert found == [units for units in sets if sum(terms[unit] for unit in units) >= 9]


@pytest.mark.parametrize("seed", range(400))
def test_sequential_bounds_are_true_and_meet(seed):
    pool, problem, _ = world(seed, 4, 6)
    counted, truth = count(problem), sequential_truth(pool, problem)
    simultaneous, _ = simultaneous_bounds(counted, problem.cap, NEVER)
    closed = bounds(counted, simultaneous, problem.cap, NEVER)
    assert closed.lower <= truth <= closed.upper
    found: Bounds = bettered(problem, closed, NEVER, long_orders=True)
    assert found.lower == found.upper == truth


@pytest.mark.parametrize("seed", range(300))
def test_a_host_whose_loss_is_not_survived_is_suspected(seed):
    _, problem, _ = world(seed, 5, 9)
    state = settle(state_of(problem), NEVER)
    if isinstance(state, Refuted):
        return
    lost, undecided = lost_hosts(state, NEVER, len(problem.hosts))
    assert not undecided
    assert set(lost) == {h for h in state.hosts if isinstance(settle(state.fail(h), NEVER), Refuted)}


@pytest.mark.parametrize("seed", range(200))
def test_the_program_of_fears_keeps_every_room(seed):
    _, problem, _ = world(seed, 4, 8)
    start = state_of(problem)
    for host in start.hosts:
        verdict, found = survive(start.fail(host), {}, NEVER)
        assert (verdict == "infeasible") is isinstance(settle(start.fail(host), NEVER), Refuted)
        assert found is None or min(map(min, found.rooms)) >= 0
