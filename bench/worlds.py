"""Pools small enough to know everything about: every one of a kind, or drawn from a seed.

Odd on purpose: hosts that are dead, disabled, full or overfull; VMs that are down, suspended, paused, on the
move, bound to some hosts or to none; sizes that share no unit.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import combinations_with_replacement, product
from random import Random

from planner.constraints.rules import Rules
from planner.model import SR, VM, Host, Network, Pool, PowerState, VMGroup

Spec = tuple[int, int | None, int | None]
"""A protected VM: size, index of its home (None: down), mask of its candidates (None: every host)."""


def tiny(free: Sequence[int], vms: Sequence[Spec], *, unit: int = 1) -> Pool:
    """Return a pool whose hosts have this free memory (in units) with these protected VMs running."""
    names = [f"h{i}" for i in range(len(free))]
    used = [sum(size for size, home, _ in vms if home == i) for i in range(len(free))]
    return Pool(
        uuid="tiny",
        name="tiny",
        ha_host_failures_to_tolerate=1,
        hosts=tuple(
            Host(name, (room + taken) * unit) for name, room, taken in zip(names, free, used, strict=True)
        ),
        vms=tuple(
            VM(
                uuid=f"v{i}",
                memory_static_max_bytes=size * unit,
                power_state="Halted" if home is None else "Running",
                resident_on=None if home is None else names[home],
                ha_restart_priority="restart",
                ha_always_run=True,
                candidate_hosts=_names(names, mask),
            )
            for i, (size, home, mask) in enumerate(vms)
        ),
    )


def _names(names: Sequence[str], mask: int | None) -> tuple[str, ...] | None:
    return None if mask is None else tuple(name for i, name in enumerate(names) if mask >> i & 1)


def every_tiny(
    hosts: int, free: Sequence[int], sizes: Sequence[int], vms: int, masks: Sequence[int | None] = (None,)
) -> Iterator[tuple[tuple[int, ...], tuple[Spec, ...]]]:
    """Return every choice of free memory (in ascending order) and of at most `vms` protected VMs."""
    kinds = list(product(sizes, [*range(hosts), None], masks))
    for rooms in combinations_with_replacement(sorted(free), hosts):
        for count in range(vms + 1):
            for chosen in combinations_with_replacement(kinds, count):
                yield rooms, chosen


UNITS = (1, 1, 3, 1 << 20, 4096 * 7919)
"""One unit of a drawn pool in bytes; every size may also be off by some bytes."""


def drawn(rng: Random, hosts: int = 6, vms: int = 12) -> Pool:
    """Return a pool with up to so many hosts and VMs, anything in it that a pool file can say."""
    count = rng.randint(1, hosts)
    names = [f"h{i}" for i in range(count)]
    uneven = rng.random() < 0.3
    unit = rng.choice(UNITS)

    def bytes_of(units: int) -> int:
        return max(1, units * unit + (rng.randint(-3, 3) if uneven else 0))

    srs = tuple(SR(f"s{i}", hosts=_some(rng, names)) for i in range(2))
    networks = tuple(Network(f"n{i}", hosts=_some(rng, names)) for i in range(2))
    odd = rng.random()
    sizes = [rng.randint(1, 9) for _ in range(rng.randint(1, 4))]
    guests = [
        _vm(rng, i, bytes_of(rng.choice(sizes)), names, odd)
        for i in range(rng.randint(0, rng.randint(0, vms)))
    ]
    used = {name: sum(vm.need_bytes for vm in guests if name in vm.occupies) for name in names}
    most_free = rng.choice((0, 3, 6, 10, 15, 25))
    return Pool(
        uuid="drawn",
        name="drawn",
        ha_host_failures_to_tolerate=rng.choice((None, 0, 1, 2)),
        quorum="majority" if rng.random() < 0.1 else "disk",
        hosts=tuple(
            Host(
                uuid=name,
                memory_total_bytes=max(1, used[name] + _room(rng, most_free) * unit),
                enabled=rng.random() > 0.15 * odd,
                live=rng.random() > 0.15 * odd,
                failure_domains=(("rack", rng.choice("ab")),) if rng.random() < 0.3 else (),
            )
            for name in names
        ),
        srs=srs,
        networks=networks,
        vms=tuple(guests),
    )


def _room(rng: Random, most: int) -> int:
    """Return free memory in units; rarely below 0: more is used than there is."""
    return -1 if rng.random() < 0.05 else rng.randint(0, most)


def _some(rng: Random, names: Sequence[str]) -> tuple[str, ...] | None:
    return None if rng.random() < 0.5 else tuple(name for name in names if rng.random() < 0.7)


def _vm(rng: Random, i: int, size: int, names: Sequence[str], odd: float) -> VM:
    home: str | None = rng.choice(names)
    moves_to = rng.choice(names) if rng.random() < 0.1 * odd else None
    state: PowerState = "Running"
    if rng.random() < 0.3 * odd:
        state = rng.choice(("Halted", "Paused", "Suspended"))
    if state in ("Halted", "Suspended"):
        home = None
    elif rng.random() < 0.1 * odd:
        home, moves_to = None, home
    bound = rng.random() < 0.4 * odd
    protected = rng.random() > 0.25 * odd
    overhead = rng.randint(0, size - 1) if rng.random() < 0.2 else 0
    return VM(
        uuid=f"v{i}",
        memory_static_max_bytes=size - overhead,
        memory_overhead_bytes=overhead,
        power_state=state,
        resident_on=home,
        scheduled_to_be_resident_on=moves_to,
        ha_restart_priority="restart" if protected else rng.choice(("", "best-effort", "restart")),
        ha_always_run=protected,
        order=rng.choice((0, 0, 1, -1)),
        srs=tuple(s for s in ("s0", "s1") if rng.random() < 0.4) if bound else None,
        networks=tuple(n for n in ("n0", "n1") if rng.random() < 0.4) if bound else None,
        candidate_hosts=_some(rng, names) if bound else None,
        is_control_domain=not protected and rng.random() < 0.1,
    )


def drawn_with_rules(rng: Random, hosts: int = 5, vms: int = 9) -> tuple[Pool, Rules]:
    """Return a drawn pool with cores, vCPUs, groups (not all enforced), dynamic minima, and rules for it."""
    pool = drawn(rng, hosts, vms)
    groups = tuple(
        VMGroup(f"g{i}", "anti_affinity", enforced=rng.random() < 0.8) for i in range(rng.randint(0, 2))
    )
    cores = rng.choice(((4, 8, 12), (6, 12, 24)))
    made = replace(
        pool,
        groups=groups,
        hosts=tuple(
            replace(host, cpus=None if rng.random() < 0.03 else rng.choice(cores)) for host in pool.hosts
        ),
        vms=tuple(_bound(rng, vm, groups) for vm in pool.vms),
    )
    ratio = rng.choice((None, None, Fraction(1), Fraction(3, 2), Fraction(2), Fraction(4)))
    return made, Rules(
        vcpus_per_core=ratio,
        memory=rng.choice(("static-max", "static-max", "dynamic-min")),
        reserve_bytes=rng.choice((0, 0, 1)),
    )


def _bound(rng: Random, vm: VM, groups: Sequence[VMGroup]) -> VM:
    least = rng.choice((None, max(1, vm.memory_static_max_bytes // 2), vm.memory_static_max_bytes))
    grouped = groups and rng.random() < 0.5
    return replace(
        vm,
        vcpus=rng.randint(1, 4),
        memory_dynamic_min_bytes=least,
        groups=(rng.choice(groups).uuid,) if grouped else (),
    )


def tight_with_rules(rng: Random, hosts: int, vms: int) -> tuple[Pool, Rules]:
    """Return a pool in which memory, vCPUs and places of enforced groups are all short; nothing odd in it."""
    count = rng.randint(2, hosts)
    specs: list[Spec] = [
        (rng.randint(1, 3), None if rng.random() < 0.1 else rng.randrange(count), None)
        for _ in range(rng.randint(1, vms))
    ]
    pool = tiny([rng.randint(0, 6) for _ in range(count)], specs)
    groups = tuple(VMGroup(f"g{i}", "anti_affinity", enforced=True) for i in range(rng.randint(0, 2)))
    guests = tuple(
        replace(
            vm,
            vcpus=rng.randint(0, 3),
            groups=(rng.choice(groups).uuid,) if groups and rng.random() < 0.6 else (),
        )
        for vm in pool.vms
    )
    used = {host.uuid: sum(vm.vcpus for vm in guests if vm.resident_on == host.uuid) for host in pool.hosts}
    cores = tuple(replace(host, cpus=used[host.uuid] + rng.randint(0, 5)) for host in pool.hosts)
    ratio = Fraction(1) if rng.random() < 0.7 else None
    return replace(pool, hosts=cores, groups=groups, vms=guests), Rules(vcpus_per_core=ratio)
