"""What the independent judges know of an operator's rules: memory, vCPUs, places of enforced groups.

Works all of it out from the raw fields of a pool, apart from `planner.constraints`, which it must never
import except for the rules as typed: a mistake there must not convince here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from planner.constraints.rules import Rules
from planner.model import VM, Pool

_VCPUS = ("vCPUs", "")


class Others:
    """What each host has left and each VM takes, before anything moves."""

    def __init__(self, pool: Pool, rules: Rules) -> None:
        self._pool = pool
        self._rules = rules
        self._enforced = {group.uuid: group.name or group.uuid for group in pool.groups if group.enforced}
        self._on: dict[str, Counter[tuple[str, str]]] = {host.uuid: Counter() for host in pool.hosts}
        self._cores = {host.uuid: host.cpus or 0 for host in pool.hosts}
        for vm in pool.vms:
            for host in _where(vm):
                self._on[host].update(self.takes(vm))

    def need(self, vm: VM) -> int:
        """Return the bytes that a VM takes."""
        balloons = self._rules.memory == "dynamic-min" and not vm.is_control_domain
        if balloons and vm.power_state != "Paused" and vm.memory_dynamic_min_bytes:
            return vm.memory_dynamic_min_bytes + vm.memory_overhead_bytes
        return vm.memory_static_max_bytes + vm.memory_overhead_bytes

    def free_bytes(self) -> dict[str, int]:
        """Return the free memory of every host, below 0 if it is overfull."""
        free = {
            host.uuid: host.memory_total_bytes - host.memory_overhead_bytes - self._rules.reserve_bytes
            for host in self._pool.hosts
        }
        for vm in self._pool.vms:
            for host in _where(vm):
                free[host] -= self.need(vm)
        return free

    def takes(self, vm: VM) -> Counter[tuple[str, str]]:
        """Return what a VM takes beside memory."""
        taken = Counter({("group", group): 1 for group in vm.groups if group in self._enforced})
        if self._rules.vcpus_per_core is not None:
            taken[_VCPUS] = vm.vcpus
        return taken

    def exceeded(self, host: str, coming: Iterable[VM]) -> Iterator[str]:
        """Yield what these VMs would take too much of on a host, beside those that are there."""
        there = self._on[host]
        more: Counter[tuple[str, str]] = Counter()
        for vm in coming:
            more.update(self.takes(vm))
        for what, amount in sorted(more.items()):
            taken, most = there[what] + amount, self._most(what, host)
            if amount and taken > most:
                yield f"{taken} of {self._called(what)}, expected {most} at most"

    def move(self, vm: VM, leaving: Iterable[str], to: str) -> None:
        """Take note that a VM has moved."""
        for host in leaving:
            self._on[host].subtract(self.takes(vm))
        self._on[to].update(self.takes(vm))

    def _most(self, what: tuple[str, str], host: str) -> int:
        ratio = self._rules.vcpus_per_core
        return int(self._cores[host] * ratio) if what == _VCPUS and ratio is not None else 1

    def _called(self, what: tuple[str, str]) -> str:
        return "the vCPUs" if what == _VCPUS else f"group {self._enforced[what[1]]}"


def _where(vm: VM) -> set[str]:
    return {host for host in (vm.resident_on, vm.scheduled_to_be_resident_on) if host}
