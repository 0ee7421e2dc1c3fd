"""What people are told: hosts by name, waits only once they are long."""

from __future__ import annotations

import pytest

from hacore.core.effects import Note
from hacore.core.timing import NS, timing
from hacore.core.warnings import Warnings
from hacore.core.words import NOT_WAITING, Hosts, Value, Waiting, one, spoken
from hacore.records import NOBODY

NAMES = ("red", "green", "blue")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Hosts(0b101), "red,blue"),
        (Hosts(0), "nobody"),
        (one(1), "green"),
        (one(NOBODY), "nobody"),
        (Waiting("storage"), "storage"),
        (Waiting("hosts that are missing", 0b110), "hosts that are missing: green, blue"),
        (NOT_WAITING, ""),
        (7, 7),
        (True, True),
        ("as it is", "as it is"),
    ],
)
def test_hosts_are_told_by_name(value: Value, text: str | int) -> None:
    told = spoken(value, NAMES.__getitem__)
    assert told == text
    assert type(told) is type(text)


def test_only_a_long_wait_is_told_and_only_once() -> None:
    warnings = Warnings(timing(20 * NS, NS))
    storage, nobody = Waiting("storage"), NOT_WAITING
    assert warnings.waits(storage, 100 * NS) == []
    assert warnings.waits(storage, 102 * NS - 1) == []
    assert warnings.waits(storage, 102 * NS) == [Note("waiting", (("for", storage),))]
    assert warnings.waits(storage, 110 * NS) == []
    assert warnings.waits(nobody, 111 * NS) == []
    assert warnings.waits(nobody, 150 * NS) == []
    assert warnings.waits(storage, 151 * NS) == []
    assert warnings.waits(Waiting("storage", 1), 152 * NS) == []
    assert warnings.waits(storage, 153 * NS) == []
    assert warnings.waits(storage, 155 * NS) == [Note("waiting", (("for", storage),))]
