"""event.from: tokens, subscriptions, waiting; event.inject; the old register and next."""

from __future__ import annotations

import contextlib
import threading
from typing import Any

import httpx
import pytest

from lab.xapi.server import RunningServer


def operations(batch: dict[str, Any]) -> list[tuple[str, str]]:
    return [(event["operation"], event["ref"]) for event in batch["events"]]


def test_the_empty_token_gives_everything(json_rpc: Any) -> None:
    batch = json_rpc("event.from", ["*"], "", 1.0)
    assert {event["operation"] for event in batch["events"]} == {"add"}
    found: dict[str, dict[str, Any]] = {}
    for event in batch["events"]:
        found.setdefault(event["class"], {})[event["ref"]] = event["snapshot"]
    assert found["vm"] == json_rpc("VM.get_all_records")
    assert found["host_metrics"] == json_rpc("host_metrics.get_all_records")
    assert "session" not in found
    counts = {name: n for name, n in batch["valid_ref_counts"].items() if n}
    assert counts == {name: len(records) for name, records in found.items()}


def test_events_follow_a_token(json_rpc: Any) -> None:
    token = json_rpc("event.from", ["vm"], "", 0.0)["token"]
    ref = json_rpc("VM.get_by_uuid", "vm-0")
    json_rpc("VM.set_name_label", ref, "renamed")
    batch = json_rpc("event.from", ["vm"], token, 5.0)
    assert operations(batch) == [("mod", ref)]
    assert batch["events"][0]["snapshot"]["name_label"] == "renamed"
    assert batch["token"] > token
    again = json_rpc("event.from", ["vm"], token, 5.0)
    assert operations(again) == operations(batch)


def test_a_quiet_pool_answers_after_the_timeout(json_rpc: Any) -> None:
    token = json_rpc("event.from", ["vm"], "", 0.0)["token"]
    batch = json_rpc("event.from", ["vm"], token, 0.05)
    assert batch["events"] == []
    assert batch["token"] >= token


def test_changes_of_other_classes_do_not_show(json_rpc: Any) -> None:
    token = json_rpc("event.from", ["vm"], "", 0.0)["token"]
    json_rpc("host.set_name_label", json_rpc("host.get_by_uuid", "host-a"), "renamed")
    assert json_rpc("event.from", ["VM"], token, 0.0)["events"] == []
    assert [e["class"] for e in json_rpc("event.from", ["Host"], token, 0.0)["events"]] == ["host"]


def test_one_object_can_be_watched(json_rpc: Any) -> None:
    one, other = json_rpc("VM.get_by_uuid", "vm-0"), json_rpc("VM.get_by_uuid", "vm-1")
    batch = json_rpc("event.from", [f"VM/{one}"], "", 0.0)
    assert operations(batch) == [("add", one)]
    json_rpc("VM.set_name_label", other, "renamed")
    assert json_rpc("event.from", [f"vm/{one}"], batch["token"], 0.0)["events"] == []


def test_removals_are_told_by_reference(json_rpc: Any) -> None:
    token = json_rpc("event.from", ["vm"], "", 0.0)["token"]
    ref = json_rpc("VM.get_by_uuid", "vm-spare")
    json_rpc("VM.destroy", ref)
    batch = json_rpc("event.from", ["vm"], token, 5.0)
    assert operations(batch) == [("del", ref)]
    assert "snapshot" not in batch["events"][0]
    assert batch["valid_ref_counts"]["vm"] == 12


def test_what_came_and_went_is_not_told(json_rpc: Any) -> None:
    token = json_rpc("event.from", ["task"], "", 0.0)["token"]
    task = json_rpc("task.create", "label", "description")
    json_rpc("task.destroy", task)
    assert json_rpc("event.from", ["task"], token, 0.0)["events"] == []


def test_an_addition_and_its_changes_are_one_event(json_rpc: Any) -> None:
    token = json_rpc("event.from", ["task"], "", 0.0)["token"]
    task = json_rpc("task.create", "label", "description")
    json_rpc("task.set_status", task, "success")
    batch = json_rpc("event.from", ["task"], token, 0.0)
    assert operations(batch) == [("add", task)]
    assert batch["events"][0]["snapshot"]["status"] == "success"


