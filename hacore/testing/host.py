"""One simulated host: power, boot, clock, VMs, watchdog, links. Things happen to it; it decides nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from hacore.core.events import Evidence
from hacore.core.numbering import UNFINISHED, Finished, start_floor
from hacore.core.setup import Setup
from hacore.core.timing import NS
from hacore.records import FenceCause, State
from hacore.testing.clock import RATE_PPM, FakeClock
from hacore.testing.daemon import Daemon
from hacore.testing.disk import Copy
from hacore.testing.network import ALL_NETWORKS
from hacore.testing.port import Landing, Port
from hacore.testing.watchdog import FakeWatchdog

if TYPE_CHECKING:
    from hacore.testing.world import World


@dataclass(slots=True)
class Spell:
    """A time in which something was wrong; `until_ns` None: it still is."""

    kind: str
    from_ns: int
    until_ns: int | None = None
    network: int = ALL_NETWORKS


class Ill(Enum):
    """What may be wrong with a host, for those who judge whether it was fenced with reason."""

    STORAGE = "storage"
    DAEMON = "daemon"
    LINKS = "links"


FIRST_UPTIME_NS = 10**6 * NS
LOOK_NS = NS // 10
"""After it was suspended a machine runs its VMs until its daemon has looked at the time: not for so long."""
WALL_NS = 1_800_000_000 * NS
"""The wall clock at the beginning of a world."""
GOOD = Evidence(carrier=True, arbiters=1)


class Host:
    """A machine; `vms`: it runs VMs, from its admission until it is reset (what G1 is checked against)."""

    def __init__(self, world: World, index: int) -> None:
        rng = world.rng
        self.world, self.index = world, index
        self.up, self.vms, self.wanted = False, False, True
        self.asleep_ns = 0  # when it was suspended; 0: it is not
        self._waiting: list[Callable[[], None]] = []  # what happens to its daemon when it wakes up
        self.vms_epoch = 0  # by which it was admitted when they started
        self.boots = 0
        self.booted_ns = 0
        self.incarnation = 0
        self.daemon: Daemon | None = None
        self.port = Port(rng, world.timing.timeout_ns)
        self.evidence = GOOD
        self.ills: dict[Ill, list[Spell]] = {ill: [] for ill in Ill}
        self.carriers_lost = [0] * world.plan.networks  # by network: by how many faults
        self.arbiters_lost = [0] * world.plan.networks
        drawn = rng.randint(-RATE_PPM, RATE_PPM)
        self.ppm = world.plan.ppm[index] if world.plan.ppm else drawn
        self.clock = FakeClock(0, rng.randrange(FIRST_UPTIME_NS), self.ppm)
        self.wall_set_ns = 0  # by how much the wall clock was set forward (back: < 0)
        self._floor_ns = 0  # above what the last start in this boot numbered
        self._finished = UNFINISHED  # what the lock file says of the daemon before
        late_ns = int(rng.random() * world.timing.granularity_ns)
        self.watchdog = FakeWatchdog(self._now, world.timing.watchdog_ns + late_ns, self._pinged)

    def _now(self) -> int:
        return self.world.now_ns

    # power

    def suspend(self) -> None:
        """Let the whole machine stand still, VMs and watchdog with it; only the time goes on."""
        if self.up and not self.asleep:
            self.asleep_ns = self._now()
            if self.daemon is not None:
                self.daemon.stop(brain_only=False)

    def wake(self) -> None:
        """Let everything go on where it stood; VMs run if they still do after the daemon's first look."""
        if not self.asleep:
            return
        slept_ns, self.asleep_ns = self._now() - self.asleep_ns, 0
        if self.world.twins.clock_sleeps:
            self.clock.skip(slept_ns)
        self.watchdog.sleep(slept_ns)
        self._fires()
        waiting, self._waiting = self._waiting, []
        if self.daemon is not None:
            self.daemon.go_on()
        for act in waiting:
            act()
        self.world.at(self._now() + LOOK_NS, self._still_runs_vms, self.incarnation)

    @property
    def asleep(self) -> bool:
        return self.asleep_ns > 0

    def _still_runs_vms(self, incarnation: int) -> None:
        if self.vms and self.incarnation == incarnation and not self.asleep:
            self.world.vms_started(self)

    def boot(self) -> None:
        """Come up as another incarnation and start the daemon."""
        if self.up:
            return
        world = self.world
        self.up = True
        self.boots += 1
        self._floor_ns, self._finished = 0, UNFINISHED
        self.booted_ns = world.now_ns
        self.incarnation = world.rng.getrandbits(63) | 1
        if self.boots > 1:
            self.clock = FakeClock(world.now_ns, int((5 + 15 * world.rng.random()) * NS), self.ppm)
        world.tell(self.index, "boots")
        self.start_daemon()

    def reset(self, why: str, back_ns: int | None) -> None:
        """Go down at once, VMs and all; boot again after `back_ns`, or when somebody says so."""
        if not self.up:
            return
        world = self.world
        world.tell(self.index, f"goes down: {why}")
        world.went_down(self)
        self.up = self.vms = False
        self.asleep_ns, self._waiting = 0, []
        self.watchdog.disarm()
        self.port.forget()
        if self.daemon is not None:
            daemon, self.daemon = self.daemon, None
            daemon.alive = False
            daemon.pump.stop()
        if back_ns is not None:
            world.at(world.now_ns + back_ns, self.boot)

    # the daemon

    def start_daemon(self, finished: Finished = UNFINISHED, since_ns: int = 0) -> None:
        """Start it; `finished`, `since_ns` (S) are what a predecessor says that hands over.

        Else the lock file may say the former, and the watchdog is left as it is.
        """
        if self.asleep:
            self._waiting.append(self.start_daemon)
            return
        if not self.up or self.daemon is not None:
            return
        world = self.world
        plan = world.plan
        setup = Setup(
            hosts=plan.hosts,
            me=self.index,
            incarnation=self.incarnation,
            timing=world.timing,
            isolation=plan.isolation,
            quorum=plan.quorum,
            weight=plan.weight(self.index),
            arbiters=plan.arbiters,
            fencing=plan.fencing,
        )
        noted, self._finished = self._finished, UNFINISHED
        self.daemon = Daemon(self, setup, finished if finished != UNFINISHED else noted, since_ns)
        self.daemon.start()

    def floor(self) -> int:
        """Return above what a start numbers its writes; /run remembers it until the next boot."""
        wall_ns = WALL_NS + self.world.now_ns + self.wall_set_ns
        self._floor_ns = start_floor(wall_ns, self._floor_ns)
        return self._floor_ns

    def kill_daemon(self) -> None:
        """Kill -9: the kernel closes the watchdog, which pings it once more."""
        if self.asleep:
            self._waiting.append(self.kill_daemon)
            return
        if self.daemon is None:
            return
        daemon, self.daemon = self.daemon, None
        had = daemon.pump.dog.watchdog
        daemon.die("killed")
        if had is not None:
            had.open()

    def upgrade_daemon(self) -> None:
        """Exchange the daemon for its successor, which is handed the open watchdog."""
        if self.daemon is None or self.asleep:
            return
        daemon, self.daemon = self.daemon, None
        dog = daemon.pump.dog
        since_ns = dog.since_ns if dog.watchdog is not None else 0
        daemon.die("upgraded")
        self.start_daemon(daemon.pump.finished(), since_ns)

    def note_finished(self, finished: Finished) -> None:
        """Keep what a daemon that has ended says, for the next one of this boot."""
        self._finished = finished

    # what the daemon does to it

    def arm(self) -> None:
        self.world.arming(self)
        assert self.daemon is not None
        was = self.watchdog.armed
        if self.daemon.pump.dog.watchdog is None:  # what was handed over is open
            self.watchdog.open()
        if not was:
            self.world.at(self.watchdog.fires_ns, self._fires)

    def disarm(self) -> None:
        """Close the watchdog. Who leaves has moved its VMs away before, or its operator answers for them."""
        self.watchdog.disarm()
        assert self.daemon is not None
        if self.daemon.machine.view().state != State.MEMBER:
            self.vms = False

    def fence(self, cause: FenceCause) -> None:
        self.world.fenced(self, cause)
        self.reset(f"fences itself: {cause.name}", self.world.plan.reboot_ns)

    def start_vms(self) -> None:
        """Run VMs from now on: admitted, and the watchdog pinged in time."""
        if not self.vms and self.daemon is not None:
            self.vms = True
            self.vms_epoch = self.daemon.machine.view().epoch
            self.world.vms_started(self)

    def _pinged(self) -> None:
        """Whoever starts VMs looks at the state, and at the watchdog being fed."""
        if self.vms or self.daemon is None:
            return
        view = self.daemon.machine.view()
        if view.armed and view.state == State.MEMBER:
            self.start_vms()

    def _fires(self) -> None:
        watchdog = self.watchdog
        if not watchdog.armed or self.asleep:
            return
        if watchdog.fires_ns > self.world.now_ns:
            self.world.at(watchdog.fires_ns, self._fires)
            return
        self.world.fenced(self, None)
        self.reset("watchdog fires", self.world.plan.reboot_ns)

    def land(self, landing: Landing, copy: int, content: Copy) -> None:
        """A write of this host reaches the disk; of a host that went down meanwhile, only half of them do."""
        world = self.world
        if content.body.incarnation != self.incarnation or (not self.up and world.rng.random() < 0.5):
            return
        if landing.astray:
            host = world.rng.randrange(world.plan.hosts)
            copy = (copy + 1 + world.rng.randrange(7)) % 8 if host == self.index else copy
            world.disk.land(world.now_ns, host, copy, None)
            return
        world.disk.land(world.now_ns, self.index, copy, None if landing.torn else content)
        if not landing.torn:
            world.landed(self.index, content)

    def fall_ill(self, ill: Ill, kind: str, network: int = ALL_NETWORKS) -> None:
        self.ills[ill].append(Spell(kind, self.world.now_ns, network=network))

    def recover(self, ill: Ill, kind: str, network: int = ALL_NETWORKS) -> None:
        """End the oldest open spell of a kind."""
        for spell in self.ills[ill]:
            if (spell.kind, spell.network, spell.until_ns) == (kind, network, None):
                spell.until_ns = self.world.now_ns
                return

    def well_since_ns(self, *ills: Ill) -> int | None:
        """Return since when nothing of these has been wrong; None: something is."""
        since_ns = self.booted_ns
        for ill in ills:
            for spell in self.ills[ill]:
                if spell.until_ns is None:
                    return None
                since_ns = max(since_ns, spell.until_ns)
        return since_ns

    def look_at_links(self) -> None:
        """Notice what has become of carrier and arbiters."""
        self.evidence = Evidence(0 in self.carriers_lost, int(0 in self.arbiters_lost))
