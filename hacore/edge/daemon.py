"""The one loop: what the world says becomes events, what the machine answers is carried out. Decides nothing.

One turn: wait for pump, clients, evidence or the next beat; hand what came to the machine; carry out what it
asks for; tell the pump that the brain works. Nothing here may wait for disk, network, journal or client.
"""

from __future__ import annotations

import selectors
import signal
import socket
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hacore.clock import NS_PER_SECOND, Clock
from hacore.config import Config
from hacore.core.events import Disarm, DiskCycle, Event, Leave, Tick
from hacore.core.machine import Machine
from hacore.edge import requests
from hacore.edge.channels import Channels
from hacore.edge.control import ControlServer, encoded
from hacore.edge.doors import Pump
from hacore.edge.evidence import EvidenceWatch
from hacore.edge.hands import Hands
from hacore.edge.journal import Journal
from hacore.edge.slotdevice import Found, StatefileOpener
from hacore.edge.snapshot import Memory, Moment, status_of
from hacore.edge.transport import Networks, peer_address
from hacore.edge.watchdog import Watchdog
from hacore.errors import InputError, StatefileError, XenhadError
from hacore.kernel.native import SlotDevice
from hacore.records import FenceCause, State
from hacore.status import encode

END_GRACE_NS = 2 * NS_PER_SECOND
"""How long the daemon waits for its last word to reach the disk."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What the daemon works with."""

    config: Config
    clock: Clock
    selector: selectors.BaseSelector
    journal: Journal
    machine: Machine
    pump: Pump
    hands: Hands
    networks: Networks
    evidence: EvidenceWatch
    channels: Channels
    watchdog: Watchdog
    opener: StatefileOpener
    device: SlotDevice | None  # the statefile, if it could be opened at once
    memory: Memory
    warnings: tuple[str, ...]  # what the pump was not granted


