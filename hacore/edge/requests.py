"""What operators may ask for: a line of the control socket becomes an event for the machine.

Every request is checked whole before anything of it is done; what is wrong with it is one sentence.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from hacore.config import WEIGHT_MAX, Config
from hacore.core.events import (
    Arm,
    ConfirmDead,
    Disarm,
    EmergencyDisable,
    Event,
    Join,
    Leave,
    ProposeLeader,
    SetWeight,
)
from hacore.errors import InputError, Refused

STATUS = "status"
HANDOVER = "handover"


def event_of(request: Mapping[str, Any], config: Config) -> Event:
    """Return the event a request stands for. Raises InputError (what was expected), Refused (why not)."""
    name = request["request"]
    if name not in _REQUESTS:
        known = ", ".join((STATUS, *_REQUESTS, HANDOVER))
        raise InputError(f'request: "{name}": expected one of {known}')
    keys, make = _REQUESTS[name]
    refuse_unknown(request, keys)
    return make(request, config)


def refuse_unknown(request: Mapping[str, Any], keys: tuple[str, ...]) -> None:
    """Raise InputError if the request says more than it may."""
    for key in request:
        if key != "request" and key not in keys:
            raise InputError(f"{key}: unknown key of {request['request']}")


def _force(request: Mapping[str, Any]) -> bool:
    force = request.get("force", False)
    if not isinstance(force, bool):
        raise InputError("force: expected true or false")
    return force


def _join(request: Mapping[str, Any], _config: Config) -> Event:
    return Join(_force(request))


def _arm(_request: Mapping[str, Any], config: Config) -> Event:
    if not config.fencing:
        raise Refused("arm: this daemon was started without fencing")
    return Arm()


def _set_weight(request: Mapping[str, Any], _config: Config) -> Event:
    weight = request.get("weight")
    if isinstance(weight, bool) or not isinstance(weight, int) or not 0 <= weight <= WEIGHT_MAX:
        raise InputError(f"weight: expected a whole number of 0 to {WEIGHT_MAX}")
    return SetWeight(weight)


def _propose_leader(request: Mapping[str, Any], config: Config) -> Event:
    return ProposeLeader(host_index(request.get("host"), config))


def _confirm_dead(request: Mapping[str, Any], config: Config) -> Event:
    if not _force(request):
        raise InputError('confirm-dead: expected "force": true')
    host = host_index(request.get("host"), config)
    if host == config.host:
        raise InputError("host: expected another host than this one")
    return ConfirmDead(host)


def _emergency_disable(request: Mapping[str, Any], _config: Config) -> Event:
    if not _force(request):
        raise InputError('emergency-disable: expected "force": true')
    return EmergencyDisable()


def host_index(found: object, config: Config) -> int:
    """Return the index of a host given by UUID or unique name. Raises InputError."""
    for index, host in enumerate(config.hosts):
        if found in (host.uuid, host.name):
            return index
    known = ", ".join(host.name for host in config.hosts)
    told = f"{found!r}: " if isinstance(found, str) else ""
    raise InputError(f"host: {told}expected the UUID or the name of a configured host: {known}")


_REQUESTS: dict[str, tuple[tuple[str, ...], Callable[[Mapping[str, Any], Config], Event]]] = {
    "arm": ((), _arm),
    "disarm": ((), lambda _request, _config: Disarm()),
    "leave": ((), lambda _request, _config: Leave()),
    "join": (("force",), _join),
    "set-weight": (("weight",), _set_weight),
    "propose-leader": (("host",), _propose_leader),
    "confirm-dead": (("host", "force"), _confirm_dead),
    "emergency-disable": (("force",), _emergency_disable),
}
