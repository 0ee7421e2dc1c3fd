"""A pool survives being turned into records, whoever reads them back."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hacore.clock import SystemClock
from lab.demo import demo_pool
from lab.pools import rich_pool, small_pool
from lab.xapi import readback
from lab.xapi.populate import database, spelled_out
from lab.xapi.server import serve
from planner.inventory import source
from planner.model import Pool

POOLS = {"demo": demo_pool(), "small": small_pool(), "rich": rich_pool()}


def without_reasons(pool: Pool) -> Pool:
    return replace(pool, vms=tuple(replace(vm, unagile_because=()) for vm in pool.vms))


@pytest.mark.parametrize("name", POOLS)
def test_the_simulated_xapi_reads_back_what_was_written(name: str) -> None:
    assert without_reasons(readback.pool(database(POOLS[name]))) == spelled_out(POOLS[name])


@pytest.mark.parametrize("name", POOLS)
def test_the_inventory_reads_the_same_pool_over_the_api(name: str) -> None:
    with serve(POOLS[name]) as server:
        found = source.parse_source(server.url)
        snapshot = source.load(found, source.Credentials(user="root", password="xenha"), SystemClock())
    assert snapshot.rejects == ()
    assert without_reasons(snapshot.pool) == spelled_out(POOLS[name])


def test_spelling_out_twice_changes_nothing() -> None:
    for pool in POOLS.values():
        assert spelled_out(spelled_out(pool)) == spelled_out(pool)


def test_the_same_pool_gives_the_same_records() -> None:
    one, other = database(demo_pool()), database(demo_pool())
    for name, count in one.counts().items():
        assert one.records(name) == other.records(name), name
        assert count == len(other.refs(name))


def test_no_client_is_led_off_this_machine() -> None:
    db = database(demo_pool())
    hosts, pifs = db.records("host").values(), db.records("PIF").values()
    assert all(host["address"].startswith("127.") for host in hosts)
    assert {pif["IP"] for pif in pifs if pif["management"]} == {host["address"] for host in hosts}


def test_every_reference_names_an_object() -> None:
    from lab.xapi.classes import CLASSES, NULL

    db = database(rich_pool())
    for name, spec in CLASSES.items():
        for record in db.records(name).values():
            assert record.keys() == spec.fields.keys()
            for field in spec.fields.values():
                value = record[field.name]
                refs = value if field.type == "refs" else [value] if field.type == "ref" else []
                assert all(ref == NULL or db.has(field.target, ref) for ref in refs), (name, field.name)
