"""Starting and handing over: what is remembered, what is told to the machine, what a successor is given."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from hacore.core.events import DiskCycle
from hacore.core.numbering import UNFINISHED, Finished
from hacore.edge.handover import NONE, PING, VARIABLE, Inheritance, inherited, ping
from hacore.edge.start import finished_now, memory_of

ROOT = Path(__file__).parents[3]


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
        "finished": 7,
        "hurried": False,
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


def test_a_process_in_a_hurry_is_at_ease_again_afterwards() -> None:
    """In a child, so that nothing of it stays; where real-time priority is not granted, nothing happens."""
    text = (
        "import os, json\n"
        "from hacore.edge.handover import *\n"
        "hurried, now = hurry(), os.sched_getscheduler(0)\n"
        "again = hurry()\n"
        "child = os.fork()\n"
        "if not child: os._exit(os.sched_getscheduler(0))\n"
        "inherited_by_child = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])\n"
        "left = Inheritance(os.getpid(), NONE, NONE, NONE, 0, 0, False, 0, True, hurried)\n"
        "be_at_ease(left)\n"
        "print(json.dumps([hurried, now, again, inherited_by_child, os.sched_getscheduler(0)]))\n"
    )
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True, cwd=ROOT)
    hurried, during, again, child, after = json.loads(done.stdout)
    assert bool(during & os.SCHED_RR) is hurried
    assert not again
    assert (child, after) == (os.SCHED_OTHER, os.SCHED_OTHER)


def test_an_inheritance_is_taken_once_and_by_its_heir_only() -> None:
    reader, writer = os.pipe()
    os.set_inheritable(writer, True)
    text = {name: getattr(left(watchdog=writer), name) for name in Inheritance.__dataclass_fields__}
    environment = {VARIABLE: json.dumps(text)}
    found = inherited(environment)
    assert found is not None
    assert replace(found, failed_ns=tuple(found.failed_ns)) == left(watchdog=writer)
    assert environment == {}
    assert not os.get_inheritable(writer)
    assert inherited({}) is None
    assert inherited({VARIABLE: json.dumps(text | {"pid": 1})}) is None
    os.close(reader)
    os.close(writer)


def test_predecessors_of_other_versions_are_understood() -> None:
    first = (
        "pid",
        "watchdog",
        "lock",
        "listener",
        "since_ns",
        "ping_until_ns",
        "disarmed",
        "bug_ns",
        "finished",
    )
    text = {name: getattr(left(), name) for name in first}
    assert inherited({VARIABLE: json.dumps(text)}) == left()
    assert inherited({VARIABLE: json.dumps(text | {"of_a_later_version": 1})}) == left()
    older = inherited({VARIABLE: json.dumps(text | {"finished": True})})
    assert older is not None
    assert older.writes.sequence == 1, (
        "no slot ever shows it: a predecessor that named no write is not believed"
    )


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


WROTE = DiskCycle(7, 1, True, 2, 3, True, (1,), (None,), 0, 2, 0, False)
BEFORE, LEFT = Finished(5), Finished(77)


class Ended:
    """A pump that has stopped, or hangs; its last cycle is told once."""

    def __init__(self, cycle: DiskCycle | None, *, ended: bool) -> None:
        self._cycle, self._ended = cycle, ended

    def stop(self) -> bool:
        return self._ended

    def cycle(self) -> DiskCycle | None:
        cycle, self._cycle = self._cycle, None
        return cycle

    def left(self) -> Finished:
        assert self._ended, "nobody may look at what still changes"
        return LEFT


@pytest.mark.parametrize(
    ("told", "last", "ended", "version", "finished"),
    [
        (WROTE, None, True, 7, LEFT),
        (None, WROTE, True, 7, LEFT),
        (WROTE, None, False, 7, UNFINISHED),  # a call to the disk is out
        (replace(WROTE, written=False), WROTE, True, 7, UNFINISHED),  # the newest cycle counts
        (None, None, True, 7, UNFINISHED),  # published, and killed before the first cycle ended
        (None, replace(WROTE, written=False), False, 0, BEFORE),  # it only read: what was said holds still
    ],
)
def test_a_daemon_says_that_it_finished_only_if_nothing_of_it_is_out(
    told: DiskCycle | None, last: DiskCycle | None, ended: bool, version: int, finished: Finished
) -> None:
    parts = SimpleNamespace(
        pump=Ended(told, ended=ended), hands=SimpleNamespace(version=version), finished=BEFORE
    )
    daemon = SimpleNamespace(parts=parts, cycle=last)
    assert finished_now(daemon) == finished
    assert finished_now(daemon) == finished, "asked again, as where no successor can be started"
