"""The watcher: what patterns find, what is remembered, and that nothing ends it but `stop`."""

from __future__ import annotations

import logging

from exporter.daemons.watch import MOST_SOCKETS, DaemonWatcher
from hacore.clock import SystemClock

ENOUGH = 60.0


def sockets(watcher: DaemonWatcher) -> list[str]:
    return [state.socket.rpartition("/")[2] for state in watcher.states()]


def test_a_pattern_stands_for_itself_until_something_matches(tmp_path, clock, daemon_at, make_status) -> None:
    watcher = DaemonWatcher([f"{tmp_path}/*.sock"], clock=clock)
    assert sockets(watcher) == ["*.sock"]
    watcher.look()
    assert [state.problem for state in watcher.states()] == ["No such file or directory"]
    daemon_at(tmp_path / "b.sock", make_status(1))
    daemon_at(tmp_path / "a.sock", make_status(0))
    watcher.look()
    assert sockets(watcher) == ["a.sock", "b.sock"]
    assert [state.host_uuid for state in watcher.states()] == ["host-1", "host-2"]
    assert [state.seen_at_seconds for state in watcher.states()] == [clock.now_seconds] * 2


def test_a_socket_found_once_is_watched_for_good(tmp_path, clock, daemon_at, make_status) -> None:
    watcher = DaemonWatcher([f"{tmp_path}/*.sock"], clock=clock)
    daemon = daemon_at(tmp_path / "a.sock", make_status())
    watcher.look()
    (tmp_path / "a.sock").unlink()
    watcher.look()
    (state,) = watcher.states()
    assert (state.up, state.problem, state.host_uuid) == (False, "No such file or directory", "host-1")
    assert len(daemon.asked) == 1


def test_a_pattern_that_matches_everything_does_not_open_everything(tmp_path, clock) -> None:
    for i in range(MOST_SOCKETS + 5):
        (tmp_path / f"{i}.sock").touch()
    asked: list[str] = []

    def ask(paths):
        asked.extend(paths)
        return dict.fromkeys(paths, "no")

    DaemonWatcher([f"{tmp_path}/*"], clock=clock, ask=ask).look()
    assert len(asked) == MOST_SOCKETS


def test_the_thread_looks_until_it_is_stopped(tmp_path, daemon_at, make_status) -> None:
    daemon_at(tmp_path / "a.sock", make_status())
    watcher = DaemonWatcher([f"{tmp_path}/a.sock"], clock=SystemClock())
    watcher.start()
    assert watcher.wait_for(lambda states: states[0].up, ENOUGH)
    (thread,) = watcher.stop()
    thread.join(ENOUGH)
    assert not thread.is_alive()


def test_a_look_that_breaks_off_is_logged_and_not_the_last(clock, caplog, make_status) -> None:
    calls: list[int] = []

    def ask(paths):
        calls.append(1)
        if len(calls) == 1:
            raise ZeroDivisionError
        return dict.fromkeys(paths, make_status())

    watcher = DaemonWatcher(["/run/a"], clock=clock, ask=ask, pause_seconds=0.01)
    with caplog.at_level(logging.ERROR, "xenha.daemons"):
        watcher.start()
        assert watcher.wait_for(lambda states: states[0].up, ENOUGH)
    for thread in watcher.stop():
        thread.join(ENOUGH)
    assert "a look at the daemons broke off" in caplog.text


def test_without_patterns_there_is_no_thread(clock) -> None:
    watcher = DaemonWatcher([], clock=clock)
    watcher.start()
    assert watcher.stop() == []
    assert watcher.states() == ()


def test_a_problem_is_said_once(clock, caplog, make_status) -> None:
    answers = iter(["Connection refused", "Connection refused", make_status(), "Connection refused"])
    watcher = DaemonWatcher(["/run/a"], clock=clock, ask=lambda paths: dict.fromkeys(paths, next(answers)))
    with caplog.at_level(logging.INFO, "xenha.daemons"):
        for _ in range(4):
            watcher.look()
    assert [record.getMessage() for record in caplog.records] == [
        "/run/a: Connection refused",
        "/run/a: answers again",
        "/run/a: Connection refused",
    ]
