"""What an operator may order, and what it changes at once. What comes of it the machine decides later.

Must never believe an operator of what the protocol can find out for itself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

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
from hacore.core.mind import Mind
from hacore.core.words import one
from hacore.records import NOBODY, State


def _join(mind: Mind, join: Join) -> None:
    mind.deciding.forced = mind.deciding.forced or join.force
    if mind.takeover.pending:
        mind.takeover.asked_to_join = True
    elif mind.says.state is State.EXCLUDED and not mind.posture.stopping:
        mind.enter(State.JOINING)


def _leave(mind: Mind, _: Leave) -> None:
    state = mind.says.state
    if state is State.MEMBER:
        mind.enter(State.LEAVING)
    elif state in (State.ABSENT, State.JOINING, State.EXCLUDED) and not mind.posture.stopping:
        mind.exclude("left", mind.setup.timing.storage_lost_ns)


def _weight(mind: Mind, event: SetWeight) -> None:
    mind.says.weight = event.weight


def _wish(mind: Mind, event: ProposeLeader) -> None:
    mind.says.leader_wish = event.host if 0 <= event.host < mind.setup.hosts else NOBODY
    mind.posture.note("wish", ("leader", one(mind.says.leader_wish)))


def _disarm(mind: Mind, _: Disarm) -> None:
    if mind.posture.open and mind.says.armed:
        mind.posture.want_disarmed()
    mind.posture.armable = False


def _arm(mind: Mind, _: Arm) -> None:
    mind.posture.armable = mind.setup.fencing


def _confirmed(mind: Mind, event: ConfirmDead) -> None:
    """Believe the operator of those only whom nothing else could make certain."""
    if 0 <= event.host < mind.setup.hosts and mind.removals.uncertain >> event.host & 1:
        mind.removals.bury(event.host)
        mind.posture.note("dead", ("host", one(event.host)), ("confirmed_by", "operator"))


def _emergency(mind: Mind, _: EmergencyDisable) -> None:
    mind.posture.note("emergency_disable")
    mind.exclude("emergency-disable", mind.setup.timing.beat_ns)


ORDERS: dict[type, Callable[[Mind, Any], None]] = {
    Join: _join,
    Leave: _leave,
    SetWeight: _weight,
    ProposeLeader: _wish,
    Disarm: _disarm,
    Arm: _arm,
    ConfirmDead: _confirmed,
    EmergencyDisable: _emergency,
}
"""Who carries out which."""
