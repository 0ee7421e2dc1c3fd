"""The fields of records: those of the planner's model, and those that only make a simulated pool look real.

Values are constants or follow from the model, so the same pool always gives the same records.
"""

from __future__ import annotations

import hashlib
from typing import Any

from lab.xapi.classes import Time
from lab.xapi.database import stable_uuid
from planner.inventory.records import DOMAIN_PREFIX
from planner.model import SR, VM, Host, Pool

BOOTED = Time("20260101T00:00:00Z")
TIB = 1 << 40

_SOFTWARE = {
    "product_brand": "XenServer",
    "product_version": "8.4.0",
    "product_version_text": "8",
    "platform_name": "XCP",
    "platform_version": "3.4.0",
    "xapi": "24.11",
    "xapi_build": "24.11.0",
    "xen": "4.17.4",
    "linux": "4.19.0+1",
    "hostname": "localhost",
    "build_number": "cloud",
    "db_schema": "5.780",
    "network_backend": "openvswitch",
    "date": "2026-01-01",
}

HOST_OPERATIONS = ["vm_migrate", "provision", "vm_resume", "evacuate", "vm_start"]
VM_OPERATIONS = {
    "Halted": [
        "start",
        "start_on",
        "clone",
        "copy",
        "snapshot",
        "export",
        "destroy",
        "changing_static_range",
    ],
    "Running": [
        "clean_shutdown",
        "hard_shutdown",
        "clean_reboot",
        "hard_reboot",
        "pool_migrate",
        "suspend",
        "pause",
    ],
    "Paused": ["unpause", "hard_shutdown", "hard_reboot"],
    "Suspended": ["resume", "resume_on", "hard_shutdown"],
}
"""VM.allowed_operations by power state."""


def address(index: int) -> str:
    """Return the management address of the n-th host.

    A loopback address where nothing listens: clients that look for the master among the members find nobody
    there, and never leave the machine.
    """
    return f"127.0.{1 + index // 250}.{1 + index % 250}"


def mac(*parts: str) -> str:
    """Return a locally administered MAC address that depends on `parts` alone."""
    digest = hashlib.sha256("\0".join(parts).encode()).digest()
    return ":".join(f"{byte:02x}" for byte in (0x02 | (digest[0] & 0xFC), *digest[1:6]))


def host(index: int, model: Host) -> dict[str, Any]:
    """Return the fields of a host."""
    cpu_info = {"vendor": "GenuineIntel", "modelname": "Simulated CPU", "speed": "2600.000"}
    if model.cpus is not None:
        cpu_info |= {"cpu_count": str(model.cpus), "socket_count": "2"}
    domains = {f"{DOMAIN_PREFIX}{key}": value for key, value in model.failure_domains}
    return {
        "uuid": model.uuid,
        "name_label": model.name,
        "hostname": model.name or model.uuid,
        "address": address(index),
        "memory_overhead": model.memory_overhead_bytes,
        "enabled": model.enabled,
        "cpu_info": cpu_info,
        "other_config": {"boot_time": "1767225600.", "agent_start_time": "1767225660.", **domains},
        "tags": list(model.tags),
        "software_version": _SOFTWARE,
        "capabilities": ["xen-3.0-x86_64", "hvm-3.0-x86_64"],
        "allowed_operations": HOST_OPERATIONS,
        "logging": {},
        "features": [],
    }


def sr(model: SR) -> dict[str, Any]:
    """Return the fields of an SR."""
    return {
        "uuid": model.uuid,
        "name_label": model.name,
        "type": model.type,
        "shared": model.shared,
        "physical_size": 20 * TIB,
        "physical_utilisation": 6 * TIB,
        "virtual_allocation": 8 * TIB,
        "content_type": "iso" if model.type == "iso" else "user",
        "allowed_operations": ["vdi_create", "vdi_destroy", "plug", "unplug", "scan", "update"],
    }


def pif(index: int, host_address: str, network: str, host_uuid: str) -> dict[str, Any]:
    """Return the fields of the PIF of a host on the n-th network; the first network carries management."""
    management = index == 0
    return {
        "uuid": stable_uuid("PIF", network, host_uuid),
        "device": f"eth{index}",
        "MAC": mac(network, host_uuid),
        "physical": True,
        "currently_attached": True,
        "management": management,
        "ip_configuration_mode": "Static" if management else "None",
        "IP": host_address if management else "",
        "netmask": "255.255.255.0" if management else "",
    }


def vm(model: VM) -> dict[str, Any]:
    """Return the fields of a VM, references aside."""
    static_max = model.memory_static_max_bytes
    dynamic_min = model.memory_dynamic_min_bytes
    running = model.power_state in {"Running", "Paused"}
    return {
        "uuid": model.uuid,
        "name_label": model.name,
        "power_state": model.power_state,
        "memory_static_max": static_max,
        "memory_dynamic_max": static_max,
        "memory_dynamic_min": static_max if dynamic_min is None else dynamic_min,
        "memory_target": static_max if running else 0,
        "memory_overhead": model.memory_overhead_bytes,
        "VCPUs_max": model.vcpus,
        "VCPUs_at_startup": model.vcpus,
        "ha_restart_priority": model.ha_restart_priority,
        "ha_always_run": model.ha_always_run,
        "order": model.order,
        "start_delay": model.start_delay_seconds,
        "is_control_domain": model.is_control_domain,
        "domain_type": "pv" if model.is_control_domain else "hvm",
        "HVM_boot_policy": "" if model.is_control_domain else "BIOS order",
        "domid": (0 if model.is_control_domain else domain_id(model.uuid)) if running else -1,
        "tags": list(model.tags),
        "allowed_operations": [] if model.is_control_domain else VM_OPERATIONS[model.power_state],
    }


def domain_id(uuid: str) -> int:
    """Return a domain id for a running VM."""
    return 1 + int.from_bytes(hashlib.sha256(uuid.encode()).digest()[:2])


def vm_metrics(model: VM) -> dict[str, Any]:
    """Return the fields of a VM's metrics."""
    running = model.power_state in {"Running", "Paused"}
    return {
        "memory_actual": model.memory_static_max_bytes if running else 0,
        "VCPUs_number": model.vcpus if running else 0,
        "start_time": BOOTED,
        "install_time": BOOTED,
        "last_updated": BOOTED,
        "hvm": not model.is_control_domain,
    }


def storage_manager(kind: str) -> dict[str, Any]:
    """Return the fields of the storage driver of an SR type."""
    return {
        "type": kind,
        "name_label": kind.upper(),
        "name_description": f"SR plugin for {kind}",
        "features": {"VDI_CREATE": "1", "VDI_GENERATE_CONFIG": "1", "VDI_ATTACH_OFFLINE": "1"},
        "capabilities": ["SR_PROBE", "SR_UPDATE", "VDI_CREATE", "VDI_DELETE", "VDI_ATTACH", "VDI_DETACH"],
    }


def pool(model: Pool) -> dict[str, Any]:
    """Return the fields of the pool, references aside."""
    return {
        "uuid": model.uuid,
        "name_label": model.name,
        "ha_enabled": model.ha_enabled,
        "ha_configuration": {"timeout": str(model.ha_timeout_seconds)},
        "ha_host_failures_to_tolerate": model.ha_host_failures_to_tolerate or 0,
        "ha_allow_overcommit": model.ha_allow_overcommit,
        "ha_cluster_stack": "corosync" if model.quorum == "majority" else "xhad",
        "tls_verification_enabled": True,
        "allowed_operations": ["ha_disable" if model.ha_enabled else "ha_enable"],
        "cpu_info": {"vendor": "GenuineIntel"},
    }
