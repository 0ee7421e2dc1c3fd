"""Getters, setters, map and set edits, look-ups, and what every call refuses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from lab.xapi.classes import CLASSES
from lab.xapi.world import METHODS

Refused = Callable[..., list[str]]


def test_look_ups(xapi: Any) -> None:
    ref = xapi.VM.get_by_uuid("vm-0")
    assert xapi.VM.get_by_name_label("app-0") == [ref]
    assert xapi.VM.get_by_name_label("nobody") == []
    assert ref in xapi.VM.get_all()
    assert xapi.VM.get_all_records()[ref] == xapi.VM.get_record(ref)
    assert xapi.VM.get_uuid(ref) == "vm-0"


def test_relations_lead_both_ways(xapi: Any) -> None:
    vm, host = xapi.VM.get_by_uuid("vm-0"), xapi.host.get_by_uuid("host-a")
    assert vm in xapi.host.get_resident_VMs(host)
    disks = [vbd for vbd in xapi.VM.get_VBDs(vm) if not xapi.VBD.get_empty(vbd)]
    assert [xapi.VDI.get_SR(xapi.VBD.get_VDI(vbd)) for vbd in disks] == [xapi.SR.get_by_uuid("sr-san")]
    assert xapi.host.get_resident_VMs(xapi.VM.get_resident_on(vm)).count(vm) == 1


def test_setters_and_edits(xapi: Any, refused: Refused) -> None:
    vm = xapi.VM.get_by_uuid("vm-0")
    xapi.VM.set_name_label(vm, "renamed")
    xapi.VM.add_to_other_config(vm, "key", "value")
    assert refused(xapi.VM.add_to_other_config, vm, "key", "x") == [
        "MAP_DUPLICATE_KEY",
        "VM",
        "other_config",
        vm,
        "key",
    ]
    assert xapi.VM.get_other_config(vm) == {"key": "value"}
    xapi.VM.remove_from_other_config(vm, "key")
    xapi.VM.remove_from_other_config(vm, "key")
    xapi.VM.add_tags(vm, "gold")
    xapi.VM.add_tags(vm, "gold")
    assert xapi.VM.get_tags(vm) == ["gold"]
    xapi.VM.remove_tags(vm, "gold")
    xapi.VM.set_affinity(vm, xapi.host.get_by_uuid("host-b"))
    xapi.VM.set_affinity(vm, "OpaqueRef:NULL")
    record = xapi.VM.get_record(vm)
    assert (record["name_label"], record["other_config"], record["tags"]) == ("renamed", {}, [])


def test_every_class_has_its_methods() -> None:
    for name, spec in CLASSES.items():
        assert f"{name}.get_record" in METHODS
        assert all(f"{name}.get_{field}" in METHODS for field in spec.fields)
        assert (f"{name}.get_all_records" in METHODS) == spec.evented


@pytest.mark.parametrize(
    ("method", "params", "error"),
    [
        ("VM.get_record", ["OpaqueRef:x"], ["HANDLE_INVALID", "VM", "OpaqueRef:x"]),
        ("VM.get_record", ["OpaqueRef:NULL"], ["HANDLE_INVALID", "VM", "OpaqueRef:NULL"]),
        ("VM.get_by_uuid", ["x"], ["UUID_INVALID", "VM", "x"]),
        ("VM.get_record", [7], ["FIELD_TYPE_ERROR", "self"]),
        ("VM.get_record", [], ["MESSAGE_PARAMETER_COUNT_MISMATCH", "VM.get_record", "1", "0"]),
        ("VM.get_all", ["x"], ["MESSAGE_PARAMETER_COUNT_MISMATCH", "VM.get_all", "0", "1"]),
        ("VM.make_coffee", [], ["MESSAGE_METHOD_UNKNOWN", "VM.make_coffee"]),
        ("vm.get_all", [], ["MESSAGE_METHOD_UNKNOWN", "vm.get_all"]),
        ("", [], ["MESSAGE_METHOD_UNKNOWN", ""]),
        ("Async.VM.get_all", [], ["MESSAGE_METHOD_UNKNOWN", "Async.VM.get_all"]),
        ("VM.set_power_state", ["x", "Running"], ["MESSAGE_METHOD_UNKNOWN", "VM.set_power_state"]),
        ("VM.set_name_label", ["{vm}", 7], ["FIELD_TYPE_ERROR", "value"]),
        ("VM.set_is_a_template", ["{vm}", "true"], ["FIELD_TYPE_ERROR", "value"]),
        ("VM.set_other_config", ["{vm}", {"a": 1}], ["FIELD_TYPE_ERROR", "value"]),
        ("VM.set_other_config", ["{vm}", []], ["FIELD_TYPE_ERROR", "value"]),
        ("VM.set_tags", ["{vm}", "gold"], ["FIELD_TYPE_ERROR", "value"]),
        ("VM.set_tags", ["{vm}", [1]], ["FIELD_TYPE_ERROR", "value"]),
        ("VM.set_affinity", ["{vm}", "OpaqueRef:x"], ["HANDLE_INVALID", "host", "OpaqueRef:x"]),
        ("VM.set_affinity", ["{vm}", "host-a"], ["FIELD_TYPE_ERROR", "value"]),
        ("VM.set_order", ["{vm}", 2**63], ["FIELD_TYPE_ERROR", "value"]),
        ("VM.set_order", ["{vm}", "1e3"], ["FIELD_TYPE_ERROR", "value"]),
        ("VM.set_order", ["{vm}", True], ["FIELD_TYPE_ERROR", "value"]),
        ("VM.set_order", ["{vm}", None], ["FIELD_TYPE_ERROR", "value"]),
    ],
)
def test_refusals(json_rpc: Any, method: str, params: list[Any], error: list[str]) -> None:
    vm = json_rpc("VM.get_by_uuid", "vm-0")
    answer = json_rpc(method, *[vm if param == "{vm}" else param for param in params])
    assert [answer["message"], *answer["data"]] == error


def test_no_session_at_all(json_rpc: Any) -> None:
    answer = json_rpc.call("VM.get_all")["error"]
    assert [answer["message"], *answer["data"]] == [
        "MESSAGE_PARAMETER_COUNT_MISMATCH",
        "VM.get_all",
        "0",
        "0",
    ]
