"""Laws that hold without knowing the answer (TOLERANCE §8), on pools too large for brute force."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench import oracle
from bench.pools import GIB, MIB, pool
from bench.worlds import drawn, tiny
from planner.compat import xapi
from planner.model import Host, Pool
from planner.results import Bounds

HOSTS = 6


@st.composite
def worlds(draw: st.DrawFn, *, agile: bool = False) -> Pool:
    """Return a pool of up to 6 hosts and 14 protected VMs; some down, some bound to hosts."""
    hosts = draw(st.integers(2, HOSTS))
    home = st.integers(0, hosts - 1) if agile else st.one_of(st.integers(0, hosts - 1), st.none())
    mask = st.none() if agile else st.one_of(st.none(), st.integers(0, 2**hosts - 1))
    vms = draw(st.lists(st.tuples(st.integers(1, 9), home, mask), max_size=14))
    free = draw(st.lists(st.integers(0, 24), min_size=hosts, max_size=hosts))
    return tiny(free, vms)


def figure(answer: Bounds) -> tuple[int, int]:
    return answer.lower, answer.upper


@settings(max_examples=120)
@given(worlds(), st.randoms(use_true_random=False))
def test_the_order_of_hosts_and_vms_means_nothing(ask, world: Pool, rng: Random) -> None:
    shuffled = replace(
        world,
        hosts=tuple(rng.sample(world.hosts, len(world.hosts))),
        vms=tuple(rng.sample(world.vms, len(world.vms))),
    )
    assert figure(ask(shuffled).simultaneous) == figure(ask(world).simultaneous)
    assert figure(ask(shuffled).sequential) == figure(ask(world).sequential)


@settings(max_examples=120)
@given(worlds(), st.sampled_from((2, 3, MIB, GIB, 4096 * 7919)))
def test_the_unit_means_nothing(ask, world: Pool, unit: int) -> None:
    scaled = replace(
        world,
        hosts=tuple(replace(h, memory_total_bytes=h.memory_total_bytes * unit) for h in world.hosts),
        vms=tuple(replace(vm, memory_static_max_bytes=vm.memory_static_max_bytes * unit) for vm in world.vms),
    )
    assert figure(ask(scaled).simultaneous) == figure(ask(world).simultaneous)


@settings(max_examples=120)
@given(worlds(), st.integers(0, HOSTS - 1), st.integers(1, 12))
def test_more_memory_never_lowers(ask, world: Pool, which: int, more: int) -> None:
    host = world.hosts[which % len(world.hosts)]
    roomier = replace(
        world,
        hosts=tuple(
            replace(h, memory_total_bytes=h.memory_total_bytes + more) if h is host else h
            for h in world.hosts
        ),
    )
    assert ask(roomier).simultaneous.upper >= ask(world).simultaneous.lower


@settings(max_examples=120)
@given(worlds(), st.integers(0, 13))
def test_a_vm_less_never_lowers(ask, world: Pool, which: int) -> None:
    fewer = replace(world, vms=tuple(vm for i, vm in enumerate(world.vms) if i != which))
    assert ask(fewer).simultaneous.upper >= ask(world).simultaneous.lower


@settings(max_examples=120)
@given(worlds(), st.integers(0, 20))
def test_an_empty_host_more_never_lowers(ask, world: Pool, room: int) -> None:
    """It is one more host to lose, but nothing is lost with it."""
    larger = replace(world, hosts=(*world.hosts, Host("new", room)))
    assert ask(larger).simultaneous.upper >= ask(world).simultaneous.lower


@pytest.mark.parametrize("more", [59, 63, 64, 65, 130])
def test_hosts_without_memory_change_nothing(more: int, ask) -> None:
    """Masks of hosts then span several words, and the hosts that matter lie anywhere in them."""
    for seed in range(20):
        rng = Random(1000 * more + seed)
        world = drawn(rng, 5, 8)
        if not oracle.World.of(world).guests or world.quorum != "disk":
            continue
        hosts = [*world.hosts, *(Host(f"empty-{i}", 0) for i in range(more))]
        rng.shuffle(hosts)
        truth = oracle.simultaneous(world)
        bounds = ask(replace(world, hosts=tuple(hosts))).simultaneous
        assert bounds.lower <= truth <= bounds.upper, seed


@settings(max_examples=200)
@given(worlds())
def test_every_upper_bound_is_proved_by_its_witness(ask, check_witness, world: Pool) -> None:
    answer = ask(world)
    assert answer.sequential.lower <= answer.sequential.upper <= answer.simultaneous.upper
    check_witness(world, answer.simultaneous)


@settings(max_examples=150)
@given(worlds(agile=True), st.randoms(use_true_random=False))
def test_a_certificate_survives_any_careless_packer(ask, world: Pool, rng: Random) -> None:
    """Any-fit decreasing with the choice of host left to chance never fails below a certified bound."""
    answer = ask(world).simultaneous
    if answer.method != "certificate" or answer.lower < 1:
        return
    for _ in range(20):
        home, free = _placed(world)
        failed = rng.sample(range(len(free)), min(answer.lower, len(free) - 1))
        lost = [vm for vm, at in enumerate(home) if at in failed]
        assert _any_fit(rng, world, free, lost, failed) is not None


@settings(max_examples=150)
@given(worlds(agile=True), st.randoms(use_true_random=False))
def test_a_sequential_certificate_survives_any_careless_history(ask, world: Pool, rng: Random) -> None:
    """Hosts fail one after the other; wherever the VMs were put, the next failure is survived too."""
    answer = ask(world).sequential
    if answer.method != "certificate" or answer.lower < 1:
        return
    for _ in range(20):
        home, free = _placed(world)
        order = rng.sample(range(len(free)), min(answer.lower, len(free) - 1))
        for i, host in enumerate(order):
            orphans = [vm for vm, at in enumerate(home) if at == host]
            moved = _any_fit(rng, world, free, orphans, order[: i + 1])
            assert moved is not None
            for vm, to in moved.items():
                home[vm] = to


def _placed(world: Pool) -> tuple[list[int], list[int]]:
    names = [host.uuid for host in world.hosts]
    home = [names.index(vm.resident_on) for vm in world.vms if vm.resident_on is not None]
    return home, [world.free_bytes(name) for name in names]


def _any_fit(
    rng: Random, world: Pool, free: list[int], vms: list[int], dead: list[int]
) -> dict[int, int] | None:
    """Place VMs, the biggest first, each on some host where it fits; None if one fits nowhere."""
    moved = {}
    for vm in sorted(vms, key=lambda vm: -world.vms[vm].need_bytes):
        need = world.vms[vm].need_bytes
        hosts = [host for host, room in enumerate(free) if room >= need and host not in dead]
        if not hosts:
            return None
        moved[vm] = rng.choice(hosts)
        free[moved[vm]] -= need
    return moved


@settings(max_examples=150)
@given(worlds(agile=True))
def test_xapi_is_never_above_us_on_agile_worlds(ask, world: Pool) -> None:
    figure = xapi.max_failures(world)
    answer = ask(world)
    assert figure <= answer.sequential.upper
    assert figure <= answer.simultaneous.upper
    assert figure <= oracle.simultaneous(world)


@pytest.mark.parametrize("seed", range(12))
def test_xapi_is_never_above_us_on_realistic_pools(seed: int, ask) -> None:
    made = pool(seed, hosts=8, vms=120, xapi_overhead=seed % 2 == 1)
    answer = ask(made)
    assert xapi.max_failures(made) <= answer.sequential.upper <= answer.simultaneous.upper
    assert answer.simultaneous.lower == answer.simultaneous.upper
