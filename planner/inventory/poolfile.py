"""Pool files, `xenha-pool/1` (DESIGN §5.2): read, write, publish the schema.

A file is parsed once and refused as a whole with one sentence; it is never corrected. Reading and writing
lose nothing: `read_pool(dump_pool(pool))` equals `pool`.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import MISSING, Field, fields
from functools import cache
from pathlib import Path
from typing import Any, NoReturn, cast

from pydantic import TypeAdapter, ValidationError

from planner import model
from planner.errors import PoolFileError
from planner.inventory import poolshape
from planner.inventory.jsontext import JsonRefused, Location, parse_json, path, position, shown
from planner.inventory.poolcheck import LISTS, findings
from planner.inventory.pydantic_words import problem_of

FILE_BYTES_MAX = 256 * 2**20
"""A pool of 15 000 VMs takes about 10 MB; /dev/zero takes all memory."""

STDIN = "-"

_SHAPES: Mapping[str, type] = {
    "pool": poolshape.PoolShape,
    "hosts": poolshape.HostShape,
    "srs": poolshape.SRShape,
    "networks": poolshape.NetworkShape,
    "groups": poolshape.VMGroupShape,
    "vms": poolshape.VMShape,
}
_CLASSES: Mapping[str, type] = {
    "pool": model.Pool,
    "hosts": model.Host,
    "srs": model.SR,
    "networks": model.Network,
    "groups": model.VMGroup,
    "vms": model.VM,
}


def load_pool(path: str | Path) -> model.Pool:
    """Read the pool file at `path`; "-" is standard input.

    Raises PoolFileError.
    """
    origin = str(path)
    try:
        data = _read(origin)
    except OSError as error:
        raise PoolFileError(origin, "", f"cannot be read: {error.strerror or error}") from None
    except ValueError as error:  # a path with a null byte
        raise PoolFileError(origin, "", f"cannot be read: {error}") from None
    return read_pool(data, "standard input" if origin == STDIN else origin)


def _read(origin: str) -> bytes:
    if origin == STDIN:
        return sys.stdin.buffer.read(FILE_BYTES_MAX + 1)
    with Path(origin).open("rb") as file:
        return file.read(FILE_BYTES_MAX + 1)


def read_pool(data: bytes, origin: str) -> model.Pool:
    """Return the pool in `data`; `origin` names it in errors.

    Raises PoolFileError with the first problem in the order of the text, and how many more there are.
    """
    if len(data) > FILE_BYTES_MAX:
        raise PoolFileError(origin, "", f"larger than {FILE_BYTES_MAX // 2**20} MiB")
    try:
        tree = parse_json(data)
    except JsonRefused as refused:
        raise PoolFileError(origin, path(refused.location), refused.problem) from None
    _require_format(tree, origin)
    try:
        raw = cast(poolshape.PoolFileShape, _adapter().validate_python(tree))
    except ValidationError as error:
        _refuse(tree, origin, (_worded(found) for found in error.errors(include_url=False)))
    problems = list(findings(raw))
    if problems:
        _refuse(tree, origin, problems)
    return _pool(raw)


def _require_format(tree: Any, origin: str) -> None:
    """Refuse a file of another format before its every key is called unknown."""
    if not isinstance(tree, dict):
        raise PoolFileError(origin, "", f"expected a JSON object, got {shown(tree)}")
    if "format" not in tree:
        raise PoolFileError(origin, "format", f'required key is missing; expected "{poolshape.FORMAT}"')
    if tree["format"] != poolshape.FORMAT:
        problem = f'expected "{poolshape.FORMAT}", got {shown(tree["format"])}'
        raise PoolFileError(origin, "format", problem)


@cache
def _adapter() -> TypeAdapter[Any]:
    return TypeAdapter(poolshape.PoolFileShape)


def _worded(found: Any) -> tuple[Location, str]:
    where: Location = tuple(step for step in found["loc"] if step != "[key]")  # pydantic's mark of a bad key
    return where, problem_of(found, _keys_at(where))


def _keys_at(where: Location) -> Iterable[str]:
    """Return the keys known in the object that holds `where`."""
    names = [step for step in where[:-1] if isinstance(step, str)]
    if not names:
        return poolshape.PoolFileShape.__annotations__
    shape = _SHAPES.get(names[-1])
    return shape.__annotations__ if shape else ()


def _refuse(tree: Any, origin: str, problems: Iterable[tuple[Location, str]]) -> NoReturn:
    in_order = sorted(problems, key=lambda found: position(tree, found[0]))
    where, problem = in_order[0]
    more = f" (and {len(in_order) - 1} more)" if len(in_order) > 1 else ""
    raise PoolFileError(origin, path(where), problem + more)


def _pool(raw: poolshape.PoolFileShape) -> model.Pool:
    return model.Pool(
        **_tuples(raw["pool"]),
        hosts=tuple(_host(host) for host in raw["hosts"]),
        srs=tuple(model.SR(**_tuples(sr)) for sr in raw["srs"]),
        networks=tuple(model.Network(**_tuples(network)) for network in raw["networks"]),
        groups=tuple(model.VMGroup(**_tuples(group)) for group in raw["groups"]),
        vms=tuple(_vm(vm) for vm in raw["vms"]),
    )


def _tuples(raw: Mapping[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if type(value) is list else value for key, value in raw.items()}


def _host(raw: poolshape.HostShape) -> model.Host:
    values = _tuples(raw)
    if "failure_domains" in values:
        values["failure_domains"] = tuple(sorted(values["failure_domains"].items()))
    return model.Host(**values)


def _vm(raw: poolshape.VMShape) -> model.VM:
    values = _tuples(raw)
    values.setdefault("power_state", "Running" if values.get("resident_on") else "Halted")
    values.setdefault("ha_always_run", values.get("ha_restart_priority") == "restart")
    return model.VM(**values)


def dump_pool(pool: model.Pool) -> str:
    """Return `pool` as a pool file: one record a line, the same text for equal pools."""
    sections = [f'"format": "{poolshape.FORMAT}"', f'"pool": {_line("pool", pool)}']
    for name in LISTS:
        lines = ",\n".join(f"  {_line(name, record)}" for record in getattr(pool, name))
        sections.append(f'"{name}": [\n{lines}\n]' if lines else f'"{name}": []')
    return "{\n" + ",\n".join(sections) + "\n}\n"


def _line(section: str, record: Any) -> str:
    return json.dumps(dict(_written(section, record)), ensure_ascii=False)


def _written(section: str, record: Any) -> Iterator[tuple[str, Any]]:
    """Yield the keys of a record that reading could not fill in by itself."""
    defaults = _defaults(section)
    for key in _SHAPES[section].__annotations__:
        value = getattr(record, key)
        default = (
            record.ha_restart_priority == "restart" if key == "ha_always_run" else defaults.get(key, MISSING)
        )
        if value != default:
            yield key, dict(value) if key == "failure_domains" else value


@cache
def _defaults(section: str) -> Mapping[str, Any]:
    """Return the model's defaults of the keys that reading fills in with them."""
    found = {field.name: field.default for field in _fields(section) if field.default is not MISSING}
    if section == "vms":
        del found["power_state"], found["ha_always_run"]  # what they default to depends on other keys
    if section == "pool":
        del found["name"]
    return found


def _fields(section: str) -> tuple[Field[Any], ...]:
    return fields(_CLASSES[section])


def schema() -> dict[str, Any]:
    """Return the JSON schema (draft 2020-12) of pool files.

    It covers keys, kinds, ranges and defaults; references and what else spans several values it cannot.
    """
    found = _adapter().json_schema()
    for section, shape in _SHAPES.items():
        properties = found["$defs"][shape.__name__]["properties"]
        for key, default in _defaults(section).items():
            if key in properties and default is not None:
                properties[key]["default"] = _json_default(key, default)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:xenha:pool:1",
        **found,
        "title": poolshape.FORMAT,
    }


def _json_default(key: str, default: Any) -> Any:
    if key == "failure_domains":
        return {}
    return list(default) if isinstance(default, tuple) else default
