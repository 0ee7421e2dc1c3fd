"""Every small world of a kind, and many drawn ones, against brute force.

In worlds this small an answer may not be open: lower, upper and the truth are one number.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from random import Random

import pytest

from bench import oracle
from bench.clocks import StillClock
from bench.worlds import drawn, every_tiny, tiny
from planner.model import VM, Host, Pool, PowerState
from planner.tolerance.answer import tolerance

EVERY_MASK_OF_THREE = (None, *range(8))
FAMILIES = {
    "two hosts, masks": lambda: every_tiny(2, (0, 2, 5), (2, 3), 3, (None, 0, 1, 2)),
    "three hosts": lambda: every_tiny(3, (0, 2, 3, 5), (2, 3), 3),
    "three hosts, masks": lambda: every_tiny(3, (0, 3, 5), (2,), 2, EVERY_MASK_OF_THREE),
    "three hosts, sizes and masks": lambda: every_tiny(3, (2, 5), (2, 3), 2, (None, 1, 3, 6)),
    "four hosts": lambda: every_tiny(4, (0, 2, 3), (2, 3), 2),
    "one host": lambda: every_tiny(1, (0, 2, 3), (2, 3), 2, (None, 0, 1)),
}


@pytest.mark.parametrize("family", FAMILIES)
def test_every_tiny_world(family: str, ask, check_witness) -> None:
    for free, vms in FAMILIES[family]():
        pool = tiny(free, vms)
        answer = ask(pool)
        figure = answer.simultaneous
        truth = oracle.simultaneous(pool)
        assert (figure.lower, figure.upper) == (truth, truth), (free, vms)
        assert answer.sequential.lower <= oracle.sequential(pool) <= answer.sequential.upper, (free, vms)
        assert answer.sequential.upper <= figure.upper, (free, vms)
        check_witness(pool, figure)


@pytest.mark.parametrize("chunk", range(10))
def test_drawn_worlds(chunk: int, ask, check_witness) -> None:
    """Dead, disabled and overfull hosts, quorum, ballast, suspended and moving VMs, uneven bytes."""
    for seed in range(chunk * 150, chunk * 150 + 150):
        pool = drawn(Random(seed), hosts=5, vms=9)
        answer = ask(pool)
        figure = answer.simultaneous
        truth = oracle.simultaneous(pool)
        assert (figure.lower, figure.upper) == (truth, truth), seed
        assert answer.sequential.lower <= answer.sequential.upper <= figure.upper, seed
        check_witness(pool, figure)
        if len(pool.hosts) <= 4 and len(pool.protected_vms) <= 6:
            assert answer.sequential.lower <= oracle.sequential(pool) <= answer.sequential.upper, seed


@pytest.mark.parametrize("chunk", range(4))
def test_failure_domains_of_drawn_worlds(chunk: int, ask) -> None:
    for seed in range(chunk * 100, chunk * 100 + 100):
        pool = replace(drawn(Random(seed), hosts=6, vms=9), quorum="disk")
        answer = ask(pool)
        keys = {key for host in pool.hosts_in_service for key, _ in host.failure_domains}
        assert keys <= set(answer.domains), seed
        for key, figure in answer.domains.items():
            assert figure.lower <= oracle.domain(pool, key) <= figure.upper, seed


@pytest.mark.parametrize("chunk", range(4))
def test_without_time_the_bounds_are_honest(chunk: int) -> None:
    for seed in range(chunk * 200, chunk * 200 + 200):
        pool = drawn(Random(seed), hosts=5, vms=9)
        answer = tolerance(pool, limit_seconds=0, clock=StillClock())
        figure = answer.simultaneous
        assert figure.lower <= oracle.simultaneous(pool) <= figure.upper, seed
        assert answer.sequential.lower <= answer.sequential.upper <= figure.upper, seed


def states() -> Iterator[Pool]:
    """Every state that a host and a VM can be in: three hosts, one protected VM, one that is ballast."""
    standing = [(True, True), (True, False), (False, True)]
    running: list[tuple[PowerState, str | None, str | None]] = [
        ("Running", "h0", None),
        ("Running", None, "h0"),
        ("Running", "h0", "h1"),
        ("Paused", "h1", None),
        ("Suspended", None, None),
        ("Halted", None, None),
        ("Halted", None, "h0"),
    ]
    for hosts, (state, home, moving), ballast, priority, quorum in product(
        product(standing, repeat=3), running, (0, 1, 4), ("best-effort", ""), ("disk", "majority")
    ):
        protected = VM("v0", 2, power_state=state, resident_on=home, scheduled_to_be_resident_on=moving)
        vms = [_protect(protected)]
        if ballast:
            vms.append(
                VM("v1", ballast, power_state="Running", resident_on="h1", ha_restart_priority=priority)
            )
        yield Pool(
            uuid="states",
            quorum=quorum,
            hosts=tuple(Host(f"h{i}", 4, live=live, enabled=on) for i, (live, on) in enumerate(hosts)),
            vms=tuple(vms),
        )


def _protect(vm: VM) -> VM:
    return VM(
        vm.uuid,
        vm.memory_static_max_bytes,
        power_state=vm.power_state,
        resident_on=vm.resident_on,
        scheduled_to_be_resident_on=vm.scheduled_to_be_resident_on,
        ha_restart_priority="restart",
        ha_always_run=True,
    )


def test_every_state_of_hosts_and_vms(ask, check_witness) -> None:
    for pool in states():
        figure = ask(pool).simultaneous
        truth = oracle.simultaneous(pool)
        assert (figure.lower, figure.upper) == (truth, truth), pool
        check_witness(pool, figure)
