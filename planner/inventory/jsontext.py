"""Bytes → JSON values, with everything refused that two readers could understand differently.

Refuses what is not UTF-8 JSON, duplicate keys, NaN and Infinity, a byte order mark and nesting that no pool
file has. Knows nothing of pools.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, NoReturn

_SURROGATE = re.compile(r"\\u[dD][89abcdefABCDEF]")

Location = tuple[str | int, ...]
"""Where a value is: object keys and list indices from the root."""


class JsonRefused(Exception):
    """A text is refused; `location` is empty where the text as a whole is meant."""

    def __init__(self, problem: str, location: Location = ()) -> None:
        self.problem = problem
        self.location = location
        super().__init__(problem)


def parse_json(data: bytes) -> Any:
    """Return the JSON value in `data`.

    Raises JsonRefused with what is wrong and where.
    """
    text = _decode(data)
    twice: list[tuple[dict[str, Any], str]] = []

    def no_key_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            twice.append((found, _first_twice([key for key, _ in pairs])))
        return found

    try:
        value = json.loads(text, object_pairs_hook=no_key_twice, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        raise JsonRefused(f"line {error.lineno}, column {error.colno}: not JSON: {error.msg}") from None
    except RecursionError:
        raise JsonRefused("nested too deeply") from None
    except ValueError:  # Python refuses integers of more than 4300 digits
        raise JsonRefused("a number with thousands of digits") from None
    if twice:
        found, key = twice[0]
        raise JsonRefused("the key appears twice", (*_location_of(value, found), key))
    if _SURROGATE.search(text):
        _refuse_lone_surrogates(value)
    return value


def _decode(data: bytes) -> str:
    if data.startswith(b"\xef\xbb\xbf"):
        raise JsonRefused("starts with a byte order mark; expected plain UTF-8")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise JsonRefused(f"not UTF-8: byte {error.start} is 0x{data[error.start]:02x}") from None
    if not text.strip():
        raise JsonRefused("empty; expected a JSON object")
    return text


def _refuse_constant(name: str) -> NoReturn:
    raise JsonRefused(f"{name} is not JSON; expected a number")


def _refuse_lone_surrogates(root: Any) -> None:
    """Refuse text that no UTF-8 file could hold."""
    for where, value in walk(root):
        if isinstance(value, str) and not _encodable(value):
            raise JsonRefused("expected Unicode text, got half of a surrogate pair", where)
        if isinstance(value, dict) and not all(_encodable(key) for key in value):
            raise JsonRefused("a key with half of a surrogate pair", where)


def _encodable(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _first_twice(keys: list[str]) -> str:
    seen: set[str] = set()
    for key in keys:
        if key in seen:
            return key
        seen.add(key)
    raise AssertionError("no key appears twice")


def _location_of(root: Any, wanted: object) -> Location:
    """Return where `wanted` is inside `root`; () if a later duplicate has replaced what held it."""
    return next((where for where, value in walk(root) if value is wanted), ())


def walk(root: Any) -> Iterator[tuple[Location, Any]]:
    """Yield every value below `root` with its location, in no particular order."""
    todo: list[tuple[Location, Any]] = [((), root)]
    while todo:
        where, value = todo.pop()
        yield where, value
        if isinstance(value, dict):
            todo.extend(((*where, key), item) for key, item in value.items())
        elif isinstance(value, list):
            todo.extend(((*where, index), item) for index, item in enumerate(value))


def position(root: Any, where: Location) -> tuple[int, ...]:
    """Return a sort key that puts locations in the order of the text; a missing key follows its siblings."""
    found: list[int] = []
    value = root
    for step in where:
        if isinstance(value, dict):
            keys = list(value)
            found.append(keys.index(step) if step in value else len(keys))
            value = value.get(step)
        else:
            found.append(step if isinstance(step, int) else 0)
            value = value[step] if isinstance(value, list) and isinstance(step, int) else None
    return tuple(found)


def path(where: Location) -> str:
    """Return a location as people write it: `vms[3].resident_on`."""
    text = ""
    for step in where:
        if isinstance(step, int):
            text += f"[{step}]"
        elif step.isidentifier():
            text += f".{step}" if text else step
        else:
            text += f"[{shown(step)}]"
    return text


def shown(value: object) -> str:
    """Return a JSON value for a one-line message: short, quoted, nothing nested spelled out."""
    match value:
        case dict():
            return "an object"
        case list():
            return "a list"
        case _:
            text = json.dumps(value)
            return text if len(text) <= 60 else f"{text[:56]}…"
