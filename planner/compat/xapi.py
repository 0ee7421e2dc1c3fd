"""xapi's own rule for host failures to tolerate, for comparison only.

Written after reading xen-api (binpack.ml, xapi_ha_vm_failover.ml; reference facts §3.4-3.7): a greedy packer
over every ordered failure sequence in small pools, everything as big as the biggest in large ones. It is not
exact and may be below the truth. Nothing that plans, alerts or executes may use it.

What a pool file does not say is taken as the usual case: the liveset is the live hosts, and every member of a
clustered pool is enabled in its cluster.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from math import perm
from typing import Literal

from planner.model import VM, Pool

PlanExists = Literal["all", "excluding_non_agile", "none"]
Rule = Literal["exhaustive", "approximate"]

MIB = 1 << 20
EXHAUSTIVE_HOSTS = 32
EXHAUSTIVE_SEQUENCES = 3500
"""Up to so many hosts, and below so many ordered failures, xapi tries them all (choose_heuristic)."""

DEVICE_REASONS = ("VM_HAS_VGPU", "VM_HAS_VUSBS", "VM_HAS_SRIOV_VIF")
UNSEEN_REASON = "VM_HAS_PCI_ATTACHED"
"""xapi's error names, as the inventory keeps them in `unagile_because`."""


@dataclass(frozen=True, slots=True)
class State:
    """Live hosts in uuid order: `free` bytes and, of each, the needs of the agile VMs on it.

    Which of two VMs of one size is moved makes no difference to xapi's rule, so sizes stand for VMs. The
    order of hosts does make one: ties go to the first in uuid order.
    """

    free: tuple[int, ...]
    placed: tuple[tuple[int, ...], ...]


def max_failures(pool: Pool) -> int:
    """Return xapi's maximum of host failures to tolerate (ha_compute_max_host_failures_to_tolerate).

    By bisection, as if xapi's rule were monotone; 0 is never tested, so 0 can also mean "not even 0".
    Without a protected VM it is the number of hosts, or the cluster's limit.
    """
    hosts = len(pool.hosts)
    most = (hosts - 1) // 2 if pool.quorum == "majority" else hosts
    return _bisect(lambda n: plan_exists(pool, n) == "all", 0, max(0, most))


def _bisect(holds: Callable[[int], bool], lower: int, upper: int) -> int:
    while upper - lower >= 2:
        middle = (lower + upper) // 2
        lower, upper = (middle, upper) if holds(middle) else (lower, middle)
    return upper if upper == lower or holds(upper) else lower


def plan_exists(pool: Pool, failures: int) -> PlanExists:
    """Tell what xapi says about `failures` host failures (plan_for_n_failures).

    "excluding_non_agile": a plan exists, but some protected VM is not agile and is left out of it; xapi's own
    callers treat that as a failure. "none": no plan, or some protected VM cannot be started even now.
    """
    if not 0 <= failures <= len(pool.hosts):
        return "none"
    protected = sorted(pool.protected_vms, key=lambda vm: vm.uuid)
    agile = [vm for vm in protected if is_agile(pool, vm)]
    state = _start_what_is_down(pool, protected, agile)
    if state is None or not _plan_always_possible(state, len(pool.hosts), failures):
        return "none"
    return "all" if len(agile) == len(protected) else "excluding_non_agile"


@dataclass(frozen=True, slots=True)
class Trap:
    """Hosts (uuids) that fail in this order, after which xapi's packer has no place for a VM of this need.

    Without hosts: it cannot even place what is down.
    """

    hosts: tuple[str, ...]
    need_bytes: int


@dataclass(frozen=True, slots=True)
class Coarse:
    """What xapi's rule for large pools counts: every VM as large as the largest."""

    biggest_bytes: int
    places: int
    """On all live hosts but the `failures` with the most places."""
    to_move: int
    """VMs on the `failures` hosts with the most VMs."""


def trap(pool: Pool, failures: int) -> Trap | None:
    """Return the first order of failures in which xapi's packer gives up; None if there is none.

    For a number of failures that it tries one by one (`rule_for`); VMs that are not agile do not count.
    """
    agile, before = _agile_state(pool)
    state = _pack(before, agile)
    hosts = tuple(sorted(host.uuid for host in pool.hosts_in_service))
    return Trap((), _stuck(before, agile)) if state is None else _trap(state, hosts, failures)


def _trap(state: State, hosts: tuple[str, ...], failures: int) -> Trap | None:
    if failures == 0:
        return None
    for dead, uuid in enumerate(hosts):
        after = _fail(state, dead)
        if after is None:
            return Trap((uuid,), _stuck(_without(state, dead), state.placed[dead]))
        deeper = _trap(after, hosts[:dead] + hosts[dead + 1 :], failures - 1)
        if deeper is not None:
            return Trap((uuid, *deeper.hosts), deeper.need_bytes)
    return None


def _stuck(state: State, sizes: Sequence[int]) -> int:
    """Return the need that `_pack` cannot place: the last of the shortest prefix that does not fit."""
    falling = sorted(sizes, reverse=True)
    return next(need for i, need in enumerate(falling) if _pack(state, falling[: i + 1]) is None)


def coarse(pool: Pool, failures: int) -> Coarse | None:
    """Return what the rule for large pools counts; None if what is down has no place or nothing is placed."""
    down, before = _agile_state(pool)
    state = _pack(before, down)
    if state is None or not any(state.placed):
        return None
    return _coarse(state, failures)


