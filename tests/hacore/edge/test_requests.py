"""Requests become events, and what is wrong with one is a sentence."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from hacore.core.events import (
    Arm,
    ConfirmDead,
    Disarm,
    EmergencyDisable,
    Join,
    Leave,
    ProposeLeader,
    SetWeight,
)
from hacore.edge.requests import event_of
from hacore.errors import InputError, Refused

HOSTS = (SimpleNamespace(uuid="u1", name="one"), SimpleNamespace(uuid="u2", name="two"))
CONFIG: Any = SimpleNamespace(hosts=HOSTS, host=0, fencing=True)


@pytest.mark.parametrize(
    ("request_", "event"),
    [
        ({"request": "arm"}, Arm()),
        ({"request": "disarm"}, Disarm()),
        ({"request": "leave"}, Leave()),
        ({"request": "join"}, Join(False)),
        ({"request": "join", "force": True}, Join(True)),
        ({"request": "set-weight", "weight": 0}, SetWeight(0)),
        ({"request": "propose-leader", "host": "u2"}, ProposeLeader(1)),
        ({"request": "propose-leader", "host": "one"}, ProposeLeader(0)),
        ({"request": "confirm-dead", "host": "two", "force": True}, ConfirmDead(1)),
        ({"request": "emergency-disable", "force": True}, EmergencyDisable()),
    ],
)
def test_requests_become_events(request_: dict[str, Any], event: object) -> None:
    assert event_of(request_, CONFIG) == event


@pytest.mark.parametrize(
    ("request_", "sentence"),
    [
        ({"request": "reboot"}, 'request: "reboot": expected one of status, arm, disarm, leave'),
        ({"request": "arm", "force": True}, "force: unknown key of arm"),
        ({"request": "join", "force": 1}, "force: expected true or false"),
        ({"request": "set-weight"}, "weight: expected a whole number of 0 to 65535"),
        ({"request": "set-weight", "weight": True}, "weight: expected a whole number"),
        ({"request": "set-weight", "weight": 65536}, "weight: expected a whole number"),
        ({"request": "propose-leader"}, "host: expected the UUID or the name of a configured host: one, two"),
        ({"request": "propose-leader", "host": ["u1"]}, "host: expected the UUID or the name"),
        ({"request": "propose-leader", "host": "tow"}, "host: 'tow': expected the UUID or the name"),
        ({"request": "confirm-dead", "host": "two"}, 'confirm-dead: expected "force": true'),
        ({"request": "confirm-dead", "host": "u1", "force": True}, "host: expected another host than this"),
        ({"request": "emergency-disable"}, 'emergency-disable: expected "force": true'),
    ],
)
def test_bad_requests_are_refused(request_: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InputError) as refused:
        event_of(request_, CONFIG)
    assert str(refused.value).startswith(sentence)


def test_who_runs_without_fencing_cannot_be_armed() -> None:
    with pytest.raises(Refused, match="started without fencing"):
        event_of({"request": "arm"}, SimpleNamespace(hosts=HOSTS, fencing=False))
