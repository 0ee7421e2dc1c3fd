"""Pool files: what is read is what was written, defaults are those of DESIGN §5.2, garbage is refused."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner import model
from planner.errors import PoolFileError
from planner.inventory.poolfile import dump_pool, load_pool, read_pool, schema
from planner.inventory.poolshape import BYTES_MAX, COUNT_MAX, CPUS_MAX, TIMEOUT_SECONDS_MAX
from planner.model import SR, VM, Host, Network, Pool, VMGroup

GIB = 2**30
QUIET = settings(max_examples=100)
ROOT = Path(__file__).parents[3]
BAD = Path(__file__).parents[2] / "data" / "pool_bad"

MINIMAL: dict[str, Any] = {
    "format": "xenha-pool/1",
    "pool": {"uuid": "p", "name": "minimal"},
    "hosts": [{"uuid": "h", "memory_total_bytes": GIB}],
    "srs": [{"uuid": "s"}],
    "networks": [{"uuid": "n"}],
    "groups": [{"uuid": "g", "placement": "affinity"}],
    "vms": [{"uuid": "v", "memory_static_max_bytes": GIB}],
}


def read(tree: object) -> Pool:
    return read_pool(json.dumps(tree).encode(), "test.json")


def with_vm(**keys: Any) -> dict[str, Any]:
    return {**MINIMAL, "vms": [{**MINIMAL["vms"][0], **keys}]}


# Any valid pool ------------------------------------------------------------------------------------------

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=6)
sizes = st.integers(0, BYTES_MAX)
counts = st.integers(0, COUNT_MAX)
tags = st.lists(texts, unique=True, max_size=2).map(tuple)


def some_of(uuids: list[str]) -> st.SearchStrategy[tuple[str, ...]]:
    if not uuids:
        return st.just(())
    return st.lists(st.sampled_from(uuids), unique=True, max_size=3).map(tuple)


def maybe(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | strategy


@st.composite
def hosts(draw: st.DrawFn, uuid: str) -> Host:
    domains = draw(st.dictionaries(names, names, max_size=2))
    return Host(
        uuid,
        draw(sizes),
        name=draw(texts),
        memory_overhead_bytes=draw(sizes),
        cpus=draw(maybe(st.integers(1, CPUS_MAX))),
        enabled=draw(st.booleans()),
        live=draw(st.booleans()),
        failure_domains=tuple(sorted(domains.items())),
        tags=draw(tags),
    )


@st.composite
def groups(draw: st.DrawFn, uuid: str) -> VMGroup:
    placement = draw(st.sampled_from(["normal", "anti_affinity", "affinity"]))
    enforced = placement == "anti_affinity" and draw(st.booleans())
    return VMGroup(uuid, placement, name=draw(texts), enforced=enforced)


@st.composite
def vms(draw: st.DrawFn, uuid: str, pool: Pool) -> VM:
    host_uuids = [host.uuid for host in pool.hosts]
    power_state = draw(st.sampled_from(["Running", "Halted", "Paused", "Suspended"]))
    home = st.none() if power_state == "Halted" or not host_uuids else maybe(st.sampled_from(host_uuids))
    static_max = draw(sizes)
    chosen = {group.placement: group.uuid for group in pool.groups if draw(st.booleans())}
    return VM(
        uuid,
        static_max,
        name=draw(texts),
        memory_dynamic_min_bytes=draw(maybe(st.integers(0, static_max))),
        memory_overhead_bytes=draw(st.integers(1, BYTES_MAX)),
        vcpus=draw(st.integers(1, CPUS_MAX)),
        power_state=power_state,
        resident_on=draw(home),
        scheduled_to_be_resident_on=draw(maybe(st.sampled_from(host_uuids))) if host_uuids else None,
        ha_restart_priority=draw(st.sampled_from(["restart", "best-effort", ""])),
        ha_always_run=draw(st.booleans()),
        order=draw(counts),
        start_delay_seconds=draw(counts),
        srs=draw(maybe(some_of([sr.uuid for sr in pool.srs]))),
        networks=draw(maybe(some_of([network.uuid for network in pool.networks]))),
        candidate_hosts=draw(maybe(some_of(host_uuids))),
        unagile_because=draw(tags),
        groups=tuple(chosen.values()),
        is_control_domain=draw(st.booleans()),
        tags=draw(tags),
    )


@st.composite
def pools(draw: st.DrawFn) -> Pool:
    uuids = st.lists(names, unique=True, max_size=4)
    found = tuple(draw(hosts(uuid)) for uuid in draw(uuids))
    host_uuids = [host.uuid for host in found]
    reached = maybe(some_of(host_uuids))
    srs = []
    for uuid in draw(uuids):
        shared = draw(st.booleans())
        reach = draw(reached if shared else some_of(host_uuids))
        srs.append(SR(uuid, draw(texts), draw(texts), shared, reach))
    pool = Pool(
        draw(names),
        name=draw(texts),
        master=draw(maybe(st.sampled_from(host_uuids))) if host_uuids else None,
        ha_enabled=draw(st.booleans()),
        ha_host_failures_to_tolerate=draw(maybe(counts)),
        ha_allow_overcommit=draw(st.booleans()),
        ha_timeout_seconds=draw(st.integers(1, TIMEOUT_SECONDS_MAX)),
        heartbeat_srs=draw(some_of([sr.uuid for sr in srs])),
        quorum=draw(st.sampled_from(["disk", "majority"])),
        hosts=found,
        srs=tuple(srs),
        networks=tuple(Network(uuid, draw(texts), draw(reached)) for uuid in draw(uuids)),
        groups=tuple(draw(groups(uuid)) for uuid in draw(uuids)),
    )
    return replace(pool, vms=tuple(draw(vms(uuid, pool)) for uuid in draw(uuids)))


@QUIET
@given(pools())
def test_what_is_read_is_what_was_written(pool: Pool) -> None:
    text = dump_pool(pool)
    assert read_pool(text.encode(), "x") == pool
    assert dump_pool(read_pool(text.encode(), "x")) == text


@QUIET
@given(pools())
def test_what_is_written_follows_the_schema(pool: Pool) -> None:
    jsonschema.validate(json.loads(dump_pool(pool)), schema(), jsonschema.Draft202012Validator)


# Defaults ------------------------------------------------------------------------------------------------


def test_defaults_of_a_minimal_file() -> None:
    pool = read(MINIMAL)
    assert pool == Pool(
        "p",
        name="minimal",
        hosts=(Host("h", GIB),),
        srs=(SR("s"),),
        networks=(Network("n"),),
        groups=(VMGroup("g", "affinity"),),
        vms=(VM("v", GIB),),
    )
    assert (pool.ha_enabled, pool.ha_timeout_seconds, pool.quorum) == (True, 60, "disk")
    assert (pool.hosts[0].live, pool.hosts[0].enabled) == (True, True)
    assert pool.vms[0].power_state == "Halted"


@pytest.mark.parametrize(
    ("keys", "expected"),
    [({}, "Halted"), ({"resident_on": "h"}, "Running"), ({"resident_on": None}, "Halted")],
)
def test_power_state_follows_resident_on(keys: dict[str, Any], expected: str) -> None:
    assert read(with_vm(**keys)).vms[0].power_state == expected


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({"ha_restart_priority": "restart"}, True),
        ({"ha_restart_priority": "best-effort"}, False),
        ({}, False),
        ({"ha_restart_priority": "restart", "ha_always_run": False}, False),
        ({"ha_always_run": True}, True),
    ],
)
def test_always_run_follows_the_priority(keys: dict[str, Any], expected: bool) -> None:
    assert read(with_vm(**keys)).vms[0].ha_always_run is expected


def test_left_out_and_empty_restrictions_differ() -> None:
    free, bound = read(with_vm()).vms[0], read(with_vm(srs=[], networks=[], candidate_hosts=[])).vms[0]
    assert (free.srs, free.networks, free.candidate_hosts) == (None, None, None)
    assert (bound.srs, bound.networks, bound.candidate_hosts) == ((), (), ())


@pytest.mark.parametrize(
    "keys",
    [
        {"resident_on": "h", "power_state": "Suspended"},
        {"power_state": "Running"},
        {"power_state": "Halted", "scheduled_to_be_resident_on": "h"},
        {"resident_on": "h", "candidate_hosts": []},
        {"memory_static_max_bytes": 0, "memory_overhead_bytes": 1},
        {"memory_dynamic_min_bytes": GIB},
    ],
)
def test_what_looks_odd_but_is_allowed(keys: dict[str, Any]) -> None:
    read(with_vm(**keys))


# Writing -------------------------------------------------------------------------------------------------


def test_a_dump_has_one_record_a_line() -> None:
    lines = dump_pool(read(MINIMAL)).splitlines()
    assert '  {"uuid": "v", "memory_static_max_bytes": 1073741824, "power_state": "Halted"}' in lines


def test_shapes_and_model_have_the_same_keys() -> None:
    definitions = schema()["$defs"]
    for shape, record in {
        "HostShape": Host,
        "SRShape": SR,
        "NetworkShape": Network,
        "VMGroupShape": VMGroup,
        "VMShape": VM,
    }.items():
        assert set(definitions[shape]["properties"]) == {field.name for field in fields(record)}
    lists = {"hosts", "srs", "networks", "groups", "vms"}
    pool_keys = {field.name for field in fields(model.Pool)} - lists
    assert set(definitions["PoolShape"]["properties"]) == pool_keys


# The schema ----------------------------------------------------------------------------------------------

SPANS_SEVERAL_VALUES = {
    "candidate_unknown",
    "dynamic_min_above_max",
    "enforced_affinity",
    "enforced_normal",
    "group_unknown",
    "group_uuid_twice",
    "halted_resident",
    "heartbeat_sr_unknown",
    "host_uuid_twice",
    "local_sr_without_hosts",
    "master_unknown",
    "need_zero",
    "network_host_unknown",
    "network_uuid_twice",
    "resident_on_unknown",
    "scheduled_unknown",
    "sr_host_unknown",
    "sr_uuid_twice",
    "two_groups_of_a_placement",
    "vm_network_unknown",
    "vm_sr_unknown",
    "vm_uuid_twice",
}
BELOW_JSON_VALUES = {
    "bom",
    "infinity",
    "key_twice",
    "lone_surrogate",
    "nan",
    "section_twice",
    "utf16",
    "vm_key_twice",
}
SAME_IN_JSON = {"memory_fraction"}
"""1.0 is an integer to JSON schema."""


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(schema())


def test_the_published_schema_is_this_one() -> None:
    published = Path(__file__).parents[3] / "docs" / "pool.schema.json"
    renew = "run: xenha inventory --schema > docs/pool.schema.json"
    assert json.loads(published.read_text()) == schema(), renew


def test_the_schema_names_every_default() -> None:
    found = schema()["$defs"]["VMShape"]["properties"]
    assert found["vcpus"]["default"] == 1
    assert found["order"]["default"] == 0
    assert "default" not in found["srs"]
    assert "default" not in found["power_state"]


@pytest.mark.parametrize("file", sorted(BAD.glob("*.json")), ids=lambda path: path.stem)
def test_the_schema_refuses_what_the_parser_refuses(file: Path) -> None:
    try:
        tree = json.loads(file.read_bytes())
    except (ValueError, RecursionError):
        return
    if file.stem in BELOW_JSON_VALUES:
        return
    refused = not jsonschema.Draft202012Validator(schema()).is_valid(tree)
    assert refused is (file.stem not in SPANS_SEVERAL_VALUES | SAME_IN_JSON)


# Files ---------------------------------------------------------------------------------------------------


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(PoolFileError, match=r"pool\.json: cannot be read: No such file or directory$"):
        load_pool(tmp_path / "pool.json")


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(PoolFileError, match=r"cannot be read: Is a directory$"):
        load_pool(tmp_path)


def test_a_path_with_a_null_byte() -> None:
    with pytest.raises(PoolFileError, match=r"cannot be read: embedded null byte$"):
        load_pool("pool\0.json")


def test_a_file_without_end() -> None:
    with pytest.raises(PoolFileError, match=r"/dev/zero: larger than 256 MiB$"):
        load_pool("/dev/zero")


def test_sums_that_no_kernel_can_add_are_refused() -> None:
    vm = {"memory_static_max_bytes": BYTES_MAX, "memory_overhead_bytes": BYTES_MAX}
    most = {**MINIMAL, "vms": [{"uuid": f"v{i}", **vm} for i in range(4095)]}
    assert len(read(most).vms) == 4095
    absurd = {**MINIMAL, "vms": [{"uuid": f"v{i}", **vm} for i in range(4096)]}
    with pytest.raises(PoolFileError, match=r"vms: \d+ bytes in all VMs and hosts; expected at most \d+$"):
        read(absurd)


def read_from_stdin(data: bytes) -> str:
    """Return what a fresh process says about a pool file on its standard input."""
    program = """
