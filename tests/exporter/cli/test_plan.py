"""`xenha plan`."""

from __future__ import annotations

from dataclasses import replace

import pytest

from exporter.cli.exits import Exit
from exporter.cli.output import Line
from exporter.cli.plan import code
from exporter.cli.words import plan_parts
from planner.results import Gap, Plan, Unplaced


def test_people_read_who_goes_where(xenha, file_of, pool):
    done = xenha("plan", file_of(pool), "--fail", "host-1")
    assert (done.code, done.err) == (0, "")
    assert "COMPLETE: 1 VM restarts" in done.out
    assert "vm-1" in done.out
    assert "Afterwards:" in done.out
    assert "every protected VM serves after 125 s; restarts begin after 65 s" in done.out


def test_programs_read_the_contract(xenha, file_of, pool):
    done = xenha("plan", file_of(pool), "--fail", "host-1", "--fail", "h2", "--json")
    (answer,) = done.json
    assert answer["format"] == "xenha-plan/1"
    assert answer["failed_hosts"] == ["h1", "h2"]
    assert {(p["vm"], p["from"], p["to"]) for p in answer["placements"]} == {
        ("v1", "h1", "h3"),
        ("v2", "h2", "h3"),
    }


def test_an_incomplete_plan_is_a_no(xenha, file_of, stuck):
    done = xenha("plan", file_of(stuck), "--fail", "host-1")
    assert done.code == 1
    assert "INCOMPLETE" in done.out
    assert done.err == ""


def test_the_same_plan_whatever_was_asked_before(xenha, file_of, pool):
    first = xenha("plan", file_of(pool), "--fail", "h1", "--json").json[0]
    second = xenha("plan", file_of(pool), "--fail", "host-1", "--fail", "h1", "--json").json[0]
    assert first["plan_id"] == second["plan_id"]


@pytest.mark.parametrize(
    ("reason", "optimal", "expected"),
    [("unknown", False, Exit.OPEN), ("unknown", True, Exit.NO), ("reach", False, Exit.NO)],
)
def test_an_incomplete_plan_is_open_until_it_is_proven(pool, reason, optimal, expected):
    left = Unplaced("v1", reason, "")
    answer = Plan("id", ("h1",), False, optimal, (), (left,), 0.0)
    assert code(pool, answer) is expected


def test_unknown_and_ambiguous_hosts_are_refused(xenha, file_of, pool):
    done = xenha("plan", file_of(pool), "--fail", "host-9")
    assert (done.code, done.out) == (2, "")
    assert "--fail host-9: no such host in pool small" in done.err
    twins = replace(pool, hosts=tuple(replace(host, name="twin") for host in pool.hosts))
    done = xenha("plan", file_of(twins), "--fail", "twin")
    assert done.code == 2
    assert "use a uuid: h1, h2, h3" in done.err


def test_predicted_times_follow_the_options_and_the_tags(xenha, file_of, pool):
    asked = ("plan", file_of(pool), "--fail", "host-1", "--json")
    quick = xenha(*asked, "--boot-seconds", "10", "--boot-slots", "1", "--detection-seconds", "5").json[0]
    assert quick["predicted_recovery_seconds"] == 15
    assert [p["predicted_seconds"] for p in quick["placements"]] == [15]
    assert quick["prediction"]["boot_slots"] == 1
    tagged = replace(pool, vms=tuple(replace(vm, tags=("xenha:boot-seconds=100",)) for vm in pool.vms))
    slow = xenha("plan", file_of(tagged), "--fail", "host-1", "--detection-seconds", "5", "--json").json[0]
    assert slow["predicted_recovery_seconds"] == 105


def test_a_boot_time_that_is_none_is_told_and_nothing_else_breaks(xenha, file_of, pool):
    tagged = replace(pool, vms=tuple(replace(vm, tags=("xenha:boot-seconds=soon",)) for vm in pool.vms))
    done = xenha("plan", file_of(tagged), "--fail", "host-1")
    assert done.code == 0
    assert "warning: VM vm-1: tag 'xenha:boot-seconds=soon': expected seconds from 0 to 86400" in done.err


@pytest.mark.parametrize("option", ["--boot-seconds=-1", "--boot-slots=0", "--detection-seconds=x"])
def test_times_that_cannot_be_are_refused(xenha, file_of, pool, option):
    assert xenha("plan", file_of(pool), "--fail", "host-1", option).code == 2


def test_an_incomplete_plan_predicts_no_recovery(xenha, file_of, stuck):
    done = xenha("plan", file_of(stuck), "--fail", "host-1")
    assert "Predicted: never; not every protected VM restarts" in done.out


@pytest.mark.parametrize(
    ("gap", "words"),
    [
        (Gap(0, 5, 6), "not proven best within the limit: 5 of order 0, at most 6 can)"),
        (Gap(-1, 5, 6), "5 of negative orders, at most 6 can)"),
        (Gap(None, 3 * 2**30, 4 * 2**30), "3 GiB of protected VMs, at most 4 GiB can)"),
        (None, "not proven best within the limit)"),
    ],
)
def test_people_read_by_how_much_a_plan_may_fall_short(pool, gap, words):
    answer = Plan("id", ("h1",), False, False, (), (Unplaced("v1", "unknown", "why"),), 0.0, gap=gap)
    lines = [part.text for part in plan_parts(pool, answer) if isinstance(part, Line)]
    assert lines[1].endswith(words)
