"""Commands that ask a running daemon for something, wait until it has come about, and say what was done."""

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
from hacore.errors import DaemonUnreachable, InputError, Refused
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
    status = _asked(chosen, {"request": "arm"})
    if status.state == "member" and not status.armed:
        raise Refused(f"{status.host.name} is still not armed: {'; '.join(status.warnings) or 'see status'}")
    later = f"{status.host.name} is {status.state}: it arms as soon as it is a member"
    print(f"{status.host.name} is armed" if status.armed else later)
    return 0


def disarm(chosen: Namespace) -> int:
    """Disarm."""
    _asked(chosen, {"request": "disarm"})

    def disarmed(status: Status) -> str:
        told = f"{status.host.name} is not armed: should it fall silent, nobody restarts its VMs"
        return "" if status.armed else told

    return _waited(chosen, disarmed, "this host is still armed")


def set_weight(chosen: Namespace) -> int:
    """Set the weight."""
    status = _asked(chosen, {"request": "set-weight", "weight": chosen.weight})
    print(f"weight of {status.host.name} is {status.weight} now, until it boots anew")
    return 0


def propose_leader(chosen: Namespace) -> int:
    """Propose a leader and wait until it leads."""
    _asked(chosen, {"request": "propose-leader", "host": chosen.host})

    def leads(status: Status) -> str:
        name = names_of(status)[status.leader] if status.leader else ""
        return f"{name} leads" if chosen.host in (status.leader, name) else ""

    return _waited(chosen, leads, f"{chosen.host} does not lead")


def confirm_dead(chosen: Namespace) -> int:
    """Tell that a host certainly runs nothing."""
    if not chosen.force:
        raise InputError(
            "confirm-dead: expected --force: if that host still runs VMs, they will run twice; look first"
        )
    status = _asked(chosen, {"request": "confirm-dead", "host": chosen.host, "force": True})
    print(confirmed_text(chosen.host, status))
    return 0


def confirmed_text(host: str, status: Status) -> str:
    """Say who believes it now, and where it has to be said, too: a death is each member's own knowledge."""
    names = names_of(status)
    others = [uuid for uuid in status.liveset if uuid != status.host.uuid]
    others.sort(key=lambda uuid: uuid != status.leader)  # who restarts VMs comes first
    told = f"{status.host.name} takes {host} for dead now"
    if not others:
        return told
    return f"{told}; say it there, too: {', '.join(names[uuid] for uuid in others)} (the leader restarts VMs)"


def leave(chosen: Namespace) -> int:
    """Leave, and wait until the daemon has ended."""
    path, clock = socket_of(chosen), SystemClock()
    before, _ = fetch(path, clock)
    ask(path, {"request": "leave"}, clock)
    return _until_gone(path, chosen.wait, f"{before.host.name} has left, and its daemon has ended")


def join(chosen: Namespace) -> int:
    """Join, and wait until this host is a member."""
    _asked(chosen, {"request": "join", "force": chosen.force})

    def joined(status: Status) -> str:
        members = ", ".join(names_of(status)[uuid] for uuid in status.liveset)
        return f"{status.host.name} is a member; liveset: {members}" if status.state == "member" else ""

    return _waited(chosen, joined, "this host is no member")


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
    return _until_gone(path, 10.0, "this host is disarmed and out; nobody protects its VMs")


def restart(chosen: Namespace) -> int:
    """Have the daemon replaced by this program, once that has read its configuration."""
    clock = SystemClock()
    path = socket_of(chosen)
    config = load_config(chosen.config, lab=chosen.lab, no_fencing=chosen.no_fencing)
    before, _ = fetch(path, clock)
    if before.host.uuid != config.me.uuid:
        problem = f"is for {config.me.name}; the daemon at {path} is that of {before.host.name}"
        raise InputError(f"{chosen.config}: {problem}, expected its own configuration")
    ask(path, {"request": "handover"}, clock)

    def replaced(status: Status) -> str:
        done = status.uptime_seconds < before.uptime_seconds and status.state == before.state
        version = f"{before.version} → {status.version}"
        return f"the daemon of {status.host.name} was replaced ({version}), {status.state}" if done else ""

    return _waited(chosen, replaced, f"the new daemon is not yet {before.state} again")


def names_of(status: Status) -> dict[str, str]:
    """Return what people call hosts, by UUID."""
    return {status.host.uuid: status.host.name} | {peer.uuid: peer.name for peer in status.peers}


def _asked(chosen: Namespace, request: dict[str, object]) -> Status:
    """Ask, and return what the daemon says of itself right after it has taken it up."""
    clock, path = SystemClock(), socket_of(chosen)
    ask(path, request, clock)
    return fetch(path, clock)[0]


def _waited(chosen: Namespace, reached: Callable[[Status], str], otherwise: str) -> int:
    """Look again and again until `reached` has a sentence to print; 1 if it has none in time."""
    clock = SystemClock()
    deadline = Deadline.after(clock, chosen.wait)
    path, waiting = socket_of(chosen), ""
    while True:
        try:
            status, _ = fetch(path, clock)
            waiting = status.waiting
            if done := reached(status):
                print(done)
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


def _until_gone(path: str, seconds: float, done: str) -> int:
    """Wait until no daemon answers any more; 1 if it still does, and what for it waits."""
    clock = SystemClock()
    deadline = Deadline.after(clock, seconds)
    while True:
        try:
            status, _ = fetch(path, clock)
        except DaemonUnreachable:
            print(done)
            return 0
        if deadline.passed():
            waiting = f": {status.waiting}" if status.waiting else ""
            print(f"xenhad: still {status.state} after {seconds:g} s{waiting}", file=sys.stderr)
            return 1
        pause()


def pause(seconds: float = LOOK_AGAIN_SECONDS) -> None:
    """Let some time pass between two looks at a daemon."""
    threading.Event().wait(seconds)