from planner.errors import PoolFileError
from planner.inventory.poolfile import load_pool
try:
    print(load_pool("-").uuid)
except PoolFileError as error:
    print(error)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], input=data, capture_output=True, check=True, cwd=ROOT
    )
    return done.stdout.decode().strip()


def test_standard_input() -> None:
    assert read_from_stdin(json.dumps(MINIMAL).encode()) == "p"


def test_errors_name_standard_input() -> None:
    assert read_from_stdin(b"[]") == "standard input: expected a JSON object, got a list"


# Fuzzing -------------------------------------------------------------------------------------------------

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=4)
    | st.sampled_from(["h", "v"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


def places(tree: Any) -> list[tuple[Any, Any]]:
    """Return (container, key) of every value in the tree."""
    found = []
    todo = [tree]
    while todo:
        container = todo.pop()
        keys = list(container) if isinstance(container, dict) else range(len(container))
        for key in keys:
            found.append((container, key))
            if isinstance(container[key], (dict, list)):
                todo.append(container[key])
    return found


@QUIET
@given(st.data())
def test_a_changed_file_is_read_or_refused_in_one_line(data: st.DataObject) -> None:
    full = dump_pool(data.draw(pools()))
    tree = json.loads(full)
    for _ in range(data.draw(st.integers(1, 3))):
        container, key = data.draw(st.sampled_from(places(tree)))
        if data.draw(st.booleans()):
            container[key] = data.draw(values)
        elif isinstance(container, dict):
            container[data.draw(st.text(max_size=4) | st.sampled_from(["uuid", "srs"]))] = container.pop(key)
    expect_pool_or_one_line(json.dumps(tree).encode("utf-8", "surrogatepass"))


@QUIET
@given(st.data())
def test_changed_bytes_are_read_or_refused_in_one_line(data: st.DataObject) -> None:
    text = bytearray(json.dumps(with_vm(resident_on="h", tags=["a"])).encode())
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(text)))
        end = data.draw(st.integers(start, min(len(text), start + 8)))
        text[start:end] = data.draw(
            st.binary(max_size=6) | st.sampled_from([b'"', b"{", b"]", b"1e999", b"\\ud800"])
        )
    expect_pool_or_one_line(bytes(text))


def expect_pool_or_one_line(data: bytes) -> None:
    try:
        pool = read_pool(data, "fuzz.json")
    except PoolFileError as error:
        said = str(error)
    else:
        assert read_pool(dump_pool(pool).encode(), "again") == pool
        return
    assert said.startswith("fuzz.json: ")
    assert "\n" not in said
    assert len(said) < 1000
