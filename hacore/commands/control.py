"""Commands that ask a running daemon for something, and wait until it has come about."""

from __future__ import annotations

import os
import sys
import threading
from argparse import Namespace
from collections.abc import Callable

from hacore.clock import Deadline, SystemClock
from hacore.config import DEFAULT_PATH, DEFAULT_SOCKET
from hacore.configfile import control_socket_of, load_config
from hacore.edge.client import ask, fetch
from hacore.errors import DaemonUnreachable, InputError
from hacore.status import Status

LOOK_AGAIN_SECONDS = 0.2


def socket_of(chosen: Namespace) -> str:
    """Return the control socket that was typed, or that of the configuration."""
    if chosen.socket:
        return str(chosen.socket)
    if chosen.config == DEFAULT_PATH and not os.path.exists(DEFAULT_PATH):
        return DEFAULT_SOCKET
    return control_socket_of(chosen.config)


def arm(chosen: Namespace) -> int:
    """Arm."""
    return _asked(chosen, {"request": "arm"})


def disarm(chosen: Namespace) -> int:
    """Disarm."""
    return _asked(chosen, {"request": "disarm"})


def set_weight(chosen: Namespace) -> int:
    """Set the weight."""
    return _asked(chosen, {"request": "set-weight", "weight": chosen.weight})


def propose_leader(chosen: Namespace) -> int:
    """Propose a leader and wait until it leads."""
    _asked(chosen, {"request": "propose-leader", "host": chosen.host})

    def leads(status: Status) -> bool:
        names = {status.host.uuid: status.host.name} | {peer.uuid: peer.name for peer in status.peers}
        return status.leader is not None and chosen.host in (status.leader, names[status.leader])

    return _waited(chosen, leads, f"{chosen.host} does not lead")


def confirm_dead(chosen: Namespace) -> int:
    """Tell that a host certainly runs nothing."""
    if not chosen.force:
        raise InputError(
            "confirm-dead: expected --force: if that host still runs VMs, they will run twice; look first"
        )
    return _asked(chosen, {"request": "confirm-dead", "host": chosen.host, "force": True})


def leave(chosen: Namespace) -> int:
    """Leave, and wait until the daemon has ended."""
    path = socket_of(chosen)
    ask(path, {"request": "leave"}, SystemClock())
    return _until_gone(path, chosen.wait)


def join(chosen: Namespace) -> int:
    """Join, and wait until this host is a member."""
    _asked(chosen, {"request": "join", "force": chosen.force})
    return _waited(chosen, lambda status: status.state == "member", "this host is no member")


def emergency_disable(chosen: Namespace) -> int:
    """Disarm at once; say what is left where no daemon answers."""
    if not chosen.force:
        raise InputError("emergency-disable: expected --force: VMs of this host are no longer protected")
    path = socket_of(chosen)
    try:
        ask(path, {"request": "emergency-disable", "force": True}, SystemClock())
    except DaemonUnreachable as error:
        hint = (
            "only the daemon can disarm its watchdog: if it was armed, this host reboots within the "
            "time-out. Keep xenhad from starting after that, and this host stays out and unfenced"
        )
        raise DaemonUnreachable(path, f"{error.problem}; {hint}") from None
    return _until_gone(path, 10.0)


def restart(chosen: Namespace) -> int:
    """Have the daemon replaced by this program, once that has read its configuration."""
    clock = SystemClock()
    path = socket_of(chosen)
    load_config(chosen.config, lab=chosen.lab, no_fencing=chosen.no_fencing)
    before, _ = fetch(path, clock)
    ask(path, {"request": "handover"}, clock)
    return _waited(
        chosen,
        lambda status: status.uptime_seconds < before.uptime_seconds and status.state == before.state,
        f"the new daemon is not yet {before.state} again",
    )


def _asked(chosen: Namespace, request: dict[str, object]) -> int:
    ask(socket_of(chosen), request, SystemClock())
    return 0


def _waited(chosen: Namespace, reached: Callable[[Status], bool], otherwise: str) -> int:
    """Look at the snapshot again and again; 1 if what was asked for does not come about in time."""
    clock = SystemClock()
    deadline = Deadline.after(clock, chosen.wait)
    path, waiting = socket_of(chosen), ""
    while True:
        try:
            status, _ = fetch(path, clock)
            waiting = status.waiting
            if reached(status):
                return 0
        except DaemonUnreachable:
            if deadline.passed():
                raise
        if deadline.passed():
            print(
                f"xenhad: {otherwise} after {chosen.wait:g} s{': ' + waiting if waiting else ''}",
                file=sys.stderr,
            )
            return 1
        pause()


def _until_gone(path: str, seconds: float) -> int:
    """Wait until no daemon answers any more; 1 if it still does, and what for it waits."""
    clock = SystemClock()
    deadline = Deadline.after(clock, seconds)
    while True:
        try:
            status, _ = fetch(path, clock)
        except DaemonUnreachable:
            return 0
        if deadline.passed():
            waiting = f": {status.waiting}" if status.waiting else ""
            print(f"xenhad: still {status.state} after {seconds:g} s{waiting}", file=sys.stderr)
            return 1
        pause()


def pause(seconds: float = LOOK_AGAIN_SECONDS) -> None:
    """Let some time pass between two looks at a daemon."""
    threading.Event().wait(seconds)
