"""Every violated inequality has its sentence; whatever an operator may choose violates none."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from hacore.core.inequalities import BEATS, ENDS, LIMITS, WATCHDOG, check, inequalities, seconds
from hacore.core.timing import NS, timing
from hacore.core.worked import page

GOOD = timing(60 * NS, NS // 10)
BAD = {
    "the shortest time-out allowed = 10 s must not exceed T = 9.9 s": timing(9_900_000_000, 0),
    "T = 3601 s must not exceed the longest time-out allowed = 3600 s": timing(3601 * NS, 0),
    "the shortest time-out of watchdog devices = 1 s must not exceed W = 0.5 s": replace(
        GOOD, watchdog_ns=NS // 2
    ),
    "the fraction of a second in W = 0.5 s must not exceed the finest step of watchdog devices": replace(
        GOOD, watchdog_ns=3 * NS // 2
    ),
    "the watchdog's granularity g = 7 s must not exceed W = 6 s": timing(60 * NS, 7 * NS),
    "two beats = 44 s must not exceed T − 3W − 2g = 41.8 s": replace(GOOD, beat_ns=22 * NS),
    "the check-in = 42 s must not exceed T − 3W − 2g = 41.8 s": replace(GOOD, check_in_ns=42 * NS),
    "storage_lost + four beats = 42 s must not exceed T − 3W − 2g = 41.8 s": replace(
        GOOD, storage_lost_ns=30 * NS
    ),
    "the beat = 16 s must not exceed T/4 = 15 s": replace(GOOD, beat_ns=16 * NS),
    "two beats = 6 s must not exceed the check-in = 5 s": replace(GOOD, check_in_ns=5 * NS),
    "two beats = 6 s must not exceed storage_lost = 5 s": replace(GOOD, storage_lost_ns=5 * NS),
    "three beats = 9 s must not exceed unheard = 8 s": replace(GOOD, unheard_ns=8 * NS),
    "T + T·ρ + g = 60.7 s must not exceed silence = 60 s": replace(GOOD, silence_ns=60 * NS),
    "the last ping + 3(W + g) + T·ρ = 60.7 s must not exceed silence = 60.6 s": replace(
        GOOD, silence_ns=60_600_000_000
    ),
    "unheard + stable = 61 s must not exceed T = 60 s": replace(GOOD, stable_ns=31 * NS),
    "silence = 60.7 s must not exceed cold_start = 60 s": replace(GOOD, cold_start_ns=60 * NS),
}


@pytest.mark.parametrize("words", BAD)
def test_each_violated_inequality_says_so(words):
    assert [each for each in check(BAD[words], lab=False) if each.startswith(words)]


def test_every_inequality_is_seen_violated_here():
    violated = {each for timing in BAD.values() for each in inequalities(False) if not each.holds(timing)}
    assert violated == set(LIMITS + WATCHDOG + BEATS + ENDS)


@pytest.mark.parametrize("granularity_ns", [0, NS // 10, NS])
@pytest.mark.parametrize("timeout_seconds", [10, 11, 15, 30, 60, 61, 120, 600, 3600])
def test_whatever_an_operator_may_choose_holds(timeout_seconds, granularity_ns):
    assert check(timing(timeout_seconds * NS, granularity_ns), lab=False) == ()


@pytest.mark.parametrize("timeout_ms", [1000, 1500, 2000, 5000])
def test_a_lab_may_be_quick(timeout_ms):
    assert check(timing(timeout_ms * NS // 1000, NS // 1000, lab=True), lab=True) == ()


def test_a_lab_is_not_above_the_protocol():
    assert check(timing(NS // 2, NS // 1000, lab=True), lab=True)


@pytest.mark.parametrize(
    ("duration_ns", "text"),
    [(0, "0"), (NS, "1"), (NS // 10, "0.1"), (60_700_000_000, "60.7")],
)
def test_seconds_are_written_as_people_do(duration_ns, text):
    assert seconds(duration_ns) == text


def test_the_document_shows_these_figures():
    """Renew: python -c 'from hacore.core.worked import page; print(page(), end="")' > docs/timing.md."""
    assert Path("docs/timing.md").read_text(encoding="utf-8") == page()