def need_bytes(vm: VM) -> int:
    """Return what xapi plans for a VM: static_max rounded up to MiB, and the overhead."""
    return -(-vm.memory_static_max_bytes // MIB) * MIB + vm.memory_overhead_bytes


def is_agile(pool: Pool, vm: VM) -> bool:
    """Tell whether xapi calls a VM agile: no vGPU, VUSB or SR-IOV, shared SRs and networks everywhere.

    Everywhere is on every enabled host, live or not. xapi never looks at PCI passthrough: a VM that only this
    binds is agile to it.
    """
    enabled = frozenset(host.uuid for host in pool.hosts if host.enabled)

    def everywhere(hosts: Iterable[str] | None) -> bool:
        return hosts is None or enabled <= frozenset(hosts)

    networks = [pool.network_by_uuid[uuid] for uuid in vm.networks or ()]
    srs = [pool.sr_by_uuid[uuid] for uuid in vm.srs or ()]
    reasons = vm.unagile_because
    bound_by_pci = bool(reasons) and all(reason.startswith(UNSEEN_REASON) for reason in reasons)
    return (
        not any(reason.startswith(DEVICE_REASONS) for reason in reasons)
        and (everywhere(vm.candidate_hosts) or bound_by_pci)
        and all(sr.shared and everywhere(sr.hosts) for sr in srs)
        and all(everywhere(network.hosts) for network in networks)
    )


def rule_for(total_hosts: int, failures: int) -> Rule:
    """Return which of its two rules xapi takes (choose_heuristic)."""
    few = total_hosts <= EXHAUSTIVE_HOSTS and perm(total_hosts, failures) < EXHAUSTIVE_SEQUENCES
    return "exhaustive" if few else "approximate"


def _start_what_is_down(pool: Pool, protected: Sequence[VM], agile: Sequence[VM]) -> State | None:
    """Return the state after xapi has started the agile VMs that are down; None if it cannot.

    A VM that is not agile is only memory in use where it runs. If it is down, xapi's list of what it cannot
    restart contains it wherever it is pinned.
    """
    agile_uuids = {vm.uuid for vm in agile}
    index = {host.uuid: 0 for host in pool.hosts_in_service}
    if any(vm.uuid not in agile_uuids and _accounted_to(vm, index) is None for vm in protected):
        return None
    down, before = _placed(pool, agile)
    return _pack(before, down)


def _agile_state(pool: Pool) -> tuple[list[int], State]:
    return _placed(pool, [vm for vm in pool.protected_vms if is_agile(pool, vm)])


def _placed(pool: Pool, agile: Iterable[VM]) -> tuple[list[int], State]:
    """Return the needs of the agile VMs that are down, and the hosts with the others on them."""
    hosts = sorted(host.uuid for host in pool.hosts_in_service)
    index = {uuid: i for i, uuid in enumerate(hosts)}
    placed: list[list[int]] = [[] for _ in hosts]
    down: list[int] = []
    for vm in sorted(agile, key=lambda vm: vm.uuid):
        host = _accounted_to(vm, index)
        (down if host is None else placed[host]).append(need_bytes(vm))
    return down, State(tuple(pool.free_bytes(uuid) for uuid in hosts), tuple(map(tuple, placed)))


def _accounted_to(vm: VM, index: dict[str, int]) -> int | None:
    for host in (vm.resident_on, vm.scheduled_to_be_resident_on):
        if host in index:
            return index[host]
    return None


def _pack(state: State, sizes: Sequence[int]) -> State | None:
    """Place VMs as xapi does, the biggest on the host with most room; None if one does not fit there.

    A host goes back into the order before hosts with as much room as it has now (binpack.ml `insert`).
    """
    roomiest = sorted(((-free, host) for host, free in enumerate(state.free)), key=_less_room)
    placed = [list(vms) for vms in state.placed]
    for size in sorted(sizes, reverse=True):
        if not roomiest or -roomiest[0][0] < size:
            return None
        less_room, host = roomiest.pop(0)
        roomiest.insert(bisect_left(roomiest, less_room + size, key=_less_room), (less_room + size, host))
        placed[host].append(size)
    free = {host: -less_room for less_room, host in roomiest}
    return State(tuple(free[host] for host in range(len(state.free))), tuple(map(tuple, placed)))


def _less_room(entry: tuple[int, int]) -> int:
    return entry[0]


def _plan_always_possible(state: State, total_hosts: int, failures: int) -> bool:
    live = len(state.free)
    any_vm = any(state.placed)
    if live < failures or (live == failures and any_vm):
        return False
    if rule_for(total_hosts, failures) == "approximate":
        return not any_vm or _possible_if_all_were_biggest(state, failures)
    return _survives_every_order(state, failures)


def _survives_every_order(state: State, failures: int) -> bool:
    """Fail every ordered choice of hosts, each VM restarted before the next failure."""
    if failures == 0:
        return True
    for dead in range(len(state.free)):
        after = _fail(state, dead)
        if after is None or not _survives_every_order(after, failures - 1):
            return False
    return True


def _fail(state: State, dead: int) -> State | None:
    return _pack(_without(state, dead), state.placed[dead])


def _without(state: State, dead: int) -> State:
    return State(
        state.free[:dead] + state.free[dead + 1 :],
        state.placed[:dead] + state.placed[dead + 1 :],
    )


def _possible_if_all_were_biggest(state: State, failures: int) -> bool:
    counted = _coarse(state, failures)
    return counted.to_move <= counted.places


def _coarse(state: State, failures: int) -> Coarse:
    """Count slots of the biggest VM's size on all but the roomiest hosts, and the VMs of the fullest ones."""
    biggest = max(max(vms) for vms in state.placed if vms)
    slots = sorted((free // biggest for free in state.free), reverse=True)
    to_move = sorted(map(len, state.placed), reverse=True)
    return Coarse(biggest, sum(slots[failures:]), sum(islice(to_move, failures)))
