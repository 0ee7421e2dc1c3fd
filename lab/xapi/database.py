"""The simulated pool's database: tables of records, each change numbered.

Records are replaced, never altered, so whoever holds one may read it without the lock. A generation counter
numbers every change; event.from asks what changed after a generation. Both ends of a relation (VBD.VM and
VM.VBDs) are kept together. Decides nothing about VMs or hosts.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from lab.xapi.classes import CLASSES, NULL, RELATIONS
from lab.xapi.errors import XapiError, handle_invalid

Record = Mapping[str, Any]

MAX_DELETED = 10_000
"""Deletions remembered per class; a client that slept longer notices by valid_ref_counts, as with xapi."""

_NAMESPACE = uuid.UUID("6d1a4f0e-6b52-5c56-9d2f-3f0d1c5a7e11")


def stable_uuid(*parts: str) -> str:
    """Return a uuid that depends on `parts` alone."""
    return str(uuid.uuid5(_NAMESPACE, "\0".join(parts)))


def ref_of(class_name: str, object_uuid: str) -> str:
    """Return the reference of the object with this uuid."""
    return f"OpaqueRef:{stable_uuid(class_name, object_uuid)}"


@dataclass(frozen=True, slots=True)
class Row:
    """One object: its record and the generations of its creation and last change."""

    record: Record
    created: int
    modified: int


@dataclass(frozen=True, slots=True)
class Changes:
    """What happened to one class after some generation: references by kind, oldest first."""

    added: tuple[str, ...]
    modified: tuple[str, ...]
    deleted: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.added or self.modified or self.deleted)


@dataclass(slots=True)
class _Table:
    rows: dict[str, Row] = field(default_factory=dict)
    by_uuid: dict[str, str] = field(default_factory=dict)
    recent: dict[str, None] = field(default_factory=dict)
    """References in the order of their last change."""
    deleted: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Reference → (created, deleted) generations, in the order of deletion."""


def _relations(class_name: str) -> dict[str, tuple[str, str]]:
    fields = CLASSES[class_name].fields
    return {f: (fields[f].target, back) for source, f, back in RELATIONS if source == class_name}


