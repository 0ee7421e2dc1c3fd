"""`xenha repair`."""

from __future__ import annotations

from dataclasses import replace

GIB = 1 << 30


def crowded(pool):
    """vm-1 has only the room beside vm-2, a VM that is not protected: it must move to host-1."""
    hosts = (
        replace(pool.hosts[0], memory_total_bytes=16 * GIB),
        replace(pool.hosts[1], memory_total_bytes=12 * GIB),
    )
    second = replace(pool.vms[1], ha_restart_priority="", ha_always_run=False)
    return replace(pool, ha_host_failures_to_tolerate=1, hosts=hosts, vms=(pool.vms[0], second))


def test_people_read_what_to_move(xenha, file_of, pool):
    done = xenha("repair", file_of(crowded(pool)))
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("POSSIBLE: after 1 move the pool survives any 1 host failure at once")
    assert "vm-2" in done.out
    assert "Meanwhile the pool never survives less than now (proven)" in done.out


def test_programs_read_the_contract(xenha, file_of, pool):
    (answer,) = xenha("repair", file_of(crowded(pool)), "--json").json
    answer.pop("elapsed_seconds")
    assert answer == {
        "format": "xenha-repair/1",
        "target": 1,
        "possible": True,
        "minimal": True,
        "safe": True,
        "moves": [{"vm": "v2", "from": "h2", "to": "h1"}],
        "breaks_groups": [],
        "purchase": None,
        "purchase_proven": False,
        "demote": None,
        "demote_proven": False,
    }


def test_a_pool_that_is_fine_needs_nothing(xenha, file_of, pool):
    done = xenha("repair", file_of(pool))
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("OK: the pool survives any 2 host failures at once already")


def test_what_no_move_can_do_is_a_no_with_remedies(xenha, file_of, stuck):
    done = xenha("repair", file_of(stuck), "--target", "1")
    assert (done.code, done.err) == (1, "")
    assert done.out.startswith("IMPOSSIBLE: no migrations let the pool survive any 1 host failure at once")
    assert "does not suffice (proven)" in done.out
    assert "no longer protect 1 VM: vm-1 (fewer do not suffice, proven)" in done.out


def test_what_to_buy_is_named(xenha, file_of, pool):
    done = xenha("repair", file_of(pool), "--target", "3")
    assert done.code == 1
    assert "To buy: one more host with 24 GiB for VMs (less does not suffice, proven)" in done.out


def test_without_time_it_stays_open(xenha, file_of, pool):
    done = xenha("repair", file_of(crowded(pool)), "--limit", "0")
    assert (done.code, done.err) == (4, "")
    assert done.out.startswith("UNKNOWN")
