"""Events: event.from with tokens, event.inject, and the old register / next.

A token is two zero-padded generations, the second of messages; here both are the database's. One event an
object and call: what was added and removed since the token is not told, and a change after the addition is
part of the snapshot. Order as xapi's: additions, changes, removals.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from hacore.clock import Deadline
from lab.xapi import sessions
from lab.xapi.classes import BY_LOWER_NAME, CLASSES, Class
from lab.xapi.codec import Int32
from lab.xapi.database import Database
from lab.xapi.errors import XapiError
from lab.xapi.methods import Caller, Registry

registry = Registry()

Event = dict[str, Any]

MAX_TIMEOUT_SECONDS = 3600.0
"""Nobody waits longer in one call, whatever he asks for."""

NEXT_TIMEOUT_SECONDS = 3600.0
"""event.next has no time-out of its own."""

_TOKEN = re.compile(r"([0-9]{1,20}),([0-9]{1,20})")


@dataclass(frozen=True, slots=True)
class Subscription:
    """A class, or one object of it; class names in lower case, "*" for all."""

    class_name: str
    ref: str = ""

    def covers(self, spec: Class, ref: str = "") -> bool:
        """Tell whether events of a class (and object) are asked for."""
        if self.class_name == "*":
            return True
        return self.class_name == spec.name.lower() and (not ref or not self.ref or self.ref == ref)


def parse_subscriptions(classes: Iterable[str]) -> list[Subscription]:
    """Return the subscriptions of strings such as "VM", "VM/OpaqueRef:…" or "*"."""
    found = []
    for text in classes:
        class_name, _, ref = text.partition("/")
        if class_name != "*" and class_name.lower() not in BY_LOWER_NAME:
            raise XapiError("EVENT_SUBSCRIPTION_PARSE_FAILURE", text)
        found.append(Subscription(class_name.lower(), ref))
    return found


def format_token(generation: int) -> str:
    """Return the token from which changes after `generation` follow."""
    return f"{generation:020d},{generation:020d}"


def parse_token(token: str) -> int:
    """Return the generation of a token; "" is the beginning of time."""
    if token == "":
        return 0
    match = _TOKEN.fullmatch(token)
    if not match:
        raise XapiError("EVENT_FROM_TOKEN_PARSE_FAILURE", token)
    return int(match.group(1))


@registry.call("event.from", "classes:set token:string timeout:float", blocking=True)
def from_(caller: Caller, classes: list[str], token: str, timeout: float) -> dict[str, Any]:
    """Return what happened since the token, waiting up to `timeout` seconds for something to happen."""
    wanted = parse_subscriptions(classes)
    since = parse_token(token)
    deadline = Deadline.after(caller.lab.clock, min(max(timeout, 0.0), MAX_TIMEOUT_SECONDS))
    with caller.db.lock:
        events, generation = _wait(caller, wanted, since, deadline)
        return {
            "events": events,
            "valid_ref_counts": {name.lower(): Int32(n) for name, n in _evented(caller.db).items()},
            "token": format_token(max(since, generation)),
        }


def _wait(
    caller: Caller, wanted: list[Subscription], since: int, deadline: Deadline
) -> tuple[list[Event], int]:
    """Return the events, none if the time is up, and the generation up to which they tell everything."""
    db = caller.db
    with db.changed:
        while True:
            sessions.assert_valid(db, caller.session)
            events = changes(db, wanted, since)
            if events or deadline.passed() or caller.lab.stopping:
                return events, db.generation
            _sleep(caller, deadline)


def _sleep(caller: Caller, deadline: Deadline) -> None:
    lab = caller.lab
    lab.polls_waiting += 1
    lab.poll_waits.notify_all()
    try:
        caller.db.changed.wait(deadline.left_seconds())
    finally:
        lab.polls_waiting -= 1


def _evented(db: Database) -> dict[str, int]:
    return {name: n for name, n in db.counts().items() if CLASSES[name].evented}


def changes(db: Database, wanted: list[Subscription], since: int) -> list[Event]:
    """Return the events after a generation that the subscriptions ask for."""
    added: list[Event] = []
    modified: list[Event] = []
    deleted: list[Event] = []
    for spec in CLASSES.values():
        subscriptions = [s for s in wanted if s.covers(spec)]
        if not spec.evented or not subscriptions:
            continue
        found = db.since(spec.name, since)
        for refs, operation, events in (
            (found.added, "add", added),
            (found.modified, "mod", modified),
            (found.deleted, "del", deleted),
        ):
            events += [
                _event(db, spec, operation, ref)
                for ref in refs
                if any(s.covers(spec, ref) for s in subscriptions)
            ]
    return added + modified + deleted


def _event(db: Database, spec: Class, operation: str, ref: str) -> Event:
    event: Event = {
        "id": str(db.generation),
        "timestamp": "0.0",
        "class": spec.name.lower(),
        "operation": operation,
        "ref": ref,
    }
    if operation != "del":
        event["snapshot"] = db.record(spec.name, ref)
    return event


@registry.call("event.inject", "class:string ref:string")
def inject(caller: Caller, class_name: str, ref: str) -> str:
    """Make an event for an object; return a token from which that event will be seen."""
    spec = BY_LOWER_NAME.get(class_name.lower())
    if spec is None or not spec.evented:
        raise XapiError("INVALID_VALUE", "class", class_name)
    before = caller.db.generation
    caller.db.touch(spec.name, ref)
    return format_token(before)


@registry.call("event.get_current_id")
def get_current_id(caller: Caller) -> int:
    """Return the number of the last event."""
    return caller.db.generation


@registry.call("event.register", "classes:set")
def register(caller: Caller, classes: list[str]) -> None:
    """Subscribe the session for event.next."""
    new = parse_subscriptions(classes)
    registered = caller.lab.registered
    old, since = registered.get(caller.session, ([], caller.db.generation))
    registered[caller.session] = (new + old, since)


@registry.call("event.unregister", "classes:set")
def unregister(caller: Caller, classes: list[str]) -> None:
    """Take back subscriptions made by event.register."""
    gone = parse_subscriptions(classes)
    if caller.session in caller.lab.registered:
        old, since = caller.lab.registered[caller.session]
        caller.lab.registered[caller.session] = ([s for s in old if s not in gone], since)


@registry.call("event.next", blocking=True)
def next_(caller: Caller) -> list[Event]:
    """Wait for events of the classes registered for."""
    registered = caller.lab.registered
    if caller.session not in registered:
        raise XapiError("SESSION_NOT_REGISTERED", caller.session)
    wanted, since = registered[caller.session]
    deadline = Deadline.after(caller.lab.clock, NEXT_TIMEOUT_SECONDS)
    with caller.db.lock:
        events, generation = _wait(caller, wanted, since, deadline)
        registered[caller.session] = (wanted, generation)
    return events
