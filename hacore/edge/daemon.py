"""The one loop: what the world says becomes events, what the machine answers is carried out. Decides nothing.

One turn: wait for pump, clients, evidence or the next beat; hand what came to the machine; carry out what it
asks for; tell the pump that the brain works. Nothing here may wait for disk, network, journal or client.
"""

from __future__ import annotations

import selectors
import signal
import socket
import traceback
from collections.abc import Callable

from hacore.clock import NS_PER_SECOND
from hacore.core.events import Disarm, DiskCycle, Event, Leave, Tick
from hacore.core.words import spoken
from hacore.edge.control import ControlServer
from hacore.edge.operators import Operators
from hacore.edge.parts import Parts
from hacore.edge.slotdevice import Found
from hacore.edge.transport import peer_address
from hacore.errors import StatefileError, XenhadError
from hacore.records import FenceCause, State

BUGS_APART = 10
"""How many time-outs must lie between two bugs of the brain for a restart to be worth a try."""
END_GRACE_NS = 2 * NS_PER_SECOND
"""How long the daemon waits for its last word to reach the disk."""


class Daemon:
    """Runs until the machine stops, or a successor is to take over."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self.handing_over = False
        self.started_ns = parts.clock.monotonic_ns()
        self.cycle: DiskCycle | None = None
        """The newest one."""
        self._hand_over_until_ns = 0
        """Until when it waits for the disk, to hand over then; 0: nobody wants that."""
        self._written = 0
        self._next_tick_ns = self.started_ns
        self._ticks = 0
        self._device = parts.device
        self._refused: StatefileError | None = None
        self._open_again_ns = self.started_ns + parts.config.timing.storage_lost_ns
        self._unreachable = ""
        self._said: dict[str, str] = {}
        self._bugs: set[str] = set()
        self.bug_ns = parts.bug_ns
        """When a brain last failed; 0: never."""
        parts.opener.done = self._statefile
        self._control: ControlServer | None = None
        self.broken = False
        """The brain broke one of its own rules: it thinks no more."""
        parts.selector.register(parts.pump.fileno(), selectors.EVENT_READ, lambda _events: self._pump_news())

    def serve(self, listener: socket.socket) -> None:
        """Answer operators from now on."""
        parts = self.parts
        answer = Operators(self).answer
        self._control = ControlServer(listener, parts.selector, parts.clock, answer)

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

    def hand_over_soon(self) -> None:
        """Hand over at the end of a cycle: no process can be replaced while a call to the disk is out."""
        patience_ns = self.parts.config.timing.storage_lost_ns
        self._hand_over_until_ns = self.parts.clock.monotonic_ns() + patience_ns

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
        self._wait(self._next_tick_ns - self.parts.clock.monotonic_ns())
        if self.parts.clock.monotonic_ns() >= self._next_tick_ns:
            self._tick()
        if not self.broken:
            self.parts.pump.check_in()

    def _wait(self, time_ns: int) -> None:
        """Wait for whatever comes first, but not for longer, and take it in."""
        for key, events in self.parts.selector.select(max(0, time_ns) / NS_PER_SECOND):
            try:
                key.data(events)
            except Exception as error:  # a bug about one client or arbiter must not cost the host
                self.note_bug(error)
                self.parts.selector.unregister(key.fileobj)

    def _tick(self) -> None:
        parts = self.parts
        beat_ns = parts.config.timing.beat_ns
        self._next_tick_ns = max(self._next_tick_ns + beat_ns, parts.clock.monotonic_ns() + beat_ns // 2)
        self._ticks += 1
        self._aside(lambda: parts.networks.renew(self._use_socket))
        if self._ticks % 2:
            self._aside(self._look_at_evidence)
        self._pump_news()
        self.tell(Tick())
        self._aside(self._keep_house)

    def _look_at_evidence(self) -> None:
        self.tell(self.parts.evidence.look())

    def _keep_house(self) -> None:
        """Do what people need and the protocol does not."""
        parts = self.parts
        self._put_off_handover()
        for network, meter in enumerate(parts.pump.meters().networks):
            parts.channels.heard(network, meter.heard_ns)
        self._say_problems()
        if not parts.machine.view().storage:
            self._open_statefile()
        if self._control is not None:
            self._control.cut_off_idle()

    def _aside(self, work: Callable[[], None]) -> None:
        """Do something that the protocol can go on without."""
        try:
            work()
        except Exception as error:
            self.note_bug(error)

    def _pump_news(self) -> None:
        """Hand what disk and network showed to the machine."""
        try:
            self._take_news()
        except Exception as error:
            self._brain_failed(error)

    def _take_news(self) -> None:
        cycle = self.parts.pump.cycle()
        if cycle is not None:
            self.cycle = cycle
            self._written = cycle.version if cycle.written else self._written
            self.parts.channels.read(cycle)
            self.tell(cycle)
            self._hand_over_after(cycle)
        self.tell(self.parts.pump.heard())

    def _hand_over_after(self, cycle: DiskCycle) -> None:
        """Hand over if that was asked for, and nothing is on its way to the disk before the next beat."""
        hands = self.parts.hands
        if not self._hand_over_until_ns or hands.stopped or hands.fenced or cycle.version != hands.version:
            return
        view = self.parts.machine.view()
        if view.state is not State.FENCING and not view.disarming:
            self.handing_over = True

    def _put_off_handover(self) -> None:
        """Stay if the disk does not end what it was told: who is replaced meanwhile is fenced."""
        over = self._hand_over_until_ns and not self.handing_over
        if over and self.parts.clock.monotonic_ns() > self._hand_over_until_ns:
            self._hand_over_until_ns = 0
            self.parts.journal.note("handover_put_off", reason="the storage does not answer")

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

    # The end

    def _last_word(self) -> None:
        """Wait for the last publication to reach the disk, but not for long."""
        parts = self.parts
        until_ns = parts.clock.monotonic_ns() + END_GRACE_NS
        while self._written < parts.hands.version:
            left_ns = until_ns - parts.clock.monotonic_ns()
            if left_ns <= 0:
                return
            self._wait(left_ns)

    def note_bug(self, error: Exception) -> None:
        """Note a bug, each only once."""
        frames = reversed(traceback.extract_tb(error.__traceback__))
        at = " < ".join(f"{frame.name}:{frame.lineno}" for frame in frames)
        if at not in self._bugs:
            self._bugs.add(at)
            self.parts.journal.note("bug", error=f"{type(error).__name__}: {error}", at=at)

    def _brain_failed(self, error: Exception) -> None:
        """Go on with a new brain. Where the last one failed soon, too, an armed host is fenced.

        A restarted brain takes its word from the disk and trusts nothing else: as after any restart.
        """
        parts = self.parts
        self.note_bug(error)
        self.broken = True
        now_ns = parts.clock.monotonic_ns()
        if not parts.hands.armed:
            parts.hands.stopped = "a bug"
        elif parts.bug_ns and now_ns - parts.bug_ns < BUGS_APART * parts.config.timing.timeout_ns:
            parts.hands.fence(FenceCause.BRAIN)
        else:
            self.bug_ns = now_ns
            self.handing_over = True

    def _waiting(self) -> str:
        return str(spoken(self.parts.machine.view().waiting, self.parts.config.name_of))

    def _say_problems(self) -> None:
        """Note each problem when it comes and when it goes."""
        found = self.problems()
        for about in {**self._said, **found}:
            problem = found.get(about, "")
            if problem != self._said.get(about, ""):
                word = "problem" if problem else "problem_gone"
                self.parts.journal.note(word, about=about, problem=problem or self._said[about])
        self._said = found
