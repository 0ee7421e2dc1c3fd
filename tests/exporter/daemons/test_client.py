"""Asking daemons: everything a socket can do to us costs its own answer and nobody else's."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from typing import Any

import pytest

from exporter.daemons.client import ask_all
from hacore.clock import NS_PER_SECOND, SystemClock
from hacore.status import SNAPSHOT_BYTES_MAX, STATUS_REQUEST, encode

SHORT = 0.05
ENOUGH = 60.0


@dataclass
class ClockOf:
    """A clock by which no time passes until a daemon has answered, and then a lot."""

    daemon: Any

    def monotonic_ns(self) -> int:
        return 1_000 * NS_PER_SECOND if self.daemon.answered.is_set() else 0

    def wall_seconds(self) -> float:
        return 0.0


def ask(*paths: object, limit_seconds: float = ENOUGH, clock=None):
    return ask_all([str(path) for path in paths], clock=clock or SystemClock(), limit_seconds=limit_seconds)


def test_a_daemon_is_asked_for_its_status(tmp_path, daemon_at, make_status) -> None:
    path = tmp_path / "1.sock"
    daemon = daemon_at(path, make_status())
    assert ask(path) == {str(path): make_status()}
    assert daemon.asked == [STATUS_REQUEST]


def test_a_long_answer_arrives_whole(tmp_path, daemon_at, make_status) -> None:
    status = make_status(warnings=("x" * 4_000,) * 200)
    daemon_at(tmp_path / "1.sock", status)
    assert len(encode(status)) > 700_000
    assert ask(tmp_path / "1.sock") == {str(tmp_path / "1.sock"): status}


def test_a_daemon_need_not_hang_up(tmp_path, daemon_at, make_status) -> None:
    daemon_at(tmp_path / "1.sock", make_status(), holds=True)
    assert ask(tmp_path / "1.sock") == {str(tmp_path / "1.sock"): make_status()}


PROBLEMS = {
    b"": "hung up without an answer",
    b'{"format": ': "hung up before its answer was whole",
    b"{}\n": 'no status: format: expected "xenha-daemon/1", got null',
    b'{"error": "busy"}\n': 'no status: the daemon refuses: "busy"',
    b"\xff\n": "no status: not JSON: 'utf-8' codec can't decode byte 0xff in position 0: invalid start byte",
    b"x" * (SNAPSHOT_BYTES_MAX + 1): "no status: expected at most 1048576 bytes, got 1048577",
}


@pytest.mark.parametrize("answer", PROBLEMS, ids=lambda answer: answer[:20].decode("latin-1"))
def test_what_is_no_status_is_a_problem_in_one_line(tmp_path, daemon_at, answer: bytes) -> None:
    path = tmp_path / "1.sock"
    daemon_at(path, answer)
    assert ask(path) == {str(path): PROBLEMS[answer]}


def test_an_endless_answer_is_cut(tmp_path, daemon_at) -> None:
    daemon_at(tmp_path / "1.sock", b"x" * (3 * SNAPSHOT_BYTES_MAX), holds=True)
    assert ask(tmp_path / "1.sock")[str(tmp_path / "1.sock")].startswith("no status: expected at most")


def test_sockets_that_are_none(tmp_path) -> None:
    (tmp_path / "file").write_text("")
    gone = socket.socket(socket.AF_UNIX)
    gone.bind(str(tmp_path / "gone"))
    gone.close()
    paths = [tmp_path / name for name in ("file", "gone", "never", "x" * 120)]
    assert list(ask(*paths).values()) == [
        "Connection refused",
        "Connection refused",
        "No such file or directory",
        "AF_UNIX path too long",
    ]


@pytest.mark.skipif(os.getuid() == 0, reason="root may connect to everything")
def test_a_socket_that_may_not_be_used(tmp_path, daemon_at, make_status) -> None:
    daemon_at(tmp_path / "1.sock", make_status())
    (tmp_path / "1.sock").chmod(0)
    assert ask(tmp_path / "1.sock") == {str(tmp_path / "1.sock"): "Permission denied"}


def test_a_silent_daemon_costs_its_own_answer_alone(tmp_path, daemon_at, make_status) -> None:
    daemon_at(tmp_path / "silent.sock", None)
    well = daemon_at(tmp_path / "well.sock", make_status())
    paths = (tmp_path / "silent.sock", tmp_path / "well.sock")
    found = ask(*paths, limit_seconds=SHORT, clock=ClockOf(well))
    assert found == {
        str(tmp_path / "silent.sock"): "no answer within 0.05 s",
        str(tmp_path / "well.sock"): make_status(),
    }


def test_a_daemon_with_a_full_queue_is_busy(tmp_path, make_status) -> None:
    path = str(tmp_path / "1.sock")
    with socket.socket(socket.AF_UNIX) as listening, socket.socket(socket.AF_UNIX) as first:
        listening.bind(path)
        listening.listen(0)
        first.connect(path)
        assert ask(path, limit_seconds=SHORT) == {path: "busy: too many others are waiting to be served"}


def test_nobody_is_asked_in_no_time() -> None:
    assert ask() == {}
