"""The sequential figure against brute force over every order and every restart; its proofs, each judged."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

import pytest

from bench import oracle
from bench.clocks import StillClock
from bench.worlds import Spec, drawn, every_tiny, tiny
from hacore.clock import Deadline
from planner.compat.xapi import max_failures
from planner.model import Pool
from planner.placement.problem import problem_of
from planner.results import Bounds, Feared, Tolerance
from planner.tolerance.answer import tolerance
from planner.tolerance.orders import Doomed, place
from planner.tolerance.state import lost_hosts, state_of

FAMILIES = {
    "three hosts": lambda: every_tiny(3, (0, 2, 3, 5), (2, 3), 3),
    "three hosts, masks": lambda: every_tiny(3, (0, 3), (2,), 3, (None, 3, 5, 6)),
    "four hosts": lambda: every_tiny(4, (0, 2, 3), (2, 3), 2),
}

# Where restarts trap us, found by drawing worlds: free, VMs, sequential figure (simultaneous: 1 more).
TRAPS: dict[str, tuple[Sequence[int], Sequence[Spec], int]] = {
    "down, no memory to choose badly": (
        [10, 12, 19, 0],
        [(11, None, None), (9, None, None), (10, 3, None), (10, 3, None)],
        0,
    ),
    "down, each place is somebody's refuge": ([1, 1, 1, 1, 0], [(1, 4, 20), (1, None, 26), (1, None, 22)], 0),
    "down and bound": ([1, 1, 2, 1], [(1, None, 12), (1, None, 9), (1, None, 3)], 0),
    "one host, then either of two": (
        [2, 2, 3, 0, 2, 2],
        [(2, 3, 48), (2, 4, None), (2, 5, 20), (2, 5, 5)],
        1,
    ),
    "one host, then any of three": ([3, 6, 4, 3, 0], [(3, 4, 25), (3, 4, 6), (3, 4, 13)], 1),
    "two, sizes equal": ([4, 3, 2, 0, 2], [(2, 3, 14), (2, 2, 26), (2, 0, 21)], 1),
    "down, then one, then another": (
        [2, 3, 1, 3, 3],
        [(1, 1, None), (2, None, 19), (2, 2, 13), (2, 0, 25)],
        1,
    ),
    "agile, down, three deep": (
        [12, 9, 8, 19, 20, 17],
        [(11, 1, None), (9, 0, None), (9, 4, None), (5, None, None), (8, 5, None), (5, 1, None)],
        2,
    ),
}


def ask(pool: Pool) -> Tolerance:
    return tolerance(pool, clock=StillClock(), long_orders=True)


def fears_of(then: Sequence[Feared]) -> dict[str, Any]:
    return {feared.host: fears_of(feared.then) for feared in then}


def depth(fears: dict[str, Any]) -> int:
    return 1 + max(map(depth, fears.values())) if fears else 0


def check(pool: Pool, note: object) -> Bounds:
    """Fail unless the figure is the truth and the witness dooms us one failure later."""
    found = ask(pool).sequential
    truth = oracle.sequential(pool)
    assert (found.lower, found.upper) == (truth, truth), note
    if found.witness is not None and found.witness.then:
        fears = fears_of(found.witness.then)
        for host in reversed(found.witness.hosts):
            fears = {host: fears}
        assert oracle.doomed(pool, fears), note
        assert depth(fears) <= truth + 1, note
    return found


@pytest.mark.parametrize("family", FAMILIES)
def test_every_small_world(family: str) -> None:
    for free, vms in FAMILIES[family]():
        check(tiny(free, vms), (free, vms))


@pytest.mark.parametrize("chunk", range(4))
def test_drawn_worlds(chunk: int) -> None:
    for seed in range(chunk * 250, chunk * 250 + 250):
        pool = drawn(Random(seed), hosts=5, vms=6)
        if pool.hosts_in_service and pool.protected_vms:
            check(pool, seed)


@pytest.mark.parametrize("trap", TRAPS)
def test_traps(trap: str) -> None:
    free, vms, figure = TRAPS[trap]
    answer = ask(tiny(free, vms))
    assert answer.simultaneous.lower == figure + 1
    found = check(tiny(free, vms), trap) if len(free) < 6 else answer.sequential
    assert found.upper == figure
    assert found.witness is not None
    assert found.witness.then


@pytest.mark.parametrize("chunk", range(4))
def test_tight_worlds(chunk: int) -> None:
    """Few VMs, each with two or three refuges: where a restart may well take somebody's last one."""
    differs = 0
    for seed in range(chunk * 1500, chunk * 1500 + 1500):
        pool = tight(Random(seed))
        answer = tolerance(pool, clock=StillClock())
        if answer.simultaneous.lower >= 1:
            found = check(pool, seed)
            differs += found.upper < answer.simultaneous.upper
    assert differs


