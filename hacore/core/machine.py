"""The membership machine: events in, effects out. Decides what this host says, when it arms, when it fences.

Must never read a clock, nor do anything itself: the shell carries its effects out in order.

| state | what happened | then | effects besides Publish and Say |
|---|---|---|---|
| ABSENT | own slot read: another boot's, or never used | JOINING, or EXCLUDED if it says so | |
| | … of this boot, a member of the newest epoch | MEMBER or LEAVING, *unresolved* | Lease |
| | … of this boot, left out while armed | FENCING | Lease(none), Fence |
| | … of another boot, and it moves | | Stop: somebody else writes it |
| JOINING | a good cycle shows me in the newest epoch | MEMBER | Lease, OpenWatchdog |
| | … in it, but denied by too many to live | waives it: as if not in it | |
| | no member lives, and the group may form | decides the next epoch | |
| MEMBER | the first good cycle of a successor | | OpenWatchdog |
| | a need, my turn, storage, nobody lives on my grants | decides the next epoch | |
| | reads an epoch without itself, armed | FENCING | Lease(none), Fence |
| | … unarmed: nobody takes it for dead | JOINING | |
| | its deadline is certainly over | | Fence |
| | Leave | LEAVING | |
| LEAVING | an epoch that lets it go (LEFT) | EXCLUDED | CloseWatchdog, Stop |
| | any other epoch without itself | as MEMBER | |
| EXCLUDED | Join | JOINING | |
| any | EmergencyDisable | EXCLUDED | CloseWatchdog, Stop |

The shell: hands over every event with the time of this host's monotonic clock; ticks at least once a beat and
whenever the pump has news; gives `Heard` and `DiskCycle` as the pump's `heard()` and `cycle()` return them;
carries the effects of one `handle` out before the next. Before the first `Publish` the pump only reads.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hacore.core.cliques import hosts_in
from hacore.core.effects import Effect
from hacore.core.events import (
    DiskCycle,
    Event,
    Evidence,
    Heard,
    Tick,
)
from hacore.core.fencing import Farewell, Going, how_to_go
from hacore.core.living import MEMBERS
from hacore.core.membership import readmitted
from hacore.core.mind import Mind
from hacore.core.orders import ORDERS
from hacore.core.resuming import begin
from hacore.core.rules import RULES, Rules
from hacore.core.setup import Setup
from hacore.core.showing import showing
from hacore.core.takeover import FIRST_READ
from hacore.core.view import View
from hacore.core.warnings import Warnings
from hacore.core.words import NOT_WAITING, Hosts, Waiting, one
from hacore.records import NOBODY, Decision, FenceCause, State

_PROPOSERS = (State.JOINING, State.MEMBER, State.LEAVING)


class Machine:
    """One host's brain."""

    def __init__(self, setup: Setup, rules: Rules = RULES) -> None:
        mind = self._mind = Mind(setup, rules)
        self._setup, self._rules, self._takeover = setup, rules, mind.takeover
        self._disk, self._net, self._says, self._telling = mind.disk, mind.net, mind.says, mind.telling
        self._living, self._posture = mind.living, mind.posture
        self._removals, self._deciding = mind.removals, mind.deciding
        self._warnings = Warnings(setup.timing)
        self._cycle: DiskCycle | None = None  # the one that this event brought
        self._waiting = FIRST_READ
        self._view: View | None = None

    def handle(self, event: Event, now_ns: int) -> tuple[Effect, ...]:
        """Take in one event; return what is to be done, in order."""
        posture = self._posture
        if posture.stopped:
            return ()
        posture.out, self._view, self._mind.now_ns, self._cycle = [], None, now_ns, None
        if not self._living.start_ns:
            self._living.start_ns = posture.since_ns = now_ns
        self._take(event)
        if not posture.stopped and (not self._takeover.pending or self._begin()):
            self._decide()
        if not posture.stopped:
            posture.out.extend(self._warnings.waits(self._waiting, now_ns))
        return tuple(posture.out)

    def view(self) -> View:
        """Return what it shows of itself now."""
        if self._view is None:
            self._view = self._show()
        return self._view

    # --- what is told

    def _take(self, event: Event) -> None:
        order = ORDERS.get(type(event))
        if order is not None:
            order(self._mind, event)
        else:
            _SEEN[type(event)](self, event)

    def _on_cycle(self, cycle: DiskCycle) -> None:
        self._cycle = cycle
        self._disk.take(cycle)
        self._living.take(cycle)
        self._posture.take(cycle)

    def _on_heard(self, heard: Heard) -> None:
        self._net.take(heard)

    def _on_evidence(self, evidence: Evidence) -> None:
        self._says.carrier, self._says.arbiters = evidence.carrier, evidence.arbiters

    def _on_tick(self, _: Tick) -> None:
        """Time alone."""

    # --- every event

    def _begin(self) -> bool:
        """Begin as soon as the own slot is certain; tell whether it is."""
        self._waiting = begin(self._mind)
        return not self._takeover.pending and not self._takeover.refused

    def _decide(self) -> None:
        now_ns, says, deciding, posture = self._mind.now_ns, self._says, self._deciding, self._posture
        self._net.look(now_ns)
        says.row = self._net.row
        self._waiting = NOT_WAITING
        self._learn()
        had = says.storage
        self._living.look(now_ns, unresolved=deciding.proposer.unresolved)
        posture.out.extend(self._warnings.storage(had=had, has=says.storage))
        self._settle()
        _ACT[says.state](self)
        self._look_at_the_removed()
        says.block = deciding.proposer.block
        posture.renew_lease()
        self._warn()
        posture.out.extend(self._telling.tell())

    def _learn(self) -> None:
        """Take the newest decided epoch for the present one."""
        disk = self._disk
        if disk.newest.epoch > self._says.decided.epoch:
            self._adopt(disk.newest)
        elif disk.conflict and self._posture.open and self._says.state in MEMBERS:
            self._posture.note("conflict", ("epoch", disk.newest.epoch))
            self._mind.fence(FenceCause.BRAIN)

    def _settle(self) -> None:
        """Take in what a cycle says of my round and of those who were left out."""
        cycle, says = self._cycle, self._says
        if cycle is None or not cycle.written:
            return
        again = self._deciding.unfinished(cycle) and says.state in _PROPOSERS
        self._telling.again = again or self._posture.waits_for_another_write
        if not cycle.read:
            return
        if says.state in _PROPOSERS:
            decided = self._deciding.settle(self._mind.now_ns, self._telling.coming)
            if decided is not None:
                self._adopt(decided)
        self._removals.look(self._disk)

    def _adopt(self, decided: Decision) -> None:
        before, says = self._says.decided, self._says
        says.decided = decided
        self._deciding.close(decided.epoch)
        self._removals.decided(before, decided, self._disk)
        if says.leader_wish == decided.leader:
            says.leader_wish = NOBODY
        self._living.waive(waives=False)
        self._living.admit(readmitted(before, decided), decided.epoch)
        if decided.epoch > before.epoch + 1:
            self._living.skip(decided.epoch)
        self._posture.note(
            "epoch",
            ("epoch", decided.epoch),
            ("liveset", Hosts(decided.liveset)),
            ("leader", one(decided.leader)),
            ("cause", decided.cause.name.lower()),
        )
        if says.state in MEMBERS and not self._mind.is_member(decided):
            self._go(before, decided)

    def _go(self, before: Decision, decided: Decision) -> None:
        """I was left out: cleanly, without anybody taking me for dead, or for good."""
        posture, patience_ns = self._posture, self._setup.timing.storage_lost_ns
        farewell = Farewell(
            leaving=self._says.state is State.LEAVING,
            open=posture.open,
            cause=decided.cause,
            direct=decided.epoch == before.epoch + 1,
            young=self._living.young(self._mind.now_ns),
        )
        match how_to_go(farewell):
            case Going.LEAVE:
                self._mind.exclude("left", patience_ns)
            case Going.SAY_THEN_LEAVE:
                posture.leave("left", patience_ns, self._mind.now_ns, say_first=True)
            case Going.FENCE:
                self._says.confirmed = decided.epoch
                self._mind.fence(FenceCause.LEFT_OUT)
            case Going.JOIN:
                posture.note("left_out_unarmed", ("epoch", decided.epoch))
                self._mind.enter(State.JOINING)

    # --- by state

    def _as_joining(self) -> None:
        """Become a member by a good cycle that shows me in the newest epoch, else help to form a liveset."""
        if not self._mind.is_member(self._says.decided) or self._living.waiving:
            self._act()
            return
        cycle = self._cycle
        good = cycle is not None and cycle.written and cycle.read and self._disk.newest == self._says.decided
        if good and self._living.well(self._mind.now_ns):
            self._deciding.forced = False
            self._posture.join(self._mind.now_ns)
            return
        if good and self._living.let_down():
            self._living.waive(waives=True)
            self._posture.note("waived", ("epoch", self._says.decided.epoch))
        self._waiting = Waiting("a good cycle as a member")

    def _as_member(self) -> None:
        self._deciding.look(self._mind.now_ns)
        self._act()
        self._posture.as_member(self._mind.now_ns)
        self._mind_the_deadline()

    def _as_leaving(self) -> None:
        self._as_member()
        if not self._waiting.words:
            self._waiting = Waiting("an epoch that lets it go")

    def _as_fencing(self) -> None:
        self._posture.as_fencing(self._mind.now_ns)

    def _as_excluded(self) -> None:
        self._posture.as_excluded(self._mind.now_ns)

    def _act(self) -> None:
        self._deciding.act(self._mind.now_ns, self._telling.coming)
        self._waiting = self._deciding.waiting

    def _mind_the_deadline(self) -> None:
        """Fence when the watchdog should have fired already: it is the one that counts."""
        since_ns = self._living.since_ns
        if self._posture.open and since_ns and self._mind.now_ns > since_ns + self._setup.timing.over_ns:
            self._posture.fence_now(self._why_over(), self._mind.now_ns)

    def _why_over(self) -> FenceCause:
        if not self._living.by_disk:
            return FenceCause.QUORUM_LOST
        return FenceCause.STORAGE_LOST if self._disk.copies_left else FenceCause.NO_COPY_LEFT

    def _look_at_the_removed(self) -> None:
        """Declare dead who certainly is, unless somebody may live on my grants."""
        removals, living, note = self._removals, self._living, self._posture.note
        if not removals.condemned:
            return
        removals.forget_those_who_left(self._disk)
        silent, may = living.gone(), living.may_act(self._mind.now_ns)
        for host in hosts_in(removals.condemned):
            seen = removals.evidence(host, self._disk, silent, self._mind.now_ns, by_disk=living.by_disk)
            if (may or seen.rebooted) and self._rules.certainly_dead(seen):
                removals.bury(host)
                note("dead", ("host", one(host)), ("epoch", self._says.decided.epoch))
        for host in hosts_in(removals.newly_uncertain(self._disk, silent)):
            note("uncertain", ("host", one(host)), ("reason", "left out, silent and without fencing"))

    # --- what is shown

    def _warn(self) -> None:
        posture, peers = self._posture, 0
        if self._says.state in MEMBERS:
            peers = self._says.decided.liveset & ~(1 << self._setup.me)
        since_ns = self._living.since_ns  # 0: a successor has not run a good cycle yet
        age_ns = self._mind.now_ns - since_ns if posture.open and since_ns else 0
        degraded = bool(peers) and self._deciding.verdict.degraded
        if self._disk.quarter & peers:
            degraded = degraded and self._warnings.degraded  # who is about to be silent is not cut off
        posture.out.extend(self._warnings.look(peers, self._disk, self._net))
        posture.out.extend(self._warnings.slots(self._disk))
        posture.out.extend(self._warnings.own(age_ns))
        posture.out.extend(self._warnings.degrade(degraded=degraded))

    def _show(self) -> View:
        unresolved = self._deciding.proposer.unresolved
        return showing(
            self._says,
            self._living,
            self._disk,
            self._posture,
            self._removals,
            unresolved=unresolved,
            degraded=self._warnings.degraded,
            waiting=self._waiting,
        )


_SEEN: dict[type, Callable[[Machine, Any], None]] = {
    DiskCycle: Machine._on_cycle,
    Heard: Machine._on_heard,
    Evidence: Machine._on_evidence,
    Tick: Machine._on_tick,
}
"""What is told of the world; the rest are orders."""

_ACT = {
    State.JOINING: Machine._as_joining,
    State.MEMBER: Machine._as_member,
    State.LEAVING: Machine._as_leaving,
    State.EXCLUDED: Machine._as_excluded,
    State.FENCING: Machine._as_fencing,
}
