"""Reads one record of an API field by field, and notes what cannot be read instead of giving up.

A field that is missing is what an older server does and takes its default in silence; a field with a wrong
value takes its default and is complained about. XML-RPC writes integers as strings, JSON-RPC as numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from planner.inventory.jsontext import shown
from planner.inventory.poolshape import COUNT_MAX
from planner.results import Reject

NULL_REF = "OpaqueRef:NULL"


class Unreadable(Exception):
    """A record lacks what nothing can stand in for."""


class Rejects:
    """Collects what could not be read, at most one entry a record."""

    def __init__(self) -> None:
        self._found: list[Reject] = []

    def add(self, record_class: str, uuid: str, reason: str) -> None:
        self._found.append(Reject(record_class, uuid, reason))

    def sorted(self) -> tuple[Reject, ...]:
        """Return the entries in an order that does not depend on the API's."""
        return tuple(
            sorted(self._found, key=lambda reject: (reject.record_class, reject.uuid, reject.reason))
        )


class Reader:
    """One record; `complaints` is what was wrong with it so far."""

    def __init__(self, record: Mapping[str, Any], ref: str) -> None:
        self._record = record
        self.ref = ref
        self.complaints: list[str] = []
        self.uuid = self._uuid()

    def _uuid(self) -> str:
        uuid = self._record.get("uuid", "")
        if isinstance(uuid, str) and uuid:
            return uuid
        self.complain("uuid", "expected a string that is not empty", "its reference")
        return self.ref

    def complain(self, key: str, problem: str, instead: str = "") -> None:
        """Note what is wrong with a field, and what is taken instead."""
        self.complaints.append(f"{key}: {problem}" + (f"; taken as {instead}" if instead else ""))

    def report(self, rejects: Rejects, record_class: str) -> None:
        """Hand the complaints over, if there are any."""
        if self.complaints:
            rejects.add(record_class, self.uuid, "; ".join(self.complaints))

    def text(self, key: str, default: str = "") -> str:
        """Return a string."""
        value = self._record.get(key, default)
        if isinstance(value, str):
            return value
        self.complain(key, f"expected a string, got {_shown(value)}", shown(default))
        return default

    def flag(self, key: str, *, default: bool) -> bool:
        """Return a boolean."""
        value = self._record.get(key, default)
        if isinstance(value, bool):
            return value
        self.complain(key, f"expected a boolean, got {_shown(value)}", str(default).lower())
        return default

    def integer(self, key: str, *, low: int = 0, high: int = COUNT_MAX, default: int | None) -> int | None:
        """Return an integer from low to high."""
        if key not in self._record:
            return default
        try:
            return self.required_integer(key, low=low, high=high)
        except Unreadable as problem:
            self.complaints.append(f"{problem}; taken as {'unknown' if default is None else default}")
            return default

    def optional_integer(self, key: str, *, high: int, default: int) -> int:
        """Return an integer from 0 to high, `default` if the field is missing.

        Raises Unreadable if its value is wrong.
        """
        return self.required_integer(key, high=high) if key in self._record else default

    def count(self, key: str, *, low: int = 0, high: int = COUNT_MAX, default: int = 0) -> int:
        """Return an integer from low to high that is never unknown."""
        found = self.integer(key, low=low, high=high, default=default)
        return default if found is None else found

    def required_integer(self, key: str, *, low: int = 0, high: int = COUNT_MAX) -> int:
        """Return an integer from low to high.

        Raises Unreadable if there is none.
        """
        number = integer_of(self._record.get(key))
        if number is None:
            problem = "missing" if key not in self._record else f"got {_shown(self._record[key])}"
            raise Unreadable(f"{key}: expected an integer, {problem}")
        if not low <= number <= high:
            raise Unreadable(f"{key}: expected {low} to {high}, got {number}")
        return number

    def reference(self, key: str) -> str | None:
        """Return a reference, None for the null reference."""
        value = self._record.get(key, "")
        if isinstance(value, str):
            return reference_of(value)
        self.complain(key, f"expected a reference, got {_shown(value)}", "none")
        return None

    def texts(self, key: str) -> tuple[str, ...]:
        """Return a set of strings or references, sorted."""
        value = self._record.get(key, ())
        if isinstance(value, (list, tuple)) and all(isinstance(item, str) for item in value):
            return tuple(sorted(set(value)))
        self.complain(key, f"expected a set of strings, got {_shown(value)}", "empty")
        return ()

    def mapping(self, key: str) -> Mapping[str, Any]:
        """Return a map."""
        value = self._record.get(key, {})
        if isinstance(value, dict):
            return value
        self.complain(key, f"expected a map, got {_shown(value)}", "empty")
        return {}


def integer_of(value: object) -> int | None:
    """Return the integer that an API wrote, as a number or as a string; None if it is none."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and len(value) <= 20:
        digits = value.removeprefix("-")
        if digits.isascii() and digits.isdigit():
            return int(value)
    return None


def reference_of(value: object) -> str | None:
    """Return a reference, None for the null reference and for what is none."""
    return value if isinstance(value, str) and value and value != NULL_REF else None


def _shown(value: object) -> str:
    """Return a value for a message: short, and of a kind that JSON knows or by its type's name."""
    if isinstance(value, (str, int, float, bool, list, dict)):
        return shown(value)
    return type(value).__name__
