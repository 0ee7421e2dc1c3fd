"""Enforced anti-affinity: no two VMs of such a group on one host.

A host has one place for a group, taken by whichever member takes memory there, protected or not; members that
share a host already stay where they are, and part when it fails. Groups that are not enforced are a
preference (`preferences`) and never come here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from planner.constraints.resource import Demand
from planner.constraints.rules import Rules
from planner.model import VM, Pool


def separation(pool: Pool, rules: Rules) -> Iterator[Demand]:
    """Yield each enforced group of a pool that has a member; rules do not switch it."""
    groups = [group for group in pool.groups if group.enforced and group.placement == "anti_affinity"]
    if not groups:
        return
    members: defaultdict[str, list[VM]] = defaultdict(list)
    for vm in pool.vms:
        for group in vm.groups:
            members[group].append(vm)
    for each in groups:
        taken = {host for vm in members[each.uuid] for host in vm.occupies}
        room = {host.uuid: int(host.uuid not in taken) for host in pool.hosts}
        yield Demand("affinity", each.name or each.uuid, room, {vm.uuid: 1 for vm in members[each.uuid]})
