"""Every scenario file comes true; the folder's listing is the list of promises."""

from __future__ import annotations

from pathlib import Path

import pytest

from hacore.testing.faults import KINDS
from hacore.testing.scenario import EXPECT_KEYS, FAULT_KEYS, KEYS, ScenarioError, parse, run, run_file

FOLDER = Path(__file__).parents[2] / "scenarios"
FILES = sorted(FOLDER.glob("*.toml"))
SMALL = 'about = "x"\nhosts = 3\ntimeout = 60\n'


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_scenario_comes_true(path):
    assert run_file(path) == []


def test_a_scenario_can_fail():
    expected = "[[expect]]\nat = 30\nliveset = [0]\nvms = [0, 1, 2]"
    wrong = run(parse(f"{SMALL}fences = {{0 = 'WATCHDOG'}}\n{expected}"))
    assert wrong == [
        "seed 0: at 30 s liveset is [0, 1, 2], expected [0]",
        "seed 0: fenced were none, expected {0: 'WATCHDOG'}",
    ]


def test_what_must_hold_for_a_while_is_looked_at_every_second():
    crash = '[[fault]]\nat = 40\nuntil = 90\nkind = "crash"\nhosts = [2]'
    (wrong,) = run(parse(f"{SMALL}seeds = 1\n{crash}\n[[expect]]\nat = 30\nuntil = 50\nvms = [0, 1, 2]"))
    assert wrong == "seed 0: at 40 s vms is [0, 1], expected [0, 1, 2]"


def test_the_log_must_come_in_order():
    lines = ["host 0 *joined*", "host 0 *boots*"]
    (wrong,) = run(parse(f"{SMALL}seeds = 1\nlog = {lines}\n[[expect]]\nat = 30\nliveset = [0, 1, 2]"))
    assert wrong == "seed 0: the log has no line 'host 0 *boots*' there"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("hosts = ", "no TOML"),
        ("hosts = 3", "about is missing"),
        ('about = "x"\nhosts = 65', "hosts = 65: expected 1 to 64"),
        (SMALL + "fauld = 1", "the file has fauld: expected of"),
        (SMALL + 'isolation = "never"', "isolation = 'never': not known"),
        (SMALL + '[[fault]]\nat = 1\nkind = "fire"', 'kind = "fire": expected one of'),
        (
            SMALL + '[[fault]]\nat = 2\nuntil = 1\nkind = "hang"',
            "until = 1.0: expected a time after at = 2.0",
        ),
        (
            SMALL + '[[fault]]\nat = 2\nkind = "hang"\nhosts = [3]',
            'expected "all" or a list of indexes below 3',
        ),
        (SMALL + "[[expect]]\nat = 2\nuntil = 1", "until = 1.0: expected a time after at = 2.0"),
        (SMALL + "networks = 9", "networks = 9: expected 1 to 8"),
        (SMALL + '[[fault]]\nat = 2\nkind = "cable"\nnetwork = 1', "network = 1: expected an index below 1"),
        (SMALL + "[[expect]]\nliveset = []", "at is missing"),
    ],
)
def test_what_is_not_understood_is_refused_in_one_line(text, says):
    with pytest.raises(ScenarioError) as refused:
        parse(text)
    assert says in str(refused.value)
    assert "\n" not in str(refused.value)


def test_the_document_names_every_kind_and_key():
    text = (FOLDER.parents[1] / "docs" / "scenarios.md").read_text(encoding="utf-8")
    assert [kind for kind, what in KINDS.items() if f"| `{kind}` | {what.says} |" not in text] == []
    assert [
        key for key in (KEYS | FAULT_KEYS | EXPECT_KEYS) - {"fault", "expect"} if f"\n{key} = " not in text
    ] == []
