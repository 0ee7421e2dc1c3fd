"""Calls on PBDs and PIFs: plug and unplug, with HA's say in it."""

from __future__ import annotations

from lab.xapi import placement
from lab.xapi.errors import XapiError
from lab.xapi.methods import Caller, Registry

registry = Registry()


@registry.call("PBD.plug", "self:PBD", has_async=True)
def plug_pbd(caller: Caller, pbd: str) -> None:
    """Attach a host to an SR."""
    if not placement.is_live(caller.db, caller.db.get("PBD", pbd, "host")):
        raise XapiError("HOST_OFFLINE", caller.db.get("PBD", pbd, "host"))
    caller.db.update("PBD", pbd, currently_attached=True)


@registry.call("PBD.unplug", "self:PBD", has_async=True)
def unplug_pbd(caller: Caller, pbd: str) -> None:
    """Detach a host from an SR that no VM on it uses and HA does not need."""
    db = caller.db
    record = db.record("PBD", pbd)
    _assert_unused(caller, record["SR"], record["host"])
    if _ha_enabled(caller) and db.get("host", record["host"], "enabled"):
        _assert_ha_allows(caller, record["SR"])
    db.update("PBD", pbd, currently_attached=False)


def _assert_unused(caller: Caller, sr: str, host: str) -> None:
    db = caller.db
    for vdi in db.get("SR", sr, "VDIs"):
        for vbd_ref in db.get("VDI", vdi, "VBDs"):
            vbd = db.record("VBD", vbd_ref)
            if vbd["currently_attached"] and db.get("VM", vbd["VM"], "resident_on") == host:
                raise XapiError("VDI_IN_USE", vdi, "detach")


def _assert_ha_allows(caller: Caller, sr: str) -> None:
    db = caller.db
    statefiles = db.get("pool", caller.lab.pool(), "ha_statefiles")
    if any(db.has("VDI", vdi) and db.get("VDI", vdi, "SR") == sr for vdi in statefiles):
        raise XapiError("HA_IS_ENABLED")
    for vm in db.records("VM").values():
        if vm["ha_always_run"] and vm["ha_restart_priority"] == "restart" and sr in placement.srs(db, vm):
            raise XapiError("HA_CONSTRAINT_VIOLATION_SR_NOT_SHARED", sr)


def _ha_enabled(caller: Caller) -> bool:
    return bool(caller.db.get("pool", caller.lab.pool(), "ha_enabled"))


@registry.call("PIF.plug", "self:PIF", has_async=True)
def plug_pif(caller: Caller, pif: str) -> None:
    """Bring a PIF up."""
    caller.db.update("PIF", pif, currently_attached=True)


@registry.call("PIF.unplug", "self:PIF", has_async=True)
def unplug_pif(caller: Caller, pif: str) -> None:
    """Bring a PIF down, unless HA or the management interface needs it."""
    record = caller.db.record("PIF", pif)
    if not record["currently_attached"]:
        return
    if record["management"]:
        raise XapiError("PIF_IS_MANAGEMENT_INTERFACE", pif)
    if _ha_enabled(caller):
        raise XapiError("HA_IS_ENABLED")
    if record["disallow_unplug"]:
        raise XapiError("PIF_DOES_NOT_ALLOW_UNPLUG", pif)
    caller.db.update("PIF", pif, currently_attached=False)


@registry.call("SR.scan", "sr:SR", has_async=True)
def scan(caller: Caller, sr: str) -> None:
    """Do nothing: the database is the truth."""
