"""One simulated pool: database, sessions, methods; a call goes in, a value or XapiError comes out.

Calls hold the database's lock while they run, so each is atomic; only event.from and event.next wait, and
they let go of the lock while they do. Knows nothing of HTTP.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from hacore.clock import Clock
from lab.xapi import accessors, catalogue, events, sessions, tasks
from lab.xapi.database import Database
from lab.xapi.errors import XapiError
from lab.xapi.methods import Caller, Method, convert, index

METHODS = index([*catalogue.own_methods(), *accessors.generic_methods()])
"""Every method by name."""


class Lab:
    """A pool that answers calls. `slave_of`: the address to which every login is sent away, "" for none."""

    def __init__(self, db: Database, account: sessions.Account, clock: Clock, *, slave_of: str = "") -> None:
        self.db = db
        self.account = account
        self.clock = clock
        self.slave_of = slave_of
        self.stopping = False
        self.polls_waiting = 0
        self.poll_waits = threading.Condition(db.lock)
        """Notified whenever somebody begins to wait for events."""
        self.registered: dict[str, tuple[list[events.Subscription], int]] = {}
        self.after_change: Callable[[], None] = _nothing

    def now(self) -> str:
        """Return the time as xapi writes it."""
        moment = datetime.fromtimestamp(self.clock.wall_seconds(), UTC)
        return moment.strftime("%Y%m%dT%H:%M:%SZ")

    def pool(self) -> str:
        """Return the reference of the one pool."""
        return self.db.refs("pool")[0]

    def master(self) -> str:
        """Return the reference of the pool's master."""
        master: str = self.db.get("pool", self.pool(), "master")
        return master

    def stop(self) -> None:
        """Wake everybody who waits, so that his call ends."""
        with self.db.changed:
            self.stopping = True
            self.db.changed.notify_all()

    def call(self, name: str, params: tuple[Any, ...]) -> Any:
        """Carry out one call; raise XapiError for whatever is wrong with it."""
        if name == "system.listMethods":
            return list(METHODS)
        sync_name = name.removeprefix("Async.")
        method = METHODS.get(sync_name)
        if method is None or (sync_name != name and not method.has_async):
            raise XapiError("MESSAGE_METHOD_UNKNOWN", name)
        if self.slave_of:
            raise XapiError("HOST_IS_SLAVE", self.slave_of)
        caller, values = self._admit(method, params)
        if sync_name != name:
            return tasks.start(self, sync_name, lambda: self._run(method, caller, values))
        return self._run(method, caller, values)

    def _admit(self, method: Method, params: tuple[Any, ...]) -> tuple[Caller, tuple[Any, ...]]:
        values = params[1:] if method.needs_session else params
        if not method.required <= len(values) <= len(method.params) or len(params) < method.needs_session:
            received = max(0, len(params) - method.needs_session)
            raise XapiError("MESSAGE_PARAMETER_COUNT_MISMATCH", method.name, method.required, received)
        session = sessions.assert_valid(self.db, params[0]) if method.needs_session else ""
        return Caller(self, session), values

    def _run(self, method: Method, caller: Caller, values: tuple[Any, ...]) -> Any:
        if method.blocking:
            return _or_void(method.function(caller, *self._convert(method, values)))
        with self.db.lock:
            before = self.db.generation
            value = method.function(caller, *self._convert(method, values))
            changed = self.db.generation != before
        if changed:
            self.after_change()
        return _or_void(value)

    def _convert(self, method: Method, values: tuple[Any, ...]) -> list[Any]:
        return [convert(self.db, p, v) for p, v in zip(method.params, values, strict=False)]


def _nothing() -> None:
    return None


def _or_void(value: Any) -> Any:
    return "" if value is None else value
