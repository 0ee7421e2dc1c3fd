"""VM.start, shutdown, migrate and their like: what each call checks and does."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from lab.xapi import ha, placement, power
from lab.xapi.classes import NULL
from lab.xapi.errors import XapiError, bad_power_state
from lab.xapi.methods import Caller, Registry
from planner.model import Pool

registry = Registry()


def assert_state(caller: Caller, vm: str, *expected: str) -> None:
    """Refuse templates and VMs in another power state than the expected."""
    record = caller.db.record("VM", vm)
    if record["is_a_template"]:
        raise XapiError("VM_IS_TEMPLATE", vm)
    if record["power_state"] not in expected:
        wanted = ", ".join(state.lower() for state in expected)
        raise bad_power_state(vm, wanted, record["power_state"])


def assert_guest(caller: Caller, vm: str) -> None:
    """Refuse control domains: the hosts' own."""
    if caller.db.get("VM", vm, "is_control_domain"):
        raise XapiError("OPERATION_NOT_ALLOWED", "This operation is not allowed on a control domain")


def guard_arrival(caller: Caller, vm: str, host: str) -> None:
    """Refuse to let a VM run on a host if that breaks xapi's failover plan."""
    uuid = caller.db.get("VM", vm, "uuid")
    host_uuid = caller.db.get("host", host, "uuid")

    def change(pool: Pool) -> Pool:
        vms = tuple(
            replace(
                v,
                power_state="Running",
                resident_on=host_uuid,
                scheduled_to_be_resident_on=None,
                ha_always_run=v.ha_always_run or v.ha_restart_priority == "restart",
            )
            if v.uuid == uuid
            else v
            for v in pool.vms
        )
        return replace(pool, vms=vms)

    ha.guard(caller, change)


def _run(caller: Caller, vm: str, host: str, *, paused: bool) -> None:
    guard_arrival(caller, vm, host)
    power.run(caller.db, vm, host, caller.lab.now(), paused=paused)


@registry.call("VM.start", "vm:VM start_paused:bool force:bool", has_async=True)
def start(caller: Caller, vm: str, paused: bool, _force: bool) -> None:
    """Start a VM on a host of xapi's choice."""
    assert_state(caller, vm, "Halted")
    assert_guest(caller, vm)
    _run(caller, vm, placement.choose_host(caller.db, vm), paused=paused)


@registry.call("VM.start_on", "vm:VM host:host start_paused:bool force:bool", has_async=True)
def start_on(caller: Caller, vm: str, host: str, paused: bool, _force: bool) -> None:
    """Start a VM on the given host."""
    assert_state(caller, vm, "Halted")
    assert_guest(caller, vm)
    placement.assert_can_boot(caller.db, vm, host)
    _run(caller, vm, host, paused=paused)


@registry.call("VM.resume", "vm:VM start_paused:bool force:bool", has_async=True)
def resume(caller: Caller, vm: str, paused: bool, _force: bool) -> None:
    """Resume a suspended VM on a host of xapi's choice."""
    assert_state(caller, vm, "Suspended")
    _run(caller, vm, placement.choose_host(caller.db, vm), paused=paused)


@registry.call("VM.resume_on", "vm:VM host:host start_paused:bool force:bool", has_async=True)
def resume_on(caller: Caller, vm: str, host: str, paused: bool, _force: bool) -> None:
    """Resume a suspended VM on the given host."""
    assert_state(caller, vm, "Suspended")
    placement.assert_can_boot(caller.db, vm, host)
    _run(caller, vm, host, paused=paused)


def _stop(caller: Caller, vm: str, *, state: str = "Halted") -> None:
    assert_guest(caller, vm)
    caller.db.update("VM", vm, ha_always_run=False)
    power.halt(caller.db, vm, caller.lab.now(), state=state)


@registry.call("VM.clean_shutdown", "vm:VM", has_async=True)
def clean_shutdown(caller: Caller, vm: str) -> None:
    """Shut a running VM down; HA leaves it down."""
    assert_state(caller, vm, "Running")
    _stop(caller, vm)


@registry.call("VM.shutdown", "vm:VM", has_async=True)
def shutdown(caller: Caller, vm: str) -> None:
    """Shut a VM down, cleanly or not."""
    assert_state(caller, vm, "Running", "Paused", "Suspended")
    _stop(caller, vm)


@registry.call("VM.hard_shutdown", "vm:VM", has_async=True)
def hard_shutdown(caller: Caller, vm: str) -> None:
    """Take a VM's power away; HA leaves it down."""
    assert_state(caller, vm, "Running", "Paused", "Suspended")
    _stop(caller, vm)


@registry.call("VM.suspend", "vm:VM", has_async=True)
def suspend(caller: Caller, vm: str) -> None:
    """Suspend a running VM; HA leaves it suspended."""
    assert_state(caller, vm, "Running")
    _stop(caller, vm, state="Suspended")


