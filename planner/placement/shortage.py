"""Why a VM is left down, in a sentence with the numbers an operator needs. Decides no placement."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from planner.agility import obstacles
from planner.model import VM, Host, Pool
from planner.results import Unplaced

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
) -> Unplaced:
    """Return `vm` as left over: no candidate at all, too little memory, or the limit came before a proof.

    `others` says what has happened to the rest when there is no room for it.
    """
    if not candidates:
        return Unplaced(vm.uuid, "reach", _unreachable(pool, vm, survivors))
    before = _roomiest(candidates, free_before)
    if free_before[before.uuid] < vm.need_bytes:
        return Unplaced(vm.uuid, "memory", _too_small(vm, candidates, before, free_before, ""))
    after = _roomiest(candidates, free_after)
    detail = _too_small(vm, candidates, after, free_after, f"once {others} ")
    if proven:
        return Unplaced(vm.uuid, "memory", detail)
    return Unplaced(vm.uuid, "unknown", f"{detail}; the limit came before the proof that no plan places more")


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
