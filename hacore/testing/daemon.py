"""One running xenhad in a simulated world: a real machine, a fake pump, and the shell between them.

Carries effects out in the order given, as the real shell does (hacore/edge/daemon.py); decides nothing. It
can be stopped at any point, wholly (SIGSTOP) or only its brain, and dies when told to.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from hacore.core import effects as do
from hacore.core.events import Event, Evidence, Tick
from hacore.core.machine import Machine
from hacore.core.numbering import Finished
from hacore.core.setup import Setup
from hacore.core.timing import Timing
from hacore.testing.clock import FakeClock
from hacore.testing.disk import Copy
from hacore.testing.port import Landing
from hacore.testing.pump import FakePump

if TYPE_CHECKING:
    from hacore.testing.host import Host

WAKE_NS = 300_000
"""From news in the pump to the brain that looks at them."""


PATIENCE_NS = 50_000_000
"""By how much a cycle may end later than the one before without the brain being woken for its sake."""


class Daemon:
    """The process. What threads are about to do when it is stopped waits until it is continued."""

    def __init__(self, host: Host, setup: Setup, finished: Finished, since_ns: int) -> None:
        world = host.world
        self.host, self.world = host, world
        self.me, self.incarnation = setup.me, setup.incarnation
        self.clock: FakeClock = host.clock
        self.timing: Timing = setup.timing
        self.twins, self.port, self.disk, self.air = world.twins, host.port, world.disk, world.air
        self.machine = Machine(setup, world.rules)
        self.alive, self.stopped, self.brain_stopped = True, False, False
        self.stepped_ns = 0
        self._waking = False
        self._evidence: Evidence | None = None
        self._waiting: list[Callable[[], None]] = []  # threads that stand still
        self.pump = FakePump(self, finished)
        self._since_ns = since_ns  # S of a predecessor that handed over its open watchdog; 0: none did

    # what channels ask of the machine they run on

    def now(self) -> int:
        return self.world.now_ns

    def floor(self) -> int:
        return self.host.floor()

    def overdue(self) -> bool:
        """Tell whether the watchdog should have fired by now, as the native pump does before it writes."""
        dog, twins = self.pump.dog, self.twins
        return twins.has_outlived(
            self.clock.at(self.now()),
            twins.lease_since_ns(True, self.pump.disk.since_ns, dog.granted_ns),
            watching=dog.lease_disk and dog.watchdog is not None,
            over_ns=self.timing.over_ns,
        )

    def chance(self) -> float:
        return self.world.rng.random()

    def after(self, delay_ns: int, act: Callable[..., None], *values: object) -> None:
        self.world.at(self.world.now_ns + delay_ns, self._enter, act, values)

    def _enter(self, act: Callable[..., None], values: tuple[object, ...]) -> None:
        if not self.alive:
            return
        if self.stopped:
            self._waiting.append(lambda: act(*values))
        else:
            act(*values)

    def land(self, landing: Landing, copy: int, content: Copy) -> None:
        """Let a write reach the disk, whatever becomes of this daemon; a new boot cuts off what is late."""
        self.world.at(self.now() + landing.after_ns, self.host.land, landing, copy, content)

    def cycle_ended(self) -> None:
        self.step()

    def news(self) -> None:
        if not self._waking:
            self._waking = True
            self.after(WAKE_NS, self._wake)

    # the shell

    def start(self) -> None:
        if self._since_ns:
            self.pump.lease(False, self._since_ns)
            self.pump.check_in()
            self.pump.watch(self.host.watchdog)
        self.pump.start()
        self.step()
        self._tick()

    def _tick(self) -> None:
        """See to it that the brain looks at the world about once a beat when no cycle ends."""
        patience_ns = self.pump.disk.beat_ns + PATIENCE_NS
        if self.now() - self.stepped_ns >= patience_ns:
            self.step()
        self.after(self.stepped_ns + patience_ns - self.now(), self._tick)

    def _wake(self) -> None:
        self._waking = False
        self.step()

    def step(self) -> None:
        """Let the brain look at everything that is new."""
        self.stepped_ns = self.now()
        if self.brain_stopped or not self.alive:
            return
        self.pump.check_in()
        evidence = self.host.evidence
        if evidence is not self._evidence:
            self._evidence = evidence
            self.tell(evidence)
        self.tell(self.pump.heard())
        cycle = self.pump.cycle()
        self.tell(Tick() if cycle is None else cycle)

    def order(self, event: Event) -> None:
        """Hand over what an operator wants; a brain that stands still is told when it goes on."""
        if self.stopped or self.brain_stopped:
            self._waiting.append(lambda: self.tell(event))
        else:
            self.tell(event)

    def tell(self, event: Event) -> None:
        """Hand one event to the machine and carry out what it wants."""
        if not self.alive:
            return
        effects = self.machine.handle(event, self.clock.at(self.now()))
        if effects:
            self._carry_out(effects)
            self.world.looked(self.host)

    def _carry_out(self, effects: tuple[do.Effect, ...]) -> None:
        for effect in effects:
            if not self.alive:
                return
            self._carry(effect)

    def _carry(self, effect: do.Effect) -> None:
        match effect:
            case do.Publish(version, body, at_once):
                self.pump.publish(version, body, at_once)
            case do.Say(said, at_once):
                self.pump.say(said, at_once)
            case do.Lease(disk, granted_ns):
                self.pump.lease(disk, max(granted_ns, self._since_ns))
            case do.OpenWatchdog():
                self.host.arm()
                self.pump.watch(self.host.watchdog)
            case do.CloseWatchdog():
                self.pump.watch(None)
                self.host.disarm()
            case do.Fence(cause):
                self.host.fence(cause)
            case do.Note():
                self.world.noted(self.host, effect)
            case do.Stop(reason):
                self.die(reason)
                self.host.note_finished(self.pump.finished())

    # what the world does to it

    def die(self, why: str) -> None:
        """End at once; the watchdog stays as it is."""
        self.alive = False
        self.pump.stop()
        self.world.daemon_ended(self.host, why)

    def stop(self, brain_only: bool) -> None:
        """Stand still, maybe right between a decision and the deed."""
        if self.stopped or self.brain_stopped:
            return
        late_ping = self.pump.dog.may() and self.chance() < 0.5
        if brain_only:
            self.brain_stopped = True
            return
        self.stopped = True
        self.pump.net.stop_reading()
        if late_ping:
            self._waiting.append(self.pump.dog.ping)

    def go_on(self) -> None:
        """Let everything that stood still go on."""
        was_stopped = self.stopped
        self.stopped = self.brain_stopped = False
        waiting, self._waiting = self._waiting, []
        if was_stopped:
            self.pump.net.read_again()
        for act in waiting:
            if self.alive:
                act()
        self.step()
