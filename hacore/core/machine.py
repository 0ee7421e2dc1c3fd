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
from hacore.core.deciding import Deciding
from hacore.core.effects import CloseWatchdog, Effect
from hacore.core.events import (
    Arm,
    ConfirmDead,
    Disarm,
    DiskCycle,
    EmergencyDisable,
    Event,
    Evidence,
    Heard,
    Join,
    Leave,
    ProposeLeader,
    SetWeight,
    Tick,
)
from hacore.core.fencing import Farewell, Going, how_to_go
from hacore.core.living import MEMBERS, Living
from hacore.core.membership import readmitted
from hacore.core.posture import Posture
from hacore.core.removals import Removals
from hacore.core.rules import RULES, Rules
from hacore.core.says import Says
from hacore.core.seen import Disk, Net
from hacore.core.setup import Setup
from hacore.core.showing import showing
from hacore.core.takeover import FIRST_READ, Takeover
from hacore.core.telling import Telling
from hacore.core.view import View
from hacore.core.warnings import Warnings
from hacore.core.words import NOT_WAITING, Hosts, Waiting, one
from hacore.records import NOBODY, Decision, FenceCause, SlotBody, State

_PROPOSERS = (State.JOINING, State.MEMBER, State.LEAVING)


class Machine:
    """One host's brain."""

    def __init__(self, setup: Setup, rules: Rules = RULES) -> None:
        self._setup, self._rules = setup, rules
        self._disk = Disk(setup, rules.sighted_ns)
        self._net = Net(setup)
        self._says = Says(setup.incarnation, self._disk.newest, setup.weight, 1 << setup.me)
        self._living = Living(setup, rules, self._disk, self._net, self._says)
        self._removals = Removals(setup)
        self._deciding = Deciding(setup, rules, self._disk, self._says, self._living, self._removals)
        self._telling = Telling(self._says)
        self._posture = Posture(setup, self._says, self._living, self._telling)
        self._warnings = Warnings(setup.timing)
        self._takeover = Takeover(setup)
        self._now_ns = 0
        self._cycle: DiskCycle | None = None  # the one that this event brought
        self._waiting = FIRST_READ
        self._view: View | None = None

    def handle(self, event: Event, now_ns: int) -> tuple[Effect, ...]:
        """Take in one event; return what is to be done, in order."""
        posture = self._posture
        if posture.stopped:
            return ()
        posture.out, self._view, self._now_ns, self._cycle = [], None, now_ns, None
        if not self._living.start_ns:
            self._living.start_ns = posture.since_ns = now_ns
        _TAKE[type(event)](self, event)
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

    def _on_join(self, join: Join) -> None:
        self._deciding.forced = self._deciding.forced or join.force
        if self._takeover.pending:
            self._takeover.asked_to_join = True
        elif self._says.state is State.EXCLUDED and not self._posture.stopping:
            self._enter(State.JOINING)

    def _on_leave(self, _: Leave) -> None:
        state = self._says.state
        if state is State.MEMBER:
            self._enter(State.LEAVING)
        elif state in (State.ABSENT, State.JOINING, State.EXCLUDED) and not self._posture.stopping:
            self._exclude("left", self._setup.timing.storage_lost_ns)

    def _on_weight(self, event: SetWeight) -> None:
        self._says.weight = event.weight

    def _on_wish(self, event: ProposeLeader) -> None:
        self._says.leader_wish = event.host if 0 <= event.host < self._setup.hosts else NOBODY
        self._posture.note("wish", ("leader", one(self._says.leader_wish)))

    def _on_disarm(self, _: Disarm) -> None:
        if self._posture.open and self._says.armed:
            self._posture.want_disarmed()
        self._posture.armable = False

    def _on_arm(self, _: Arm) -> None:
        self._posture.armable = self._setup.fencing
        if self._posture.armable and self._says.state in MEMBERS:
            self._posture.arm()

    def _on_confirmed(self, event: ConfirmDead) -> None:
        """Believe the operator of those only whom nothing else could make certain."""
        if 0 <= event.host < self._setup.hosts and self._removals.uncertain >> event.host & 1:
            self._removals.bury(event.host)
            self._posture.note("dead", ("host", one(event.host)), ("confirmed_by", "operator"))

    def _on_emergency(self, _: EmergencyDisable) -> None:
        self._posture.note("emergency_disable")
        self._exclude("emergency-disable", self._setup.timing.beat_ns)

    # --- the start

    def _begin(self) -> bool:
        """Take over what the own slot says, as soon as that is certain enough; tell whether it was."""
        takeover, me = self._takeover, self._setup.me
        self._waiting = takeover.look(self._disk)
        if takeover.refused:
            self._posture.note("refused", ("reason", takeover.refused))
            self._posture.stop(takeover.refused)
        if takeover.pending or takeover.refused:
            return False
        self._says.decided = self._disk.newest
        own = self._disk.bodies[me]
        if own is None:
            self._enter(State.JOINING)
        else:
            self._resume(own)
        self._living.admit(self._setup.configured, self._disk.newest.epoch)
        if own is not None:  # of any boot: others may count it still
            self._says.denied = own.denied & ~readmitted(own.decided, self._disk.newest)
            self._living.waive(waives=self._living.waiving and own.decided == self._disk.newest)
        self._removals.inherit(self._says.decided, self._disk)
        return True

    def _resume(self, own: SlotBody) -> None:
        """Go on where the predecessor ended: its boot's posture, any boot's promises."""
        says, newest = self._says, self._disk.newest
        same = own.incarnation == self._setup.incarnation
        proposer = self._deciding.proposer
        proposer.take_over(own.block, same_boot=same)
        proposer.resuming = same and own.state in MEMBERS
        self._deciding.close(newest.epoch)
        says.fence = own.fence
        if same:
            says.weight, says.leader_wish = own.weight, own.leader_wish
            if own.state in MEMBERS or self._is_member(newest):
                self._living.given_ns = self._now_ns  # a predecessor may have granted until now
        if same and own.state in MEMBERS:
            says.decided = own.decided
            self._resume_membership(own)
        elif same and own.state is State.FENCING:
            self._posture.fence(own.fence, self._now_ns)
        elif own.state is State.EXCLUDED and not self._takeover.asked_to_join:
            self._enter(State.EXCLUDED)
        else:
            self._enter(State.JOINING)

    def _resume_membership(self, own: SlotBody) -> None:
        posture = self._posture
        self._enter(own.state)
        posture.said_member = True
        posture.armable = posture.armable and own.armed
        if posture.armable:
            posture.resume()

    # --- every event

    def _decide(self) -> None:
        now_ns, says, deciding, posture = self._now_ns, self._says, self._deciding, self._posture
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
            self._fence(FenceCause.BRAIN)

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
            decided = self._deciding.settle(cycle.version, self._now_ns, self._telling.coming)
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
        if says.state in MEMBERS and not self._is_member(decided):
            self._go(before, decided)

    def _go(self, before: Decision, decided: Decision) -> None:
        """I was left out: cleanly, without anybody taking me for dead, or for good."""
        posture, patience_ns = self._posture, self._setup.timing.storage_lost_ns
        farewell = Farewell(
            leaving=self._says.state is State.LEAVING,
            open=posture.open,
            cause=decided.cause,
            direct=decided.epoch == before.epoch + 1,
            young=self._living.young(self._now_ns),
        )
        match how_to_go(farewell):
            case Going.LEAVE:
                self._exclude("left", patience_ns)
            case Going.SAY_THEN_LEAVE:
                posture.leave("left", patience_ns, self._now_ns, say_first=True)
            case Going.FENCE:
                self._says.confirmed = decided.epoch
                self._fence(FenceCause.LEFT_OUT)
            case Going.JOIN:
                posture.note("left_out_unarmed", ("epoch", decided.epoch))
                self._enter(State.JOINING)

    # --- by state

    def _as_joining(self) -> None:
        """Become a member by a good cycle that shows me in the newest epoch, else help to form a liveset."""
        if not self._is_member(self._says.decided) or self._living.waiving:
            self._act()
            return
        cycle = self._cycle
        good = cycle is not None and cycle.written and cycle.read and self._disk.newest == self._says.decided
        if good and self._living.well(self._now_ns):
            self._deciding.forced = False
            self._posture.join(self._now_ns)
            return
        if good and self._living.let_down():
            self._living.waive(waives=True)
            self._posture.note("waived", ("epoch", self._says.decided.epoch))
        self._waiting = Waiting("a good cycle as a member")

    def _as_member(self) -> None:
        self._deciding.look(self._now_ns)
        self._act()
        self._posture.as_member(self._now_ns)
        self._mind_the_deadline()

    def _as_leaving(self) -> None:
        self._as_member()
        if not self._waiting.words:
            self._waiting = Waiting("an epoch that lets it go")

    def _as_fencing(self) -> None:
        self._posture.as_fencing(self._now_ns)

    def _as_excluded(self) -> None:
        self._posture.as_excluded(self._now_ns)

    def _act(self) -> None:
        self._deciding.act(self._now_ns, self._telling.coming)
        self._waiting = self._deciding.waiting

    def _mind_the_deadline(self) -> None:
        """Fence when the watchdog should have fired already: it is the one that counts."""
        since_ns = self._living.since_ns
        if self._posture.open and since_ns and self._now_ns > since_ns + self._setup.timing.over_ns:
            self._posture.fence_now(self._why_over(), self._now_ns)

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
        silent, may = living.gone(), living.may_act(self._now_ns)
        for host in hosts_in(removals.condemned):
            seen = removals.evidence(host, self._disk, silent, self._now_ns, by_disk=living.by_disk)
            if (may or seen.rebooted) and self._rules.certainly_dead(seen):
                removals.bury(host)
                note("dead", ("host", one(host)), ("epoch", self._says.decided.epoch))
        for host in hosts_in(removals.newly_uncertain(self._disk, silent)):
            note("uncertain", ("host", one(host)), ("reason", "left out, silent and without fencing"))

    # --- steps

    def _enter(self, state: State) -> None:
        self._posture.enter(state, self._now_ns)

    def _fence(self, cause: FenceCause) -> None:
        self._posture.fence(cause, self._now_ns)

    def _exclude(self, reason: str, patience_ns: int) -> None:
        if self._takeover.pending:
            self._posture.out.append(CloseWatchdog())  # a predecessor may have left it open
            self._posture.stop(reason)
            return
        self._deciding.proposer.drop()
        self._posture.leave(reason, patience_ns, self._now_ns)

    def _is_member(self, decided: Decision) -> bool:
        return self._rules.is_member(decided, self._setup.me, self._setup.incarnation)

    # --- what is shown

    def _warn(self) -> None:
        posture, peers = self._posture, 0
        if self._says.state in MEMBERS:
            peers = self._says.decided.liveset & ~(1 << self._setup.me)
        since_ns = self._living.since_ns  # 0: a successor has not run a good cycle yet
        age_ns = self._now_ns - since_ns if posture.open and since_ns else 0
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


_TAKE: dict[type, Callable[[Machine, Any], None]] = {
    DiskCycle: Machine._on_cycle,
    Heard: Machine._on_heard,
    Evidence: Machine._on_evidence,
    Tick: Machine._on_tick,
    Join: Machine._on_join,
    Leave: Machine._on_leave,
    SetWeight: Machine._on_weight,
    ProposeLeader: Machine._on_wish,
    Disarm: Machine._on_disarm,
    Arm: Machine._on_arm,
    ConfirmDead: Machine._on_confirmed,
    EmergencyDisable: Machine._on_emergency,
}

_ACT = {
    State.JOINING: Machine._as_joining,
    State.MEMBER: Machine._as_member,
    State.LEAVING: Machine._as_leaving,
    State.EXCLUDED: Machine._as_excluded,
    State.FENCING: Machine._as_fencing,
}
