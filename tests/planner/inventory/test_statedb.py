"""23 databases of real pools (tests/external/xenserver-statedb): who can run where, and free memory.

The cases hold hosts with their attached SRs and their networks, and VMs with theirs; from these the records
are made that xapi would show, and what is read from them must agree with the cases.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from planner.agility import Reach
from planner.inventory.parse import parse
from planner.inventory.records import FIELDS
from planner.inventory.snapshot import Snapshot

FILE = Path(__file__).parents[2] / "external" / "xenserver-statedb" / "cases.json"
CASES = json.loads(FILE.read_text(encoding="utf-8"))["cases"]
every_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])


def look(case: dict[str, Any]) -> Snapshot:
    tables: dict[str, dict[str, dict[str, Any]]] = {name: {} for name in FIELDS}
    flags = {
        key: value == "true" if value in {"true", "false"} else value
        for key, value in case["pool_flags"].items()
    }
    tables["pool"]["pool"] = {"uuid": case["id"], "name_label": case["id"], **flags}
    for host in case["pool"]["hosts"]:
        _add_host(tables, host)
    attached = [sr for host in case["pool"]["hosts"] for sr in host["srs_attached"]]
    for sr in attached:
        tables["sr"][sr] = {"uuid": sr, "name_label": sr, "type": "", "shared": attached.count(sr) > 1}
    for vm in case["pool"]["vms"]:
        _add_vm(tables, vm)
    return parse(tables)


def _add_host(tables: dict[str, dict[str, dict[str, Any]]], host: dict[str, Any]) -> None:
    name = host["id"]
    tables["host"][name] = {
        "uuid": name,
        "name_label": name,
        "enabled": host["enabled"],
        "metrics": f"metrics of {name}",
        "memory_overhead": str(host["memory_overhead"]),
    }
    tables["host_metrics"][f"metrics of {name}"] = {"uuid": f"m {name}", "live": host["live"]}
    if host["memory_total"]:
        tables["host_metrics"][f"metrics of {name}"]["memory_total"] = str(host["memory_total"])
    tables["vm"][f"dom0 of {name}"] = {
        "uuid": f"dom0 of {name}",
        "power_state": "Running",
        "resident_on": name,
        "memory_static_max": str(host["dom0"]),
        "is_control_domain": True,
    }
    for sr in host["srs_attached"]:
        ref = f"{sr} on {name}"
        tables["pbd"][ref] = {"uuid": ref, "host": name, "SR": sr, "currently_attached": True}
    for network in host["networks"]:
        ref = f"{network} on {name}"
        tables["pif"][ref] = {
            "uuid": ref,
            "host": name,
            "network": network,
            "bond_slave_of": "OpaqueRef:NULL",
        }
        tables["network"][network] = {"uuid": network, "name_label": network}


def _add_vm(tables: dict[str, dict[str, dict[str, Any]]], vm: dict[str, Any]) -> None:
    ref = vm["uuid"]
    tables["vm"][ref] = {
        "uuid": ref,
        "name_label": vm["id"],
        "power_state": vm["power_state"],
        "resident_on": vm["home"] or "OpaqueRef:NULL",
        "memory_static_max": str(vm["static_max"]),
        "memory_dynamic_min": str(vm["dynamic_min"]),
        "memory_overhead": str(vm["overhead"]),
        "ha_always_run": vm["ha_always_run"],
        "ha_restart_priority": vm["ha_restart_priority"],
    }
    for sr in vm["srs"]:
        tables["vdi"][f"{sr} of {ref}"] = {"uuid": f"{sr} of {ref}", "SR": sr}
        tables["vbd"][f"{sr} of {ref}"] = {"uuid": "", "VM": ref, "VDI": f"{sr} of {ref}", "empty": False}
    for network in vm["networks"]:
        tables["network"].setdefault(network, {"uuid": network, "name_label": network})
        tables["vif"][f"{network} of {ref}"] = {"uuid": "", "VM": ref, "network": network}


@every_case
def test_who_can_run_where(case: dict[str, Any]) -> None:
    pool = look(case).pool
    reach = Reach(pool)
    for vm in case["pool"]["vms"]:
        mask = reach.candidates(pool.vm_by_uuid[vm["uuid"]])
        found = {host.uuid for i, host in enumerate(pool.hosts_in_service) if mask >> i & 1}
        in_service = {host.uuid for host in pool.hosts_in_service}
        assert found == set(vm["allowed"]) & in_service, vm["id"]


@every_case
def test_names_that_say_local_or_shared_are_right(case: dict[str, Any]) -> None:
    pool = look(case).pool
    for vm in pool.vms:
        if vm.name.lower().endswith("local"):
            assert any("is not shared" in reason for reason in vm.unagile_because), vm.name
        if vm.name.lower().endswith("shared"):
            assert Reach(pool).agile(vm), vm.name


@every_case
def test_memory_for_guests(case: dict[str, Any]) -> None:
    snapshot = look(case)
    for host in case["pool"]["hosts"]:
        if not host["memory_total"]:
            assert ("host", host["id"]) in {(reject.record_class, reject.uuid) for reject in snapshot.rejects}
            continue
        guests = sum(
            vm.need_bytes for vm in snapshot.pool.vms if vm.home == host["id"] and not vm.is_control_domain
        )
        assert snapshot.pool.free_unclamped_bytes[host["id"]] + guests == host["memory"]


@every_case
def test_who_is_protected(case: dict[str, Any]) -> None:
    pool = look(case).pool
    for vm in case["pool"]["vms"]:
        expected = vm["ha_always_run"] and vm["ha_restart_priority"] not in {"", "best-effort"}
        assert pool.vm_by_uuid[vm["uuid"]].protected is expected
