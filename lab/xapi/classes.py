"""The classes of the simulated API: the table of `class_table` parsed, and the relations between them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lab.xapi.class_table import TABLE

NULL = "OpaqueRef:NULL"
EPOCH = "19700101T00:00:00Z"


class Time(str):
    """A point in time as xapi writes it, e.g. "20260102T03:04:05Z"."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Field:
    """One field; `target` is the class that a ref or refs points to."""

    name: str
    type: str
    target: str
    writable: bool
    default: Any


@dataclass(frozen=True, slots=True)
class Class:
    """One class; `evented` says whether event.from reports its objects."""

    name: str
    fields: Mapping[str, Field]
    defaults: Mapping[str, Any]
    evented: bool

    @property
    def named(self) -> bool:
        """Tell whether the class has get_by_name_label."""
        return "name_label" in self.fields


_ZERO: Mapping[str, Any] = {
    "string": "",
    "int": 0,
    "float": 0.0,
    "bool": False,
    "time": Time(EPOCH),
    "set": [],
    "map": {},
    "ref": NULL,
    "refs": [],
}


def _default(type_name: str, text: str) -> Any:
    if not text:
        return _ZERO[type_name]
    if type_name == "bool":
        return text == "true"
    return {"int": int, "float": float}.get(type_name, str)(text)


def _fields(line: str) -> list[Field]:
    head, names = line.split(": ", 1)
    access, type_name, *target = head.split()
    fields = []
    for word in names.split():
        name, _, default = word.partition("=")
        value = _default(type_name, default)
        fields.append(Field(name, type_name, target[0] if target else "", access == "rw", value))
    return fields


def _parse(table: str) -> dict[str, Class]:
    classes = {}
    for block in table.strip().split("\n\n"):
        head, *lines = block.splitlines()
        _, name, *flags = head.split()
        fields = {field.name: field for line in lines for field in _fields(line.strip())}
        defaults = {field.name: field.default for field in fields.values()}
        classes[name] = Class(name, fields, defaults, evented="unevented" not in flags)
    return classes


CLASSES: Mapping[str, Class] = _parse(TABLE)
"""Every class by its name, in the order of the table."""

BY_LOWER_NAME: Mapping[str, Class] = {name.lower(): spec for name, spec in CLASSES.items()}
"""Every class by its lower-case name, as events write it."""

RELATIONS: tuple[tuple[str, str, str], ...] = (
    ("VBD", "VM", "VBDs"),
    ("VIF", "VM", "VIFs"),
    ("VGPU", "VM", "VGPUs"),
    ("VUSB", "VM", "VUSBs"),
    ("console", "VM", "consoles"),
    ("VM", "resident_on", "resident_VMs"),
    ("VM", "groups", "VMs"),
    ("VM", "attached_PCIs", "attached_VMs"),
    ("PBD", "host", "PBDs"),
    ("PBD", "SR", "PBDs"),
    ("PIF", "host", "PIFs"),
    ("PIF", "network", "PIFs"),
    ("PCI", "host", "PCIs"),
    ("PGPU", "host", "PGPUs"),
    ("PUSB", "host", "PUSBs"),
    ("host_cpu", "host", "host_CPUs"),
    ("VIF", "network", "VIFs"),
    ("VDI", "SR", "VDIs"),
    ("VBD", "VDI", "VBDs"),
    ("PGPU", "GPU_group", "PGPUs"),
    ("VGPU", "GPU_group", "VGPUs"),
    ("VGPU", "resident_on", "resident_VGPUs"),
    ("VGPU", "type", "VGPUs"),
    ("PUSB", "USB_group", "PUSBs"),
    ("VUSB", "USB_group", "VUSBs"),
    ("Bond", "master", "bond_master_of"),
    ("PIF", "bond_slave_of", "slaves"),
    ("VLAN", "tagged_PIF", "VLAN_slave_of"),
    ("network_sriov", "physical_PIF", "sriov_physical_PIF_of"),
    ("network_sriov", "logical_PIF", "sriov_logical_PIF_of"),
    ("Cluster_host", "cluster", "cluster_hosts"),
    ("task", "subtask_of", "subtasks"),
)
"""(class, field, back reference): the latter, of the field's target, lists the objects that point to it.

Kept by the database, as in xapi: writing one side writes both.
"""
