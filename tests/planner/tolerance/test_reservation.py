"""Slots against adversaries: any order of failures, VMs restarted in any order, slots taken as they come."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from random import Random

import pytest

from bench import oracle
from bench.clocks import StillClock
from bench.pools import pool as realistic
from bench.worlds import drawn, tiny
from hacore.clock import Deadline
from planner.model import Pool
from planner.placement.problem import DOWN, Problem, problem_of
from planner.tolerance.reservation import Reservation, classes_of, reserve, slot_sizes, violations


def ask(problem: Problem, failures: int) -> Reservation | None:
    return reserve(problem, failures, Deadline.after(StillClock(), 10))


def world(seed: int) -> Pool:
    rng = Random(seed)
    if seed % 3 == 0:
        return drawn(rng, hosts=5, vms=6)
    hosts = rng.choice((3, 4, 5))
    homes = [*range(hosts)] * 4 + [None]
    vms = [(rng.randint(1, 6), rng.choice(homes), None) for _ in range(rng.randint(1, 6))]
    return tiny([rng.randint(0, 14) for _ in range(hosts)], vms)


@pytest.mark.parametrize("chunk", range(3))
def test_a_reservation_is_below_the_truth(chunk: int) -> None:
    found = 0
    for seed in range(chunk * 100, chunk * 100 + 100):
        pool = world(seed)
        problem = problem_of(pool)
        if not problem.vms or not problem.hosts:
            continue
        truth = oracle.sequential(replace(pool, quorum="disk"))
        for failures in range(len(problem.hosts)):
            reservation = ask(problem, failures)
            if reservation is not None:
                assert failures <= truth, (seed, failures)
                assert not violations(problem, reservation)
                found += failures > 0
    assert found > 30


def restart(reservation: Reservation, problem: Problem, rng: Random) -> bool:
    """Fail as many hosts as promised, one after the other; tell whether every VM always found a slot."""
    free = [list(row) for row in reservation.slots]
    home = list(problem.home)
    alive = set(range(len(problem.hosts)))
    for _ in range(reservation.failures + 1):
        waiting = [i for i, at in enumerate(home) if at not in alive]
        rng.shuffle(waiting)
        for i in waiting:
            slots = [
                (each.size_bytes, h, c)
                for c, each in enumerate(reservation.classes)
                for h in alive
                if free[c][h]
                and each.hosts == problem.candidates[i]
                and each.size_bytes >= problem.need_bytes[i]
            ]
            if not slots:
                return False
            least = min(size for size, _, _ in slots)
            _, home[i], c = rng.choice([slot for slot in slots if slot[0] == least])
            free[c][home[i]] -= 1
        # The adversary likes hosts where many run, but not always.
        load = Counter(home)
        alive.discard(max(sorted(alive), key=lambda h: load[h] * rng.choice((1, 1, 0)), default=DOWN))
    return True


def test_no_adversary_traps_a_controller_that_keeps_to_the_slots() -> None:
    tried = 0
    for seed in range(150):
        problem = problem_of(world(seed))
        if not problem.vms or not problem.hosts:
            continue
        best = next((r for k in range(len(problem.hosts), -1, -1) if (r := ask(problem, k))), None)
        if best is None:
            continue
        tried += best.failures > 0
        for order in range(20):
            assert restart(best, problem, Random(order)), (seed, order)
    assert tried > 40


def test_a_realistic_pool() -> None:
    problem = problem_of(realistic(3, hosts=16, vms=400, load=0.6))
    best = next(r for k in range(8, -1, -1) if (r := ask(problem, k)))
    assert best.failures >= 3
    for order in range(10):
        assert restart(best, problem, Random(order))


def test_what_is_wrong_with_a_reservation_is_said() -> None:
    problem = problem_of(tiny([4, 4, 4], [(2, 0, None), (2, 1, 6), (1, None, None)]))
    good = ask(problem, 1)
    assert good is not None
    assert not violations(problem, good)
    greedy = replace(good, failures=3)
    assert any("failures can take" in text for text in violations(problem, greedy))
    fat = replace(good, slots=tuple(tuple(n + 2 for n in row) for row in good.slots))
    assert any("bytes in" in text for text in violations(problem, fat))
    assert any("cannot run" in text for text in violations(problem, fat))
    fewer = replace(good, classes=good.classes[1:], slots=good.slots[1:])
    assert "not every VM has a class" in violations(problem, fewer)


def test_vms_that_are_down_take_slots_too() -> None:
    problem = problem_of(tiny([2, 2], [(2, None, None), (2, None, None)]))
    claim = Reservation(1, classes_of(problem), ((1, 1),))
    assert any("failures can take" in text for text in violations(problem, claim))
    assert not violations(problem, replace(claim, failures=0))


def test_nobody_is_in_too_small_a_class() -> None:
    rng = Random(5)
    for _ in range(30):
        number = Counter({rng.randint(1, 10**6): rng.randint(1, 9) for _ in range(rng.randint(1, 400))})
        most = rng.randint(1, 12)
        sizes = slot_sizes(number, most)
        assert len(sizes) <= most
        assert sizes[-1] == max(number)
        assert list(sizes) == sorted(set(sizes))
    assert slot_sizes(Counter({1: 100, 2: 1, 9: 50}), 2) == (1, 9)
    assert slot_sizes(Counter({1: 1, 2: 100, 9: 50}), 2) == (2, 9)


def test_every_vm_has_a_class() -> None:
    problem = problem_of(realistic(5, hosts=8, vms=200, load=0.7))
    classes = classes_of(problem)
    assert sum(sum(each.running) + each.down for each in classes) == len(problem.vms)
    assert not classes_of(problem_of(Pool(uuid="empty")))
