"""A session with the API: what it asks, what it loses with an expired session, and how it is broken off."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from hacore.clock import SystemClock
from lab.demo import demo_pool
from lab.xapi.server import serve
from planner.errors import PoolUnreachable
from planner.inventory.api import Listener
from planner.inventory.guard import Guard
from planner.inventory.records import FIELDS
from planner.inventory.source import ApiSource, Credentials, load
from planner.inventory.update import Pace
from planner.inventory.xenapi import EVERYTHING, ApiSession, Batch, EventsLost

PATIENCE_SECONDS = 30.0
CREDENTIALS = Credentials(password="xenha")


def test_a_look_leaves_no_session_behind() -> None:
    with serve(demo_pool()) as server:
        assert len(load(ApiSource(server.url), CREDENTIALS, SystemClock()).pool.hosts) == 5
        assert server.state.db.refs("session") == []


def test_the_user_of_the_url_counts() -> None:
    with serve(demo_pool(), user="monitor") as server:
        source = ApiSource(server.url, "monitor")
        assert load(source, Credentials("somebody", "xenha"), SystemClock()).pool.hosts
        with pytest.raises(PoolUnreachable, match=r": wrong user name or password$"):
            load(ApiSource(server.url), CREDENTIALS, SystemClock())


def test_everything_is_what_we_read_and_no_more() -> None:
    with serve(demo_pool()) as server:
        session = ApiSession(server.url, CREDENTIALS)
        session.login()
        batch = session.events(EVERYTHING, 1.0)
        assert {event["class"] for event in batch.events} <= set(FIELDS)
        assert batch.counts["host"] == 5
        assert session.events(batch.token, 0.0).events == ()
        session.logout()


def test_an_expired_session_loses_events() -> None:
    with serve(demo_pool()) as server:
        session = ApiSession(server.url, CREDENTIALS)
        session.login()
        token = session.events(EVERYTHING, 1.0).token
        server.state.expire_sessions()
        with pytest.raises(EventsLost, match=r"^the session had expired$"):
            session.events(token, 0.0)
        assert session.events(token, 0.0).token
        session.logout()


def test_a_token_that_is_none_loses_events() -> None:
    with serve(demo_pool()) as server:
        session = ApiSession(server.url, CREDENTIALS)
        session.login()
        with pytest.raises(EventsLost, match=r"^EVENT_FROM_TOKEN_PARSE_FAILURE$"):
            session.events("no token", 0.0)
        session.logout()


def test_a_call_that_waits_can_be_broken_off(wrong_server: Callable[[bytes], Any]) -> None:
    silent = wrong_server(b"")
    session = ApiSession(silent.url, CREDENTIALS, read_seconds=3600.0)
    failed: list[str] = []

    def login() -> None:
        try:
            session.login()
        except PoolUnreachable as error:
            failed.append(error.problem)

    thread = threading.Thread(target=login, daemon=True)
    thread.start()
    assert silent.asked.wait(PATIENCE_SECONDS)
    session.abort()
    thread.join(PATIENCE_SECONDS)
    assert failed == ["no complete answer in time"]
    session.close()


class Told:
    """A session that says what it is told to say."""

    url = "http://told"

    def __init__(self, *batches: Batch) -> None:
        self._batches = list(batches)

    def events(self, token: str, timeout_seconds: float) -> Batch:
        return self._batches.pop(0)


def added(ref: str, name: str = "pool") -> dict[str, Any]:
    return {"class": name, "operation": "add", "ref": ref, "snapshot": {"uuid": ref}}


def test_another_number_of_records_than_ours_loses_events() -> None:
    session = Told(
        Batch("1", (added("p"), added("s", "sr")), {"pool": 1, "sr": 1}),
        Batch("2", (added("t", "sr"),), {"pool": 1, "sr": 2}),
        Batch("3", (), {"pool": 1, "sr": 1}),
    )
    reported: list[int] = []
    stop = threading.Event()
    with Guard(SystemClock(), stop) as guard:
        listener = Listener(session, guard, stop, Pace())
        with pytest.raises(EventsLost, match=r"another number of records"):
            listener.run(lambda snapshot, _: reported.append(len(snapshot.pool.srs)))
    assert reported == [1, 2]


def test_an_api_that_never_tells_what_there_is() -> None:
    class Forgetful(Told):
        def events(self, token: str, timeout_seconds: float) -> Batch:
            raise EventsLost("EVENTS_LOST")

    with Guard(SystemClock(), threading.Event()) as guard:
        listener = Listener(Forgetful(), guard, threading.Event(), Pace())
        with pytest.raises(
            PoolUnreachable, match=r"^http://told: refused to tell what there is: EVENTS_LOST$"
        ):
            listener.run(lambda *_: None)
