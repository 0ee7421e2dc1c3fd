"""`xenha whatif`."""

from __future__ import annotations


def test_people_read_both_figures(xenha, file_of, pool):
    done = xenha("whatif", file_of(pool), "--change", "stop=vm-1")
    assert (done.code, done.err) == (0, "")
    assert "at once" in done.out
    assert "before" in done.out


def test_a_lost_target_is_a_no(xenha, file_of, pool):
    done = xenha("whatif", file_of(pool), "--change", "disable=host-1")
    assert done.code == 1
    assert done.out.startswith("BREAKS THE TARGET: the target would be lost: OVERCOMMITTED")


def test_programs_read_the_contract(xenha, file_of, pool):
    (answer,) = xenha("whatif", file_of(pool), "--change", "disable=host-1", "--json").json
    assert answer["format"] == "xenha-whatif/1"
    assert answer["breaks_target"] is True
    assert answer["errors"] == []
    assert (answer["before"]["simultaneous"]["lower"], answer["after"]["simultaneous"]["lower"]) == (2, 1)
    assert set(answer) == {"format", "before", "after", "breaks_target", "errors"}


def test_a_change_that_cannot_be_made_is_left_out_and_said(xenha, file_of, pool):
    done = xenha("whatif", file_of(pool), "--change", "stop=nobody", "--change", "stop=vm-1", "--json")
    assert done.code == 2
    assert done.err == "xenha: stop=nobody: no such VM: nobody; expected a uuid or unique name\n"
    (answer,) = done.json
    assert answer["errors"] == ["stop=nobody: no such VM: nobody; expected a uuid or unique name"]
    assert answer["after"]["protected_vms"] == 2


def test_what_cannot_be_read_is_refused_whole(xenha, file_of, pool):
    done = xenha("whatif", file_of(pool), "--change", "stop", "--change", "stop=vm-1")
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("xenha: stop: expected one of start=VM@HOST, ")
