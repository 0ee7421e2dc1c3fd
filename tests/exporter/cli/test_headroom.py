"""`xenha headroom`."""

from __future__ import annotations

from dataclasses import replace

import pytest

from exporter.cli.exits import Exit
from exporter.cli.headroom import code
from planner.results import Headroom, Span

GIB = 1 << 30


def test_people_read_the_largest_vm(xenha, file_of, pool):
    """host-1 and host-2 fail: 16 GiB of theirs leave 8 on host-3, or as much there and none on the others."""
    done = xenha("headroom", file_of(pool))
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("The largest VM that can start: 8 GiB, 2 host failures still survived")


def test_hosts_are_listed_by_name(xenha, file_of, pool):
    backwards = replace(pool, hosts=pool.hosts[::-1])
    rows = [line.split() for line in xenha("headroom", file_of(backwards)).out.splitlines()]
    assert [row[0] for row in rows if row[0].startswith("host-")] == ["host-1", "host-2", "host-3"]


def test_programs_read_the_contract(xenha, file_of, pool):
    (answer,) = xenha("headroom", file_of(pool), "--memory", "4GiB", "--json").json
    assert answer.pop("elapsed_seconds") >= 0
    per_host = [
        {"host": f"h{i}", "largest_vm_bytes": 8 * GIB, "largest_vm_upper_bytes": 8 * GIB} for i in (1, 2, 3)
    ]
    assert answer == {
        "format": "xenha-headroom/1",
        "target": 2,
        "largest_vm_bytes": 8 * GIB,
        "largest_vm_upper_bytes": 8 * GIB,
        "count": 2,
        "count_upper": 2,
        "per_host": per_host,
    }


def test_nothing_starts_where_the_target_is_missed(xenha, file_of, stuck):
    done = xenha("headroom", file_of(stuck), "--memory", "1GiB")
    assert done.code == 0
    assert done.out.startswith("Nothing protected can start with 2 host failures still survived")
    assert "VMs of 1GiB that can start: 0" in done.out


def test_a_size_that_is_none_is_refused(xenha, file_of, pool):
    done = xenha("headroom", file_of(pool), "--memory", "16GB")
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("xenha: --memory '16GB': expected a size above 0")


@pytest.mark.parametrize(
    ("largest", "count", "expected"),
    [
        (Span(1, 1), None, Exit.DONE),
        (Span(1, 2), None, Exit.OPEN),
        (Span(1, 1), Span(3, 3), Exit.DONE),
        (Span(1, 1), Span(3, 4), Exit.OPEN),
    ],
)
def test_what_is_not_proven_is_open(largest, count, expected):
    assert code(Headroom(1, largest, (), count, 0.0)) is expected
