"""The models of the protocol in short: what is right holds in every state, what is broken is found out."""

from __future__ import annotations

import importlib.util
import re
import shutil
import sys
from pathlib import Path

import pytest

SPEC = importlib.util.spec_from_file_location("model_check", Path("model/check.py"))
assert SPEC is not None
assert SPEC.loader is not None
check = importlib.util.module_from_spec(SPEC)
sys.modules["model_check"] = check
SPEC.loader.exec_module(check)

needs_spin = pytest.mark.skipif(
    shutil.which("spin") is None or shutil.which("gcc") is None, reason="spin or gcc is not installed"
)


@pytest.mark.slow
@needs_spin
@pytest.mark.parametrize("run", [each for each in check.RUNS if each.quick], ids=lambda run: run.name)
def test_the_model_says_what_it_should(run):
    outcome = check.search(run)
    assert check.right(run, outcome), outcome


def test_a_search_that_was_cut_short_proves_nothing():
    text = "error: max search depth too small\nerrors: 0\n 12 states, stored\npan: elapsed time 1.5 seconds\n"
    outcome = check.read(text)
    assert outcome == check.Outcome(0, "12", "1.5", "?", complete=False)
    assert not check.right(check.RUNS[0], outcome)


@pytest.mark.parametrize("model", sorted({run.model for run in check.RUNS}))
def test_every_rule_of_a_model_is_taken_away_once(model):
    text = Path(f"model/{model}.pml").read_text(encoding="utf-8")
    rules = set(re.findall(r"BUG_(\w+)", text))
    assert rules == {run.broken for run in check.RUNS if run.model == model and run.broken}
