"""The pool as the planner sees it: frozen, complete when made, sizes in bytes.

Field names are XenAPI's and those of the pool file (DESIGN §5.2). This module checks nothing: values come
from `planner.inventory`, which refuses what is wrong. It must never import a parser, a solver or a clock.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

PowerState = Literal["Running", "Halted", "Paused", "Suspended"]
RestartPriority = Literal["restart", "best-effort", ""]
Quorum = Literal["disk", "majority"]
PlacementPolicy = Literal["normal", "anti_affinity", "affinity"]


@dataclass(frozen=True, slots=True)
class Host:
    """A host; `live` as in Host_metrics.live."""

    uuid: str
    memory_total_bytes: int
    name: str = ""
    memory_overhead_bytes: int = 0
    cpus: int | None = None
    enabled: bool = True
    live: bool = True
    failure_domains: tuple[tuple[str, str], ...] = ()
    """(key, value) pairs in key order, e.g. (("rack", "r1"),)."""
    tags: tuple[str, ...] = ()

    @property
    def in_service(self) -> bool:
        """Tell whether VMs can be started here: live and enabled."""
        return self.live and self.enabled

    def domain(self, key: str) -> str | None:
        """Return the host's failure domain for a key such as "rack", None if it has none."""
        return dict(self.failure_domains).get(key)


@dataclass(frozen=True, slots=True)
class SR:
    """A storage repository; `hosts` None means that every host reaches it."""

    uuid: str
    name: str = ""
    type: str = ""
    shared: bool = True
    hosts: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Network:
    """A network; `hosts` None means that every host reaches it."""

    uuid: str
    name: str = ""
    hosts: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class VMGroup:
    """A VM group; `enforced` only with anti_affinity."""

    uuid: str
    placement: PlacementPolicy
    name: str = ""
    enforced: bool = False


@dataclass(frozen=True, slots=True)
class VM:
    """A VM, control domains included."""

    uuid: str
    memory_static_max_bytes: int
    name: str = ""
    memory_dynamic_min_bytes: int | None = None
    memory_overhead_bytes: int = 0
    vcpus: int = 1
    power_state: PowerState = "Halted"
    resident_on: str | None = None
    scheduled_to_be_resident_on: str | None = None
    ha_restart_priority: RestartPriority = ""
    ha_always_run: bool = False
    order: int = 0
    start_delay_seconds: int = 0
    srs: tuple[str, ...] | None = None
    networks: tuple[str, ...] | None = None
    candidate_hosts: tuple[str, ...] | None = None
    """A further restriction beside SRs and networks; None: none; (): no host at all."""
    unagile_because: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    is_control_domain: bool = False
    tags: tuple[str, ...] = ()

    @property
    def need_bytes(self) -> int:
        """Return the need: memory_static_max + memory_overhead."""
        return self.memory_static_max_bytes + self.memory_overhead_bytes

    @property
    def home(self) -> str | None:
        """Return the host the VM belongs to: resident_on, else scheduled_to_be_resident_on."""
        return self.resident_on or self.scheduled_to_be_resident_on

    @property
    def occupies(self) -> frozenset[str]:
        """Return the hosts on which the VM takes memory."""
        return frozenset(h for h in (self.resident_on, self.scheduled_to_be_resident_on) if h)

    @property
    def protected(self) -> bool:
        """Tell whether HA must restart it."""
        return self.ha_restart_priority == "restart" and self.ha_always_run

    @property
    def best_effort(self) -> bool:
        """Tell whether HA restarts it in what room is left."""
        return self.ha_restart_priority == "best-effort"


@dataclass(frozen=True)
class Pool:
    """A pool with everything in it; index maps are built once, on first use."""

    uuid: str
    name: str = ""
    master: str | None = None
    ha_enabled: bool = True
    ha_host_failures_to_tolerate: int | None = None
    ha_allow_overcommit: bool = False
    ha_timeout_seconds: int = 60
    heartbeat_srs: tuple[str, ...] = ()
    quorum: Quorum = "disk"
    hosts: tuple[Host, ...] = ()
    srs: tuple[SR, ...] = ()
    networks: tuple[Network, ...] = ()
    groups: tuple[VMGroup, ...] = ()
    vms: tuple[VM, ...] = ()

    @cached_property
    def host_by_uuid(self) -> dict[str, Host]:
        return {host.uuid: host for host in self.hosts}

    @cached_property
    def vm_by_uuid(self) -> dict[str, VM]:
        return {vm.uuid: vm for vm in self.vms}

    @cached_property
    def sr_by_uuid(self) -> dict[str, SR]:
        return {sr.uuid: sr for sr in self.srs}

    @cached_property
    def network_by_uuid(self) -> dict[str, Network]:
        return {network.uuid: network for network in self.networks}

    @cached_property
    def hosts_in_service(self) -> tuple[Host, ...]:
        """The live and enabled hosts, in the pool's order: H of TOLERANCE §1."""
        return tuple(host for host in self.hosts if host.in_service)

    @cached_property
    def free_unclamped_bytes(self) -> dict[str, int]:
        """Free memory of every host (in service or not) before clamping at 0, by uuid."""
        free = {h.uuid: h.memory_total_bytes - h.memory_overhead_bytes for h in self.hosts}
        for vm in self.vms:  # `VM.occupies` and `VM.need_bytes` by hand: thousands of VMs, at every change
            home, arriving = vm.resident_on, vm.scheduled_to_be_resident_on
            if home:
                free[home] -= vm.memory_static_max_bytes + vm.memory_overhead_bytes
            if arriving and arriving != home:
                free[arriving] -= vm.memory_static_max_bytes + vm.memory_overhead_bytes
        return free

    def free_bytes(self, host: str) -> int:
        """Return the free memory of a host (DESIGN §2), ≥ 0."""
        return max(0, self.free_unclamped_bytes[host])

    def is_down(self, vm: VM) -> bool:
        """Tell whether a VM is down (DESIGN §2): protected, and Halted or its home not in service.

        A protected VM that runs nowhere we know of is down as well; Suspended is neither down nor running.
        """
        if not vm.protected or vm.power_state == "Suspended":
            return False
        if vm.power_state == "Halted" or vm.home is None:
            return True
        return not self.host_by_uuid[vm.home].in_service

    @cached_property
    def protected_vms(self) -> tuple[VM, ...]:
        """The protected VMs, in the pool's order."""
        return tuple([vm for vm in self.vms if vm.ha_restart_priority == "restart" and vm.ha_always_run])

    @property
    def target(self) -> int | None:
        """The failures to tolerate that the pool asks for; None while HA is off."""
        return self.ha_host_failures_to_tolerate if self.ha_enabled else None
