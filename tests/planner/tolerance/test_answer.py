"""What is said of a pool: the trivial answers, caps, reasons, domains, limits; and always the same."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Any

import pytest

from hacore.clock import Deadline
from planner.model import SR, VM, Host, Pool
from planner.placement.problem import problem_of
from planner.results import Witness
from planner.tolerance.answer import tolerance
from planner.tolerance.bounds import closed_form
from planner.tolerance.counts import count
from planner.tolerance.prices import guess, is_lost, refute

GIB = 1 << 30


def host(name: str, free_gib: int, **more: Any) -> Host:
    """Return a host with so much free; VMs that run there add to it in `pool_of`."""
    return Host(uuid=name, memory_total_bytes=free_gib * GIB, **more)


def vm(name: str, gib: int, home: str | None, **more: Any) -> VM:
    """Return a protected VM, down without a home."""
    return VM(
        uuid=name,
        memory_static_max_bytes=gib * GIB,
        power_state="Running" if home else "Halted",
        resident_on=home,
        ha_restart_priority="restart",
        ha_always_run=True,
        **more,
    )


def pool_of(hosts: list[Host], vms: list[VM], **more: Any) -> Pool:
    """Return a pool in which hosts have what they have free beside their VMs."""
    grown = [
        replace(
            h, memory_total_bytes=h.memory_total_bytes + sum(v.need_bytes for v in vms if v.home == h.uuid)
        )
        for h in hosts
    ]
    return Pool(uuid="p", name="pool", hosts=tuple(grown), vms=tuple(vms), **more)


def triplets(bins: int, spread: int) -> Pool:
    """Return a pool of which one host's VMs fill the others only three by three: hard for greedy packers."""
    rng = Random(f"{bins}/{spread}")
    vms = []
    for _ in range(bins):
        first, second = rng.randint(spread, spread + spread // 2), rng.randint(spread, spread + spread // 4)
        for size in (first, second, 4 * spread - first - second):
            vms.append(vm(f"v{len(vms)}", size, "big"))
    return pool_of([host("big", 0), *(host(f"h{i}", 4 * spread) for i in range(bins))], vms)


def test_nothing_protected_survives_everything(clock: Any) -> None:
    found = tolerance(pool_of([host("a", 1), host("b", 1)], []), clock=clock)
    assert (found.simultaneous.lower, found.simultaneous.upper, found.simultaneous.method) == (
        2,
        2,
        "trivial",
    )
    assert found.simultaneous.witness is None
    assert found.sequential == found.simultaneous


def test_a_suspended_vm_is_not_restarted(clock: Any) -> None:
    suspended = replace(vm("v", 1, None), power_state="Suspended")
    found = tolerance(pool_of([host("a", 1), host("b", 1)], [suspended]), clock=clock)
    assert found.simultaneous.lower == 2
    assert found.protected_vms == 1


def test_one_protected_vm_needs_a_host(clock: Any) -> None:
    found = tolerance(pool_of([host(n, 9) for n in "abc"], [vm("v", 1, "a")]), clock=clock)
    assert (found.simultaneous.lower, found.simultaneous.upper) == (2, 2)
    assert found.simultaneous.witness == Witness(("a", "b", "c"), ("v",), "all_hosts")


def test_no_host_in_service(clock: Any) -> None:
    found = tolerance(pool_of([host("a", 9, live=False)], [vm("v", 1, None)]), clock=clock)
    assert (found.simultaneous.lower, found.simultaneous.upper) == (-1, -1)
    assert found.simultaneous.witness == Witness((), ("v",), "down")


def test_down_vms_that_do_not_fit_today(clock: Any) -> None:
    vms = [vm("fits", 2, None), vm("large", 5, None), vm("runs", 1, "a")]
    found = tolerance(pool_of([host("a", 4), host("b", 4)], vms), clock=clock)
    assert (found.simultaneous.lower, found.simultaneous.upper) == (-1, -1)
    assert found.simultaneous.witness == Witness((), ("large",), "down")
    assert found.sequential.upper == -1


def test_a_vm_of_a_dead_host_is_down(clock: Any) -> None:
    pool = pool_of([host("a", 4), host("b", 4), host("dead", 0, live=False)], [vm("v", 4, "dead")])
    assert tolerance(pool, clock=clock).simultaneous.lower == 1


def test_a_pinned_vm_names_its_host(clock: Any) -> None:
    pool = pool_of(
        [host(n, 9) for n in "abc"],
        [vm("v", 1, "b", srs=("local",)), vm("w", 1, "a")],
        srs=(SR("local", shared=False, hosts=("b",)),),
    )
    found = tolerance(pool, clock=clock).simultaneous
    assert (found.lower, found.upper) == (0, 0)
    assert found.witness == Witness(("b",), ("v",), "reach")


def test_candidates_are_exact_and_not_pinned(clock: Any) -> None:
    vms = [vm(f"v{i}", 2, "a", candidate_hosts=("a", "b")) for i in range(2)]
    fits = pool_of([host("a", 4), host("b", 4), host("c", 0)], vms)
    assert tolerance(fits, clock=clock).simultaneous.lower == 1
    tight = pool_of([host("a", 4), host("b", 3), host("c", 9)], vms)
    found = tolerance(tight, clock=clock).simultaneous
    assert (found.lower, found.upper) == (0, 0)
    assert found.witness == Witness(("a",), ("v0", "v1"), "reach")


def test_the_witness_is_small(clock: Any) -> None:
    vms = [vm("large", 8, "a"), *(vm(f"v{i}", 1, "a") for i in range(9))]
    found = tolerance(pool_of([host("a", 0), host("b", 7), host("c", 7)], vms), clock=clock).simultaneous
    assert found.witness == Witness(("a",), ("large",), "memory")


@pytest.mark.parametrize(("dead", "figure"), [(0, 2), (1, 1), (2, 0), (3, 0)])
def test_the_quorum_caps_the_figure(clock: Any, dead: int, figure: int) -> None:
    hosts = [host(f"h{i}", 9, live=i >= dead) for i in range(5)]
    pool = pool_of(hosts, [vm("v", 1, "h4")], quorum="majority")
    found = tolerance(pool, clock=clock).simultaneous
    assert (found.lower, found.upper) == (figure, figure)
    assert found.witness == Witness((), (), "quorum")
    assert tolerance(replace(pool, vms=()), clock=clock).simultaneous.upper == figure


def test_memory_below_the_quorum_cap_keeps_its_witness(clock: Any) -> None:
    pool = pool_of([host(f"h{i}", 0) for i in range(5)], [vm("v", 1, "h0")], quorum="majority")
    found = tolerance(pool, clock=clock).simultaneous
    assert found.witness == Witness(("h0",), ("v",), "memory")


def test_failure_domains(clock: Any) -> None:
    racks = ("r1", "r1", "r2", "r2", None)
    hosts = [
        host(f"h{i}", 3, failure_domains=(("rack", rack),) if rack else ()) for i, rack in enumerate(racks)
    ]
    pool = pool_of(hosts, [vm(f"v{i}", 2, f"h{i}") for i in range(5)])
    found = tolerance(pool, clock=clock)
    assert (found.simultaneous.lower, found.simultaneous.upper) == (2, 2)
    rack = found.domains["rack"]
    assert (rack.lower, rack.upper) == (1, 1)
    assert rack.witness is not None
    assert len(rack.witness.hosts) in (3, 4)
    quorate = tolerance(replace(pool, quorum="majority"), clock=clock).domains["rack"]
    assert (quorate.upper, quorate.witness) == (1, rack.witness)
    unprotected = tolerance(replace(pool, vms=(), quorum="majority"), clock=clock).domains["rack"]
    assert (unprotected.lower, unprotected.upper) == (1, 1)


def test_the_quorum_of_domains_counts_live_hosts(clock: Any) -> None:
    racks = ("r1", "r1", "r2", "r3", "r4")
    hosts = [host(f"h{i}", 9, live=i != 1, failure_domains=(("rack", r),)) for i, r in enumerate(racks)]
    pool = pool_of(hosts, [vm("v", 1, "h4")], quorum="majority")
    rack = tolerance(pool, clock=clock).domains["rack"]
    assert (rack.lower, rack.upper, rack.witness) == (1, 1, Witness((), (), "quorum"))


def test_the_target(clock: Any) -> None:
    pool = pool_of([host(n, 9) for n in "abc"], [vm("v", 1, "a")], ha_host_failures_to_tolerate=3)
    assert tolerance(pool, clock=clock).overcommitted is True
    assert tolerance(pool, target=2, clock=clock).overcommitted is False
    assert tolerance(replace(pool, ha_enabled=False), clock=clock).target is None


def test_sequential_agrees_up_to_one_failure_if_nothing_is_down(clock: Any) -> None:
    vms = [vm(f"v{i}", 3, f"h{i}") for i in range(4)]
    pool = pool_of([host(f"h{i}", 4) for i in range(4)], vms)
    found = tolerance(pool, clock=clock)
    assert found.simultaneous.lower == 2
    assert 1 <= found.sequential.lower <= found.sequential.upper == 2
    assert found.sequential.witness == found.simultaneous.witness


def test_where_a_vm_that_is_down_goes_may_cost_the_sequential_figure(clock: Any) -> None:
    """Wherever "down" starts, one VM loses its only refuge; all at once it goes where it does not disturb."""
    vms = [
        vm("of-a", 2, "a", candidate_hosts=("b",)),
        vm("of-b", 2, "b", candidate_hosts=("c",)),
        vm("of-c", 2, "c", candidate_hosts=("a",)),
        vm("down", 2, None),
    ]
    found = tolerance(pool_of([host(n, 2) for n in "abc"], vms), clock=clock)
    assert (found.simultaneous.lower, found.simultaneous.upper) == (1, 1)
    assert (found.sequential.lower, found.sequential.upper) == (0, 0)


def test_the_order_of_vms_does_not_matter(pools: Any, clock: Any) -> None:
    for seed in range(60):
        pool = pools(seed)
        shuffled = replace(pool, vms=tuple(reversed(pool.vms)))
        one, other = tolerance(pool, clock=clock), tolerance(shuffled, clock=clock)
        assert (one.simultaneous.lower, one.simultaneous.upper) == (
            other.simultaneous.lower,
            other.simultaneous.upper,
        )
        assert tolerance(pool, clock=clock) == one


def test_the_limit_leaves_honest_bounds(clock: Any) -> None:
    pool = triplets(20, 100)
    found = tolerance(pool, limit_seconds=0.0, clock=clock)
    assert (found.simultaneous.lower, found.simultaneous.upper) == (0, 1)
    assert not found.simultaneous.proven
    assert found.overcommitted is None or found.target is None
    assert tolerance(pool, target=1, limit_seconds=0.0, clock=clock).overcommitted is None


def test_the_solver_decides_what_packers_cannot(clock: Any) -> None:
    found = tolerance(triplets(20, 100), clock=clock)
    assert (found.simultaneous.lower, found.simultaneous.upper) == (1, 1)
    assert found.simultaneous.method == "solver"
    assert found.solver.calls > 0


def overheads() -> Pool:
    """Return a pool with needs a little above round sizes; volume and slots do not refute the loss of "a"."""
    vms = [
        replace(vm(f"v{i}", gib, "a"), memory_overhead_bytes=gib * GIB // 20)
        for i, gib in enumerate((2, 3, 4, 4, 4))
    ]
    return pool_of([host("a", 0), host("b", 10), host("c", 6), host("d", 4)], vms)


def test_guessed_prices_refute(clock: Any) -> None:
    counted = count(problem_of(overheads()))
    assert closed_form(counted).upper == 1
    priced = guess(counted, 2)
    assert priced is not None
    assert priced.units == (0,)
    assert is_lost(counted, priced.units, priced.prices)
    found = tolerance(overheads(), clock=clock)
    assert (found.simultaneous.lower, found.simultaneous.upper) == (0, 0)
    assert found.solver.calls == 0


def test_prices_of_the_pattern_lp_refute(clock: Any) -> None:
    counted = count(problem_of(overheads()))
    priced = refute(counted, (0,), Deadline.after(clock, 10))
    assert priced is not None
    assert priced.units == (0,)
    assert is_lost(counted, priced.units, priced.prices)
    assert not is_lost(counted, (1,), priced.prices)
