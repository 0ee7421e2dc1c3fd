"""The VM table: filtered, sorted, one page of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from exporter.page.vms import PAGE_SIZE, Query, query_of, vm_table
from planner.model import SR, VM, Network, Pool


def _names(pool: Pool, **asked: object) -> list[str]:
    return [row.name for row in vm_table(pool, replace(Query(), **asked), "p1").rows]


def test_control_domains_are_left_out(pool: Pool) -> None:
    table = vm_table(pool, Query(), "p1")
    assert len(table.rows) == 30
    assert table.found == "30 VMs"


@pytest.mark.parametrize(
    ("show", "count"), [("all", 30), ("restart", 16), ("best-effort", 7), ("unprotected", 7), ("trouble", 1)]
)
def test_filters_by_priority_and_trouble(pool: Pool, show: str, count: int) -> None:
    assert len(_names(pool, show=show)) == count


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("APP-7", ["app-7"]),
        ("quay-1 v25", ["app-25"]),
        ("web", ["app-3"]),
        ("nothing like it", []),
        ("%", []),
    ],
)
def test_every_word_of_a_search_must_be_found(pool: Pool, text: str, names: list[str]) -> None:
    tagged = replace(pool.vm_by_uuid["v3"], tags=("Web",))
    pool = replace(pool, vms=tuple(tagged if vm.uuid == "v3" else vm for vm in pool.vms))
    assert _names(pool, text=text) == names


@pytest.mark.parametrize(
    ("sort", "first", "last"),
    [
        ("name", "app-0", "app-29"),
        ("-name", "app-29", "app-0"),
        ("priority", "app-0", "app-23"),
        ("need", "app-3", "app-28"),
        ("-need", "app-0", "app-27"),
        ("host", "app-0", "app-29"),
        ("agile", "app-2", "app-29"),
    ],
)
def test_sorts_both_ways(pool: Pool, sort: str, first: str, last: str) -> None:
    names = _names(pool, sort=sort)
    assert (names[0], names[-1]) == (first, last)


def test_pages_show_every_vm_once(pool: Pool) -> None:
    guests = tuple(VM(f"u{i}", 1 << 30, f"vm-{i}") for i in range(3 * PAGE_SIZE + 1))
    pool = replace(pool, vms=guests)
    seen, query = [], Query(sort="name")
    for page in range(1, 5):
        table = vm_table(pool, replace(query, page=page), "p1")
        seen += [row.uuid for row in table.rows]
        assert table.pages == 4
        assert bool(table.next) == (page < 4)
        assert bool(table.previous) == (page > 1)
    assert seen == [vm.uuid for vm in guests]
    assert vm_table(pool, Query("vm-1"), "p1").found == "1–50 of 62 VMs found, 151 in all"
    assert vm_table(pool, Query("vm-15"), "p1").found == "2 VMs found, 151 in all"
    beyond = vm_table(pool, replace(query, page=99), "p1")
    assert (beyond.query.page, len(beyond.rows)) == (4, 1)
    assert beyond.found == "151–151 of 151 VMs"


@pytest.mark.parametrize(
    ("address", "query"),
    [
        (("", "", "", ""), Query()),
        (("  a b ", "restart", "-need", "3"), Query("a b", "restart", "-need", 3)),
        (("x" * 500, "<script>", "--need", "-1"), Query("x" * 100)),
        (("", "all", "uuid; drop", "9" * 5000), Query()),
        (("", "all", "priority", "٣"), Query()),
        (("", "all", "priority", "0"), Query()),
    ],
)
def test_an_address_that_makes_no_sense_shows_the_default(address, query: Query) -> None:
    assert query_of(*address) == query


def test_addresses_leave_out_what_is_default_and_quote_the_rest() -> None:
    assert Query().address("p1") == "?pool=p1"
    assert Query("a&b", "trouble", "-need", 2).address("p 1") == (
        "?pool=p+1&q=a%26b&show=trouble&sort=-need&page=2"
    )


def test_columns_turn_the_order_round(pool: Pool) -> None:
    columns = {column.key: column for column in vm_table(pool, Query(sort="need", page=1), "p1").columns}
    assert (columns["need"].order, columns["need"].address) == ("ascending", "?pool=p1&sort=-need")
    assert (columns["name"].order, columns["name"].address) == ("none", "?pool=p1&sort=name")


def test_reasons_name_storage_network_and_device(pool: Pool) -> None:
    hard = VM(
        "hard",
        1 << 30,
        "hard",
        power_state="Running",
        resident_on="h1",
        ha_restart_priority="restart",
        ha_always_run=True,
        srs=("s9",),
        networks=("n9",),
        candidate_hosts=("h1",),
        unagile_because=("a local DVD is inserted",),
    )
    pool = replace(
        pool,
        srs=(*pool.srs, SR("s9", "array", hosts=("h1", "h2", "h3"))),
        networks=(*pool.networks, Network("n9", hosts=("h1",))),
        vms=(*pool.vms, hard),
    )
    [row] = vm_table(pool, Query("hard"), "p1").rows
    assert (row.agility, row.agility_tone) == ("1 of 5 hosts", "bad")
    assert row.reasons == (
        "a local DVD is inserted",
        "network n9 not on 4 hosts",
        "no suitable device on 4 hosts",
        "SR array not reached from quay-4 and quay-5",
    )


def test_a_vm_that_is_down_says_why(pool: Pool) -> None:
    hosts = (replace(pool.hosts[0], live=False), *pool.hosts[1:])
    halted = replace(pool.vm_by_uuid["v1"], power_state="Halted", resident_on=None)
    pool = replace(pool, hosts=hosts, vms=tuple(halted if vm.uuid == "v1" else vm for vm in pool.vms))
    rows = {row.name: row for row in vm_table(pool, Query(sort="state"), "p1").rows}
    assert (rows["app-1"].state, rows["app-1"].state_tone, rows["app-1"].host) == (
        "Halted (down)",
        "bad",
        "–",
    )
    assert rows["app-0"].state == "down (its host is out of service; Running)"
    assert rows["app-10"].state_tone == "plain"
