"""Ages and missed beats of channels, as people are shown them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hacore.core.events import DiskCycle
from hacore.edge.channels import Channel, Channels, warning_percent
from hacore.kernel.native import blank_body
from hacore.records import NOBODY, Cause, Decision

BEAT = 100


def cycle(at_ns: int, *sequences: int, read: bool = True) -> DiskCycle:
    return DiskCycle(
        1, at_ns - 2, True, at_ns - 1, at_ns, read, sequences, (None,) * len(sequences), 0, 0, 0, False
    )


def test_age_is_counted_from_the_cycle_that_showed_something_new() -> None:
    channels = Channels(2, 1, BEAT)
    channels.read(cycle(1000, 5, 0))
    channels.read(cycle(1100, 5, 0))
    assert channels.disk.age_ns(0, 1150) == 150
    assert channels.disk.age_ns(1, 1150) is None
    channels.read(cycle(1200, 6, 0))
    assert channels.disk.age_ns(0, 1200) == 0


def test_a_read_that_failed_shows_nothing() -> None:
    channels = Channels(1, 1, BEAT)
    channels.read(cycle(1000, 5))
    channels.read(cycle(1100, 6, read=False))
    assert channels.disk.age_ns(0, 1100) == 100


def test_a_slot_that_was_only_formatted_has_no_age() -> None:
    blank = blank_body(Decision(1, 1, (0,), NOBODY, Cause.NONE))
    channels = Channels(1, 1, BEAT)
    channels.read(replace(cycle(1000, 8), bodies=(blank,)))
    assert channels.disk.age_ns(0, 1100) is None
    assert channels.disk.missed(0, 10**9) == 0
    channels.read(replace(cycle(1200, 9), bodies=(replace(blank, incarnation=7),)))
    assert channels.disk.age_ns(0, 1250) == 50


@pytest.mark.parametrize(
    ("gaps", "missed"), [([100, 100], 0), ([140], 0), ([160], 1), ([100, 300], 2), ([1000], 9), ([20, 20], 0)]
)
def test_missed_beats_are_those_that_a_gap_has_swallowed(gaps: list[int], missed: int) -> None:
    channel = Channel(1, BEAT)
    at_ns = 1000
    channel.saw(0, at_ns)
    for gap in gaps:
        at_ns += gap
        channel.saw(0, at_ns)
    assert channel.missed(0, at_ns) == missed
    assert channel.missed(0, at_ns + 260) == missed + 2


def test_who_was_never_seen_has_missed_nothing() -> None:
    assert Channel(1, BEAT).missed(0, 10**9) == 0


def test_networks_are_apart() -> None:
    channels = Channels(2, 2, BEAT)
    channels.heard(0, (0, 500))
    channels.heard(1, (0, 400))
    channels.heard(0, (0, 450))
    assert [each.age_ns(1, 600) for each in channels.networks] == [100, 200]


@pytest.mark.parametrize(
    ("age_ns", "percent"), [(None, 0), (0, 0), (249, 0), (250, 25), (499, 25), (500, 50), (5000, 50)]
)
def test_warnings_come_at_a_quarter_and_at_half(age_ns: int | None, percent: int) -> None:
    assert warning_percent(age_ns, 1000) == percent
