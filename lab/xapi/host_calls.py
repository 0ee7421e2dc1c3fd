"""Calls on hosts: enable, disable, evacuate, declare dead, shut down."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from lab.xapi import ha, placement, power
from lab.xapi.classes import NULL, Time
from lab.xapi.database import Database
from lab.xapi.errors import XapiError
from lab.xapi.methods import Caller, Registry
from lab.xapi.vm_calls import assert_can_migrate
from planner.model import Pool

registry = Registry()


def guests_on(db: Database, host: str) -> list[str]:
    """Return the VMs that are resident on a host, its control domain aside."""
    return [vm for vm in db.get("host", host, "resident_VMs") if not db.get("VM", vm, "is_control_domain")]


def set_live(db: Database, host: str, live: bool, now: str) -> None:
    """Write whether a host is alive."""
    db.update("host_metrics", db.get("host", host, "metrics"), live=live, last_updated=Time(now))


def reset_guests(db: Database, host: str, now: str) -> None:
    """Say that the VMs of a dead host are Halted, as HA does once it is certain."""
    for vm in guests_on(db, host):
        if db.get("VM", vm, "power_state") in {"Running", "Paused"}:
            power.halt(db, vm, now)


def _guard_disable(caller: Caller, host: str) -> None:
    uuid = caller.db.get("host", host, "uuid")

    def change(pool: Pool) -> Pool:
        return replace(
            pool, hosts=tuple(replace(h, enabled=False) if h.uuid == uuid else h for h in pool.hosts)
        )

    ha.guard(caller, change)


@registry.call("host.disable", "host:host", has_async=True)
def disable(caller: Caller, host: str) -> None:
    """Let no VM start on a host any more."""
    if caller.db.get("host", host, "enabled"):
        _guard_disable(caller, host)
        caller.db.update("host", host, enabled=False)


@registry.call("host.enable", "host:host", has_async=True)
def enable(caller: Caller, host: str) -> None:
    """Let VMs start on a host again."""
    if not placement.is_live(caller.db, host):
        raise XapiError("HOST_OFFLINE", host)
    caller.db.update("host", host, enabled=True)


@registry.call("host.get_vms_which_prevent_evacuation", "self:host", has_async=True)
def get_vms_which_prevent_evacuation(caller: Caller, host: str) -> dict[str, list[str]]:
    """Return the VMs that have nowhere to go, each with XAPI's error."""
    return _evacuation(caller, host)[1]


@registry.call("host.assert_can_evacuate", "host:host", has_async=True)
def assert_can_evacuate(caller: Caller, host: str) -> None:
    """Refuse a host that cannot be evacuated."""
    _refuse(get_vms_which_prevent_evacuation(caller, host))


@registry.call("host.evacuate", "host:host network:any? evacuate_batch_size:int?", has_async=True)
def evacuate(caller: Caller, host: str, _network: Any = NULL, _batch: int = 0) -> None:
    """Move all guests of a host elsewhere: all of them or none."""
    _guard_disable(caller, host)
    moves, blocked = _evacuation(caller, host)
    _refuse(blocked)
    for vm, target in moves.items():
        paused = caller.db.get("VM", vm, "power_state") == "Paused"
        power.run(caller.db, vm, target, caller.lab.now(), paused=paused)


def _refuse(blocked: dict[str, list[str]]) -> None:
    for code, *params in blocked.values():
        raise XapiError(code, *params)