def tight(rng: Random) -> Pool:
    hosts = rng.choice((4, 5))
    refuges = [sum(1 << b for b in rng.sample(range(hosts), rng.choice((2, 3)))) for _ in range(3)]
    homes = [*range(hosts), None]
    vms = [(1, rng.choice(homes), rng.choice(refuges)) for _ in range(rng.randint(2, 4))]
    return tiny([rng.choice((0, 1, 1, 1, 2)) for _ in range(hosts)], vms)


def test_the_witness_in_json() -> None:
    free, vms, _ = TRAPS["two, sizes equal"]
    witness = ask(tiny(free, vms)).to_json()["sequential"]["witness"]
    assert witness == {"hosts": ["h2"], "then": ["h0", "h3"]}
    free, vms, _ = TRAPS["agile, down, three deep"]
    witness = ask(tiny(free, vms)).to_json()["sequential"]["witness"]
    assert set(witness) == {"hosts", "then"}
    assert all(isinstance(each, str) or set(each) == {"hosts", "then"} for each in witness["then"])


def test_xapi_never_says_more_on_agile_pools() -> None:
    for seed in range(300):
        rng = Random(seed)
        vms = [(rng.randint(1, 6), rng.randrange(4), None) for _ in range(rng.randint(1, 6))]
        pool = tiny([rng.randint(0, 12) for _ in range(4)], vms)
        assert max_failures(pool) <= ask(pool).sequential.lower, seed


def test_without_time_nothing_is_claimed() -> None:
    for seed in range(300):
        pool = tight(Random(seed))
        found = tolerance(pool, limit_seconds=0, clock=StillClock(), long_orders=True).sequential
        assert found.lower <= oracle.sequential(pool) <= found.upper, seed


def test_the_loss_of_one_host_is_judged_as_by_brute_force() -> None:
    deadline = Deadline.after(StillClock(), 1)
    for seed in range(1500):
        pool = tight(Random(seed)) if seed % 2 else drawn(Random(seed), hosts=5, vms=9)
        world = oracle.World.of(pool)
        if not world.guests or any(guest.home is None for guest in world.guests):
            continue
        lost, undecided = lost_hosts(state_of(problem_of(pool)), deadline, len(world.hosts))
        assert not undecided
        assert sorted(lost) == [h for h in range(len(world.hosts)) if not oracle.survivable(world, [h])], seed


def test_a_placement_is_followed_to_the_last_failure() -> None:
    free, vms, _ = TRAPS["one host, then any of three"]
    deadline = Deadline.after(StillClock(), 1)
    state = state_of(problem_of(tiny(free, vms)))
    assert isinstance(place(state.fail(4), 1, deadline), Doomed)
    roomier = state_of(problem_of(tiny([*free[:3], 9, 0], vms)))
    found = place(roomier.fail(4), 1, deadline)
    assert found is not None
    assert not isinstance(found, Doomed)
    assert lost_hosts(found, deadline, 5) == ([], False)