@registry.call("VM.clean_reboot", "vm:VM", has_async=True)
def clean_reboot(caller: Caller, vm: str) -> None:
    """Reboot a running VM where it is."""
    assert_state(caller, vm, "Running")
    assert_guest(caller, vm)
    power.run(caller.db, vm, caller.db.get("VM", vm, "resident_on"), caller.lab.now())


@registry.call("VM.hard_reboot", "vm:VM", has_async=True)
def hard_reboot(caller: Caller, vm: str) -> None:
    """Reset a VM where it is."""
    assert_state(caller, vm, "Running", "Paused")
    assert_guest(caller, vm)
    power.run(caller.db, vm, caller.db.get("VM", vm, "resident_on"), caller.lab.now())


@registry.call("VM.pause", "vm:VM", has_async=True)
def pause(caller: Caller, vm: str) -> None:
    """Pause a running VM; it keeps its memory."""
    assert_state(caller, vm, "Running")
    assert_guest(caller, vm)
    power.change_state(caller.db, vm, "Paused")


@registry.call("VM.unpause", "vm:VM", has_async=True)
def unpause(caller: Caller, vm: str) -> None:
    """Let a paused VM run on."""
    assert_state(caller, vm, "Paused")
    power.change_state(caller.db, vm, "Running")


def assert_can_migrate(caller: Caller, vm: str, host: str) -> None:
    """Refuse a live migration that xapi would refuse."""
    assert_state(caller, vm, "Running", "Paused")
    assert_guest(caller, vm)
    record = caller.db.record("VM", vm)
    if record["VGPUs"]:
        raise XapiError("VM_HAS_VGPU", vm)
    if record["VUSBs"]:
        raise XapiError("VM_HAS_VUSBS", vm)
    placement.assert_can_boot(caller.db, vm, host)


@registry.call("VM.pool_migrate", "vm:VM host:host options:map", has_async=True)
def pool_migrate(caller: Caller, vm: str, host: str, _options: dict[str, str]) -> None:
    """Move a running VM to another host."""
    assert_can_migrate(caller, vm, host)
    guard_arrival(caller, vm, host)
    paused = caller.db.get("VM", vm, "power_state") == "Paused"
    power.run(caller.db, vm, host, caller.lab.now(), paused=paused)


@registry.call("VM.power_state_reset", "vm:VM", has_async=True)
def power_state_reset(caller: Caller, vm: str) -> None:
    """Say that a VM is Halted, because its host is known to be dead; HA may restart it."""
    assert_guest(caller, vm)
    power.halt(caller.db, vm, caller.lab.now())


@registry.call("VM.assert_agile", "self:VM")
def assert_agile(caller: Caller, vm: str) -> None:
    """Refuse a VM that is not agile."""
    placement.assert_agile(caller.db, vm)


@registry.call("VM.assert_can_boot_here", "self:VM host:host")
def assert_can_boot_here(caller: Caller, vm: str, host: str) -> None:
    """Refuse a host on which the VM cannot start."""
    placement.assert_can_boot(caller.db, vm, host)


@registry.call("VM.assert_can_migrate", "vm:VM dest:map live:bool vdi_map:map vif_map:map options:map")
def assert_can_migrate_call(caller: Caller, vm: str, destination: dict[str, str], *_rest: Any) -> None:
    """Refuse a migration; only moves inside the pool are known ("host" of `dest`)."""
    host = destination.get("host", "")
    if not caller.db.has("host", host):
        raise XapiError("INVALID_VALUE", "dest", "expected a host of this pool")
    assert_can_migrate(caller, vm, host)


@registry.call("VM.get_possible_hosts", "vm:VM", has_async=True)
def get_possible_hosts(caller: Caller, vm: str) -> list[str]:
    """Return the hosts on which the VM could start now."""
    return placement.possible_hosts(caller.db, vm)


@registry.call("VM.compute_memory_overhead", "vm:VM", has_async=True)
def compute_memory_overhead(caller: Caller, vm: str) -> int:
    """Return what xapi's formula gives for the VM's memory overhead, bytes."""
    return placement.overhead_bytes(caller.db.record("VM", vm))


@registry.call("VM.destroy", "self:VM", has_async=True)
def destroy(caller: Caller, vm: str) -> None:
    """Remove a halted VM with its VBDs and VIFs; its VDIs stay."""
    assert_guest(caller, vm)
    record = caller.db.record("VM", vm)
    if record["power_state"] != "Halted":
        raise bad_power_state(vm, "halted", record["power_state"])
    for name, refs in (("VBD", record["VBDs"]), ("VIF", record["VIFs"])):
        for ref in refs:
            caller.db.delete(name, ref)
    for name in ("metrics", "guest_metrics"):
        if record[name] != NULL:
            caller.db.delete(f"VM_{name}", record[name])
    caller.db.delete("VM", vm)