def _evacuation(caller: Caller, host: str) -> tuple[dict[str, str], dict[str, list[str]]]:
    """Return where each guest goes, and the errors of those that cannot go; biggest to the roomiest first."""
    db = caller.db
    free = {h: placement.free_bytes(db, h) for h in db.refs("host") if h != host and _in_service(db, h)}
    moves: dict[str, str] = {}
    blocked: dict[str, list[str]] = {}
    for vm in sorted(guests_on(db, host), key=lambda vm: -placement.least_bytes(db.record("VM", vm))):
        need = placement.least_bytes(db.record("VM", vm))
        error = XapiError("NO_HOSTS_AVAILABLE")
        for target in sorted(free, key=lambda h: (-free[h], h)):
            try:
                assert_can_migrate(caller, vm, target)
                if need > free[target]:
                    raise XapiError("HOST_NOT_ENOUGH_FREE_MEMORY", need, free[target])
            except XapiError as refusal:
                error = refusal
                continue
            moves[vm] = target
            free[target] -= need
            break
        else:
            blocked[vm] = error.description
    return moves, blocked


def _in_service(db: Database, host: str) -> bool:
    return bool(db.get("host", host, "enabled")) and placement.is_live(db, host)


@registry.call("host.declare_dead", "host:host", has_async=True)
def declare_dead(caller: Caller, host: str) -> None:
    """Declare a dead host dead: its VMs are Halted from now on. HOST_IS_LIVE if it lives."""
    if placement.is_live(caller.db, host):
        raise XapiError("HOST_IS_LIVE", host)
    reset_guests(caller.db, host, caller.lab.now())


def _assert_down_allowed(caller: Caller, host: str) -> None:
    if caller.db.get("host", host, "enabled"):
        raise XapiError("HOST_NOT_DISABLED")
    for vm in guests_on(caller.db, host):
        raise XapiError("HOST_IN_USE", host, "VM", vm)


@registry.call("host.shutdown", "host:host", has_async=True)
def shutdown(caller: Caller, host: str) -> None:
    """Switch off a disabled, empty host."""
    _assert_down_allowed(caller, host)
    set_live(caller.db, host, False, caller.lab.now())


@registry.call("host.reboot", "host:host", has_async=True)
def reboot(caller: Caller, host: str) -> None:
    """Reboot a disabled, empty host; it comes back at once and enabled."""
    _assert_down_allowed(caller, host)
    set_live(caller.db, host, True, caller.lab.now())
    caller.db.update("host", host, enabled=True)


@registry.call("host.power_on", "host:host", has_async=True)
def power_on(caller: Caller, host: str) -> None:
    """Refuse: no simulated host has a power-on mode."""
    raise XapiError("HOST_POWER_ON_MODE_DISABLED")


@registry.call("host.compute_free_memory", "host:host", has_async=True)
def compute_free_memory(caller: Caller, host: str) -> int:
    """Return the memory that a new VM could have at most, bytes."""
    return placement.free_bytes(caller.db, host)


@registry.call("host.compute_memory_overhead", "host:host", has_async=True)
def compute_memory_overhead(caller: Caller, host: str) -> int:
    """Return the hypervisor's own memory, bytes."""
    return int(caller.db.get("host", host, "memory_overhead"))


@registry.call("host.get_uncooperative_resident_VMs", "self:host", has_async=True)
def get_uncooperative_resident_vms(caller: Caller, host: str) -> list[str]:
    """Return the VMs that do not balloon: none."""
    return []


@registry.call("host.get_servertime", "host:host")
def get_servertime(caller: Caller, host: str) -> Time:
    """Return the host's time in UTC."""
    return Time(caller.lab.now())


@registry.call("host.get_server_localtime", "host:host")
def get_server_localtime(caller: Caller, host: str) -> Time:
    """Return the host's local time, which is UTC."""
    return Time(caller.lab.now().removesuffix("Z"))


@registry.call("host.call_plugin", "host:host plugin:string fn:string args:map", has_async=True)
def call_plugin(caller: Caller, host: str, plugin: str, _function: str, _args: dict[str, str]) -> str:
    """Refuse: there are no plugins."""
    raise XapiError("XENAPI_MISSING_PLUGIN", plugin)


@registry.call("host.list_methods")
def list_methods(caller: Caller) -> list[str]:
    """Return the names of all methods."""
    names: list[str] = caller.lab.call("system.listMethods", ())
    return names
