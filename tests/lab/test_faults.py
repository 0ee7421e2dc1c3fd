"""Faults do what they say, the same each time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from lab.pools import small_pool
from lab.xapi import faults
from lab.xapi.classes import CLASSES
from lab.xapi.errors import XapiError
from lab.xapi.populate import database
from lab.xapi.server import RunningServer

Refused = Callable[..., list[str]]


def test_dropped_records_are_the_same_for_a_seed() -> None:
    dropped = [faults.drop_records(database(small_pool()), 0.5, seed) for seed in (1, 1, 2)]
    assert dropped[0] == dropped[1] != dropped[2]
    assert len(dropped[0]) == 6


def test_dropped_records_leave_what_points_to_them(server: RunningServer, json_rpc: Any) -> None:
    token = json_rpc("event.from", ["vdi"], "", 0.0)["token"]
    dropped = server.state.drop_records(1.0, 0, class_name="VDI")
    batch = json_rpc("event.from", ["vdi"], token, 5.0)
    assert [event["operation"] for event in batch["events"]] == ["del"] * len(dropped)
    assert json_rpc("VDI.get_all") == []
    assert json_rpc("SR.get_VDIs", json_rpc("SR.get_by_uuid", "sr-san"))
    disks = [vbd for vbd in json_rpc("VBD.get_all_records").values() if not vbd["empty"]]
    assert disks
    assert all(disk["VDI"] != "OpaqueRef:NULL" for disk in disks)


def test_everything_but_pool_and_sessions_can_be_dropped(xapi: Any) -> None:
    xapi.lab.drop_records(1.0, "0", "*")
    assert len(xapi.pool.get_all()) == 1
    assert xapi.VM.get_all() == xapi.host.get_all() == xapi.SR.get_all() == []


def test_corruption_changes_the_type(server: RunningServer, xapi: Any) -> None:
    vm = xapi.VM.get_by_uuid("vm-0")
    server.state.corrupt("VM", "vm-0", "memory_static_max")
    assert xapi.VM.get_memory_static_max(vm) == "not a number"
    xapi.lab.corrupt("VM", "app-0", "resident_on")
    assert xapi.VM.get_resident_on(vm) == "OpaqueRef:dangling"
    xapi.lab.corrupt("VM", vm, "power_state", True)
    assert "power_state" not in xapi.VM.get_record(vm)


@pytest.mark.parametrize("name", CLASSES["VM"].fields)
def test_every_field_can_be_corrupted(name: str) -> None:
    db = database(small_pool())
    ref = db.refs("VM")[0]
    before = db.get("VM", ref, name)
    faults.corrupt(db, "VM", ref, name)
    assert type(db.get("VM", ref, name)) is not type(before) or db.get("VM", ref, name) != before


def test_a_flood_makes_events_that_change_nothing(server: RunningServer, json_rpc: Any) -> None:
    batch = json_rpc("event.from", ["vm"], "", 0.0)
    before = json_rpc("VM.get_all_records")
    server.state.flood(1000)
    after = json_rpc("event.from", ["vm"], batch["token"], 5.0)
    assert {event["operation"] for event in after["events"]} == {"mod"}
    assert len(after["events"]) == 13
    assert int(after["token"][:20]) - int(batch["token"][:20]) == 1000
    assert json_rpc("VM.get_all_records") == before


@pytest.mark.parametrize(
    ("call", "params", "error"),
    [
        ("drop_records", (1.5, "0"), "INVALID_VALUE"),
        ("drop_records", (0.5, "0", "VMs"), "INVALID_VALUE"),
        ("corrupt", ("VM", "vm-0", "no_such_field"), "INVALID_VALUE"),
        ("corrupt", ("VMs", "vm-0", "uuid"), "INVALID_VALUE"),
        ("corrupt", ("VM", "nobody", "uuid"), "UUID_INVALID"),
        ("flood", ("-1",), "INVALID_VALUE"),
        ("lose_pbd", ("x",), "UUID_INVALID"),
    ],
)
def test_refusals(xapi: Any, refused: Refused, call: str, params: tuple[Any, ...], error: str) -> None:
    assert refused(getattr(xapi.lab, call), *params)[0] == error


def test_names_must_be_unique() -> None:
    db = database(small_pool())
    one, other = db.refs("VM")[:2]
    db.update("VM", one, name_label="same")
    db.update("VM", other, name_label="same")
    with pytest.raises(XapiError, match="UUID_INVALID VM same"):
        faults.find(db, "VM", "same")
