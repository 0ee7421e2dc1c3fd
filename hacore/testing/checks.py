"""The guarantees, checked after every step: G1 exclusion, G2 one view, G4 no arming before admission.

Sees everything at its true time, and believes nothing that a machine says of itself but what it acts on. Must
never look at how a machine came to its decision. G3 is for `judge.py`, G5 for `detection.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hacore.core.effects import Note
from hacore.core.timing import NS
from hacore.core.view import View
from hacore.records import Decision, FenceCause, State
from hacore.testing.disk import Copy, formatted
from hacore.testing.network import bits

if TYPE_CHECKING:
    from hacore.testing.daemon import Daemon
    from hacore.testing.host import Host
    from hacore.testing.world import World


@dataclass(frozen=True, slots=True)
class Violation:
    """A guarantee was broken."""

    at_ns: int
    guarantee: str
    host: int
    text: str

    def __str__(self) -> str:
        return f"{self.guarantee} at {self.at_ns / NS:.3f} s, host {self.host}: {self.text}"


class Ledger:
    """What has been decided in this world, epoch by epoch; shared by all judges."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.decided = {1: formatted(world.plan.hosts).decided}
        self.decided_ns = {1: world.now_ns}
        self.newest = self.decided[1]
        self.violations: list[Violation] = []

    def accuse(self, guarantee: str, host: int, text: str) -> None:
        """Note a violation; one broken guarantee of a host is told once."""
        if all((v.guarantee, v.host) != (guarantee, host) for v in self.violations):
            self.violations.append(Violation(self.world.now_ns, guarantee, host, text))
            self.world.tell(host, f"VIOLATES {guarantee}: {text}")

    def before(self, epoch: int) -> Decision:
        """Return the newest known decision of an earlier epoch."""
        return self.decided[max(known for known in self.decided if known < epoch)]

    def last_as(self, host: int, epoch: int) -> int:
        """Return as which incarnation a host was last a member, up to an epoch; 0: never."""
        for known in sorted(self.decided, reverse=True):
            decision = self.decided[known]
            if known <= epoch and decision.liveset >> host & 1 and decision.members[host]:
                return decision.members[host]
        return 0


class Checks:
    """G1, G2 and G4."""

    def __init__(self, world: World, ledger: Ledger) -> None:
        self.world, self.ledger = world, ledger
        self._dead = [0] * world.plan.hosts  # what each machine has last declared
        self._epochs: dict[Daemon, int] = {}  # the newest that each has shown
        self._declared: dict[tuple[int, int], int] = {}  # by host and incarnation: in which epoch
        self._admitted: set[tuple[int, int]] = set()

    def looked(self, host: Host) -> None:
        if host.daemon is None:
            self._dead[host.index] = 0
            return
        view = host.daemon.machine.view()
        self._one_view(host, view)
        self._exclusion(host, view)
        if view.state == State.MEMBER and not view.armed and not host.vms and host.wanted:
            host.start_vms()

    def _one_view(self, host: Host, view: View) -> None:
        daemon = host.daemon
        assert daemon is not None
        if view.epoch < self._epochs.get(daemon, 0):
            self.ledger.accuse("G2", host.index, f"went from epoch {self._epochs[daemon]} to {view.epoch}")
        self._epochs[daemon] = view.epoch
        self._decide(host.index, view.decided)

    def _decide(self, host: int, decision: Decision) -> None:
        ledger = self.ledger
        if not decision.epoch:
            return
        known = ledger.decided.get(decision.epoch)
        if known is None or (known != decision and self._forgotten(known)):
            ledger.decided[decision.epoch] = decision
            ledger.decided_ns[decision.epoch] = self.world.now_ns
            if decision.epoch >= ledger.newest.epoch:
                ledger.newest = decision
            self._admitted.update((each, decision.members[each]) for each in bits(decision.liveset))
            self._see_out(decision)
        elif known is not decision and known != decision:
            ledger.accuse("G2", host, f"acts on {decision}, others on {known}")

    def _forgotten(self, decision: Decision) -> bool:
        """Tell whether a whole slot was lost, and with it the last that knew of a decision.

        One disk is one disk: what only that slot and its dead owner knew nobody can know any more, once the
        owner has written it anew. As long as it is rubbish everybody is warned.
        """
        if not self.world.disk.forgot(decision):
            return False
        views = [host.daemon.machine.view() for host in self.world.hosts if host.daemon is not None]
        return all(view.decided != decision for view in views)

    def _see_out(self, decision: Decision) -> None:
        """Look again, when nobody whom an epoch leaves out can be alive any more."""
        timing = self.world.timing
        for host in self.world.hosts:
            if host.vms and host.watchdog.armed and not decision.has(host.index, host.incarnation):
                late = self.world.now_ns + timing.silence_ns
                self.world.at(late, self._still_there, host, host.incarnation, decision.epoch)

    def _still_there(self, host: Host, incarnation: int, epoch: int) -> None:
        alive = host.vms and host.incarnation == incarnation and host.watchdog.armed and not host.asleep
        later = (decision for known, decision in self.ledger.decided.items() if known > epoch)
        if alive and not any(decision.has(host.index, incarnation) for decision in later):
            self.ledger.accuse("G2", host.index, f"outlives epoch {epoch}, which left it out, by a silence")

    def _exclusion(self, host: Host, view: View) -> None:
        fresh, self._dead[host.index] = view.dead & ~self._dead[host.index], view.dead
        for other in bits(fresh):
            incarnation = self.ledger.last_as(other, view.epoch)
            self._declared[other, incarnation] = max(view.epoch, self._declared.get((other, incarnation), 0))
            there = self.world.hosts[other]
            runs = there.vms and not there.asleep
            if runs and there.incarnation == incarnation and there.vms_epoch <= view.epoch:
                self.ledger.accuse("G1", host.index, f"declares host {other} dead while it runs VMs")

    def arming(self, host: Host) -> None:
        assert host.daemon is not None
        decided = host.daemon.machine.view().decided
        self._decide(host.index, decided)
        if not decided.has(host.index, host.incarnation):
            self.world.at(self.world.now_ns, self._armed, host, decided.epoch)

    def _armed(self, host: Host, epoch: int) -> None:
        """Accuse who was left out and arms; who only takes a watchdog over to close it has done so by now."""
        if host.watchdog.armed:
            self.ledger.accuse("G4", host.index, f"arms though epoch {epoch} does not have it")

    def vms_started(self, host: Host) -> None:
        """A later epoch may take in again a joining host that an earlier one admitted and then left out."""
        if self._declared.get((host.index, host.incarnation), 0) > host.vms_epoch:
            self.ledger.accuse("G1", host.index, "runs VMs after it was declared dead")

    def fenced(self, host: Host, cause: FenceCause | None) -> None:
        del cause
        if (host.index, host.incarnation) not in self._admitted:
            self.ledger.accuse("G4", host.index, "fences itself though it never was a member")

    def went_down(self, host: Host) -> None:
        self._dead[host.index] = 0

    def landed(self, host: int, content: Copy) -> None:
        """What a slot shows as decided binds whoever reads it, however late it landed."""
        self._decide(host, content.body.decided)

    def noted(self, host: Host, note: Note) -> None: ...
    def tell(self, host: int, text: str) -> None: ...
