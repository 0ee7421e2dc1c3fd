"""Async calls: tasks from pending to success or failure."""

from __future__ import annotations

import xmlrpc.client
from collections.abc import Callable
from typing import Any

Refused = Callable[..., list[str]]


def finished(json_rpc: Any, task: str) -> dict[str, Any]:
    """Follow a task by events, as clients do, until it is no longer pending; return its record."""
    token = ""
    while True:
        batch = json_rpc("event.from", [f"task/{task}"], token, 20.0)
        token = batch["token"]
        for event in batch["events"]:
            if event["snapshot"]["status"] != "pending":
                record: dict[str, Any] = event["snapshot"]
                return record


def value_of(result: str) -> Any:
    """Return the value in a task's result."""
    document = f"<methodResponse><params><param>{result}</param></params></methodResponse>"
    return xmlrpc.client.loads(document)[0][0]


def test_success_without_a_result(json_rpc: Any) -> None:
    vm = json_rpc("VM.get_by_uuid", "vm-spare")
    record = finished(json_rpc, json_rpc("Async.VM.start", vm, False, False))
    assert (record["status"], record["result"], record["error_info"]) == ("success", "", [])
    assert (record["name_label"], record["progress"]) == ("Async.VM.start", 1.0)
    assert record["finished"] >= record["created"] > "1970"
    assert json_rpc("VM.get_power_state", vm) == "Running"


def test_success_with_a_result(json_rpc: Any) -> None:
    vm = json_rpc("VM.get_by_uuid", "vm-spare")
    record = finished(json_rpc, json_rpc("Async.VM.get_possible_hosts", vm))
    assert record["result"].startswith("<value><array><data><value>OpaqueRef:")
    assert value_of(record["result"]) == json_rpc("VM.get_possible_hosts", vm)


def test_failure(json_rpc: Any) -> None:
    vm = json_rpc("VM.get_by_uuid", "vm-0")
    record = finished(json_rpc, json_rpc("Async.VM.start", vm, False, False))
    assert record["status"] == "failure"
    assert record["error_info"] == ["VM_BAD_POWER_STATE", vm, "halted", "running"]


def test_wrong_parameters_fail_the_task_or_the_call(json_rpc: Any) -> None:
    assert json_rpc("Async.VM.start")["message"] == "MESSAGE_PARAMETER_COUNT_MISMATCH"
    record = finished(json_rpc, json_rpc("Async.VM.start", "OpaqueRef:x", False, False))
    assert record["error_info"] == ["HANDLE_INVALID", "VM", "OpaqueRef:x"]


def test_the_vendors_client(xapi: Any) -> None:
    vm = xapi.VM.get_by_uuid("vm-0")
    task = xapi.Async.VM.clean_shutdown(vm)
    assert xapi.task.get_status(task) in {"pending", "success"}
    assert task in xapi.task.get_all()


def test_tasks_of_clients(xapi: Any, refused: Refused) -> None:
    task = xapi.task.create("label", "description")
    assert xapi.task.get_status(task) == "pending"
    xapi.task.set_progress(task, 0.5)
    xapi.task.set_status(task, "success")
    record = xapi.task.get_record(task)
    assert (record["name_label"], record["progress"], record["status"]) == ("label", 0.5, "success")
    assert refused(xapi.task.set_status, task, "perhaps") == ["INVALID_VALUE", "value", "perhaps"]
    assert refused(xapi.task.cancel, task)[0] == "OPERATION_NOT_ALLOWED"
    xapi.task.destroy(task)
    assert refused(xapi.task.get_status, task) == ["HANDLE_INVALID", "task", task]