class Database:
    """All tables behind one lock; `changed` is notified at every change."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.changed = threading.Condition(self.lock)
        self.generation = 1
        self._tables = {name: _Table() for name in CLASSES}
        self._relations = {name: _relations(name) for name in CLASSES}

    # reading

    def refs(self, class_name: str) -> list[str]:
        """Return the references of a class, oldest object first."""
        with self.lock:
            return list(self._tables[class_name].rows)

    def records(self, class_name: str) -> dict[str, Record]:
        """Return the records of a class by reference."""
        with self.lock:
            return {ref: row.record for ref, row in self._tables[class_name].rows.items()}

    def has(self, class_name: str, ref: str) -> bool:
        """Tell whether the object exists."""
        with self.lock:
            return ref in self._tables[class_name].rows

    def record(self, class_name: str, ref: str) -> Record:
        """Return an object's record; HANDLE_INVALID if there is none."""
        with self.lock:
            row = self._tables[class_name].rows.get(ref)
        if row is None:
            raise handle_invalid(class_name, ref)
        return row.record

    def get(self, class_name: str, ref: str, field_name: str) -> Any:
        """Return one field of an object."""
        return self.record(class_name, ref)[field_name]

    def by_uuid(self, class_name: str, object_uuid: str) -> str:
        """Return the reference of the object with this uuid; UUID_INVALID if there is none."""
        with self.lock:
            ref = self._tables[class_name].by_uuid.get(object_uuid)
        if ref is None:
            raise XapiError("UUID_INVALID", class_name, object_uuid)
        return ref

    def counts(self) -> dict[str, int]:
        """Return the number of objects of every class, by its name."""
        with self.lock:
            return {name: len(table.rows) for name, table in self._tables.items()}

    def since(self, class_name: str, generation: int) -> Changes:
        """Return what happened to a class after `generation`; generation 0 gives everything there is."""
        with self.lock:
            table = self._tables[class_name]
            recent = list(_newer(table, generation))
            deleted = list(_deleted_after(table, generation))
        added = tuple(ref for ref, row in recent if row.created > generation)
        modified = tuple(ref for ref, row in recent if row.created <= generation)
        return Changes(added, modified, tuple(deleted))

    # writing

    def create(self, class_name: str, /, **fields: Any) -> str:
        """Add an object, fields left out at their defaults; return its reference."""
        spec = CLASSES[class_name]
        unknown = fields.keys() - spec.fields.keys()
        assert not unknown, f"{class_name} has no field {sorted(unknown)}"
        record = {**spec.defaults, **fields}
        ref = ref_of(class_name, record["uuid"])
        with self.changed:
            table = self._tables[class_name]
            assert ref not in table.rows, f"{class_name} {record['uuid']} exists already"
            table.by_uuid[record["uuid"]] = ref
            self._store(class_name, ref, record, created=self.generation + 1)
            for name in self._relations[class_name].keys() & fields.keys():
                self._relate(class_name, ref, name, None, record[name])
        return ref

    def update(self, class_name: str, ref: str, /, **fields: Any) -> None:
        """Change fields of an object; nothing happens if they have these values already."""
        with self.changed:
            row = self._row(class_name, ref)
            changed = {name: value for name, value in fields.items() if row.record.get(name) != value}
            if not changed:
                return
            self._store(class_name, ref, {**row.record, **changed}, created=row.created)
            for name in self._relations[class_name].keys() & changed.keys():
                self._relate(class_name, ref, name, row.record.get(name), changed[name])

    def touch(self, class_name: str, ref: str) -> None:
        """Make an event for an object that did not change."""
        with self.changed:
            row = self._row(class_name, ref)
            self._store(class_name, ref, row.record, created=row.created)

    def replace(self, class_name: str, ref: str, record: Record) -> None:
        """Store a record as it is, right or wrong: for faults only."""
        with self.changed:
            self._store(class_name, ref, record, created=self._row(class_name, ref).created)

    def delete(self, class_name: str, ref: str, *, unlink: bool = True) -> None:
        """Remove an object; without `unlink` others go on pointing back at it."""
        with self.changed:
            row = self._row(class_name, ref)
            if unlink:
                for name in self._relations[class_name]:
                    self._relate(class_name, ref, name, row.record.get(name), None)
            table = self._tables[class_name]
            self.generation += 1
            del table.rows[ref], table.recent[ref]
            table.by_uuid.pop(str(row.record.get("uuid")), None)
            table.deleted[ref] = (row.created, self.generation)
            if len(table.deleted) > MAX_DELETED:
                del table.deleted[next(iter(table.deleted))]
            self.changed.notify_all()

    def _row(self, class_name: str, ref: str) -> Row:
        row = self._tables[class_name].rows.get(ref)
        if row is None:
            raise handle_invalid(class_name, ref)
        return row

    def _store(self, class_name: str, ref: str, record: Record, *, created: int) -> None:
        table = self._tables[class_name]
        self.generation += 1
        table.rows[ref] = Row(record, created, self.generation)
        table.deleted.pop(ref, None)
        table.recent.pop(ref, None)
        table.recent[ref] = None
        self.changed.notify_all()

    def _relate(self, class_name: str, ref: str, name: str, old: object, new: object) -> None:
        target, back = self._relations[class_name][name]
        before, after = _as_refs(old), _as_refs(new)
        for other in before:
            if other not in after and self.has(target, other):
                self.update(target, other, **{back: [r for r in self.get(target, other, back) if r != ref]})
        for other in after:
            if other not in before and self.has(target, other):
                self.update(target, other, **{back: [*self.get(target, other, back), ref]})


def _as_refs(value: object) -> list[str]:
    if isinstance(value, list):
        return value
    return [value] if isinstance(value, str) and value != NULL else []


def _newer(table: _Table, generation: int) -> Iterator[tuple[str, Row]]:
    found = []
    for ref in reversed(table.recent):
        row = table.rows[ref]
        if row.modified <= generation:
            break
        found.append((ref, row))
    return reversed(found)


def _deleted_after(table: _Table, generation: int) -> Iterator[str]:
    found = []
    for ref in reversed(table.deleted):
        created, deleted = table.deleted[ref]
        if deleted <= generation:
            break
        if created <= generation:
            found.append(ref)
    return reversed(found)
