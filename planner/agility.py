"""Where a VM could run, and why not elsewhere.

A host is a candidate if it reaches all SRs and networks of the VM and is among its `candidate_hosts`
(DESIGN §2). Candidates are bit masks over `Pool.hosts_in_service`: bit i is the i-th of them. Knows nothing
of memory.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from planner.model import VM, Host, Pool


@dataclass(frozen=True, slots=True)
class Obstacle:
    """One reason why a host is no candidate of a VM."""

    kind: str
    """"sr", "network" or "device"."""
    uuid: str
    """Of the SR or network; "" for a device."""


def obstacles(pool: Pool, vm: VM, host: Host) -> tuple[Obstacle, ...]:
    """Return every reason why `host` is no candidate of `vm`; empty for a candidate."""
    found = [Obstacle("sr", uuid) for uuid in vm.srs or () if not _reaches(pool.sr_by_uuid[uuid].hosts, host)]
    found += [
        Obstacle("network", uuid)
        for uuid in vm.networks or ()
        if not _reaches(pool.network_by_uuid[uuid].hosts, host)
    ]
    if not _reaches(vm.candidate_hosts, host):
        found.append(Obstacle("device", ""))
    return tuple(found)


def _reaches(hosts: tuple[str, ...] | None, host: Host) -> bool:
    return hosts is None or host.uuid in hosts


class Reach:
    """Candidate masks of a pool's VMs, each distinct restriction worked out once."""

    def __init__(self, pool: Pool) -> None:
        self._bit = {host.uuid: 1 << i for i, host in enumerate(pool.hosts_in_service)}
        self.everywhere = (1 << len(self._bit)) - 1
        self._sr = {sr.uuid: self._mask(sr.hosts) for sr in pool.srs}
        self._network = {network.uuid: self._mask(network.hosts) for network in pool.networks}
        self._known: dict[tuple[tuple[str, ...] | None, ...], int] = {}

    def _mask(self, hosts: Iterable[str] | None) -> int:
        if hosts is None:
            return self.everywhere
        mask = 0
        for uuid in hosts:
            mask |= self._bit.get(uuid, 0)
        return mask

    def candidates(self, vm: VM) -> int:
        """Return the mask of the hosts in service that could start `vm`, memory aside."""
        return self.masks((vm,))[0]

    def masks(self, vms: Iterable[VM]) -> list[int]:
        """Return the candidates of each VM; equal restrictions, and there are few, are worked out once."""
        known, found = self._known, []
        for vm in vms:
            restriction = (vm.srs, vm.networks, vm.candidate_hosts)
            mask = known.get(restriction)
            if mask is None:
                mask = known[restriction] = self._work_out(*restriction)
            found.append(mask)
        return found

    def _work_out(
        self,
        srs: tuple[str, ...] | None,
        networks: tuple[str, ...] | None,
        candidate_hosts: tuple[str, ...] | None,
    ) -> int:
        mask = self._mask(candidate_hosts)
        for uuid in srs or ():
            mask &= self._sr[uuid]
        for uuid in networks or ():
            mask &= self._network[uuid]
        return mask

    def agile(self, vm: VM) -> bool:
        """Tell whether every host in service is a candidate of `vm`."""
        return self.candidates(vm) == self.everywhere
