"""`xenha rolling`."""

from __future__ import annotations


def test_people_read_the_order(xenha, file_of, pool):
    done = xenha("rolling", file_of(pool))
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("POSSIBLE: 3 hosts in this order")
    assert "any 1 host failure at once survived throughout" in done.out


def test_a_floor_of_none_promises_no_failure(xenha, file_of, pool):
    done = xenha("rolling", file_of(pool), "--floor", "0")
    assert "every protected VM kept running, whether or not a failure is survived" in done.out


def test_programs_read_the_contract(xenha, file_of, pool):
    (answer,) = xenha("rolling", file_of(pool), "--floor", "0", "--json").json
    assert list(answer) == ["format", "floor", "possible", "steps", "stuck", "elapsed_seconds"]
    assert (answer["format"], answer["floor"], answer["possible"]) == ("xenha-rolling/1", 0, True)
    assert sorted(step["host"] for step in answer["steps"]) == ["h1", "h2", "h3"]


def test_a_bound_vm_is_a_no(xenha, file_of, stuck):
    done = xenha("rolling", file_of(stuck))
    assert (done.code, done.err) == (1, "")
    assert done.out.startswith("IMPOSSIBLE: no order works")
    assert "Stuck at host-1" in done.out
    assert "SR local" in done.out
