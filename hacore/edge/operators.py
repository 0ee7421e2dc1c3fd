"""What operators ask of a running daemon, and what they are answered. Decides nothing.

A bug in an answer costs that answer, never the daemon.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from hacore.config import Config
from hacore.core.events import ConfirmDead, DiskCycle, Event
from hacore.core.view import View
from hacore.core.warnings import sentences
from hacore.edge import requests
from hacore.edge.control import encoded
from hacore.edge.parts import Parts
from hacore.errors import Refused
from hacore.records import State


class Served(Protocol):
    """The daemon, as its operators see it."""

    parts: Parts
    handing_over: bool
    broken: bool
    started_ns: int
    cycle: DiskCycle | None

    def hand_over_soon(self) -> None:
        """Hand over as soon as no call to the disk is out."""
        ...

    def tell(self, event: Event) -> None:
        """Hand an event to the machine."""
        ...

    def problems(self) -> dict[str, str]:
        """Return what does not work just now."""
        ...

    def note_bug(self, error: Exception) -> None:
        """Note a bug."""
        ...


def uncertain(mask: int, config: Config) -> list[str]:
    """Say of which hosts somebody must find out whether they are dead."""
    names = (host.name for i, host in enumerate(config.hosts) if mask >> i & 1)
    return [
        f"{name} is left out and was not armed: its VMs stay down until it comes back, "
        f"or somebody has looked and says so to every member (xenhad confirm-dead {name} --force)"
        for name in names
    ]


def must_reboot(mask: int, config: Config) -> list[str]:
    """Say whom nobody admits, and why: of the dead (mask) those that ask to join."""
    names = (host.name for i, host in enumerate(config.hosts) if mask >> i & 1)
    return [
        f"{name} was declared dead and asks to join: unless it has rebooted since then, it has to first"
        for name in names
    ]


def noted(value: object) -> str | bool:
    """Return a value of a request as the journal writes it."""
    return value if isinstance(value, bool) else str(value)


def check_confirmation(host: int, view: View, config: Config) -> None:
    """Raise Refused if nobody has to say that a host is dead: the machine would not believe it."""
    if (view.uncertain | view.dead) >> host & 1:
        return
    if view.liveset >> host & 1:
        problem = "is a member; if it is silent, it is left out first"
    elif view.condemned >> host & 1:
        problem = "is left out and was armed: it is known to be dead without you, soon after it fell silent"
    else:
        problem = "is no member and left cleanly, or never was one: nobody waits for that word"
    raise Refused(f"confirm-dead: {config.name_of(host)} {problem}")


class Operators:
    """Answers the requests of the control socket."""

    def __init__(self, daemon: Served) -> None:
        self._daemon = daemon

    def answer(self, request: Mapping[str, Any]) -> bytes:
        """Return one line. Raises InputError with what is wrong with the request, Refused with why not."""
        match request["request"]:
            case requests.STATUS:
                requests.refuse_unknown(request, ())
                return self._status()
            case requests.HANDOVER:
                requests.refuse_unknown(request, ())
                self._check_handover()
                self._daemon.hand_over_soon()
            case _:
                parts = self._daemon.parts
                event = requests.event_of(request, parts.config)
                if isinstance(event, ConfirmDead):
                    check_confirmation(event.host, parts.machine.view(), parts.config)
                parts.journal.note("request", **{str(key): noted(value) for key, value in request.items()})
                self._daemon.tell(event)
        return encoded({"done": True})

    def _status(self) -> bytes:
        try:
            return self._snapshot()
        except Exception as error:
            self._daemon.note_bug(error)
            return encoded({"error": f"internal error: {type(error).__name__}: {error}"})

    def _snapshot(self) -> bytes:
        from hacore.edge.snapshot import Moment, status_of
        from hacore.status import encode

        daemon, parts = self._daemon, self._daemon.parts
        view = parts.machine.view()
        problems = [f"{about}: {problem}" for about, problem in daemon.problems().items()]
        problems += uncertain(view.uncertain, parts.config)
        problems += must_reboot(view.dead & self._asking(), parts.config)
        problems += sentences(view, parts.config.name_of)
        moment = Moment(
            config=parts.config,
            now_ns=parts.clock.monotonic_ns(),
            wall_seconds=parts.clock.wall_seconds(),
            started_ns=daemon.started_ns,
            view=view,
            meters=parts.pump.meters(),
            channels=parts.channels,
            cycle=daemon.cycle,
            heard=parts.pump.heard(),
            carriers=parts.evidence.carriers,
            arbiters=len(parts.evidence.arbiters),
            driver=parts.watchdog.driver,
            memory=parts.memory,
            warnings=(*problems, *parts.warnings),
        )
        return encode(status_of(moment))

    def _asking(self) -> int:
        """Return who was read to be joining (mask) within the time-out of the disk."""
        parts, cycle = self._daemon.parts, self._daemon.cycle
        now_ns, silence_ns = parts.clock.monotonic_ns(), parts.config.timing.silence_ns
        asking = 0
        for i, body in enumerate(cycle.bodies if cycle else ()):
            age_ns = parts.channels.disk.age_ns(i, now_ns)
            if body is not None and body.state is State.JOINING and (age_ns or 0) < silence_ns:
                asking |= 1 << i
        return asking

    def _check_handover(self) -> None:
        """Refuse it while a call to the disk is out: a process cannot be replaced before that returns."""
        parts = self._daemon.parts
        running_ns = parts.pump.meters().disk.running_ns
        if running_ns > parts.config.timing.watchdog_ns // 4:
            seconds = running_ns / 1e9
            raise Refused(f"handover: the storage has not answered for {seconds:.1f} s; try later")
        if parts.hands.fenced or self._daemon.broken:
            raise Refused("handover: this host is about to reboot")
