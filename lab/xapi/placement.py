"""Can this VM run on that host? The checks that xapi makes before it starts or moves a VM.

Order and codes of errors as in xapi: liveness, enabled, SRs, networks, devices, CPUs, memory. Reads the
database only.
"""

from __future__ import annotations

from typing import Any

from lab.xapi.classes import NULL
from lab.xapi.database import Database, Record
from lab.xapi.errors import XapiError

MIB = 1 << 20


def need_bytes(vm: Record) -> int:
    """Return what HA plans for a VM: static_max + overhead."""
    return int(vm["memory_static_max"] + vm["memory_overhead"])


def least_bytes(vm: Record) -> int:
    """Return what a VM needs to start: dynamic_min + overhead; ballooning makes room for the rest."""
    return int(vm["memory_dynamic_min"] + vm["memory_overhead"])


def overhead_bytes(vm: Record) -> int:
    """Return xapi's memory overhead of an HVM guest, by its record."""
    return hvm_overhead_bytes(vm["memory_static_max"], vm["VCPUs_max"], vm["HVM_shadow_multiplier"])


def hvm_overhead_bytes(static_max_bytes: int, vcpus: int, shadow_multiplier: float = 1.0) -> int:
    """Return xapi's memory overhead of an HVM guest: internal, external, shadow, vCPUs.

    Formula of xen-api's memory.ml.
    """
    static_max_mib = -(-static_max_bytes // MIB)
    pages_mib = -(-(256 * vcpus + 2 * static_max_mib) // 256)
    shadow_mib = max(1, int(pages_mib * shadow_multiplier))
    return (1 + 1 + shadow_mib + -(-38 * vcpus // 256)) * MIB


def occupants(db: Database, host: str) -> list[Record]:
    """Return the VMs that take memory on a host: resident there or scheduled to be."""
    return [
        vm
        for vm in db.records("VM").values()
        if host in (vm["resident_on"], vm["scheduled_to_be_resident_on"])
    ]


def free_bytes(db: Database, host: str) -> int:
    """Return the memory with which a VM may start on a host, everybody else ballooned down."""
    record = db.record("host", host)
    total = int(db.get("host_metrics", record["metrics"], "memory_total"))
    used = sum(least_bytes(vm) for vm in occupants(db, host))
    return max(0, total - int(record["memory_overhead"]) - used)


def is_live(db: Database, host: str) -> bool:
    """Tell whether a host is alive, by Host_metrics.live."""
    return bool(db.get("host_metrics", db.get("host", host, "metrics"), "live"))


def assert_in_service(db: Database, host: str) -> None:
    """Refuse a host that is dead or disabled."""
    if not is_live(db, host):
        raise XapiError("HOST_NOT_LIVE")
    if not db.get("host", host, "enabled"):
        raise XapiError("HOST_DISABLED", host)


def assert_reaches(db: Database, vm_ref: str, host: str) -> None:
    """Refuse a host that lacks an SR, a network or a device of the VM."""
    vm = db.record("VM", vm_ref)
    for sr in srs(db, vm):
        if host not in hosts_of_sr(db, sr):
            raise XapiError("VM_REQUIRES_SR", vm_ref, sr)
    for vif in vm["VIFs"]:
        network = db.get("VIF", vif, "network")
        if host not in hosts_of_network(db, network):
            raise XapiError("VM_REQUIRES_NETWORK", vm_ref, network)
    _assert_has_devices(db, vm_ref, vm, host)


def _assert_has_devices(db: Database, vm_ref: str, vm: Record, host: str) -> None:
    for vgpu in vm["VGPUs"]:
        group = db.get("VGPU", vgpu, "GPU_group")
        if host not in {db.get("PGPU", pgpu, "host") for pgpu in db.get("GPU_group", group, "PGPUs")}:
            raise XapiError("VM_REQUIRES_GPU", vm_ref, group)
    for vusb in vm["VUSBs"]:
        group = db.get("VUSB", vusb, "USB_group")
        if host not in {db.get("PUSB", pusb, "host") for pusb in db.get("USB_group", group, "PUSBs")}:
            raise XapiError("VM_REQUIRES_VUSB", vm_ref, group)


def assert_can_boot(db: Database, vm_ref: str, host: str) -> None:
    """Refuse a host on which the VM cannot start now."""
    vm = db.record("VM", vm_ref)
    assert_in_service(db, host)
    assert_reaches(db, vm_ref, host)
    cpus = int(db.get("host", host, "cpu_info").get("cpu_count", 0))
    if cpus and vm["VCPUs_max"] > cpus and vm["platform"].get("vcpu-unrestricted") != "true":
        raise XapiError("HOST_NOT_ENOUGH_PCPUS", vm["VCPUs_max"], cpus)
    if host not in (vm["resident_on"], vm["scheduled_to_be_resident_on"]):
        assert_memory(db, vm, host)


def assert_memory(db: Database, vm: Record, host: str) -> None:
    """Refuse a host without enough free memory for the VM."""
    needed, available = least_bytes(vm), free_bytes(db, host)
    if needed > available:
        raise XapiError("HOST_NOT_ENOUGH_FREE_MEMORY", needed, available)


def srs(db: Database, vm: Record) -> list[str]:
    """Return the SRs of a VM's non-empty VBDs, each once."""
    found: dict[str, Any] = {}
    for vbd_ref in vm["VBDs"]:
        vbd = db.record("VBD", vbd_ref)
        if not vbd["empty"] and vbd["VDI"] != NULL:
            found[db.get("VDI", vbd["VDI"], "SR")] = None
    return list(found)


def hosts_of_sr(db: Database, sr: str) -> set[str]:
    """Return the hosts with an attached PBD of an SR."""
    pbds = [db.record("PBD", pbd) for pbd in db.get("SR", sr, "PBDs")]
    return {pbd["host"] for pbd in pbds if pbd["currently_attached"]}


def hosts_of_network(db: Database, network: str) -> set[str]:
    """Return the hosts with a PIF on a network that is no bond slave."""
    pifs = [db.record("PIF", pif) for pif in db.get("network", network, "PIFs")]
    return {pif["host"] for pif in pifs if pif["bond_slave_of"] == NULL}


def possible_hosts(db: Database, vm_ref: str) -> list[str]:
    """Return the hosts on which a VM could start now, those with the most free memory first."""
    return sorted(
        (h for h in db.refs("host") if _can_boot(db, vm_ref, h)), key=lambda h: (-free_bytes(db, h), h)
    )


def _can_boot(db: Database, vm_ref: str, host: str) -> bool:
    try:
        assert_can_boot(db, vm_ref, host)
    except XapiError:
        return False
    return True


def choose_host(db: Database, vm_ref: str) -> str:
    """Return the host on which plain VM.start puts a VM: its affinity, else the roomiest."""
    hosts = possible_hosts(db, vm_ref)
    if not hosts:
        if len(db.refs("host")) == 1:
            assert_can_boot(db, vm_ref, db.refs("host")[0])
        raise XapiError("NO_HOSTS_AVAILABLE")
    affinity = db.get("VM", vm_ref, "affinity")
    return affinity if affinity in hosts else hosts[0]


def assert_agile(db: Database, vm_ref: str) -> None:
    """Refuse a VM that could not start on every enabled host, whatever memory it has."""
    vm = db.record("VM", vm_ref)
    if vm["VGPUs"]:
        raise XapiError("VM_HAS_VGPU", vm_ref)
    if vm["VUSBs"]:
        raise XapiError("VM_HAS_VUSBS", vm_ref)
    enabled = {ref for ref, host in db.records("host").items() if host["enabled"]}
    for sr in srs(db, vm):
        if not db.get("SR", sr, "shared") or not enabled <= hosts_of_sr(db, sr):
            raise XapiError("HA_CONSTRAINT_VIOLATION_SR_NOT_SHARED", sr)
    for vif in vm["VIFs"]:
        network = db.get("VIF", vif, "network")
        if not enabled <= hosts_of_network(db, network):
            raise XapiError("HA_CONSTRAINT_VIOLATION_NETWORK_NOT_SHARED", network)
