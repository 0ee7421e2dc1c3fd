"""The records of an API as we hold them: by class and reference, cut down to the fields we read.

Kept up to date by events; parsed elsewhere. Cutting down is also what makes the many events silent that
change nothing for us.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

Record = Mapping[str, Any]
Tables = Mapping[str, Mapping[str, Record]]
"""Lower-case class name → reference → record."""

FIELDS: Mapping[str, tuple[str, ...]] = {
    "pool": (
        "uuid",
        "name_label",
        "master",
        "ha_enabled",
        "ha_configuration",
        "ha_host_failures_to_tolerate",
        "ha_allow_overcommit",
        "ha_plan_exists_for",
        "ha_overcommitted",
        "ha_statefiles",
        "ha_cluster_stack",
        "other_config",
    ),
    "host": (
        "uuid",
        "name_label",
        "address",
        "enabled",
        "metrics",
        "memory_overhead",
        "cpu_info",
        "host_CPUs",
        "other_config",
        "tags",
    ),
    "host_metrics": ("uuid", "live", "memory_total"),
    "vm": (
        "uuid",
        "name_label",
        "power_state",
        "resident_on",
        "scheduled_to_be_resident_on",
        "affinity",
        "memory_static_max",
        "memory_dynamic_min",
        "memory_overhead",
        "VCPUs_max",
        "ha_restart_priority",
        "ha_always_run",
        "order",
        "start_delay",
        "VBDs",
        "VIFs",
        "VGPUs",
        "VUSBs",
        "attached_PCIs",
        "groups",
        "is_control_domain",
        "is_a_template",
        "is_a_snapshot",
        "other_config",
        "tags",
    ),
    "vbd": ("uuid", "VM", "VDI", "empty"),
    "vdi": ("uuid", "SR"),
    "sr": ("uuid", "name_label", "type", "shared"),
    "pbd": ("uuid", "host", "SR", "currently_attached"),
    "vif": ("uuid", "VM", "network", "reserved_pci"),
    "network": ("uuid", "name_label", "PIFs"),
    "pif": ("uuid", "host", "network", "bond_slave_of", "sriov_logical_PIF_of", "currently_attached"),
    "network_sriov": ("uuid", "requires_reboot"),
    "vgpu": ("uuid", "VM", "GPU_group", "type", "PCI"),
    "pgpu": ("uuid", "host", "GPU_group", "PCI", "enabled_VGPU_types"),
    "vusb": ("uuid", "VM", "USB_group"),
    "pusb": ("uuid", "host", "USB_group"),
    "pci": ("uuid", "host", "pci_id"),
    "vm_group": ("uuid", "name_label", "placement"),
    "cluster": ("uuid",),
}
"""What we read, by lower-case class name, as events write it."""

FIELD_NAMES = frozenset(field for fields in FIELDS.values() for field in fields)

DOMAIN_PREFIX = "xenha:domain:"

_KEPT_KEYS: Mapping[str, tuple[str, ...]] = {
    "pool": ("default_ha_timeout",),
    "host": (DOMAIN_PREFIX,),
    "vm": ("pci",),
}
"""Prefixes of the keys of other_config that we read; the rest is large and changes often."""


class Records:
    """The tables, kept up to date."""

    def __init__(self) -> None:
        self.tables: dict[str, dict[str, Record]] = {name: {} for name in FIELDS}

    def apply(self, events: Iterable[Any]) -> bool:
        """Carry out the events of one answer of event.from; return whether anything we read changed."""
        changed = False
        for event in events:
            changed = self._apply_one(event) or changed
        return changed

    def _apply_one(self, event: Any) -> bool:
        """Carry out one event; one that is not even an event is ignored, as the counts will show the loss."""
        if not isinstance(event, dict):
            return False
        name, ref = str(event.get("class", "")).lower(), event.get("ref")
        table = self.tables.get(name)
        if table is None or not isinstance(ref, str):
            return False
        if event.get("operation") == "del":
            return table.pop(ref, None) is not None
        snapshot = event.get("snapshot")
        if not isinstance(snapshot, dict):  # gone again before xapi could look; its "del" follows
            return False
        record = cut_down(name, snapshot)
        if table.get(ref) == record:
            return False
        table[ref] = record
        return True

    def counts(self) -> dict[str, int]:
        """Return how many records of each class we hold."""
        return {name: len(table) for name, table in self.tables.items()}


def cut_down(name: str, record: Record) -> Record:
    """Return what we read of a record of class `name`."""
    found = {key: record[key] for key in FIELDS[name] if key in record}
    if isinstance(found.get("other_config"), dict):
        found["other_config"] = _kept(found["other_config"], _KEPT_KEYS[name])
    if isinstance(found.get("cpu_info"), dict):
        found["cpu_info"] = _kept(found["cpu_info"], ("cpu_count",))
    return found


def _kept(mapping: Mapping[str, Any], prefixes: tuple[str, ...]) -> dict[str, Any]:
    return {key: value for key, value in mapping.items() if key.startswith(prefixes)}
