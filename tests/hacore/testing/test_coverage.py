"""Every row of what must be shown has its scenario, test or drill, and no name is wrong."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from hacore.testing.scenario import parse
from lab.cluster.drills import DRILLS

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
ROWS = tomllib.loads((HERE / "coverage.toml").read_text(encoding="utf-8"))["row"]
SCENARIOS = {
    path.stem: parse(path.read_text(encoding="utf-8"))
    for path in sorted((ROOT / "tests" / "scenarios").glob("*.toml"))
}
NOT_OURS = {
    "X1.16 xm.time",
    "X1.16 xm.xapi.error",
    "X1.16 simulate_restart_failure",
    "X1.16 fail_healthcheck",
    "X1.16 reconfigure_host",
}
"""Faults of the toolstack, which nothing here looks after. Nothing may be added to get around a row."""
FAMILIES = {"M1 ", "M5", "M9 ", "X1.10 ", "X1.16 ", "R"}


def shown(identifier: str) -> list[str]:
    return [name for name, scenario in SCENARIOS.items() if identifier in scenario.covers]


def exists(name: str) -> bool:
    if name.startswith("drill:"):
        return name.removeprefix("drill:") in DRILLS
    path, _, test = name.partition("::")
    return (ROOT / path).is_file() and f"def {test}(" in (ROOT / path).read_text(encoding="utf-8")


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["id"])
def test_the_row_is_shown(row):
    by = row.get("by", [])
    assert [name for name in by if not exists(name)] == []
    assert bool(by or shown(row["id"])) != (row["id"] in NOT_OURS)
    assert ("not_ours" in row) == (row["id"] in NOT_OURS)


def test_every_scenario_shows_rows_that_there_are():
    known = {row["id"] for row in ROWS}
    wrong = {name: set(scenario.covers) - known for name, scenario in SCENARIOS.items()}
    assert {name: rows for name, rows in wrong.items() if rows} == {}
    assert [name for name, scenario in SCENARIOS.items() if not scenario.covers] == []


def test_every_scenario_says_what_its_expectations_follow_from():
    """A rule by its place (§5.2, G4, R15, brakes) and the times that come of it, worked out by hand."""
    silent = [name for name, scenario in SCENARIOS.items() if not re.search(r"§|G\d|R\d", scenario.because)]
    assert silent == []


def test_no_row_is_there_twice_and_no_family_is_missing():
    identifiers = [row["id"] for row in ROWS]
    assert len(set(identifiers)) == len(identifiers)
    assert {f"R{number}" for number in range(1, 16)} <= set(identifiers)
    assert [family for family in FAMILIES if not any(each.startswith(family) for each in identifiers)] == []
