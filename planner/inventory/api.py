"""A pool's API: look once, or follow its events and find the master again whenever it is lost."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Protocol

from hacore.clock import Clock
from planner.errors import PoolUnreachable, SourceError
from planner.inventory.address import member_url
from planner.inventory.guard import Guard
from planner.inventory.parse import parse
from planner.inventory.reader import Unreadable
from planner.inventory.records import Record, Records
from planner.inventory.snapshot import Snapshot
from planner.inventory.source import ApiSource, Credentials
from planner.inventory.update import Backoff, Lost, Pace, Seen, Update
from planner.inventory.xenapi import EVERYTHING, ApiSession, Batch, EventsLost, IsSlave, connect

CALL_SECONDS = 60.0
"""Longest time for one answer altogether, beside what the API is asked to wait."""
LOGIN_SECONDS = 30.0
FIRST_WAIT_SECONDS = 1.0
"""event.from with the empty token has something to say at once; an empty pool may wait this long."""
PROBED_MEMBERS = 2
"""How many other members are asked for the master in one round."""


def look(source: ApiSource, credentials: Credentials, clock: Clock) -> Snapshot:
    """Look once at the pool.

    Raises PoolUnreachable, and SourceError if a password is missing or the CA file is none.
    """
    with Guard(clock, threading.Event()) as guard:
        with guard.limit(LOGIN_SECONDS):
            session = connect(source.url, _identity(source, credentials), guard.watch)
        try:
            return _look(session, guard)
        finally:
            session.logout()


def _look(session: ApiSession, guard: Guard) -> Snapshot:
    records = Records()
    with guard.limit(CALL_SECONDS):
        try:
            records.apply(session.events(EVERYTHING, FIRST_WAIT_SECONDS).events)
        except EventsLost as lost:
            raise PoolUnreachable(session.url, f"refused to tell what there is: {lost}") from None
        except IsSlave as slave:
            raise PoolUnreachable(session.url, f"the master has just become {slave.master_url}") from None
    return _parse(records, session.url)


def _parse(records: Records, url: str) -> Snapshot:
    try:
        return parse(records.tables)
    except Unreadable as problem:
        raise PoolUnreachable(url, str(problem)) from None


def _identity(source: ApiSource, credentials: Credentials) -> Credentials:
    if not credentials.password:
        raise SourceError(source.url, "needs a password: set XENHA_PASSWORD or use --password-file")
    return replace(credentials, user=source.user or credentials.user)


def follow_api(
    source: ApiSource,
    credentials: Credentials,
    *,
    clock: Clock,
    stop: threading.Event,
    seen: Callable[[Update], None],
    pace: Pace,
    backoff: Backoff,
) -> None:
    """Follow a pool until `stop` is set; see `planner.inventory.follow.follow`."""
    identity = _identity(source, credentials)
    with Guard(clock, stop) as guard:
        _Follower(source.url, identity, guard, stop, seen, pace, backoff).run()


class Members:
    """The URLs at which the pool's master may be found."""

    def __init__(self, url: str) -> None:
        self._configured = url
        self._preferred = url
        self._others: tuple[str, ...] = ()
        self._turn = 0

    def prefer(self, url: str) -> None:
        """Note where the master is."""
        self._preferred = url

    def learn(self, hosts: Mapping[str, Record]) -> None:
        """Note the addresses of all members."""
        urls = {member_url(self._configured, str(host.get("address", ""))) for host in hosts.values()}
        self._others = tuple(sorted(url for url in urls if url is not None))

    def round(self) -> list[str]:
        """Return whom to ask now: where the master was, where we began, and some members in turn."""
        count = len(self._others)
        turn = [self._others[(self._turn + i) % count] for i in range(min(PROBED_MEMBERS, count))]
        self._turn += PROBED_MEMBERS
        return list(dict.fromkeys([self._preferred, self._configured, *turn]))


