"""Changes of a VM's power state, each complete: record, devices, metrics, the host's memory.

No checks here: the calls have made them.
"""

from __future__ import annotations

from typing import Any

from lab.xapi import records
from lab.xapi.classes import NULL, Time
from lab.xapi.database import Database, Record
from lab.xapi.placement import need_bytes, occupants


def run(db: Database, vm_ref: str, host: str, now: str, *, paused: bool = False) -> None:
    """Let a VM run on a host."""
    vm = db.record("VM", vm_ref)
    old = vm["resident_on"]
    state = "Paused" if paused else "Running"
    _set_state(db, vm_ref, state, resident_on=host, domid=records.domain_id(vm["uuid"]), suspend_VDI=NULL)
    if vm["ha_restart_priority"] == "restart":
        db.update("VM", vm_ref, ha_always_run=True)
    metrics = {"memory_actual": vm["memory_static_max"], "VCPUs_number": vm["VCPUs_at_startup"]}
    _set_metrics(db, vm, start_time=Time(now), last_updated=Time(now), **metrics)
    _attach(db, vm, attached=True)
    refresh_memory(db, host, old)


def halt(db: Database, vm_ref: str, now: str, *, state: str = "Halted") -> None:
    """Let a VM run nowhere: Halted or Suspended."""
    vm = db.record("VM", vm_ref)
    _set_state(db, vm_ref, state, resident_on=NULL, domid=-1)
    _set_metrics(db, vm, memory_actual=0, VCPUs_number=0, last_updated=Time(now))
    _attach(db, vm, attached=False)
    refresh_memory(db, vm["resident_on"])


def change_state(db: Database, vm_ref: str, state: str) -> None:
    """Pause or unpause a VM where it is."""
    db.update("VM", vm_ref, power_state=state, allowed_operations=records.VM_OPERATIONS[state])


def refresh_memory(db: Database, *hosts: str) -> None:
    """Write Host_metrics.memory_free anew; NULL references are passed over."""
    for host in {host for host in hosts if host != NULL}:
        record = db.record("host", host)
        total = db.get("host_metrics", record["metrics"], "memory_total")
        used = sum(need_bytes(vm) for vm in occupants(db, host))
        free = max(0, total - record["memory_overhead"] - used)
        db.update("host_metrics", record["metrics"], memory_free=free)


def _set_state(db: Database, vm_ref: str, state: str, **fields: Any) -> None:
    db.update(
        "VM",
        vm_ref,
        power_state=state,
        allowed_operations=records.VM_OPERATIONS[state],
        scheduled_to_be_resident_on=NULL,
        **fields,
    )


def _set_metrics(db: Database, vm: Record, **fields: Any) -> None:
    if vm["metrics"] != NULL and db.has("VM_metrics", vm["metrics"]):
        db.update("VM_metrics", vm["metrics"], **fields)


def _attach(db: Database, vm: Record, *, attached: bool) -> None:
    for vbd in vm["VBDs"]:
        if db.has("VBD", vbd):
            db.update("VBD", vbd, currently_attached=attached and not db.get("VBD", vbd, "empty"))
    for vif in vm["VIFs"]:
        if db.has("VIF", vif):
            db.update("VIF", vif, currently_attached=attached)
