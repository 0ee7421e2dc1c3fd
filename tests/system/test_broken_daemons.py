"""The judge finds daemons that break a guarantee: each has one rule replaced, and a drill shows it."""

from __future__ import annotations

import sys

import pytest

from lab.cluster.needs import missing
from lab.cluster.perform import perform

ATTEMPTS = 3
"""A drill that the computer itself disturbed says nothing."""
LAUNCHER = """
import sys
from dataclasses import replace
from hacore.core import rules
{breakage}
from hacore.commands import main
sys.exit(main(["run", "--config", sys.argv[1]]))
"""
BREAKAGES = {
    "who is left out counts as dead at once": (
        "rules.RULES = replace(rules.RULES, certainly_dead=lambda seen: True)",
        "mute",
        "G1: ",
    ),
    "links count without evidence or majority": (
        "from hacore.core.survival import Verdict\n"
        "rules.RULES = replace(rules.RULES, survive=lambda members, leader, sight, isolation:"
        " rules.survive(members, leader, sight, 'fence'))",
        "dead-switch",
        "G3: ",
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("what", BREAKAGES)
def test_a_broken_rule_is_found(what):
    if lacking := missing():
        pytest.skip(f"no lab here: it needs {'; '.join(lacking)}")
    breakage, drill, guarantee = BREAKAGES[what]
    daemon = (sys.executable, "-c", LAUNCHER.format(breakage=breakage))
    for _ in range(ATTEMPTS):
        report = perform(drill, daemon=daemon, slack_seconds=1)
        found = any(sentence.startswith(guarantee) for sentence in report.wrong)
        if found or not report.disturbed:
            break
    assert found, report.wrong