class Daemon:
    """Runs until the machine stops, or a successor is to take over."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self.handing_over = False
        self.started_ns = parts.clock.monotonic_ns()
        self._cycle: DiskCycle | None = None
        self._next_tick_ns = self.started_ns
        self._ticks = 0
        self._device = parts.device
        self._refused: StatefileError | None = None
        self._open_again_ns = 0
        self._unreachable = ""
        self._said: dict[str, str] = {}
        parts.opener.done = self._statefile
        self._control: ControlServer | None = None
        self.broken = False
        """The brain broke one of its own rules: it thinks no more."""
        parts.selector.register(parts.pump.fileno(), selectors.EVENT_READ, lambda _events: self._pump_news())

    def serve(self, listener: socket.socket) -> None:
        """Answer operators from now on."""
        parts = self.parts
        self._control = ControlServer(listener, parts.selector, parts.clock, self._answer)

    def on_signal(self, number: int) -> None:
        """Leave cleanly; a signal is an operator's wish like any other."""
        self.parts.journal.note("signal", name=signal.Signals(number).name, waiting=self._waiting())
        self.tell(Leave())

    def run(self) -> None:
        """Turn until there is nothing left to do. Raises StatefileError if it is not ours from the start."""
        while not self.parts.hands.stopped and not self.handing_over:
            self._turn()
            if self._refused is not None:
                raise self._refused
        if not self.handing_over:
            self._last_word()

    def tell(self, event: Event) -> None:
        """Hand an event to the machine and carry out what it asks for."""
        hands = self.parts.hands
        if self.broken or hands.stopped:
            return
        try:
            hands.carry_out(self.parts.machine.handle(event, self.parts.clock.monotonic_ns()))
        except Exception as error:  # a bug in the brain: whatever it is, it must not think on
            self._brain_failed(error)
        if hands.take_failure():
            self.tell(Disarm())  # nobody may rely on a watchdog that is not there

    def problems(self) -> dict[str, str]:
        """Return what does not work just now, in sentences, by what it is about."""
        parts = self.parts
        names = (f"network {network.name}" for network in parts.config.networks)
        found = dict(zip(names, parts.networks.problems, strict=True))
        found["arbiters"] = parts.evidence.arbiters.problem
        found["watchdog"] = parts.hands.unusable
        found["statefile"] = self._unreachable
        return {about: problem for about, problem in found.items() if problem}

    @property
    def is_member(self) -> bool:
        """Whether this host belongs to the liveset, as far as it knows."""
        return self.parts.machine.view().state in (State.MEMBER, State.LEAVING)

    def stop_serving(self) -> None:
        """Get the last answers out; who asks from now on waits for a successor."""
        if self._control is not None:
            self._control.send_what_is_left()

    def close(self) -> None:
        """Give everything back but the watchdog, which is the machine's to close."""
        if self._control is not None:
            self._control.close()
        self.parts.opener.close()
        self.parts.networks.close()
        self.parts.evidence.close()

    # One turn

    def _turn(self) -> None:
        now_ns = self.parts.clock.monotonic_ns()
        wait_ns = max(0, self._next_tick_ns - now_ns)
        for key, events in self.parts.selector.select(wait_ns / NS_PER_SECOND):
            key.data(events)
        if self.parts.clock.monotonic_ns() >= self._next_tick_ns:
            self._tick()
        if not self.broken:
            self.parts.pump.check_in()

    def _tick(self) -> None:
        parts = self.parts
        beat_ns = parts.config.timing.beat_ns
        self._next_tick_ns = max(self._next_tick_ns + beat_ns, parts.clock.monotonic_ns() + beat_ns // 2)
        self._ticks += 1
        parts.networks.renew(self._use_socket)
        if self._ticks % 2:
            self.tell(parts.evidence.look())
        self._pump_news()
        for network, meter in enumerate(parts.pump.meters().networks):
            parts.channels.heard(network, meter.heard_ns)
        self.tell(Tick())
        self._say_problems()
        if not parts.machine.view().storage:
            self._open_statefile()
        if self._control is not None:
            self._control.cut_off_idle()

    def _pump_news(self) -> None:
        cycle = self.parts.pump.cycle()
        if cycle is not None:
            self._cycle = cycle
            self.parts.channels.read(cycle)
            self.tell(cycle)
        self.tell(self.parts.pump.heard())

    def _use_socket(self, network: int, descriptor: int | None) -> None:
        """Give the pump a new socket, and tell it where peers are: a scope may be another one by now."""
        parts = self.parts
        parts.pump.set_socket(network, descriptor)
        for peer, host in enumerate(parts.config.hosts):
            if peer != parts.config.host and descriptor is not None:
                address = peer_address(parts.config.networks[network], host.addresses[network])
                parts.pump.set_address(peer, network, address)

    # The statefile

    def _open_statefile(self) -> None:
        """Try to have it (again): at the start, and now and then as long as there is no storage."""
        now_ns = self.parts.clock.monotonic_ns()
        if self._device is None or now_ns >= self._open_again_ns:
            self._open_again_ns = now_ns + self.parts.config.timing.storage_lost_ns
            self.parts.opener.want()

    def _statefile(self, found: Found) -> None:
        if isinstance(found, StatefileError) and self._device is None and not self.parts.hands.armed:
            self._refused = found
            return
        if isinstance(found, XenhadError):
            self._unreachable = str(found)
            return
        self._unreachable = ""
        self.parts.pump.set_device(found.fileno())
        if self._device is not None:
            self._device.close()
        self._device = found

    # Operators

    def _answer(self, request: Mapping[str, Any]) -> bytes:
        match request["request"]:
            case requests.STATUS:
                requests.refuse_unknown(request, ())
                return self._snapshot()
            case requests.HANDOVER:
                requests.refuse_unknown(request, ())
                self._check_handover()
                self.handing_over = True
            case _:
                event = requests.event_of(request, self.parts.config)
                self.parts.journal.note("request", **{str(key): str(value) for key, value in request.items()})
                self.tell(event)
        return encoded({"done": True})

    def _snapshot(self) -> bytes:
        parts = self.parts
        problems = (f"{about}: {problem}" for about, problem in self.problems().items())
        moment = Moment(
            config=parts.config,
            now_ns=parts.clock.monotonic_ns(),
            wall_seconds=parts.clock.wall_seconds(),
            started_ns=self.started_ns,
            view=parts.machine.view(),
            meters=parts.pump.meters(),
            channels=parts.channels,
            cycle=self._cycle,
            heard=parts.pump.heard(),
            carriers=parts.evidence.carriers,
            arbiters=len(parts.evidence.arbiters),
            driver=parts.watchdog.driver,
            memory=parts.memory,
            warnings=(*problems, *parts.warnings),
        )
        return encode(status_of(moment))

    def _check_handover(self) -> None:
        """Refuse it while a call to the disk is out: a process cannot be replaced before that returns."""
        running_ns = self.parts.pump.meters().disk.running_ns
        if running_ns > self.parts.config.timing.watchdog_ns // 4:
            raise InputError(
                f"handover: the storage has not answered for {running_ns / 1e9:.1f} s; try later"
            )
        if self.parts.hands.fenced or self.broken:
            raise InputError("handover: this host is about to reboot")

    # The end

    def _last_word(self) -> None:
        """Wait for the last publication to reach the disk, but not for long."""
        parts = self.parts
        until_ns = parts.clock.monotonic_ns() + END_GRACE_NS
        while (now_ns := parts.clock.monotonic_ns()) < until_ns:
            cycle = parts.pump.cycle()
            if cycle is not None and cycle.written and cycle.version >= parts.hands.version:
                return
            for key, events in parts.selector.select((until_ns - now_ns) / NS_PER_SECOND):
                if key.fd != parts.pump.fileno():
                    key.data(events)

    def _brain_failed(self, error: Exception) -> None:
        """Note a bug. An armed host is fenced: nobody watches over its VMs any more."""
        self.broken = True
        frames = " < ".join(
            f"{f.name}:{f.lineno}" for f in reversed(traceback.extract_tb(error.__traceback__))
        )
        self.parts.journal.note("bug", error=f"{type(error).__name__}: {error}", at=frames)
        if self.parts.hands.armed:
            self.parts.hands.fence(FenceCause.BRAIN)
        else:
            self.parts.hands.stopped = "a bug"

    def _waiting(self) -> str:
        return str(self.parts.machine.view().waiting)

    def _say_problems(self) -> None:
        """Note each problem when it comes and when it goes."""
        found = self.problems()
        for about in {**self._said, **found}:
            problem = found.get(about, "")
            if problem != self._said.get(about, ""):
                word = "problem" if problem else "problem-gone"
                self.parts.journal.note(word, about=about, problem=problem or self._said[about])
        self._said = found
