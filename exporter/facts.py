"""What can be counted in a pool without planning: memory by priority, VMs that are down, halted, not agile.

Each is worked out once a look, when somebody first asks: a scrape then reads them without walking thousands
of VMs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from planner.agility import Reach
from planner.model import VM, Pool
from planner.schedule.pace import tag_problems


@dataclass(frozen=True)
class Facts:
    """Facts of one pool; compares by the pool alone."""

    pool: Pool

    @cached_property
    def memory_used_bytes(self) -> Mapping[tuple[str, str], int]:
        """Needs of the VMs by (host UUID, priority of the catalogue); 0 where there are none."""
        used: Counter[tuple[str, str]] = Counter()
        for vm in self.pool.vms:
            for host in {vm.resident_on, vm.scheduled_to_be_resident_on}:
                if host is not None:
                    used[host, priority(vm)] += vm.need_bytes
        return used

    @cached_property
    def protected_down(self) -> int:
        """The number of protected VMs that are down (DESIGN §2)."""
        return sum(self.pool.is_down(vm) for vm in self.pool.protected_vms)

    @cached_property
    def protected_not_agile(self) -> tuple[VM, ...]:
        """The protected VMs that could not run on every host in service, by UUID."""
        reach = Reach(self.pool)
        return _by_uuid(vm for vm in self.pool.protected_vms if not reach.agile(vm))

    @cached_property
    def protected_halted(self) -> tuple[VM, ...]:
        """The protected VMs that are Halted, by UUID."""
        return _by_uuid(vm for vm in self.pool.protected_vms if vm.power_state == "Halted")

    @cached_property
    def boot_tag_problems(self) -> tuple[str, ...]:
        """A sentence for every tag that should say how long a VM boots, and says nothing of use."""
        return tuple(tag_problems(self.pool))


def priority(vm: VM) -> str:
    """Return the priority under which a VM's memory is shown."""
    if vm.is_control_domain:
        return "control-domain"
    if vm.protected:
        return "restart"
    return "best-effort" if vm.best_effort else "unprotected"


def _by_uuid(vms: Iterable[VM]) -> tuple[VM, ...]:
    return tuple(sorted(vms, key=lambda vm: vm.uuid))
