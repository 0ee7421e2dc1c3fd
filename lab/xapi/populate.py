"""A planner's pool becomes the records of a simulated pool.

Everything that the model holds is written where a client of the real API would look for it: SRs by VBD, VDI
and PBD, networks by VIF and PIF, a restriction to some hosts by a device (one host: a VUSB; others: a vGPU
whose group has GPUs on just these hosts). `spelled_out` says what of a pool the API cannot leave unsaid.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, Protocol, TypeVar

from lab.xapi import records
from lab.xapi.classes import NULL
from lab.xapi.database import Database, ref_of, stable_uuid
from planner.model import SR, VM, Host, Network, Pool

GIB = 1 << 30


def database(pool: Pool) -> Database:
    """Return a database that holds `pool`, which must be consistent (planner.inventory refuses others)."""
    db = Database()
    _Writer(db, pool).write()
    return db


def spelled_out(pool: Pool) -> Pool:
    """Return the pool as a client of the API reads it: defaults spelled out, everything in uuid order.

    SRs and networks left out by a VM become none needed; no target becomes 0, no master the first host, no
    dynamic_min static_max. `hosts` that are all hosts become None. `enforced` of groups has no field in the
    API; `unagile_because` is found out anew by whoever reads it. Neither changes any figure but `enforced`.
    """
    everywhere = frozenset(host.uuid for host in pool.hosts)
    return replace(
        pool,
        master=pool.master or (pool.hosts[0].uuid if pool.hosts else None),
        ha_host_failures_to_tolerate=pool.ha_host_failures_to_tolerate or 0,
        heartbeat_srs=tuple(sorted(pool.heartbeat_srs)),
        hosts=_by_uuid(_spelled_out_host(host) for host in pool.hosts),
        srs=_by_uuid(replace(sr, hosts=_unless_all(everywhere, sr.hosts, sr.shared)) for sr in pool.srs),
        networks=_by_uuid(replace(n, hosts=_unless_all(everywhere, n.hosts)) for n in pool.networks),
        groups=_by_uuid(replace(group, enforced=False) for group in pool.groups),
        vms=_by_uuid(_spelled_out(vm) for vm in pool.vms),
    )


def _spelled_out_host(host: Host) -> Host:
    return replace(host, failure_domains=tuple(sorted(host.failure_domains)), tags=tuple(sorted(host.tags)))


class _HasUuid(Protocol):
    @property
    def uuid(self) -> str: ...


_Thing = TypeVar("_Thing", bound=_HasUuid)


def _by_uuid(things: Iterable[_Thing]) -> tuple[_Thing, ...]:
    return tuple(sorted(things, key=lambda thing: thing.uuid))


def _unless_all(
    everywhere: frozenset[str], hosts: Sequence[str] | None, shared: bool = True
) -> tuple[str, ...] | None:
    if hosts is None or (shared and everywhere == set(hosts)):
        return None
    return tuple(sorted(hosts))


def _spelled_out(vm: VM) -> VM:
    dynamic_min = vm.memory_dynamic_min_bytes
    return replace(
        vm,
        memory_dynamic_min_bytes=vm.memory_static_max_bytes if dynamic_min is None else dynamic_min,
        srs=tuple(sorted(vm.srs or ())),
        networks=tuple(sorted(vm.networks or ())),
        candidate_hosts=None if vm.candidate_hosts is None else tuple(sorted(vm.candidate_hosts)),
        unagile_because=(),
        groups=tuple(sorted(vm.groups)),
        tags=tuple(sorted(vm.tags)),
    )


class _Writer:
    def __init__(self, db: Database, pool: Pool) -> None:
        self.db = db
        self.pool = pool
        self.everywhere = tuple(host.uuid for host in pool.hosts)

    def write(self) -> None:
        """Write everything, what is pointed to before what points to it."""
        for i, host in enumerate(self.pool.hosts):
            self._host(i, host)
        for sr in self.pool.srs:
            self._sr(sr)
        for i, network in enumerate(self.pool.networks):
            self._network(i, network)
        for group in self.pool.groups:
            self.db.create("VM_group", uuid=group.uuid, name_label=group.name, placement=group.placement)
        for vm in self.pool.vms:
            self._vm(vm)
        self._host_memory()
        if self.pool.quorum == "majority":
            self._cluster()
        self._drivers()
        self._pool()

    def _hosts(self, hosts: Sequence[str] | None) -> Sequence[str]:
        return self.everywhere if hosts is None else hosts

    def _host(self, index: int, host: Host) -> None:
        metrics = self.db.create(
            "host_metrics",
            uuid=stable_uuid("host_metrics", host.uuid),
            memory_total=host.memory_total_bytes,
            live=host.live,
            last_updated=records.BOOTED,
        )
        self.db.create("host", metrics=metrics, **records.host(index, host))

    def _sr(self, sr: SR) -> None:
        ref = self.db.create("SR", **records.sr(sr))
        for host in self._hosts(sr.hosts):
            self.db.create(
                "PBD",
                uuid=stable_uuid("PBD", sr.uuid, host),
                host=ref_of("host", host),
                SR=ref,
                currently_attached=True,
                device_config={"location": f"/{sr.type or 'sr'}"},
            )

    def _network(self, index: int, network: Network) -> None:
        ref = self.db.create("network", uuid=network.uuid, name_label=network.name, bridge=f"xenbr{index}")
        for host in self._hosts(network.hosts):
            metrics = self.db.create("PIF_metrics", uuid=stable_uuid("PIF_metrics", network.uuid, host))
            fields = records.pif(index, self._address(host), network.uuid, host)
            self.db.create("PIF", network=ref, host=ref_of("host", host), metrics=metrics, **fields)
        if not self._hosts(network.hosts):
            self._unreachable(network, ref)

    def _unreachable(self, network: Network, ref: str) -> None:
        """Give a network that no host reaches a bond's slave; without any PIF it would be an internal one."""
        bond = self.db.create("Bond", uuid=stable_uuid("Bond", network.uuid))
        for host in self.everywhere[:1]:
            fields = {"host": ref_of("host", host), "bond_slave_of": bond, "device": "eth99"}
            self.db.create("PIF", uuid=stable_uuid("PIF", network.uuid, host), network=ref, **fields)

    def _address(self, host: str) -> str:
        return records.address(self.everywhere.index(host))

    def _vm(self, vm: VM) -> None:
        metrics = self.db.create(
            "VM_metrics", uuid=stable_uuid("VM_metrics", vm.uuid), **records.vm_metrics(vm)
        )
        ref = self.db.create(
            "VM",
            metrics=metrics,
            guest_metrics=self._guest_metrics(vm),
            resident_on=_host_ref(vm.resident_on),
            scheduled_to_be_resident_on=_host_ref(vm.scheduled_to_be_resident_on),
            groups=[ref_of("VM_group", group) for group in vm.groups],
            **records.vm(vm),
        )
        if vm.is_control_domain and vm.resident_on:
            self.db.update("host", ref_of("host", vm.resident_on), control_domain=ref)
        for i, sr in enumerate(vm.srs or ()):
            self._disk(vm, ref, i, sr)
        for i, network in enumerate(vm.networks or ()):
            self._vif(vm, ref, i, network)
        self._drive(vm, ref)
        self._device(vm, ref)

    def _guest_metrics(self, vm: VM) -> str:
        if vm.is_control_domain or vm.power_state != "Running":
            return NULL
        return self.db.create("VM_guest_metrics", uuid=stable_uuid("VM_guest_metrics", vm.uuid))

    def _disk(self, vm: VM, ref: str, index: int, sr: str) -> None:
        vdi = self.db.create(
            "VDI",
            uuid=stable_uuid("VDI", vm.uuid, str(index)),
            name_label=f"{vm.name} {index}".strip(),
            SR=ref_of("SR", sr),
            virtual_size=40 * GIB,
            physical_utilisation=12 * GIB,
        )
        self.db.create(
            "VBD",
            uuid=stable_uuid("VBD", vm.uuid, str(index)),
            VM=ref,
            VDI=vdi,
            userdevice=str(index),
            device=f"xvd{chr(ord('a') + index % 26)}",
            bootable=index == 0,
            currently_attached=vm.power_state in {"Running", "Paused"},
        )

    def _drive(self, vm: VM, ref: str) -> None:
        """Give each guest with disks an empty DVD drive, as the usual templates do."""
        if vm.srs and not vm.is_control_domain:
            self.db.create(
                "VBD",
                uuid=stable_uuid("VBD", vm.uuid, "dvd"),
                VM=ref,
                userdevice="255",
                type="CD",
                mode="RO",
                empty=True,
            )

    def _vif(self, vm: VM, ref: str, index: int, network: str) -> None:
        self.db.create(
            "VIF",
            uuid=stable_uuid("VIF", vm.uuid, str(index)),
            VM=ref,
            network=ref_of("network", network),
            device=str(index),
            MAC=records.mac(vm.uuid, str(index)),
            MAC_autogenerated=True,
            currently_attached=vm.power_state in {"Running", "Paused"},
        )

    def _device(self, vm: VM, ref: str) -> None:
        hosts = vm.candidate_hosts
        if hosts is None:
            return
        if len(hosts) == 1:
            self._usb(vm, ref, hosts[0])
        else:
            self._gpu(vm, ref, hosts)

    def _usb(self, vm: VM, ref: str, host: str) -> None:
        group = self.db.create(
            "USB_group", uuid=stable_uuid("USB_group", vm.uuid), name_label=f"Token of {vm.name}"
        )
        self.db.create(
            "PUSB",
            uuid=stable_uuid("PUSB", vm.uuid),
            USB_group=group,
            host=ref_of("host", host),
            path="1-1",
            description="Hardware token",
        )
        self.db.create("VUSB", uuid=stable_uuid("VUSB", vm.uuid), VM=ref, USB_group=group)

    def _gpu(self, vm: VM, ref: str, hosts: Sequence[str]) -> None:
        group = self.db.create(
            "GPU_group", uuid=stable_uuid("GPU_group", vm.uuid), name_label=f"GPUs for {vm.name}"
        )
        kind = self.db.create("VGPU_type", uuid=stable_uuid("VGPU_type", vm.uuid), model_name="passthrough")
        for host in hosts:
            pci = self.db.create(
                "PCI",
                uuid=stable_uuid("PCI", vm.uuid, host),
                host=ref_of("host", host),
                pci_id="0000:3b:00.0",
                class_name="3D controller",
            )
            self.db.create(
                "PGPU",
                uuid=stable_uuid("PGPU", vm.uuid, host),
                GPU_group=group,
                host=ref_of("host", host),
                PCI=pci,
                supported_VGPU_types=[kind],
                enabled_VGPU_types=[kind],
            )
        self.db.create("VGPU", uuid=stable_uuid("VGPU", vm.uuid), VM=ref, GPU_group=group, type=kind)

    def _host_memory(self) -> None:
        for host in self.pool.hosts:
            metrics = self.db.get("host", ref_of("host", host.uuid), "metrics")
            self.db.update("host_metrics", metrics, memory_free=self.pool.free_bytes(host.uuid))

    def _cluster(self) -> None:
        live = sum(host.live for host in self.pool.hosts)
        cluster = self.db.create(
            "Cluster",
            uuid=stable_uuid("Cluster", self.pool.uuid),
            quorum=len(self.pool.hosts) // 2 + 1,
            live_hosts=live,
        )
        for host in self.pool.hosts:
            self.db.create(
                "Cluster_host",
                uuid=stable_uuid("Cluster_host", host.uuid),
                cluster=cluster,
                host=ref_of("host", host.uuid),
                live=host.live,
            )

    def _drivers(self) -> None:
        for kind in sorted({sr.type for sr in self.pool.srs if sr.type}):
            self.db.create("SM", uuid=stable_uuid("SM", kind), **records.storage_manager(kind))

    def _pool(self) -> None:
        pool = self.pool
        master = pool.master or next(iter(self.everywhere), None)
        shared = [sr.uuid for sr in pool.srs if sr.shared]
        default_sr = ref_of("SR", shared[0]) if shared else NULL
        self.db.create(
            "pool",
            master=_host_ref(master),
            default_SR=default_sr,
            suspend_image_SR=default_sr,
            crash_dump_SR=default_sr,
            ha_statefiles=[self.statefile(sr) for sr in pool.heartbeat_srs],
            **records.pool(pool),
        )

    def statefile(self, sr: str) -> str:
        """Write the heartbeat volume of an SR; return its reference."""
        return create_statefile(self.db, sr)


def create_statefile(db: Database, sr: str) -> str:
    """Return the heartbeat volume of the SR with this uuid, made if there is none."""
    uuid = stable_uuid("statefile", sr)
    ref = ref_of("VDI", uuid)
    if db.has("VDI", ref):
        return ref
    fields: dict[str, Any] = {"type": "ha_statefile", "sharable": True, "virtual_size": 4 << 20}
    return db.create("VDI", uuid=uuid, name_label="Statefile for HA", SR=ref_of("SR", sr), **fields)


def _host_ref(uuid: str | None) -> str:
    return ref_of("host", uuid) if uuid else NULL
