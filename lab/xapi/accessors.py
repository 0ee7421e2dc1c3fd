"""The methods that every class has: get_all, get_record, get_by_uuid, getters, setters, map and set edits.

Made from the table of classes; a method with rules of its own lives with the operations and wins over these.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from lab.xapi.classes import CLASSES, Class, Field
from lab.xapi.errors import XapiError
from lab.xapi.methods import Caller, Method, Param, ref_or_null


def generic_methods() -> Iterator[Method]:
    """Yield the methods that follow from the table of classes alone."""
    for spec in CLASSES.values():
        yield from _of_class(spec)
        for field in spec.fields.values():
            yield from _of_field(spec, field)


def _of_class(spec: Class) -> Iterator[Method]:
    name = spec.name
    self_param = Param("self", "ref", name)
    if spec.evented:
        yield Method(f"{name}.get_all", (), lambda caller: caller.db.refs(name))
        yield Method(f"{name}.get_all_records", (), lambda caller: caller.db.records(name))
    yield Method(f"{name}.get_record", (self_param,), lambda caller, ref: caller.db.record(name, ref))
    uuid_param = Param("uuid", "string")
    yield Method(f"{name}.get_by_uuid", (uuid_param,), lambda caller, uuid: caller.db.by_uuid(name, uuid))
    if spec.named and spec.evented:
        yield Method(f"{name}.get_by_name_label", (Param("label", "string"),), _by_name_label(name))


def _by_name_label(name: str) -> Callable[[Caller, str], list[str]]:
    def function(caller: Caller, label: str) -> list[str]:
        return [ref for ref, record in caller.db.records(name).items() if record["name_label"] == label]

    return function


def _of_field(spec: Class, field: Field) -> Iterator[Method]:
    name = spec.name
    self_param = Param("self", "ref", name)
    yield Method(f"{name}.get_{field.name}", (self_param,), _getter(name, field.name))
    if not field.writable:
        return
    value = Param("value", "any_ref" if field.type == "ref" else field.type, field.target)
    yield Method(f"{name}.set_{field.name}", (self_param, value), _setter(name, field))
    key, text = Param("key", "string"), Param("value", "string")
    if field.type == "map":
        yield Method(f"{name}.add_to_{field.name}", (self_param, key, text), _add_to(name, field.name))
        yield Method(f"{name}.remove_from_{field.name}", (self_param, key), _remove_from(name, field.name))
    if field.type == "set":
        yield Method(f"{name}.add_{field.name}", (self_param, text), _add(name, field.name))
        yield Method(f"{name}.remove_{field.name}", (self_param, text), _remove(name, field.name))


def _getter(name: str, field: str) -> Callable[[Caller, str], Any]:
    return lambda caller, ref: caller.db.get(name, ref, field)


def _setter(name: str, field: Field) -> Callable[[Caller, str, Any], None]:
    target = Param("value", "ref", field.target)

    def function(caller: Caller, ref: str, value: Any) -> None:
        if field.type == "ref":
            value = ref_or_null(caller.db, target, value)
        caller.db.update(name, ref, **{field.name: value})

    return function


def _add_to(name: str, field: str) -> Callable[[Caller, str, str, str], None]:
    def function(caller: Caller, ref: str, key: str, value: str) -> None:
        old = caller.db.get(name, ref, field)
        if key in old:
            raise XapiError("MAP_DUPLICATE_KEY", name, field, ref, key)
        caller.db.update(name, ref, **{field: {**old, key: value}})

    return function


def _remove_from(name: str, field: str) -> Callable[[Caller, str, str], None]:
    def function(caller: Caller, ref: str, key: str) -> None:
        old = caller.db.get(name, ref, field)
        caller.db.update(name, ref, **{field: {k: v for k, v in old.items() if k != key}})

    return function


def _add(name: str, field: str) -> Callable[[Caller, str, str], None]:
    def function(caller: Caller, ref: str, value: str) -> None:
        old = caller.db.get(name, ref, field)
        if value not in old:
            caller.db.update(name, ref, **{field: [*old, value]})

    return function


def _remove(name: str, field: str) -> Callable[[Caller, str, str], None]:
    def function(caller: Caller, ref: str, value: str) -> None:
        old = caller.db.get(name, ref, field)
        caller.db.update(name, ref, **{field: [item for item in old if item != value]})

    return function
