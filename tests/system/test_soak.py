"""A soak's verdict on stories in which one thing is wrong each, its draw of strokes, and one short soak."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest

from lab.cluster.daemonfile import Settings
from lab.cluster.history import Record
from lab.cluster.judge import Window, judge_windows
from lab.cluster.needs import missing
from lab.cluster.perform import DISTURBED_T
from lab.cluster.soak import Round, Uses, bound_seconds, latest_seconds, soak, soaked_text, uses_of, verdict
from lab.cluster.story import Boot, Dead, Mark, Story
from lab.cluster.strokes import STROKES, plan

NS = 10**9
ATTEMPTS = 3
"""A soak that the computer itself disturbed says nothing."""
QUIET = Story((), (), (), (), (), (), (), 0)


def at(seconds: float) -> int:
    return int(seconds * NS)


def fence(host: int, seconds: float) -> Mark:
    return Mark(host, 1, at(seconds), "unpinged")


FIRST, SECOND = Window(at(0), at(10), frozenset({1})), Window(at(10.1), at(20), frozenset({1}))
GOOD = replace(QUIET, fences=(fence(1, 5), fence(1, 15)))


def test_a_host_may_be_fenced_once_for_every_stroke_that_fences_it():
    assert judge_windows(GOOD, (FIRST, SECOND)) == ()


@pytest.mark.parametrize(
    ("fences", "sentence"),
    [
        ((fence(1, 5), fence(1, 10.05), fence(1, 15)), "G3: host 1 was fenced (unpinged)"),
        ((fence(1, 5), fence(0, 6), fence(1, 15)), "G3: host 0 was fenced (unpinged)"),
        ((fence(1, 5), fence(1, 6), fence(1, 15)), "G4: host 1 was fenced again (unpinged)"),
        ((fence(1, 5),), "host 1 should have been fenced"),
    ],
)
def test_other_fences_are_wrong_in_their_window(fences, sentence):
    found = judge_windows(replace(QUIET, fences=fences), (FIRST, SECOND))
    assert len(found) == 1
    assert found[0].startswith(sentence)


def crashed(dead_after: float) -> Story:
    boot = Boot(0, 1, at(1), at(5), at(5.01), "crash")
    return replace(QUIET, boots=(boot,), dead=(Dead(1, at(5 + dead_after), 0),))


def round_of(late: float, uses: Uses | None = None) -> Round:
    return Round("crash", 0, 9.0, late, uses, Window(at(0), at(99), frozenset()), ())


def test_a_death_told_late_breaks_g5_unless_the_computer_was_away():
    settings = Settings(timeout_seconds=10)
    assert bound_seconds(settings) == pytest.approx(10 * 1.01 + 0.2 + 0.5 + 1)
    assert verdict(crashed(11.7), (round_of(0),), settings).wrong == ()
    late = verdict(crashed(13), (round_of(0),), settings)
    assert [sentence[:3] for sentence in late.wrong] == ["G5:"]
    assert verdict(crashed(13), (round_of(1.5),), settings).wrong == ()
    assert "went wrong" in list(soaked_text(late))


def test_lateness_counts_in_its_window_only():
    records = (
        Record(at(1), 0, 1, "late", {"by_ns": at(3)}),
        Record(at(11), 0, 1, "late", {"by_ns": at(0.2)}),
        Record(at(12), 0, 1, "fence", {"late_ns": at(0.3), "why": "unpinged"}),
        Record(at(12), 0, 1, "daemon-ended", {"code": 0}),
    )
    assert latest_seconds(records, SECOND) == 0.3


def test_what_a_daemon_uses_is_read_from_the_kernel(tmp_path):
    proc = tmp_path / "proc" / "7"
    (proc / "fd").mkdir(parents=True)
    for name in "012":
        (proc / "fd" / name).touch()
    (proc / "status").write_text("Name:\txenhad\nVmRSS:\t   19412 kB\nThreads:\t5\n")
    assert uses_of(tmp_path, tmp_path / "proc") is None
    (tmp_path / "xenhad.pid").write_text("7")
    assert uses_of(tmp_path, tmp_path / "proc") == Uses(7, 19412, 3, 5)
    told = "\n".join(soaked_text(verdict(QUIET, (round_of(0, Uses(7, 19412, 3, 5)),), Settings())))
    assert "pid 7, over 1 strokes): 19412 KiB, at the end 19412; 3 files" in told


def test_a_seed_draws_the_same_strokes_again_and_spares_the_last_host():
    first, second = Random(3), Random(3)
    drawn = [plan(first, 4) for _ in range(500)]
    assert drawn == [plan(second, 4) for _ in range(500)]
    assert {name for name, _ in drawn} == set(STROKES)
    assert {host for _, host in drawn} == {0, 1, 2}


@pytest.mark.slow
def test_a_short_soak_with_real_daemons():
    if lacking := missing():
        pytest.skip(f"no lab here: it needs {'; '.join(lacking)}")
    settings = Settings(timeout_seconds=4)
    for _ in range(ATTEMPTS):
        told: list[Round] = []
        found = soak(settings, 60, 6, told.append, strokes=1)
        if not found.wrong or (told and told[0].late_seconds < settings.timeout_seconds * DISTURBED_T):
            break
    assert [each.stroke for each in told] == ["daemon-killed"]
    assert not found.wrong
    assert all(each.uses is not None for each in found.rounds)
