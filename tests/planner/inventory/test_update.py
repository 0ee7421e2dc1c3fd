"""Back-off, the guard of calls, and where the master is looked for."""

from __future__ import annotations

import threading
from random import Random

from hacore.clock import NS_PER_SECOND
from planner.inventory.api import PROBED_MEMBERS, Members
from planner.inventory.guard import Guard
from planner.inventory.records import Records, cut_down
from planner.inventory.update import Backoff, Pace

PATIENCE_SECONDS = 30.0


class HandClock:
    """A clock that goes when it is told to."""

    def __init__(self) -> None:
        self.now_ns = 0

    def monotonic_ns(self) -> int:
        return self.now_ns

    def wall_seconds(self) -> float:
        return self.now_ns / NS_PER_SECOND


class Call:
    """Something that waits until it is aborted."""

    def __init__(self) -> None:
        self.aborted = threading.Event()

    def abort(self) -> None:
        self.aborted.set()


# Back-off ------------------------------------------------------------------------------------------------


def test_pauses_double_up_to_a_limit_and_begin_anew() -> None:
    backoff = Backoff(Pace(first_retry_seconds=1.0, longest_retry_seconds=10.0), Random(5))
    longest = [1.0, 2.0, 4.0, 8.0, 10.0, 10.0]
    for limit in longest:
        assert limit / 2 <= backoff.next_seconds() <= limit
    backoff.reset()
    assert backoff.next_seconds() <= 1.0


def test_many_watchers_do_not_come_back_together() -> None:
    pauses = {round(Backoff(Pace(), Random(seed)).next_seconds(), 6) for seed in range(50)}
    assert len(pauses) > 40


def test_a_pause_ends_when_asked_to_stop() -> None:
    stop = threading.Event()
    stop.set()
    Backoff(Pace(first_retry_seconds=3600.0, longest_retry_seconds=3600.0), Random(1)).pause(stop)


# Guard ---------------------------------------------------------------------------------------------------


def test_a_call_is_broken_off_when_asked_to_stop() -> None:
    stop, call = threading.Event(), Call()
    with Guard(HandClock(), stop) as guard:
        guard.watch(call)
        stop.set()
        assert call.aborted.wait(PATIENCE_SECONDS)


def test_a_call_is_broken_off_when_it_takes_too_long() -> None:
    clock, call = HandClock(), Call()
    with Guard(clock, threading.Event()) as guard:
        guard.watch(call)
        with guard.limit(10.0):
            clock.now_ns = 11 * NS_PER_SECOND
            assert call.aborted.wait(PATIENCE_SECONDS)


def test_a_call_that_ended_in_time_is_left_alone() -> None:
    clock, stop, early, late = HandClock(), threading.Event(), Call(), Call()
    with Guard(clock, stop) as guard:
        guard.watch(early)
        with guard.limit(10.0):
            clock.now_ns = 9 * NS_PER_SECOND
        clock.now_ns = 11 * NS_PER_SECOND
        guard.watch(late)
        with guard.limit(10.0):
            clock.now_ns = 22 * NS_PER_SECOND
            assert late.aborted.wait(PATIENCE_SECONDS)
    assert not early.aborted.is_set()


# Members -------------------------------------------------------------------------------------------------


def test_the_master_is_looked_for_where_it_was_and_at_all_members_in_turn() -> None:
    members = Members("http://first:81")
    members.learn({str(i): {"address": f"10.0.0.{i}"} for i in range(5)} | {"bad": {"address": "not one"}})
    members.prefer("http://10.0.0.3:81")
    asked: set[str] = set()
    for _ in range(4):
        urls = members.round()
        assert urls[:2] == ["http://10.0.0.3:81", "http://first:81"]
        assert len(urls) <= 2 + PROBED_MEMBERS
        asked |= set(urls)
    assert asked == {"http://first:81"} | {f"http://10.0.0.{i}:81" for i in range(5)}


def test_a_pool_of_one() -> None:
    members = Members("http://first")
    members.learn({"only": {"address": "first"}})
    assert members.round() == ["http://first"]


# Records -------------------------------------------------------------------------------------------------


def event(operation: str, ref: str, snapshot: object = None, name: str = "sr") -> dict[str, object]:
    found: dict[str, object] = {"class": name, "operation": operation, "ref": ref}
    return found if snapshot is None else {**found, "snapshot": snapshot}


def test_events_add_change_and_remove() -> None:
    records = Records()
    assert records.apply([event("add", "r", {"uuid": "u", "shared": True, "size": "1"})])
    assert records.tables["sr"] == {"r": {"uuid": "u", "shared": True}}
    assert records.apply([event("mod", "r", {"uuid": "u", "shared": False})])
    assert records.counts()["sr"] == 1
    assert records.apply([event("del", "r")])
    assert records.counts()["sr"] == 0


def test_what_changes_nothing_we_read_is_no_change() -> None:
    records = Records()
    records.apply([event("add", "r", {"uuid": "u", "size": "1"})])
    assert not records.apply([event("mod", "r", {"uuid": "u", "size": "2"})])
    assert not records.apply([event("del", "other")])
    assert not records.apply([event("mod", "gone"), event("add", "m", {"uuid": "m"}, name="message")])


def test_what_is_no_event_is_ignored() -> None:
    odd = [
        7,
        "x",
        {},
        {"class": "sr"},
        {"class": "sr", "ref": 7},
        event("add", "r", "no record"),
        {"class": 7},
    ]
    assert not Records().apply(odd)


def test_class_names_are_of_any_case() -> None:
    records = Records()
    assert records.apply([event("add", "r", {"uuid": "u"}, name="VM_group")])
    assert records.counts()["vm_group"] == 1


def test_only_the_keys_we_read_of_other_config_are_kept() -> None:
    record = {"uuid": "u", "other_config": {"pci": "0/0", "folder": "/a"}, "cpu_info": {"cpu_count": "8"}}
    assert cut_down("vm", record) == {"uuid": "u", "other_config": {"pci": "0/0"}}
    assert cut_down("vm", {"other_config": 7}) == {"other_config": 7}