def test_what_was_seen_as_new_is_only_changed_later(json_rpc: Any) -> None:
    task = json_rpc("task.create", "label", "description")
    batch = json_rpc("event.from", ["task"], "", 0.0)
    assert operations(batch) == [("add", task)]
    json_rpc("task.set_status", task, "success")
    assert operations(json_rpc("event.from", ["task"], batch["token"], 5.0)) == [("mod", task)]


def test_a_waiting_call_is_woken(server: RunningServer, json_rpc: Any, xapi: Any) -> None:
    token = json_rpc("event.from", ["vm"], "", 0.0)["token"]
    answers: list[Any] = []
    poll = threading.Thread(target=lambda: answers.append(json_rpc("event.from", ["vm"], token, 60.0)))
    poll.start()
    assert server.state.wait_for_poll()
    vm = xapi.VM.get_by_uuid("vm-0")
    xapi.VM.clean_shutdown(vm)
    poll.join(60)
    assert ("mod", vm) in operations(answers[0])


def test_no_event_is_lost_between_two_polls(server: RunningServer, json_rpc: Any) -> None:
    """Follow a flood from two threads; the follower ends up with the very same records."""
    batch = json_rpc("event.from", ["vm"], "", 0.0)
    seen = {event["ref"]: event["snapshot"] for event in batch["events"]}

    def rename() -> None:
        for i in range(300):
            ref = refs[i % len(refs)]
            server.lab.db.update("VM", ref, name_label=f"name {i}")

    refs = list(seen)
    writer = threading.Thread(target=rename)
    writer.start()
    while True:
        done = not writer.is_alive()
        batch = json_rpc("event.from", ["vm"], batch["token"], 0.0 if done else 0.05)
        seen |= {event["ref"]: event["snapshot"] for event in batch["events"]}
        if done and not batch["events"]:
            break
    writer.join()
    assert seen == json_rpc("VM.get_all_records")


def test_injected_events_are_seen_from_their_token(json_rpc: Any) -> None:
    pool = json_rpc("pool.get_all")[0]
    token = json_rpc("event.inject", "pool", pool)
    assert ("mod", pool) in operations(json_rpc("event.from", ["pool"], token, 0.0))


@pytest.mark.parametrize(
    ("params", "error"),
    [
        ((["vm"], "yesterday", 0.0), ["EVENT_FROM_TOKEN_PARSE_FAILURE", "yesterday"]),
        ((["vm"], "1,2,3", 0.0), ["EVENT_FROM_TOKEN_PARSE_FAILURE", "1,2,3"]),
        ((["no_such_class"], "", 0.0), ["EVENT_SUBSCRIPTION_PARSE_FAILURE", "no_such_class"]),
        (("vm", "", 0.0), ["FIELD_TYPE_ERROR", "classes"]),
        ((["vm"], "", "soon"), ["FIELD_TYPE_ERROR", "timeout"]),
        ((["vm"], ""), ["MESSAGE_PARAMETER_COUNT_MISMATCH", "event.from", "3", "2"]),
    ],
)
def test_refused_calls(json_rpc: Any, params: tuple[Any, ...], error: list[str]) -> None:
    answer = json_rpc("event.from", *params)
    assert [answer["message"], *answer["data"]] == error


def test_register_and_next(json_rpc: Any) -> None:
    assert json_rpc("event.next")["message"] == "SESSION_NOT_REGISTERED"
    json_rpc("event.register", ["VM", "host"])
    ref = json_rpc("VM.get_by_uuid", "vm-0")
    json_rpc("VM.set_name_label", ref, "renamed")
    assert [(e["class"], e["ref"]) for e in json_rpc("event.next")] == [("vm", ref)]
    json_rpc("event.unregister", ["VM"])
    json_rpc("VM.set_name_label", ref, "again")
    host = json_rpc("host.get_by_uuid", "host-a")
    json_rpc("host.set_name_label", host, "renamed")
    assert [e["ref"] for e in json_rpc("event.next")] == [host]


def test_stopping_the_server_ends_a_long_poll(server: RunningServer, json_rpc: Any) -> None:
    token = json_rpc("event.from", ["vm"], "", 0.0)["token"]
    ended = threading.Event()

    def poll() -> None:
        with contextlib.suppress(httpx.HTTPError):
            json_rpc("event.from", ["vm"], token, 60.0)
        ended.set()

    thread = threading.Thread(target=poll)
    thread.start()
    assert server.state.wait_for_poll()
    server.stop()
    assert ended.wait(60)
    thread.join()
