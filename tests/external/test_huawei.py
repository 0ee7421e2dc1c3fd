"""Hosts and VM sizes of Huawei Cloud: different hosts, 4 to 64 of them; xapi's answer stands beside ours."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.external import cases, pool_of
from planner.compat import xapi

CASES = {case["id"]: case for case in cases(Path(__file__).parent / "trace-huawei-topology")}
RULES = {"exhaustive": "exhaustive", "approx": "approximate"}


@pytest.mark.parametrize("name", CASES)
def test_the_figure_is_the_expected_one(name: str, answer) -> None:
    case = CASES[name]
    bounds = answer(pool_of(case))
    assert bounds.lower == bounds.upper == case["expect"]["max_failures"]


@pytest.mark.parametrize("name", CASES)
def test_the_given_witness_is_one(name: str, certainly_lost) -> None:
    case = CASES[name]
    failed = case["proof"]["witness_not_survivable"]
    assert len(failed) == case["expect"]["max_failures"] + 1
    assert certainly_lost(pool_of(case), failed)


@pytest.mark.parametrize("name", CASES)
def test_xapis_rule_says_what_xapi_says(name: str) -> None:
    pool, told = pool_of(CASES[name]), CASES[name]["xapi_answer"]
    assert xapi.max_failures(pool) == told["max_failures"]
    for key, (exists, rule) in told["per_r"].items():
        failures = int(key.removeprefix("r"))
        assert (xapi.plan_exists(pool, failures) == "all") is exists, key
        assert xapi.rule_for(len(pool.hosts), failures) == RULES[rule], key


@pytest.mark.parametrize("name", CASES)
def test_xapis_figure_is_never_above_the_truth(name: str) -> None:
    case = CASES[name]
    assert case["xapi_answer"]["max_failures"] <= case["expect"]["max_failures"]
