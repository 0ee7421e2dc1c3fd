"""Ages of slots that were learnt by looking: bounds that hold for every moment a write may have happened."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hacore.commands.dumped import age_text, numbered_text
from hacore.commands.watched import Age, Watch
from hacore.records import MAX_HOSTS
from hacore.statefile import SLOTS_END, slot_offset

HOST = 3


def image(count: int) -> bytes:
    data = bytearray(SLOTS_END)
    data[slot_offset(HOST, 2)] = count
    return bytes(data)


IMAGES = [image(count) for count in range(8)]


@given(
    steps=st.lists(st.tuples(st.integers(1, 9), st.integers(1, 9)), min_size=1, max_size=7),
    writes=st.lists(st.integers(0, 130), max_size=7, unique=True),
)
def test_the_age_is_within_its_bounds_whenever_the_writes_happened(
    steps: list[tuple[int, int]], writes: list[int]
) -> None:
    """A read takes some time, and shows the volume as it was at one moment of that."""
    writes, now, watch = sorted(writes), 0, None
    for pause, length in steps:
        started, completed = now + pause, now + pause + length
        shown = IMAGES[sum(write <= started + length // 2 for write in writes)]
        if watch is None:
            watch = Watch(shown, started, completed)
        else:
            watch.look(shown, started, completed)
        now, seen_at = completed, started + length // 2
    assert watch is not None
    age = watch.ages(now)[HOST]
    last = max((write for write in writes if write <= seen_at), default=-1000)
    assert age.at_least_ns <= now - last
    assert age.at_most_ns is None or now - last <= age.at_most_ns


def test_only_the_slot_that_changed_is_young() -> None:
    watch = Watch(IMAGES[0], 10, 11)
    watch.look(IMAGES[1], 20, 21)
    watch.look(IMAGES[1], 30, 31)
    ages = watch.ages(31)
    assert len(ages) == MAX_HOSTS
    assert ages[HOST] == Age(10, 21)
    assert {age for host, age in enumerate(ages) if host != HOST} == {Age(20, None)}


def test_a_sequence_tells_when_it_began() -> None:
    assert numbered_text(8) == " (as it was formatted)"
    assert numbered_text(3 << 32) == "", "a clock that nobody set"
    assert numbered_text(1_800_000_000_000_000_512) == " (numbered from 2027-01-15 08:00:00 UTC on)"
    assert numbered_text((1 << 64) - 1).startswith(" (numbered from 2554-"), "no sequence is too high"


def test_ages_are_said_as_what_they_are() -> None:
    assert age_text(Age(300_000_000, 500_000_000)) == "written 0.3 to 0.5 s ago"
    assert age_text(Age(5_000_000_000, None)) == "not written for 5.0 s or longer"
