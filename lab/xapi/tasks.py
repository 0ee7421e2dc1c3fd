"""Tasks: what Async.<method> returns, pending until its thread is done.

The result is XML as xapi stores it: "<value>…</value>", or "" for a call that returns nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from lab.xapi.classes import Time
from lab.xapi.codec import xml_value
from lab.xapi.database import stable_uuid
from lab.xapi.errors import XapiError
from lab.xapi.methods import Caller, Registry

if TYPE_CHECKING:
    from lab.xapi.world import Lab

registry = Registry()


def start(lab: Lab, method: str, work: Callable[[], Any]) -> str:
    """Run `work` in a thread; return the reference of its task."""
    with lab.db.lock:
        task = lab.db.create(
            "task",
            uuid=stable_uuid("task", str(lab.db.generation)),
            name_label=f"Async.{method}",
            status="pending",
            created=Time(lab.now()),
            resident_on=lab.master(),
            allowed_operations=["destroy"],
        )
    threading.Thread(target=_run, args=(lab, task, work), name=f"Async.{method}", daemon=True).start()
    return task


def _run(lab: Lab, task: str, work: Callable[[], Any]) -> None:
    try:
        value = work()
    except XapiError as error:
        fields: dict[str, Any] = {"status": "failure", "error_info": error.description}
    else:
        fields = {"status": "success", "result": "" if value in (None, "") else xml_value(value)}
    with lab.db.lock:
        if lab.db.has("task", task):
            lab.db.update("task", task, progress=1.0, finished=Time(lab.now()), **fields)


@registry.call("task.create", "label:string description:string")
def create(caller: Caller, label: str, description: str) -> str:
    """Make a task that its maker completes with set_status."""
    lab = caller.lab
    uuid = stable_uuid("task", str(lab.db.generation))
    return lab.db.create(
        "task",
        uuid=uuid,
        name_label=label,
        name_description=description,
        status="pending",
        created=Time(lab.now()),
        resident_on=lab.master(),
    )


@registry.call("task.destroy", "self:task")
def destroy(caller: Caller, task: str) -> None:
    """Remove a task; its thread goes on."""
    caller.db.delete("task", task)


@registry.call("task.cancel", "task:task", has_async=True)
def cancel(caller: Caller, task: str) -> None:
    """Refuse: nothing here takes long enough to be cancelled."""
    raise XapiError("OPERATION_NOT_ALLOWED", f"the task {task} cannot be cancelled")


@registry.call("task.set_status", "self:task value:string")
def set_status(caller: Caller, task: str, value: str) -> None:
    """Set the status of a task made by task.create."""
    if value not in {"pending", "success", "failure", "cancelling", "cancelled"}:
        raise XapiError("INVALID_VALUE", "value", value)
    caller.db.update("task", task, status=value)


@registry.call("task.set_progress", "self:task value:float")
def set_progress(caller: Caller, task: str, value: float) -> None:
    """Set the progress of a task made by task.create."""
    caller.db.update("task", task, progress=value)
