"""Makes pools from a seed: the same seed and shape give the same pool, on any machine.

The families of the benchmark are here. Homes are drawn so that every host holds what runs on it: a pool is
always one that could exist. Must never look at what the planner says about a pool.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from random import Random
from typing import Literal, get_args

from planner.constraints.rules import Rules
from planner.model import SR, VM, Host, Pool, RestartPriority, VMGroup

GIB = 1 << 30
MIB = 1 << 20

SIZES_GIB = (1, 2, 3, 4, 6, 8, 10, 12, 14, 16, 20, 24, 28, 32, 40, 48, 64, 80, 96, 128)
"""Memory of VMs as clouds sell it."""

STEEPNESSES = (0.0, 0.4, 0.8, 1.2)
"""How much more common small VMs are in a pool: weight 1/size^steepness."""

LOADS = (0.50, 0.55, 0.60, 0.65, 0.70, 0.75, 0.80, 0.85, 0.90, 0.95)
PROTECTED_SHARES = (0.5, 0.7, 0.85, 1.0)
HOST_WEIGHTS = (1.0, 1.0, 1.5, 2.0)
"""Of a mixed pool: half the hosts are of the oldest and smallest generation."""

GIB_PER_VCPU = (2, 4, 4, 8)
DOM0_BYTES = 8 * GIB
PARTS = (0.25, 0.75)
BOUND_SHARE = 0.4
"""Of VMs whose disks are on an SR that not every host reaches."""
PAGE_BYTES = 4096
"""What a host calls its memory ends anywhere between two MiB."""
HOST_OVERHEAD_BYTES = 512 * MIB


VCPUS_PER_CORE = Fraction(4)
VCPU_LOADS = (0.5, 0.6, 0.7, 0.8)
HOSTS_A_RACK = 4
GROUPS_A_HOST = 1.25
GROUP_SIZES = (2, 2, 3, 3, 4, 5)

Uneven = Literal["one huge VM", "equal hosts, nearly full", "many classes of candidate hosts"]
UNEVEN: tuple[Uneven, ...] = get_args(Uneven)
HUGE_BYTES = 128 * GIB
SMALL_SIZES = tuple(size * GIB for size in (1, 2, 3, 4, 6, 8))


@dataclass(frozen=True, slots=True)
class Shape:
    """What a family of pools has in common. `load` (of `loads`), `mixed`, `protected` None: drawn per pool.

    With `partial_srs` four VMs in ten have their disks on one of so many SRs that only some hosts reach.
    """

    hosts: int
    vms: int
    load: float | None = None
    mixed: bool | None = None
    protected: float | None = None
    sizes_bytes: tuple[int, ...] = tuple(size * GIB for size in SIZES_GIB)
    xapi_overhead: bool = False
    target: int = 1
    loads: tuple[float, ...] = LOADS
    partial_srs: int = 0


HARD = Shape(64, 3500, mixed=True, loads=(0.90, 0.92, 0.94, 0.95), partial_srs=8)
"""Uneven hosts, nearly full, and many VMs that a part of the hosts could start."""


def pool(
    seed: int,
    hosts: int = 64,
    vms: int = 3500,
    load: float | None = None,
    mixed: bool | None = None,
    *,
    protected: float | None = None,
    sizes_bytes: Sequence[int] | None = None,
    xapi_overhead: bool = False,
    target: int = 1,
) -> Pool:
    """Return the pool of a seed.

    `load` is the share of guest memory in use (50–95 % if not given), `protected` the share of VMs that HA
    restarts; of the others a third is best-effort. Every VM is agile and running.
    """
    sizes = tuple(size * GIB for size in SIZES_GIB) if sizes_bytes is None else tuple(sizes_bytes)
    return from_shape(seed, Shape(hosts, vms, load, mixed, protected, sizes, xapi_overhead, target))


def from_shape(seed: int, shape: Shape) -> Pool:
    """Return the pool of a seed in a shape."""
    rng = Random(f"{seed}/{shape.hosts}/{shape.vms}")
    load = rng.choice(shape.loads) if shape.load is None else shape.load
    mixed = rng.random() < 0.5 if shape.mixed is None else shape.mixed
    protected = rng.choice(PROTECTED_SHARES) if shape.protected is None else shape.protected
    steepness = rng.choice(STEEPNESSES)
    weights = [size**-steepness for size in shape.sizes_bytes]
    guests = [_guest(rng, shape, weights, protected) for _ in range(shape.vms)]
    hosts = _hosts(rng, shape.hosts, mixed, sum(vm.need_bytes for vm in guests) / load)
    rooms = [h.memory_total_bytes - h.memory_overhead_bytes - DOM0_BYTES for h in hosts]
    placed = list(_place(rng, guests, hosts, rooms))
    srs = _partial_srs(rng, hosts, shape.partial_srs)
    return Pool(
        uuid=_uuid(rng),
        name=f"seed-{seed}",
        master=hosts[0].uuid,
        ha_host_failures_to_tolerate=shape.target,
        hosts=tuple(hosts),
        srs=srs,
        vms=(*(_dom0(rng, host) for host in hosts), *_on_srs(rng, placed, srs)),
    )


def with_constraints(seed: int, pool: Pool) -> tuple[Pool, Rules]:
    """Return a pool with cores, racks of four hosts and enforced groups, and the ratio of vCPUs to count.

    Cores are in proportion to memory, so that vCPUs are as scarce as a load of 50 to 80 % makes them. Members
    of a group run on different hosts.
    """
    rng = Random(f"constraints/{seed}")
    whole = sum(host.memory_total_bytes for host in pool.hosts)
    cores = sum(vm.vcpus for vm in pool.vms) / VCPUS_PER_CORE / rng.choice(VCPU_LOADS)
    hosts = tuple(
        replace(
            host,
            cpus=max(8, round(cores * host.memory_total_bytes / whole)),
            failure_domains=(("rack", f"rack-{i // HOSTS_A_RACK}"),),
        )
        for i, host in enumerate(pool.hosts)
    )
    group_of = _groups(rng, pool, round(len(hosts) * GROUPS_A_HOST))
    vms = tuple(replace(vm, groups=(group_of[vm.uuid],)) if vm.uuid in group_of else vm for vm in pool.vms)
    groups = tuple(VMGroup(uuid, "anti_affinity", enforced=True) for uuid in sorted(set(group_of.values())))
    return replace(pool, hosts=hosts, groups=groups, vms=vms), Rules(vcpus_per_core=VCPUS_PER_CORE)


def _groups(rng: Random, pool: Pool, count: int) -> dict[str, str]:
    """Return the group of some protected VMs: so many groups, each on a few different hosts."""
    free: dict[str, list[str]] = {host.uuid: [] for host in pool.hosts}
    for vm in pool.vms:
        if vm.protected and vm.resident_on:
            free[vm.resident_on].append(vm.uuid)
    group_of: dict[str, str] = {}
    for i in range(count):
        homes = [uuid for uuid, vms in free.items() if vms]
        for home in rng.sample(homes, min(len(homes), rng.choice(GROUP_SIZES))):
            chosen = free[home].pop(rng.randrange(len(free[home])))
            group_of[chosen] = f"group-{i:03}"
    return group_of


def uneven(seed: int, kind: Uneven) -> Pool:
    """Return a pool that is easy but for one thing: see `UNEVEN`."""
    if kind == "one huge VM":
        rng = Random(f"huge/{seed}")
        made = from_shape(seed, Shape(64, 3500, loads=(0.6, 0.7, 0.8, 0.9), sizes_bytes=SMALL_SIZES))
        roomiest = max(made.hosts, key=lambda host: (made.free_bytes(host.uuid), host.uuid))
        more = max(0, HUGE_BYTES - made.free_bytes(roomiest.uuid))
        hosts = tuple(
            replace(host, memory_total_bytes=host.memory_total_bytes + more) if host == roomiest else host
            for host in made.hosts
        )
        huge = VM(
            _uuid(rng),
            HUGE_BYTES,
            power_state="Running",
            resident_on=roomiest.uuid,
            ha_restart_priority="restart",
            ha_always_run=True,
        )
        return replace(made, hosts=hosts, vms=(*made.vms, huge))
    if kind == "equal hosts, nearly full":
        return from_shape(seed, Shape(64, 3500, mixed=False, loads=(0.93, 0.95, 0.97)))
    return from_shape(seed, Shape(64, 3500, mixed=True, loads=(0.6, 0.7, 0.8), partial_srs=40))


def _uuid(rng: Random) -> str:
    return str(uuid.UUID(int=rng.getrandbits(128), version=4))


def _guest(rng: Random, shape: Shape, weights: Sequence[float], protected: float) -> VM:
    size = rng.choices(shape.sizes_bytes, weights)[0]
    vcpus = max(1, min(32, size // (rng.choice(GIB_PER_VCPU) * GIB)))
    priority = _priority(rng, protected)
    return VM(
        uuid=_uuid(rng),
        memory_static_max_bytes=size,
        memory_overhead_bytes=hvm_overhead_bytes(size, vcpus) if shape.xapi_overhead else 0,
        vcpus=vcpus,
        power_state="Running",
        ha_restart_priority=priority,
        ha_always_run=priority == "restart",
        order=rng.choice((0, 0, 0, 1, 2)),
    )


def _priority(rng: Random, protected: float) -> RestartPriority:
    if rng.random() < protected:
        return "restart"
    return "best-effort" if rng.random() < 1 / 3 else ""


def hvm_overhead_bytes(static_max_bytes: int, vcpus: int) -> int:
    """Return memory_overhead of an HVM guest as xapi computes it (its memory.ml: HVM, multiplier 1.0).

    In MiB: internal 1 + external 1 + shadow + ceil(38 * vCPUs / 256), where shadow is
    max(1, ceil((256 * vCPUs + 2 * static_max) / 256)).
    """
    static_max_mib = -(-static_max_bytes // MIB)
    shadow = max(1, -(-(256 * vcpus + 2 * static_max_mib) // 256))
    return (2 + shadow + -(-38 * vcpus // 256)) * MIB


def _hosts(rng: Random, count: int, mixed: bool, guest_bytes: float) -> list[Host]:
    weights = [rng.choice(HOST_WEIGHTS) if mixed else 1.0 for _ in range(count)]
    unit = guest_bytes / sum(weights)
    return [
        Host(
            uuid=_uuid(rng),
            name=f"host-{i:03}",
            memory_total_bytes=int(unit * weight) // PAGE_BYTES * PAGE_BYTES
            + DOM0_BYTES
            + HOST_OVERHEAD_BYTES,
            memory_overhead_bytes=HOST_OVERHEAD_BYTES,
            cpus=64,
        )
        for i, weight in enumerate(weights)
    ]


def _dom0(rng: Random, host: Host) -> VM:
    return VM(
        uuid=_uuid(rng),
        memory_static_max_bytes=DOM0_BYTES,
        name=f"Control domain on host: {host.name}",
        power_state="Running",
        resident_on=host.uuid,
        is_control_domain=True,
    )


def _place(rng: Random, guests: list[VM], hosts: list[Host], rooms: list[int]) -> Iterator[VM]:
    """Give every guest a home: big ones first, hosts drawn by their room; what fits nowhere is Halted."""
    for vm in sorted(guests, key=lambda vm: -vm.need_bytes):
        home = rng.choices(range(len(hosts)), rooms)[0] if any(rooms) else 0
        if rooms[home] < vm.need_bytes:
            home = max(range(len(hosts)), key=rooms.__getitem__)
        if rooms[home] < vm.need_bytes:
            yield replace(vm, power_state="Halted", ha_restart_priority="", ha_always_run=False)
            continue
        rooms[home] -= vm.need_bytes
        yield replace(vm, resident_on=hosts[home].uuid)


def _partial_srs(rng: Random, hosts: Sequence[Host], count: int) -> tuple[SR, ...]:
    """Return SRs that a quarter to three quarters of the hosts reach."""
    uuids = [host.uuid for host in hosts]
    return tuple(
        SR(_uuid(rng), f"partial-{i}", hosts=tuple(rng.sample(uuids, int(len(uuids) * rng.uniform(*PARTS)))))
        for i in range(count)
    )


def _on_srs(rng: Random, vms: Sequence[VM], srs: Sequence[SR]) -> Iterator[VM]:
    """Give some VMs a disk on an SR that their home reaches."""
    for vm in vms:
        reached = [sr.uuid for sr in srs if vm.resident_on in (sr.hosts or ())]
        bound = reached and rng.random() < BOUND_SHARE
        yield replace(vm, srs=(rng.choice(reached),)) if bound else vm