class _Follower:
    """One pool being followed."""

    def __init__(
        self,
        url: str,
        identity: Credentials,
        guard: Guard,
        stop: threading.Event,
        seen: Callable[[Update], None],
        pace: Pace,
        backoff: Backoff,
    ) -> None:
        self._identity = identity
        self._guard = guard
        self._stop = stop
        self._seen = seen
        self._pace = pace
        self._backoff = backoff
        self._members = Members(url)

    def run(self) -> None:
        """Connect, listen, and begin again, until it is time to stop."""
        while not self._stop.is_set():
            session = self._connect()
            if session is not None:
                self._listen_on(session)
            self._backoff.pause(self._stop)

    def _connect(self) -> ApiSession | None:
        """Return a session with the master, or None if none of this round's members leads to one."""
        for number, url in enumerate(self._members.round()):
            if self._stop.is_set():
                return None
            try:
                with self._guard.limit(LOGIN_SECONDS):
                    session = connect(url, self._identity, self._guard.watch)
            except PoolUnreachable as error:
                if number == 0:
                    self._lost(str(error))
            else:
                self._members.prefer(session.url)
                return session
        return None

    def _lost(self, problem: str) -> None:
        if not self._stop.is_set():  # what breaks because we break it off is no news
            self._seen(Lost(problem))

    def _listen_on(self, session: ApiSession) -> None:
        """Report what the session shows until it fails or it is time to stop."""
        try:
            while not self._stop.is_set():
                try:
                    Listener(session, self._guard, self._stop, self._pace).run(self._report)
                except EventsLost:
                    self._backoff.pause(self._stop)
        except PoolUnreachable as error:
            self._lost(str(error))
        except IsSlave as slave:
            self._members.prefer(slave.master_url)
        finally:
            if self._stop.is_set():
                session.logout()
            else:
                session.close()

    def _report(self, snapshot: Snapshot, records: Records) -> None:
        self._backoff.reset()
        self._members.learn(records.tables["host"])
        self._seen(Seen(snapshot))


class Session(Protocol):
    """What a listener asks of a session."""

    @property
    def url(self) -> str: ...

    def events(self, token: str, timeout_seconds: float) -> Batch: ...


class Listener:
    """The records of one session, from everything there is through all changes until events are lost."""

    def __init__(self, session: Session, guard: Guard, stop: threading.Event, pace: Pace) -> None:
        self._session = session
        self._guard = guard
        self._stop = stop
        self._pace = pace
        self._records = Records()
        self._snapshot: Snapshot | None = None

    def run(self, report: Callable[[Snapshot, Records], None]) -> None:
        """Report after each answer of the API.

        Raises EventsLost, PoolUnreachable, IsSlave.
        """
        try:
            batch, _ = self._take(EVERYTHING, FIRST_WAIT_SECONDS)
        except EventsLost as lost:
            raise PoolUnreachable(self._session.url, f"refused to tell what there is: {lost}") from None
        apart = _apart(self._records, batch)
        changed = True
        while not self._stop.is_set():
            report(self._snapshot_after(changed), self._records)
            batch, changed = self._take(batch.token, self._pace.poll_seconds)
            if _apart(self._records, batch) != apart:
                raise EventsLost("the API holds another number of records than we do")

    def _take(self, token: str, timeout_seconds: float) -> tuple[Batch, bool]:
        """Return the next answer, carried out, and whether it changed anything."""
        with self._guard.limit(CALL_SECONDS + timeout_seconds):
            batch = self._session.events(token, timeout_seconds)
        return batch, self._records.apply(batch.events)

    def _snapshot_after(self, changed: bool) -> Snapshot:
        """Return the snapshot, the same object as before if it would be equal."""
        if self._snapshot is None or changed:
            fresh = _parse(self._records, self._session.url)
            if fresh != self._snapshot:
                self._snapshot = fresh
        return self._snapshot


def _apart(records: Records, batch: Batch) -> dict[str, int]:
    """Return by how much our numbers of records differ from the API's; a change means lost events."""
    ours = records.counts()
    return {name: count - ours[name] for name, count in batch.counts.items() if name in ours}
