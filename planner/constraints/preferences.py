"""Preferences among places: groups whose VMs would rather be apart, or together, and are not made to.

What is preferred never changes a figure, and never keeps a VM down: it only chooses among places that are as
good otherwise. Counted are pairs of VMs on one host: of an anti-affinity group few are wanted, of an affinity
group many. Enforced groups are no preference (`separation`).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from math import comb

from planner.model import VM, Pool, VMGroup


@dataclass(frozen=True, slots=True)
class Ties:
    """The groups of some VMs that go somewhere.

    `groups` of each VM, by index; `apart` of each group: +1 to part its VMs, −1 to join them; `there`: VMs of
    each group that stay where they are, by host index.
    """

    groups: tuple[tuple[int, ...], ...]
    apart: tuple[int, ...]
    there: tuple[tuple[int, ...], ...]

    @classmethod
    def of(cls, pool: Pool, vms: Sequence[VM], hosts: Sequence[str]) -> Ties:
        """Read the preferences of a pool for VMs that go to some of these hosts."""
        soft = soft_groups(pool)
        index = {group.uuid: i for i, group in enumerate(soft)}
        going = {vm.uuid for vm in vms}
        place = {host: i for i, host in enumerate(hosts)}
        there: defaultdict[int, list[int]] = defaultdict(lambda: [0] * len(hosts))
        for vm in pool.vms if soft else ():
            for group in vm.groups:
                for host in vm.occupies if group in index and vm.uuid not in going else ():
                    if host in place:
                        there[index[group]][place[host]] += 1
        return cls(
            groups=tuple(tuple(index[group] for group in vm.groups if group in index) for vm in vms),
            apart=tuple(1 if group.placement == "anti_affinity" else -1 for group in soft),
            there=tuple(tuple(there[i]) for i in range(len(soft))),
        )


def soft_groups(pool: Pool) -> list[VMGroup]:
    """Return the groups that prefer something and do not enforce it."""
    return [group for group in pool.groups if group.placement != "normal" and not group.enforced]


def worsened(before: Pool, after: Pool) -> tuple[str, ...]:
    """Return the groups (uuids, sorted) whose preference is kept less well `after` than `before`.

    More pairs share a host that should be apart, or fewer that should be together.
    """
    soft = soft_groups(before)
    if not soft:
        return ()
    was, now = _pairs(before), _pairs(after)
    sign = {group.uuid: 1 if group.placement == "anti_affinity" else -1 for group in soft}
    return tuple(sorted(uuid for uuid in sign if sign[uuid] * (now[uuid] - was[uuid]) > 0))


def _pairs(pool: Pool) -> Counter[str]:
    """Return how many pairs of VMs of each group share a host."""
    there = Counter((group, vm.home) for vm in pool.vms if vm.home for group in vm.groups)
    pairs: Counter[str] = Counter()
    for (group, _), number in there.items():
        pairs[group] += comb(number, 2)
    return pairs
