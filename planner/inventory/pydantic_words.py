"""Says in one sentence what pydantic found wrong with a value."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from planner.inventory.jsontext import shown

_WORDS: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "missing": lambda _: "required key is missing",
    "int_type": lambda found: f"expected an integer, got {shown(found['input'])}",
    "int_parsing": lambda found: f"expected an integer, got {shown(found['input'])}",
    "bool_type": lambda found: f"expected true or false, got {shown(found['input'])}",
    "string_type": lambda found: f"expected a string, got {shown(found['input'])}",
    "list_type": lambda found: f"expected a list, got {shown(found['input'])}",
    "dict_type": lambda found: f"expected an object, got {shown(found['input'])}",
    "model_attributes_type": lambda found: f"expected an object, got {shown(found['input'])}",
    "literal_error": lambda found: f"expected {_choices(found)}, got {shown(found['input'])}",
    "greater_than_equal": lambda found: (
        f"expected at least {found['ctx']['ge']}, got {shown(found['input'])}"
    ),
    "less_than_equal": lambda found: (
        f"expected at most {_bound(found['ctx']['le'])}, got {shown(found['input'])}"
    ),
    "string_too_short": lambda _: "expected a string that is not empty",
}


def problem_of(found: Mapping[str, Any], known_keys: Iterable[str]) -> str:
    """Return one line for an item of `ValidationError.errors()`; `known_keys`: what the object may hold."""
    if found["type"] == "extra_forbidden":
        return unknown_key(str(found["loc"][-1]), list(known_keys))
    words = _WORDS.get(found["type"])
    return words(found) if words else str(found["msg"]).splitlines()[0]


def _bound(limit: int) -> str:
    return f"{limit} ({limit >> 40} TiB)" if limit >= 1 << 40 else str(limit)


def _choices(found: Mapping[str, Any]) -> str:
    return str(found["ctx"]["expected"]).replace("'", '"')


def unknown_key(key: str, known: Sequence[str]) -> str:
    """Return the words for a key that means nothing: the nearest that does, else all that do."""
    if not known:
        return "unknown key; expected none"
    near = difflib.get_close_matches(key, known, n=1)
    return f"unknown key; did you mean {near[0]}?" if near else f"unknown key; expected {', '.join(known)}"
