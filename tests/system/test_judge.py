"""The judge against stories in which one thing is wrong each."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lab.cluster.history import Record, Run
from lab.cluster.judge import detection_seconds, judge
from lab.cluster.story import Boot, Dead, Epoch, Mark, Story, parse_line, story_of

NS = 10**9
BOTH, ALONE = frozenset({0, 1}), frozenset({0})


def at(seconds: float) -> int:
    return int(seconds * NS)


GOOD = Story(
    boots=(
        Boot(0, 1, at(0), None, None, ""),
        Boot(1, 1, at(0), at(10), at(10.01), "watchdog"),
        Boot(1, 2, at(10.1), None, None, ""),
    ),
    runs=(
        Run("a", 0, 1, at(2), at(30)),
        Run("b", 1, 1, at(2), at(10)),
        Run("b", 0, 1, at(13.5), at(30)),
    ),
    epochs=(
        Epoch(0, at(1), 2, BOTH, "0", "formed"),
        Epoch(1, at(1.1), 2, BOTH, "0", "formed"),
        Epoch(0, at(12), 3, ALONE, "0", "dead"),
        Epoch(1, at(12.5), 3, ALONE, "0", "dead"),
        Epoch(0, at(14), 4, BOTH, "0", "joined"),
        Epoch(1, at(14.1), 4, BOTH, "0", "joined"),
    ),
    dead=(Dead(0, at(13), 1),),
    member=(Mark(0, 1, at(1)), Mark(1, 1, at(1.1)), Mark(1, 2, at(14.1))),
    armed=(Mark(0, 1, at(1)), Mark(1, 1, at(1.1)), Mark(1, 2, at(14.1))),
    fences=(Mark(1, 1, at(10), "unpinged"),),
    latest_ns=0,
)


def test_a_good_story_is_good():
    assert judge(GOOD, frozenset({1})) == ()


WRONG = {
    "G1: b on host 1 ran 1.000 s after host 0 called it dead": {
        "runs": (Run("b", 1, 1, at(2), at(14)), Run("b", 0, 1, at(14.5), at(30)))
    },
    "G1: b ran on host 1 and host 0 at once for 0.500 s": {
        "runs": (Run("b", 1, 1, at(2), at(10)), Run("b", 0, 1, at(9.5), at(30)))
    },
    "G2: epoch 3 is [0] under 0 to host 0, [0, 1] under 0 to host 1": {
        "epochs": (*GOOD.epochs[:3], replace(GOOD.epochs[3], liveset=BOTH), *GOOD.epochs[4:])
    },
    "G2: epoch 4 is [0, 1] under 0 to host 0, [0, 1] under 1 to host 1": {
        "epochs": (*GOOD.epochs[:5], replace(GOOD.epochs[5], leader="1"))
    },
    "G2: host 0 went back from epoch 4 to 3": {
        "epochs": (*GOOD.epochs, Epoch(0, at(20), 3, ALONE, "0", "dead"))
    },
    "G3: host 0 was fenced (told) though its VMs were well where they were": {
        "fences": (*GOOD.fences, Mark(0, 1, at(20), "told"))
    },
    "G4: host 1 was fenced again (unpinged): a loop": {
        "fences": (*GOOD.fences, Mark(1, 2, at(20), "unpinged"))
    },
    "G4: host 1 armed in its life 2 without having been a member in it": {
        "armed": (*GOOD.armed[:2], Mark(1, 2, at(11)))
    },
    "G4: host 0 armed in its life 1 without having been a member in it": {"member": GOOD.member[1:]},
}


@pytest.mark.parametrize("sentence", WRONG)
def test_each_wrong_is_found_and_nothing_else(sentence):
    assert judge(replace(GOOD, **WRONG[sentence]), frozenset({1})) == (sentence,)


def test_a_run_that_began_after_the_declaration_is_a_new_life():
    story = replace(GOOD, runs=(*GOOD.runs, Run("c", 1, 2, at(15), at(20))))
    assert judge(story, frozenset({1})) == ()


def test_detection_counts_from_the_power_cut():
    assert detection_seconds(GOOD, GOOD.boots[1]) == 3.0
    assert detection_seconds(replace(GOOD, dead=()), GOOD.boots[1]) is None
    earlier = replace(GOOD, dead=(Dead(0, at(5), 1),))
    assert detection_seconds(earlier, GOOD.boots[1]) is None


def test_a_line_of_the_journal_is_taken_apart():
    line = parse_line(2, r'time=2026-01-31T23:59:59.123Z mono=12.500000 event=note text="a \"b\" \\ c=d" n=3')
    assert line is not None
    assert (line.host, line.at_ns, line.word) == (2, 12_500_000_000, "note")
    assert line.values == {"time": "2026-01-31T23:59:59.123Z", "text": 'a "b" \\ c=d', "n": "3"}
    assert parse_line(0, "Traceback (most recent call last):") is None


def test_records_become_a_story(tmp_path):
    records = (
        Record(at(1), 0, 1, "boot", {"boot_id": "x", "group": 1}),
        Record(at(2), 0, 1, "armed", {}),
        Record(at(3), 0, 1, "late", {"by_ns": 7}),
        Record(at(5), 0, 1, "fence", {"why": "unpinged", "late_ns": 9}),
        Record(at(6), 0, 1, "down", {"why": "watchdog", "asked_ns": at(5)}),
        Record(at(7), 0, 2, "boot", {"boot_id": "y", "group": 2}),
    )
    story = story_of(records, (), {0: tmp_path / "none"})
    assert story.boots == (Boot(0, 1, at(1), at(5), at(6), "watchdog"), Boot(0, 2, at(7), None, None, ""))
    assert story.armed == (Mark(0, 1, at(2)),)
    assert story.fences == (Mark(0, 1, at(5), "unpinged"),)
    assert story.latest_ns == 9
