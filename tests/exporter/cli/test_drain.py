"""`xenha drain`."""

from __future__ import annotations

import pytest

from exporter.cli.drain import code
from exporter.cli.exits import Exit


def test_people_read_where_each_vm_goes(xenha, file_of, pool):
    done = xenha("drain", file_of(pool), "--host", "host-1")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("POSSIBLE: host-1 can be emptied; 1 VM moves")
    assert "vm-1" in done.out
    assert "Meanwhile: survives any 1 host failure at once (proven)" in done.out


def test_programs_read_the_contract(xenha, file_of, pool):
    (answer,) = xenha("drain", file_of(pool), "--host", "h1", "--host", "host-2", "--json").json
    assert answer["format"] == "xenha-drain/1"
    assert answer["possible"] is True
    assert answer["hosts"] == ["h1", "h2"]
    assert answer["moves"] == [
        {"vm": "v1", "from": "h1", "to": "h3"},
        {"vm": "v2", "from": "h2", "to": "h3"},
    ]
    assert answer["blocked"] == []
    assert answer["tolerance_after"]["target"] == 2


def test_a_blocked_vm_is_a_no(xenha, file_of, stuck):
    done = xenha("drain", file_of(stuck), "--host", "host-1")
    assert (done.code, done.err) == (1, "")
    assert done.out.startswith("BLOCKED: 1 VM cannot leave host-1; 0 VMs can")
    assert "SR local" in done.out


def test_unknown_hosts_are_refused(xenha, file_of, pool):
    done = xenha("drain", file_of(pool), "--host", "host-9")
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("xenha: --host host-9: no such host in pool small")


@pytest.mark.parametrize(("possible", "expected"), [(True, Exit.DONE), (False, Exit.NO), (None, Exit.OPEN)])
def test_what_is_open_is_no_no(possible, expected):
    assert code(possible) is expected
