"""Enforced anti-affinity: no two VMs of such a group on one host.

A host has one place for a group, taken by whichever member takes memory there, protected or not; members that
share a host already stay where they are, and part when it fails. Groups that are not enforced are a
preference (`preferences`) and never come here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from planner.constraints.resource import Limit
from planner.constraints.rules import Rules
from planner.model import Pool


def separation(pool: Pool, rules: Rules) -> Iterator[Limit]:
    """Yield each enforced group of a pool; rules do not switch it."""
    groups = [group for group in pool.groups if group.enforced and group.placement == "anti_affinity"]
    if not groups:
        return
    members: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for vm in pool.vms:
        for uuid in vm.groups:
            members[uuid][vm.uuid] = 1
    one = {host.uuid: 1 for host in pool.hosts}
    for group in groups:
        yield Limit("affinity", group.name or group.uuid, one, members[group.uuid])
