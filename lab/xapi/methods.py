"""What a method is: its name, its typed parameters and the function behind it.

Parameters arrive as XML-RPC or JSON made them; `convert` turns them into the types of the data model or
refuses them with XAPI's error. Functions are collected by the `call` decorator.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lab.xapi.classes import CLASSES, NULL, Time
from lab.xapi.codec import assert_text_is_legal
from lab.xapi.errors import XapiError, handle_invalid

if TYPE_CHECKING:
    from lab.xapi.database import Database
    from lab.xapi.world import Lab

_INT64 = 2**63
_INTEGER = re.compile(r"[+-]?[0-9]{1,20}")


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls: the pool he calls and his session ("" before login)."""

    lab: Lab
    session: str

    @property
    def db(self) -> Database:
        return self.lab.db


@dataclass(frozen=True, slots=True)
class Param:
    """A parameter: "string", "int", …, or "ref" with the class it must point into."""

    name: str
    type: str
    target: str = ""
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Method:
    """A method of the API; `blocking` ones run outside the database's lock."""

    name: str
    params: tuple[Param, ...]
    function: Callable[..., Any]
    blocking: bool = False
    needs_session: bool = True
    has_async: bool = False

    @property
    def required(self) -> int:
        """Return how many parameters must be given, the session aside."""
        return sum(not param.optional for param in self.params)


@dataclass(slots=True)
class Registry:
    """Methods collected while a module is imported."""

    methods: list[Method] = field(default_factory=list)

    def call(
        self,
        name: str,
        params: str = "",
        *,
        blocking: bool = False,
        needs_session: bool = True,
        has_async: bool = False,
    ) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Register a function under a wire name.

        `params` is text such as "vm:VM force:bool srs:SR* host:host?": name, type or class, "*" for a list of
        references, "?" if it may be left out.
        """

        def register(function: Callable[..., Any]) -> Callable[..., Any]:
            spec = tuple(_param(word) for word in params.split())
            self.methods.append(Method(name, spec, function, blocking, needs_session, has_async))
            return function

        return register


def _param(word: str) -> Param:
    name, kind = word.split(":")
    optional = kind.endswith("?")
    kind = kind.removesuffix("?")
    if kind.removesuffix("*") in CLASSES:
        return Param(name, "refs" if kind.endswith("*") else "ref", kind.removesuffix("*"), optional)
    return Param(name, kind, optional=optional)


def convert(db: Database, param: Param, value: Any) -> Any:
    """Return `value` as the parameter's type; FIELD_TYPE_ERROR or HANDLE_INVALID if it is none."""
    assert_text_is_legal(value)
    if param.type == "ref":
        return _existing(db, param, value)
    if param.type == "refs":
        return [_existing(db, param, item) for item in _list(param, value)]
    return CONVERTERS[param.type](param, value)


def _wrong(param: Param) -> XapiError:
    return XapiError("FIELD_TYPE_ERROR", param.name)


def _existing(db: Database, param: Param, value: Any) -> str:
    if not isinstance(value, str):
        raise _wrong(param)
    if not db.has(param.target, value):
        raise handle_invalid(param.target, value)
    return value


def _string(param: Param, value: Any) -> str:
    if not isinstance(value, str):
        raise _wrong(param)
    return value


def _reference(param: Param, value: Any) -> str:
    if not isinstance(value, str) or not value.startswith("OpaqueRef:"):
        raise _wrong(param)
    return value


def _int(param: Param, value: Any) -> int:
    if isinstance(value, str) and _INTEGER.fullmatch(value):
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not -_INT64 <= value < _INT64:
        raise _wrong(param)
    return int(value)


def _float(param: Param, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _wrong(param)
    if abs(value) > 1e300 or not math.isfinite(value):
        raise _wrong(param)
    return float(value)


def _bool(param: Param, value: Any) -> bool:
    if not isinstance(value, bool):
        raise _wrong(param)
    return value


def _time(param: Param, value: Any) -> Time:
    if not isinstance(value, str) or not re.fullmatch(r"\d{8}T\d{2}:\d{2}:\d{2}Z?", value):
        raise _wrong(param)
    return Time(value)


def _list(param: Param, value: Any) -> list[Any]:
    if not isinstance(value, list | tuple):
        raise _wrong(param)
    return list(value)


def _strings(param: Param, value: Any) -> list[str]:
    items = _list(param, value)
    if not all(isinstance(item, str) for item in items):
        raise _wrong(param)
    return list(dict.fromkeys(items))


def _map(param: Param, value: Any) -> dict[str, str]:
    if not isinstance(value, dict) or not all(isinstance(item, str) for item in value.values()):
        raise _wrong(param)
    return dict(value)


def _any(_param: Param, value: Any) -> Any:
    return value


CONVERTERS: dict[str, Callable[[Param, Any], Any]] = {
    "any": _any,
    "string": _string,
    "any_ref": _reference,
    "int": _int,
    "float": _float,
    "bool": _bool,
    "time": _time,
    "set": _strings,
    "map": _map,
}


def ref_or_null(db: Database, param: Param, value: Any) -> str:
    """Return a reference that exists, or OpaqueRef:NULL."""
    return NULL if value == NULL else _existing(db, param, value)


def index(methods: Iterable[Method]) -> dict[str, Method]:
    """Return the methods by name; a name given twice is a bug."""
    found: dict[str, Method] = {}
    for method in methods:
        assert method.name not in found, f"{method.name} is registered twice"
        found[method.name] = method
    return found
