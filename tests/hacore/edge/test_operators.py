"""What operators are answered before the machine is asked."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from hacore.edge.operators import check_confirmation, must_reboot, noted, uncertain
from hacore.errors import Refused

HOSTS = tuple(SimpleNamespace(name=name) for name in ("red", "green", "blue", "black"))
CONFIG: Any = SimpleNamespace(hosts=HOSTS, name_of=lambda host: HOSTS[host].name)


def view(**masks: int) -> Any:
    return SimpleNamespace(**({"liveset": 0b0001, "dead": 0, "condemned": 0, "uncertain": 0} | masks))


@pytest.mark.parametrize("said", [{"uncertain": 0b0100}, {"dead": 0b0100}])
def test_who_is_uncertain_may_be_called_dead_and_called_so_again(said: dict[str, int]) -> None:
    check_confirmation(2, view(**said), CONFIG)


@pytest.mark.parametrize(
    ("masks", "sentence"),
    [
        ({"liveset": 0b0101, "uncertain": 0b1010}, "confirm-dead: blue is a member; if it is silent"),
        ({"condemned": 0b1110, "uncertain": 0b1010}, "confirm-dead: blue is left out and was armed"),
        ({"condemned": 0b1010, "dead": 0b1010}, "confirm-dead: blue is no member and left cleanly"),
    ],
)
def test_a_word_that_nobody_needs_is_refused(masks: dict[str, int], sentence: str) -> None:
    with pytest.raises(Refused) as refused:
        check_confirmation(2, view(**masks), CONFIG)
    assert str(refused.value).startswith(sentence)


def test_people_are_told_whom_to_look_after_and_what_to_type() -> None:
    assert uncertain(0, CONFIG) == []
    (sentence,) = uncertain(0b0010, CONFIG)
    assert sentence.startswith("green is left out and was not armed")
    assert "xenhad confirm-dead green --force" in sentence


def test_people_are_told_who_has_to_reboot() -> None:
    assert must_reboot(0, CONFIG) == []
    (sentence,) = must_reboot(0b0100, CONFIG)
    assert sentence.startswith("blue was declared dead and asks to join: unless it has rebooted")


def test_requests_are_noted_as_the_journal_speaks() -> None:
    assert [noted(value) for value in (True, False, 3, "red")] == [True, False, "3", "red"]
