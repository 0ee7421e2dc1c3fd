"""Whether hosts have room for what a change brings to them, under an operator's rules.

Counted is what every figure counts: memory as the rules show it, vCPUs, places of enforced groups. Room is
what is left before clamping at 0: what an overcommitted host lacks must be paid back first (DESIGN §5.2).
What a VM takes on a host already, it may keep. Decides nothing about figures.
"""

from __future__ import annotations

from planner.changes.change import Change
from planner.changes.errors import ChangeError
from planner.constraints.counted import resources_of
from planner.constraints.memory import applied
from planner.constraints.rules import Rules
from planner.model import VM, Host, Pool

_MIB = 1 << 20


def expect_room(before: Pool, after: Pool, uuid: str, change: Change, rules: Rules) -> None:
    """Refuse `after`, the pool with `change` made to the VM `uuid`, if it takes more than there is.

    Errors: ChangeError, with the host and what it lacks.
    """
    (was, _), (now, left) = applied(before, rules), applied(after, rules)
    vm, old = now.vm_by_uuid[uuid], was.vm_by_uuid.get(uuid)
    for host in sorted(vm.occupies):
        there = old if old is not None and host in old.occupies else None
        if there is None or vm.need_bytes > there.need_bytes:
            _expect_memory(now, now.host_by_uuid[host], change)
        if there is None:
            _expect_others(now, vm, now.host_by_uuid[host], change, left)


def _expect_memory(now: Pool, host: Host, change: Change) -> None:
    free = now.free_unclamped_bytes[host.uuid]
    if free < 0:
        lacking = -(free // _MIB)
        raise ChangeError(change.text, f"{host.name or host.uuid} lacks {lacking} MiB of free memory for it")


def _expect_others(now: Pool, vm: VM, host: Host, change: Change, rules: Rules) -> None:
    for limit in resources_of(now, rules).limits:
        left = limit.left(now)[host.uuid] if vm.uuid in limit.use else 0
        if left < 0:
            called = host.name or host.uuid
            lacks = f"lacks {-left} {limit.name} for it"
            has = f"has a VM of the enforced group {limit.name} already"
            raise ChangeError(change.text, f"{called} {has if limit.reason == 'affinity' else lacks}")
