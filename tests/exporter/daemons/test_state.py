"""What a look changes: a silent daemon keeps its last word, warnings are held, a host is shown once."""

from __future__ import annotations

from dataclasses import replace

import pytest

from exporter.daemons.state import (
    DEADLINE,
    HOLD_SECONDS,
    DaemonState,
    deadline_percent,
    looked,
    with_duplicates,
)

LAN = ("host-2", "lan")
OWN = ("host-1", DEADLINE)


def test_an_answer_is_kept_with_its_time(make_status) -> None:
    state = looked(DaemonState("/run/1"), make_status(), 5.0)
    assert (state.up, state.problem, state.status, state.seen_at_seconds) == (True, "", make_status(), 5.0)
    assert state.host_uuid == "host-1"


def test_a_silent_daemon_keeps_its_last_word_and_shows_nothing(make_status) -> None:
    state = looked(looked(DaemonState("/run/1"), make_status(), 5.0), "Connection refused", 9.0)
    assert (state.up, state.problem, state.seen_at_seconds) == (False, "Connection refused", 5.0)
    assert state.status == make_status()
    assert state.shown is None
    assert looked(state, make_status(), 11.0).problem == ""


def test_a_warning_is_held(make_status, make_late) -> None:
    late = make_late(make_status(), "host-2", "lan", 50)
    state = looked(DaemonState("/run/1"), late, 5.0)
    assert state.late_percent(LAN) == 50
    state = looked(state, make_late(make_status(), "host-2", "lan", 25), 6.0)
    assert state.late_percent(LAN) == 50, "the worst of the last minute"
    state = looked(state, make_status(), 5.0 + HOLD_SECONDS - 1)
    assert state.late_percent(LAN) == 50
    state = looked(state, make_status(), 5.0 + HOLD_SECONDS)
    assert state.late_percent(LAN) == 0
    assert state.late_percent(("host-3", "lan")) == 0


def test_a_warning_that_goes_on_is_renewed(make_status, make_late) -> None:
    late = make_late(make_status(), "host-2", "lan", 25)
    state = DaemonState("/run/1")
    for seconds in (0.0, 50.0, 100.0):
        state = looked(state, late, seconds)
    assert looked(state, make_status(), 150.0).late_percent(LAN) == 25


def test_a_clock_set_back_ends_a_held_warning(make_status, make_late) -> None:
    state = looked(DaemonState("/run/1"), make_late(make_status(), "host-2", "lan", 50), 1_000.0)
    assert looked(state, make_status(), 10.0).late_percent(LAN) == 0


def test_a_peer_that_is_gone_is_late_no_more(make_status, make_late) -> None:
    state = looked(DaemonState("/run/1"), make_late(make_status(), "host-2", "lan", 50), 5.0)
    alone = make_status(peers=(), liveset=("host-1",))
    assert looked(state, alone, 6.0).late_percent(LAN) == 0


@pytest.mark.parametrize(
    ("left_seconds", "armed", "percent"),
    [
        (60.0, True, 0),
        (70.0, True, 0),
        (45.1, True, 0),
        (45.0, True, 25),
        (30.0, True, 50),
        (-5.0, True, 50),
        (5.0, False, 0),
        (None, True, 0),
    ],
)
def test_the_own_deadline_warns_by_its_share(make_status, left_seconds, armed: bool, percent: int) -> None:
    watchdog = replace(make_status().watchdog, deadline_in_seconds=left_seconds)
    status = make_status(watchdog=watchdog, armed=armed)
    assert deadline_percent(status) == percent
    assert looked(DaemonState("/run/1"), status, 5.0).late_percent(OWN) == percent


def test_a_host_is_shown_once_and_by_a_socket_that_answers(make_status) -> None:
    silent = looked(looked(DaemonState("/run/old"), make_status(), 1.0), "Connection refused", 2.0)
    answers = looked(DaemonState("/run/new"), make_status(), 2.0)
    never = DaemonState("/run/never")
    old, new, other = with_duplicates([silent, answers, never])
    assert (old.duplicate_of, new.duplicate_of, other.duplicate_of) == ("/run/new", "", "")
    assert (old.host_uuid, new.host_uuid, other.host_uuid) == ("", "host-1", "")
    gone = looked(new, "Connection refused", 3.0)
    assert [state.duplicate_of for state in with_duplicates([old, gone])] == ["", "/run/old"]
