"""Calls on the pool: HA on and off, failures to tolerate, xapi's own plan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from lab.xapi import ha, placement, readback
from lab.xapi.classes import Time
from lab.xapi.database import stable_uuid
from lab.xapi.errors import XapiError, handle_invalid
from lab.xapi.methods import Caller, Registry
from lab.xapi.populate import create_statefile
from lab.xapi.vm_settings import PRIORITIES

registry = Registry()


@registry.call("pool.enable_ha", "heartbeat_srs:SR* configuration:map", has_async=True)
def enable_ha(caller: Caller, srs: list[str], configuration: Mapping[str, str]) -> None:
    """Switch HA on, with the statefile on the first given SR or on any shared one."""
    db, pool = caller.db, caller.lab.pool()
    if db.get("pool", pool, "ha_enabled"):
        raise XapiError("HA_IS_ENABLED")
    for host in db.refs("host"):
        if not placement.is_live(db, host):
            raise XapiError("HOST_OFFLINE", host)
    sr = _statefile_sr(caller, srs)
    db.update(
        "pool",
        pool,
        ha_enabled=True,
        ha_configuration=dict(configuration) or {"timeout": "60"},
        ha_statefiles=[create_statefile(db, db.get("SR", sr, "uuid"))],
        allowed_operations=["ha_disable"],
    )


def _statefile_sr(caller: Caller, srs: list[str]) -> str:
    db = caller.db
    everybody = set(db.refs("host"))
    for sr in srs or db.refs("SR"):
        if placement.hosts_of_sr(db, sr) == everybody and db.get("SR", sr, "shared"):
            return sr
        if srs:
            raise XapiError("SR_NO_PBDS", sr)
    raise XapiError("CANNOT_CREATE_STATE_FILE")


@registry.call("pool.disable_ha", has_async=True)
def disable_ha(caller: Caller) -> None:
    """Switch HA off."""
    db, pool = caller.db, caller.lab.pool()
    if not db.get("pool", pool, "ha_enabled"):
        raise XapiError("HA_NOT_ENABLED")
    off = {"ha_statefiles": [], "ha_plan_exists_for": 0, "ha_overcommitted": False}
    db.update("pool", pool, ha_enabled=False, allowed_operations=["ha_enable"], **off)


@registry.call("pool.set_ha_host_failures_to_tolerate", "self:pool value:int", has_async=True)
def set_ha_host_failures_to_tolerate(caller: Caller, pool: str, value: int) -> None:
    """Set the target, unless xapi has no plan for so many failures and must not be overcommitted."""
    if value < 0:
        raise XapiError("INVALID_VALUE", "ha_host_failures_to_tolerate", value)
    record = caller.db.record("pool", pool)
    strict = record["ha_enabled"] and not record["ha_allow_overcommit"] and record["ha_plan_exists_for"] > 0
    if strict and not ha.plan_exists(readback.pool(caller.db), value):
        raise XapiError("HA_OPERATION_WOULD_BREAK_FAILOVER_PLAN")
    caller.db.update("pool", pool, ha_host_failures_to_tolerate=value)


@registry.call("pool.ha_compute_max_host_failures_to_tolerate")
def ha_compute_max_host_failures_to_tolerate(caller: Caller) -> int:
    """Return for how many failures xapi finds a plan."""
    return ha.max_failures(readback.pool(caller.db))


@registry.call("pool.ha_compute_hypothetical_max_host_failures_to_tolerate", "configuration:map")
def ha_compute_hypothetical_max_host_failures_to_tolerate(
    caller: Caller, configuration: Mapping[str, str]
) -> int:
    """Return the same if these VMs had these priorities and all others none."""
    for vm, priority in configuration.items():
        if not caller.db.has("VM", vm):
            raise handle_invalid("VM", vm)
        if priority not in PRIORITIES:
            raise XapiError("INVALID_VALUE", "ha_restart_priority", priority)
    chosen = {
        caller.db.get("VM", vm, "uuid") for vm, priority in configuration.items() if priority == "restart"
    }
    pool = readback.pool(caller.db)
    vms = tuple(
        replace(vm, ha_restart_priority="restart", ha_always_run=True)
        if vm.uuid in chosen
        else replace(vm, ha_restart_priority="", ha_always_run=False)
        for vm in pool.vms
    )
    return ha.max_failures(replace(pool, vms=vms))


@registry.call("pool.ha_failover_plan_exists", "n:int")
def ha_failover_plan_exists(caller: Caller, n: int) -> bool:
    """Tell whether xapi finds a plan for n failures."""
    if n < 0:
        raise XapiError("INVALID_VALUE", "n", n)
    return ha.plan_exists(readback.pool(caller.db), n)


@registry.call("pool.ha_schedule_plan_recomputation")
def ha_schedule_plan_recomputation(caller: Caller) -> None:
    """Do nothing: the monitor plans after every change."""


@registry.call("pool.ha_prevent_restarts_for", "seconds:int")
def ha_prevent_restarts_for(caller: Caller, seconds: int) -> None:
    """Do nothing: this xapi restarts no VM."""


@registry.call("pool.sync_database")
def sync_database(caller: Caller) -> None:
    """Do nothing: there is one database."""


@registry.call("pool.designate_new_master", "host:host", has_async=True)
def designate_new_master(caller: Caller, host: str) -> None:
    """Make another host the master, HA being off."""
    pool = caller.lab.pool()
    if caller.db.get("pool", pool, "ha_enabled"):
        raise XapiError("HA_IS_ENABLED")
    placement.assert_in_service(caller.db, host)
    caller.db.update("pool", pool, master=host)


@registry.call("pool.get_license_state", "self:pool")
def get_license_state(caller: Caller, pool: str) -> dict[str, str]:
    """Return that everything is licensed."""
    return {"edition": "free", "expiry": "never"}


@registry.call("pool.has_extension", "self:pool name:string")
def has_extension(caller: Caller, pool: str, name: str) -> bool:
    """Return that there are no extensions."""
    return False


@registry.call("session.get_all_subject_identifiers")
def get_all_subject_identifiers(caller: Caller) -> list[str]:
    """Return that only the local user has sessions."""
    return []


@registry.call("message.create", "name:string priority:int cls:string obj_uuid:string body:string")
def create_message(caller: Caller, name: str, priority: int, cls: str, obj_uuid: str, body: str) -> str:
    """Add a message about an object."""
    return caller.db.create(
        "message",
        uuid=stable_uuid("message", str(caller.db.generation)),
        name=name,
        priority=priority,
        cls=cls,
        obj_uuid=obj_uuid,
        body=body,
        timestamp=Time(caller.lab.now()),
    )


@registry.call("message.destroy", "self:message")
def destroy_message(caller: Caller, message: str) -> None:
    """Remove a message."""
    caller.db.delete("message", message)
