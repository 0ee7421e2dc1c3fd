"""Starting and handing over: what is remembered, what is told to the machine, what a successor is given."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from hacore.edge.handover import NONE, PING, VARIABLE, Inheritance, inherited, ping
from hacore.edge.start import memory_of


class At:
    def __init__(self, now_ns: int) -> None:
        self.now_ns = now_ns

    def monotonic_ns(self) -> int:
        return self.now_ns

    def wall_seconds(self) -> float:
        return 0.0


def left(**values: int) -> Inheritance:
    plain = {
        "pid": os.getpid(),
        "watchdog": NONE,
        "lock": NONE,
        "listener": NONE,
        "since_ns": 100,
        "ping_until_ns": 50,
        "disarmed": False,
        "bug_ns": 0,
        "finished": True,
    }
    return Inheritance(**{**plain, **values})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("now_ns", "since_ns", "pings"), [(149, 100, 1), (150, 100, 1), (151, 100, 0), (10, 0, 0), (10_000, 0, 0)]
)
def test_a_handover_pings_only_while_s_allows(now_ns: int, since_ns: int, pings: int) -> None:
    reader, writer = os.pipe2(os.O_NONBLOCK)
    ping(left(watchdog=writer, since_ns=since_ns), At(now_ns))
    os.close(writer)
    assert os.read(reader, 10) == PING * pings
    os.close(reader)


def test_nothing_is_pinged_that_is_not_armed_or_gone() -> None:
    ping(left(), At(100))
    reader, writer = os.pipe()
    os.close(reader)
    ping(left(watchdog=writer), At(100))
    os.close(writer)


def test_an_inheritance_is_taken_once_and_by_its_heir_only() -> None:
    reader, writer = os.pipe()
    os.set_inheritable(writer, True)
    text = {name: getattr(left(watchdog=writer), name) for name in Inheritance.__dataclass_fields__}
    environment = {VARIABLE: json.dumps(text)}
    assert inherited(environment) == left(watchdog=writer)
    assert environment == {}
    assert not os.get_inheritable(writer)
    assert inherited({}) is None
    assert inherited({VARIABLE: json.dumps(text | {"pid": 1})}) is None
    os.close(reader)
    os.close(writer)


def test_fences_are_remembered_from_the_journal(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_text(
        "time=2026-01-31T00:00:00.000Z mono=1 event=fence cause=left_out watchdog=device\n"
        "time=2026-01-31T00:00:01.000Z mono=1 event=start\n"
        "broken line\n"
        "time=2026-02-01T00:00:00.500Z mono=1 event=fence cause=storage_lost watchdog=device\n"
    )
    memory = memory_of(str(path))
    assert memory.last_cause == "storage_lost"
    assert memory.last_at_seconds == 1_769_904_000.5
    assert memory.by_cause == {"left_out": 1, "storage_lost": 1}
    assert memory_of("").last_cause == "none"
    assert memory_of(str(tmp_path / "nowhere")).by_cause == {}
