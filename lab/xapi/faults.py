"""Faults: what only a lab can do to a pool. Reachable in Python and, as `lab.*`, over the API.

Objects are named by reference, uuid or, if unique, name. Everything here is deterministic; what is chosen at
random is chosen by the given seed.
"""

from __future__ import annotations

import random
from typing import Any

from lab.xapi import host_calls, sessions
from lab.xapi.classes import CLASSES
from lab.xapi.database import Database
from lab.xapi.errors import XapiError
from lab.xapi.methods import Caller, Registry
from lab.xapi.power import refresh_memory

registry = Registry()

SPARED = frozenset({"pool", "session", "task", "message"})
"""Classes of which drop_records(class_name="*") takes nothing."""

_GARBAGE: dict[str, Any] = {
    "string": 7,
    "int": "not a number",
    "float": "not a number",
    "bool": "perhaps",
    "time": "yesterday",
    "set": "not a set",
    "map": "not a map",
    "ref": "OpaqueRef:dangling",
    "refs": ["OpaqueRef:dangling"],
}


def find(db: Database, class_name: str, text: str) -> str:
    """Return the reference of an object given by reference, uuid or unique name."""
    if class_name not in CLASSES:
        raise XapiError("INVALID_VALUE", "class", class_name)
    for ref, record in db.records(class_name).items():
        if text in (ref, record.get("uuid")):
            return ref
    named = [ref for ref, record in db.records(class_name).items() if record.get("name_label") == text]
    if len(named) != 1:
        raise XapiError("UUID_INVALID", class_name, text)
    return named[0]


def kill_host(db: Database, host: str, now: str, *, reset_vms: bool = True) -> None:
    """Let a host die. With `reset_vms` its VMs are Halted at once, as HA does once a host is surely dead;
    without, they seem to run on, as until then.
    """
    ref = find(db, "host", host)
    with db.lock:
        host_calls.set_live(db, ref, False, now)
        if reset_vms:
            host_calls.reset_guests(db, ref, now)


def revive_host(db: Database, host: str, now: str) -> None:
    """Let a dead host come back: alive, enabled, its SRs attached, no VM on it but its own."""
    ref = find(db, "host", host)
    with db.lock:
        host_calls.reset_guests(db, ref, now)
        host_calls.set_live(db, ref, True, now)
        db.update("host", ref, enabled=True)
        for pbd in db.get("host", ref, "PBDs"):
            db.update("PBD", pbd, currently_attached=True)
        refresh_memory(db, ref)


def expire_sessions(db: Database) -> int:
    """End every session; return how many there were."""
    with db.lock:
        refs = db.refs("session")
        sessions.end(db, refs)
    return len(refs)


def drop_records(db: Database, fraction: float, seed: int, *, class_name: str = "VM") -> list[str]:
    """Remove this share of a class ("*": of nearly all) without cleaning up after them; return their uuids.

    What pointed to them goes on doing so. Control domains are kept.
    """
    if not 0.0 <= fraction <= 1.0:
        raise XapiError("INVALID_VALUE", "fraction", fraction)
    if class_name != "*" and class_name not in CLASSES:
        raise XapiError("INVALID_VALUE", "class", class_name)
    dice = random.Random(seed)
    names = [class_name] if class_name != "*" else [name for name in CLASSES if name not in SPARED]
    dropped = []
    with db.lock:
        for name in names:
            refs = [ref for ref, r in db.records(name).items() if not r.get("is_control_domain")]
            for ref in sorted(dice.sample(refs, round(len(refs) * fraction))):
                dropped.append(str(db.record(name, ref).get("uuid")))
                db.delete(name, ref, unlink=False)
    return dropped


def corrupt(db: Database, class_name: str, text: str, field: str, *, missing: bool = False) -> None:
    """Give a field of one record a value of another type, or take the field away."""
    ref = find(db, class_name, text)
    spec = CLASSES[class_name].fields.get(field)
    if spec is None:
        raise XapiError("INVALID_VALUE", "field", field)
    with db.lock:
        record = dict(db.record(class_name, ref))
        record.pop(field, None)
        if not missing:
            record[field] = _GARBAGE[spec.type]
        db.replace(class_name, ref, record)


def flood(db: Database, events: int) -> None:
    """Make this many events, over all VMs in turn, that change nothing."""
    refs = db.refs("VM")
    for i in range(events if refs else 0):
        db.touch("VM", refs[i % len(refs)])


def lose_pbd(db: Database, pbd: str) -> None:
    """Let a host lose an SR, whatever HA thinks of it."""
    db.update("PBD", find(db, "PBD", pbd), currently_attached=False)


@registry.call("lab.kill_host", "host:string reset_vms:bool?")
def _kill_host(caller: Caller, host: str, reset_vms: bool = True) -> None:
    kill_host(caller.db, host, caller.lab.now(), reset_vms=reset_vms)


@registry.call("lab.revive_host", "host:string")
def _revive_host(caller: Caller, host: str) -> None:
    revive_host(caller.db, host, caller.lab.now())


@registry.call("lab.expire_sessions")
def _expire_sessions(caller: Caller) -> int:
    return expire_sessions(caller.db)


@registry.call("lab.drop_records", "fraction:float seed:int class:string?")
def _drop_records(caller: Caller, fraction: float, seed: int, class_name: str = "VM") -> list[str]:
    return drop_records(caller.db, fraction, seed, class_name=class_name)


@registry.call("lab.corrupt", "class:string object:string field:string missing:bool?")
def _corrupt(caller: Caller, class_name: str, text: str, field: str, missing: bool = False) -> None:
    corrupt(caller.db, class_name, text, field, missing=missing)


@registry.call("lab.flood", "events:int")
def _flood(caller: Caller, events: int) -> None:
    if not 0 <= events <= 1_000_000:
        raise XapiError("INVALID_VALUE", "events", events)
    flood(caller.db, events)


@registry.call("lab.lose_pbd", "pbd:string")
def _lose_pbd(caller: Caller, pbd: str) -> None:
    lose_pbd(caller.db, pbd)
