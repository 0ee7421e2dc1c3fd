"""Why a VM is left down, in a sentence with the numbers an operator needs. Decides no placement."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from planner.agility import obstacles
from planner.constraints.resource import Limit
from planner.model import VM, Host, Pool
from planner.results import Unplaced, UnplacedReason

Lacks = Callable[[VM, Host], Limit | None]

_MANY = 3
"""How many different obstacles one sentence names."""


def left_down(
    pool: Pool,
    vm: VM,
    candidates: Sequence[Host],
    survivors: Sequence[Host],
    free_before: dict[str, int],
    free_after: dict[str, int],
    *,
    proven: bool,
    others: str = "the others have restarted",
    lacks_before: Lacks = lambda vm, host: None,
    lacks_after: Lacks = lambda vm, host: None,
) -> Unplaced:
    """Return `vm` as left over: no candidate at all, too little of something, or no proof before the limit.

    `others` says what has happened to the rest when there is no room for it; `lacks_…` what beside memory a
    host has too little of.
    """
    if not candidates:
        return Unplaced(vm.uuid, "reach", _unreachable(pool, vm, survivors))
    before = _roomiest(candidates, free_before)
    if free_before[before.uuid] < vm.need_bytes:
        return Unplaced(vm.uuid, "memory", _too_small(vm, candidates, before, free_before, ""))
    roomy = [host for host in candidates if free_before[host.uuid] >= vm.need_bytes]
    limits = [lacks_before(vm, host) for host in roomy]
    if all(limits):
        return Unplaced(vm.uuid, _reason(limits), _others_short(vm, limits, ""))
    when = f"once {others} "
    roomy = [host for host in candidates if free_after[host.uuid] >= vm.need_bytes]
    limits = [lacks_after(vm, host) for host in roomy]
    if limits and all(limits):
        reason, detail = _reason(limits), _others_short(vm, limits, when)
    else:
        reason = "memory"
        detail = _too_small(vm, candidates, _roomiest(candidates, free_after), free_after, when)
    if proven:
        return Unplaced(vm.uuid, reason, detail)
    return Unplaced(vm.uuid, "unknown", f"{detail}; the limit came before the proof that no plan places more")


def _reason(limits: Sequence[Limit | None]) -> UnplacedReason:
    """Return what most of the hosts have too little of."""
    return Counter(limit.reason for limit in limits if limit).most_common(1)[0][0]


def _others_short(vm: VM, limits: Sequence[Limit | None], when: str) -> str:
    among = f"{when}none of the {len(limits)} candidate hosts with enough memory has it"
    if _reason(limits) == "cpu":
        return f"needs {vm.vcpus} vCPUs; {among}"
    groups = " and ".join(sorted({limit.name for limit in limits if limit and limit.reason == "affinity"}))
    return f"needs a host without a VM of group {groups}; {among}"


def _roomiest(hosts: Sequence[Host], free: dict[str, int]) -> Host:
    return min(hosts, key=lambda host: (-free[host.uuid], host.uuid))


def _too_small(vm: VM, candidates: Sequence[Host], host: Host, free: dict[str, int], when: str) -> str:
    need, room = _sizes(vm.need_bytes, free[host.uuid])
    name = host.name or host.uuid
    if len(candidates) == 1:
        return f"needs {need}; {when}its only candidate host {name} has {room} free"
    among = f"among its {len(candidates)} candidate hosts"
    return f"needs {need}; {when}the largest free {among} is {room} on {name}"


def _sizes(need: int, room: int) -> tuple[str, str]:
    texts = f"{need / 2**30:.1f} GiB", f"{room / 2**30:.1f} GiB"
    return texts if texts[0] != texts[1] else (f"{need} bytes", f"{room} bytes")


def _unreachable(pool: Pool, vm: VM, survivors: Sequence[Host]) -> str:
    if not survivors:
        return "no host is left in service"
    found = Counter(_named(pool, o.kind, o.uuid) for host in survivors for o in obstacles(pool, vm, host))
    worst = sorted(found.items(), key=lambda pair: (-pair[1], pair[0]))
    reasons = ", ".join(f"{what} on {count}" for what, count in worst[:_MANY])
    more = f" and {len(worst) - _MANY} more" if len(worst) > _MANY else ""
    return f"none of the {len(survivors)} hosts left is a candidate; missing: {reasons}{more}"


def _named(pool: Pool, kind: str, uuid: str) -> str:
    if kind == "sr":
        return f"SR {pool.sr_by_uuid[uuid].name or uuid}"
    if kind == "network":
        return f"network {pool.network_by_uuid[uuid].name or uuid}"
    return "a device"
