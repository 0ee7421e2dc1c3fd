"""A session with a pool's API: the only file that imports the vendor's client.

Logs in, follows HOST_IS_SLAVE to the master, renews an expired session, and turns everything that can go
wrong on the way into PoolUnreachable: one line, without the password. Reads only; interprets no record.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import XenAPI

from planner.errors import PoolUnreachable, SourceError
from planner.inventory.address import member_url
from planner.inventory.reader import integer_of
from planner.inventory.records import FIELD_NAMES, FIELDS
from planner.inventory.source import DEFAULT_USER, Credentials
from planner.inventory.transport import READ_SECONDS, TimedTransport, tls_context
from planner.inventory.trouble import refusal, trouble

API_VERSION = "1.0"
ORIGINATOR = "xenha"
LOGOUT_SECONDS = 2.0
REDIRECTS_MAX = 3

EVERYTHING = ""
"""The token that event.from answers with all there is."""

_LOST = frozenset({"EVENTS_LOST", "EVENT_FROM_TOKEN_PARSE_FAILURE", "SESSION_NOT_REGISTERED"})


class EventsLost(Exception):
    """The token means nothing to the server any more: everything has to be read again."""


class IsSlave(Exception):
    """The host is not the master; `master_url` is where it says that the master is."""

    def __init__(self, master_url: str) -> None:
        self.master_url = master_url
        super().__init__(master_url)


@dataclass(frozen=True, slots=True)
class Batch:
    """One answer of event.from; `counts`: how many objects the server has, by lower-case class name."""

    token: str
    events: tuple[Any, ...]
    counts: Mapping[str, int]


class ApiSession:
    """A session at one URL. One thread calls, any thread may `abort`."""

    def __init__(self, url: str, credentials: Credentials, *, read_seconds: float = READ_SECONDS) -> None:
        self.url = url
        self._credentials = credentials
        self._read_seconds = read_seconds
        self._transport = _transport(url, credentials)
        self._transport.read_seconds = read_seconds
        self._session: Any = XenAPI.Session(url, transport=self._transport)  # type: ignore[no-untyped-call]
        self._classes = sorted(FIELDS)

    def login(self) -> None:
        """Log in.

        Raises PoolUnreachable, IsSlave.
        """
        user, password = self._credentials.user or DEFAULT_USER, self._credentials.password
        self._call(lambda: self._session.login_with_password(user, password, API_VERSION, ORIGINATOR))

    def events(self, token: str, timeout_seconds: float) -> Batch:
        """Return what happened since `token`, waiting up to `timeout_seconds` for something to happen.

        Raises EventsLost, PoolUnreachable, IsSlave. A session that has expired is renewed by the vendor's
        client, but what happened in between is then unknown.
        """
        before = self._session.handle
        answer = self._event_from(token, timeout_seconds)
        if token != EVERYTHING and self._session.handle != before:
            raise EventsLost("the session had expired")
        batch = _batch(answer)
        if batch is None:
            raise PoolUnreachable(self.url, "event.from answered with something else than events")
        return batch

    def _event_from(self, token: str, timeout_seconds: float) -> Any:
        self._transport.read_seconds = self._read_seconds + timeout_seconds
        call = getattr(self._session.xenapi.event, "from")  # a keyword in Python
        return self._call(lambda: call(self._classes, token, float(timeout_seconds)))

    def logout(self) -> None:
        """Log out as far as possible; never raises for what the other side does."""
        self._transport.restart(LOGOUT_SECONDS)
        with suppress(PoolUnreachable, EventsLost, IsSlave):
            self._call(self._session.xenapi.session.logout)
        self._transport.close()

    def close(self) -> None:
        """Forget the session without a word to the other side."""
        self._transport.close()

    def abort(self) -> None:
        """Break off the call that waits, and every later one but logout."""
        self._transport.abort()

    def _call(self, call: Callable[[], Any]) -> Any:
        try:
            return call()
        except XenAPI.Failure as failure:
            raise self._refused(failure.details) from None
        except Exception as error:  # the vendor's client meets a wrong answer with whatever comes along
            raise PoolUnreachable(self.url, trouble(error, self._credentials.password)) from None

    def _refused(self, details: Any) -> Exception:
        details = list(details) if isinstance(details, (list, tuple)) else [details]
        code = str(details[0]) if details else ""
        if code in _LOST:
            return EventsLost(code)
        if code == "HOST_IS_SLAVE" and len(details) > 1:
            master = member_url(self.url, str(details[1]))
            if master is not None:
                return IsSlave(master)
        return PoolUnreachable(self.url, refusal(details, self._credentials.password))


def _transport(url: str, credentials: Credentials) -> TimedTransport:
    if not url.startswith("https://"):
        return TimedTransport(None, kept=FIELD_NAMES)
    try:
        context = tls_context(verify=credentials.verify_tls, ca_file=credentials.ca_file)
    except OSError as error:
        problem = f"cannot be used as a list of certificates: {error.strerror or error}"
        raise SourceError(str(credentials.ca_file), problem) from None
    return TimedTransport(context, kept=FIELD_NAMES)


def _batch(answer: Any) -> Batch | None:
    if not isinstance(answer, dict):
        return None
    token, events, counts = (answer.get(key) for key in ("token", "events", "valid_ref_counts"))
    if not isinstance(token, str) or not isinstance(events, list) or not isinstance(counts, dict):
        return None
    numbers = {str(name).lower(): integer_of(count) for name, count in counts.items()}
    return Batch(token, tuple(events), {name: count for name, count in numbers.items() if count is not None})


def connect(url: str, credentials: Credentials, opened: Callable[[ApiSession], object]) -> ApiSession:
    """Return a session with the master, starting at `url`.

    `opened` is told of every session before it is used, so that it can be aborted.

    Raises PoolUnreachable.
    """
    visited: list[str] = []
    while len(visited) <= REDIRECTS_MAX and url not in visited:
        visited.append(url)
        session = ApiSession(url, credentials)
        opened(session)
        try:
            session.login()
        except IsSlave as slave:
            session.close()
            url = slave.master_url
        except PoolUnreachable:
            session.close()
            raise
        else:
            return session
    raise PoolUnreachable(visited[0], f"no master found: {' says '.join([*visited, url])}")
