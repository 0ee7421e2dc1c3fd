"""Setters of VM fields that have rules: HA priority, start order, memory, vCPUs, groups."""

from __future__ import annotations

from dataclasses import replace

from lab.xapi import ha, placement
from lab.xapi.errors import XapiError, bad_power_state
from lab.xapi.methods import Caller, Registry
from planner.model import Pool

registry = Registry()

PRIORITIES = ("restart", "best-effort", "")


@registry.call("VM.set_ha_restart_priority", "self:VM value:string")
def set_ha_restart_priority(caller: Caller, vm: str, value: str) -> None:
    """Set the restart priority; a running VM is protected from now on."""
    if value not in PRIORITIES:
        raise XapiError("INVALID_VALUE", "ha_restart_priority", value)
    record = caller.db.record("VM", vm)
    running = record["power_state"] != "Halted"
    if value == "restart" and running:
        _guard_protection(caller, record["uuid"])
    always_run = running if value == "restart" else False
    caller.db.update("VM", vm, ha_restart_priority=value, ha_always_run=always_run)


def _guard_protection(caller: Caller, uuid: str) -> None:
    def change(pool: Pool) -> Pool:
        vms = tuple(
            replace(v, ha_restart_priority="restart", ha_always_run=True) if v.uuid == uuid else v
            for v in pool.vms
        )
        return replace(pool, vms=vms)

    ha.guard(caller, change)


def _set_not_negative(caller: Caller, vm: str, field: str, value: int) -> None:
    if value < 0:
        raise XapiError("VALUE_NOT_SUPPORTED", field, value, "must be non-negative")
    caller.db.update("VM", vm, **{field: value})


@registry.call("VM.set_order", "self:VM value:int")
def set_order(caller: Caller, vm: str, value: int) -> None:
    """Set the start order."""
    _set_not_negative(caller, vm, "order", value)


@registry.call("VM.set_start_delay", "self:VM value:int")
def set_start_delay(caller: Caller, vm: str, value: int) -> None:
    """Set the delay after the start, seconds."""
    _set_not_negative(caller, vm, "start_delay", value)


@registry.call("VM.set_shutdown_delay", "self:VM value:int")
def set_shutdown_delay(caller: Caller, vm: str, value: int) -> None:
    """Set the delay after the shutdown, seconds."""
    _set_not_negative(caller, vm, "shutdown_delay", value)


def _set_memory(caller: Caller, vm: str, **changes: int) -> None:
    record = {**caller.db.record("VM", vm), **changes}
    limits = [record[f"memory_{name}"] for name in ("static_min", "dynamic_min", "dynamic_max", "static_max")]
    if limits[0] < 0 or limits != sorted(limits) or limits[3] == 0:
        order = "static_min <= dynamic_min <= dynamic_max <= static_max"
        raise XapiError("MEMORY_CONSTRAINT_VIOLATION", f"must satisfy: {order}, 0 < static_max")
    static = "memory_static_max" in changes or "memory_static_min" in changes
    if static and record["power_state"] != "Halted":
        raise bad_power_state(vm, "halted", record["power_state"])
    if "memory_static_max" in changes:
        changes["memory_overhead"] = placement.overhead_bytes(record)
    caller.db.update("VM", vm, **changes)


@registry.call("VM.set_memory_static_max", "self:VM value:int")
def set_memory_static_max(caller: Caller, vm: str, value: int) -> None:
    """Set the static maximum of a halted VM, bytes."""
    _set_memory(caller, vm, memory_static_max=value)


@registry.call("VM.set_memory_static_min", "self:VM value:int")
def set_memory_static_min(caller: Caller, vm: str, value: int) -> None:
    """Set the static minimum of a halted VM, bytes."""
    _set_memory(caller, vm, memory_static_min=value)


@registry.call("VM.set_memory_dynamic_max", "self:VM value:int")
def set_memory_dynamic_max(caller: Caller, vm: str, value: int) -> None:
    """Set the dynamic maximum, bytes."""
    _set_memory(caller, vm, memory_dynamic_max=value)


@registry.call("VM.set_memory_dynamic_min", "self:VM value:int")
def set_memory_dynamic_min(caller: Caller, vm: str, value: int) -> None:
    """Set the dynamic minimum, bytes."""
    _set_memory(caller, vm, memory_dynamic_min=value)


@registry.call("VM.set_memory_dynamic_range", "self:VM min:int max:int", has_async=True)
def set_memory_dynamic_range(caller: Caller, vm: str, low: int, high: int) -> None:
    """Set both dynamic limits, bytes."""
    _set_memory(caller, vm, memory_dynamic_min=low, memory_dynamic_max=high)


@registry.call("VM.set_memory_static_range", "self:VM min:int max:int", has_async=True)
def set_memory_static_range(caller: Caller, vm: str, low: int, high: int) -> None:
    """Set both static limits of a halted VM, bytes."""
    _set_memory(caller, vm, memory_static_min=low, memory_static_max=high)


@registry.call(
    "VM.set_memory_limits",
    "self:VM static_min:int static_max:int dynamic_min:int dynamic_max:int",
    has_async=True,
)
def set_memory_limits(
    caller: Caller, vm: str, static_min: int, static_max: int, dynamic_min: int, dynamic_max: int
) -> None:
    """Set all four limits of a halted VM, bytes."""
    _set_memory(
        caller,
        vm,
        memory_static_min=static_min,
        memory_static_max=static_max,
        memory_dynamic_min=dynamic_min,
        memory_dynamic_max=dynamic_max,
    )


@registry.call("VM.set_memory", "self:VM value:int", has_async=True)
def set_memory(caller: Caller, vm: str, value: int) -> None:
    """Set static maximum and both dynamic limits of a halted VM to one value, bytes."""
    _set_memory(caller, vm, memory_static_max=value, memory_dynamic_min=value, memory_dynamic_max=value)


@registry.call("VM.set_VCPUs_max", "self:VM value:int")
def set_vcpus_max(caller: Caller, vm: str, value: int) -> None:
    """Set the most vCPUs of a halted VM."""
    record = caller.db.record("VM", vm)
    if record["power_state"] != "Halted":
        raise bad_power_state(vm, "halted", record["power_state"])
    if value < max(1, record["VCPUs_at_startup"]):
        raise XapiError("INVALID_VALUE", "VCPUs_max", f"{value} is below VCPUs_at_startup")
    caller.db.update("VM", vm, VCPUs_max=value)


@registry.call("VM.set_VCPUs_at_startup", "self:VM value:int")
def set_vcpus_at_startup(caller: Caller, vm: str, value: int) -> None:
    """Set the vCPUs that a halted VM starts with."""
    record = caller.db.record("VM", vm)
    if record["power_state"] != "Halted":
        raise bad_power_state(vm, "halted", record["power_state"])
    if not 1 <= value <= record["VCPUs_max"]:
        raise XapiError("INVALID_VALUE", "VCPUs_at_startup", f"{value} is not in 1..VCPUs_max")
    caller.db.update("VM", vm, VCPUs_at_startup=value)


@registry.call("VM.set_groups", "self:VM value:VM_group*")
def set_groups(caller: Caller, vm: str, groups: list[str]) -> None:
    """Put a VM into a group, or into none."""
    if len(groups) > 1:
        raise XapiError("TOO_MANY_GROUPS")
    caller.db.update("VM", vm, groups=groups)
