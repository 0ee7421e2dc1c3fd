"""A change as it is typed (DESIGN §5.5): `verb=subject@HOST:rest`. Knows the grammar, not the pool.

Names may contain `@` and `:`; the host stands after the last `@`, a size or priority after the last `:`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from planner.changes.errors import ChangeError
from planner.changes.sizes import SizeError, size_bytes
from planner.model import RestartPriority

Verb = Literal[
    "start",
    "stop",
    "migrate",
    "memory",
    "priority",
    "new",
    "disable",
    "enable",
    "add-host",
    "remove-host",
    "unplug-sr",
    "unplug-network",
]

FORMS: dict[Verb, str] = {
    "start": "start=VM@HOST",
    "stop": "stop=VM",
    "migrate": "migrate=VM@HOST",
    "memory": "memory=VM:SIZE",
    "priority": "priority=VM:restart|best-effort|none",
    "new": "new=NAME:SIZE@HOST[:restart]",
    "disable": "disable=HOST",
    "enable": "enable=HOST",
    "add-host": "add-host=NAME:SIZE",
    "remove-host": "remove-host=HOST",
    "unplug-sr": "unplug-sr=SR@HOST",
    "unplug-network": "unplug-network=NETWORK@HOST",
}
"""Every verb, and how it is written."""

_PRIORITIES: dict[str, RestartPriority] = {"restart": "restart", "best-effort": "best-effort", "none": ""}


@dataclass(frozen=True, slots=True)
class Change:
    """One change; what a verb does not take is empty."""

    text: str
    verb: Verb
    subject: str
    """The VM, host, SR or network, by uuid or unique name; the name of what is new."""
    host: str = ""
    size_bytes: int = 0
    priority: RestartPriority = ""


def parse_change(text: str) -> Change:
    """Return the change that `text` means. Errors: ChangeError."""
    verb, equals, rest = text.partition("=")
    if verb not in FORMS or not equals:
        raise ChangeError(text, f"expected one of {', '.join(FORMS.values())}")
    change = _read(text, verb, rest)
    if not change.subject:
        raise _wrong(text, verb)
    return change


def _read(text: str, verb: Verb, rest: str) -> Change:
    if verb in ("start", "migrate", "unplug-sr", "unplug-network"):
        subject, host = _split(text, verb, rest, "@")
        return Change(text, verb, subject, host=host)
    if verb in ("memory", "add-host"):
        subject, size = _split(text, verb, rest, ":")
        return Change(text, verb, subject, size_bytes=_size(text, size))
    if verb == "priority":
        subject, priority = _split(text, verb, rest, ":")
        if priority not in _PRIORITIES:
            raise _wrong(text, verb)
        return Change(text, verb, subject, priority=_PRIORITIES[priority])
    if verb == "new":
        return _read_new(text, rest)
    return Change(text, verb, rest)


def _read_new(text: str, rest: str) -> Change:
    priority: RestartPriority = "restart" if rest.endswith(":restart") else ""
    left, host = _split(text, "new", rest.removesuffix(":restart"), "@")
    name, size = _split(text, "new", left, ":")
    return Change(text, "new", name, host=host, size_bytes=_size(text, size), priority=priority)


def _split(text: str, verb: Verb, rest: str, mark: str) -> tuple[str, str]:
    before, found, after = rest.rpartition(mark)
    if not found or not before or not after:
        raise _wrong(text, verb)
    return before, after


def _size(text: str, size: str) -> int:
    try:
        return size_bytes(size)
    except SizeError as error:
        raise ChangeError(text, str(error)) from None


def _wrong(text: str, verb: Verb) -> ChangeError:
    return ChangeError(text, f"expected {FORMS[verb]}")
