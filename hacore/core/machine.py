"""The membership machine: events in, effects out. Decides what this host says, when it arms, when it fences.

Must never read a clock, nor do anything itself: the shell carries its effects out in order.

| state | what happened | then | effects besides Publish and Say |
|---|---|---|---|
| ABSENT | own slot read: another boot's, or never used | JOINING, or EXCLUDED if it says so | |
| | … of this boot, a member of the newest epoch | MEMBER or LEAVING, *unresolved* | Lease, OpenWatchdog |
| | … of this boot, left out while armed | FENCING | Lease(none), Fence |
| | … of another boot, and it moves | | Stop: somebody else writes it |
| JOINING | a good cycle shows me in the newest epoch | MEMBER | Lease, OpenWatchdog |
| | no member lives, and the group may form | decides the next epoch | |
| MEMBER | a need, my turn, storage, nobody lives on my grants | decides the next epoch | |
| | reads an epoch without itself, armed | FENCING | Lease(none), Fence |
| | … unarmed: nobody takes it for dead | JOINING | |
| | its deadline is certainly over | | Fence |
| | Leave, or fewer than two clean copies | LEAVING | |
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
from hacore.core.effects import CloseWatchdog, Effect, Fence, Lease, Note, OpenWatchdog, Stop
from hacore.core.events import (
    Arm,
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
from hacore.core.fencing import Removals
from hacore.core.living import MEMBERS, NO_LEASE, Living
from hacore.core.membership import readmitted
from hacore.core.rules import RULES, Rules
from hacore.core.says import Says
from hacore.core.seen import Disk, Net
from hacore.core.setup import Setup
from hacore.core.takeover import Takeover
from hacore.core.telling import Telling
from hacore.core.view import Mode, View
from hacore.core.warnings import Warnings
from hacore.records import NOBODY, Cause, Decision, FenceCause, SlotBody, State

_PROPOSERS = (State.JOINING, State.MEMBER, State.LEAVING)


class Machine:
    """One host's brain."""

    def __init__(self, setup: Setup, rules: Rules = RULES) -> None:
        self._setup, self._rules = setup, rules
        self._disk = Disk(setup, rules.sighted_ns)
        self._net = Net(setup)
        self._says = Says(setup.incarnation, self._disk.newest, setup.weight, 1 << setup.me)
        self._living = Living(setup, rules, self._disk, self._net, self._says)
        self._deciding = Deciding(setup, rules, self._disk, self._net, self._says, self._living)
        self._removals = Removals()
        self._warnings = Warnings(setup.timing)
        self._telling = Telling(self._says)
        self._takeover = Takeover(setup)
        self._out: list[Effect] = []
        self._now_ns = self._since_ns = 0
        self._cycle: DiskCycle | None = None  # the one that this event brought
        self._begun = self._stopped = self._open = False
        self._armable = setup.fencing
        self._fence_ns = self._stop_ns = 0  # when to do it at the latest; 0: not at all
        self._stopping = ""  # why
        self._awaited = 0  # the version that fencing, stopping or disarming waits for
        self._telling_unarmed = False  # admitted unarmed, and the slot does not say so yet
        self._degraded = False
        self._waiting = ("the first read of the statefile", 0)
        self._waited_for = ("", 0)
        self._view: View | None = None

    def handle(self, event: Event, now_ns: int) -> tuple[Effect, ...]:
        """Take in one event; return what is to be done, in order."""
        if self._stopped:
            return ()
        self._out, self._view, self._now_ns, self._cycle = [], None, now_ns, None
        if not self._living.start_ns:
            self._living.start_ns = self._since_ns = now_ns
        _TAKE[type(event)](self, event)
        if not self._stopped and (self._begun or self._begin()):
            self._decide()
        return tuple(self._out)

    def view(self) -> View:
        """Return what it shows of itself now."""
        if self._view is None:
            self._view = self._show()
        return self._view

    # --- what is told ------------------------------------------------------------------------------------

    def _on_cycle(self, cycle: DiskCycle) -> None:
        self._cycle = cycle
        self._disk.take(cycle)
        self._living.take(cycle)

    def _on_heard(self, heard: Heard) -> None:
        self._net.take(heard)

    def _on_evidence(self, evidence: Evidence) -> None:
        self._says.carrier, self._says.arbiters = evidence.carrier, evidence.arbiters

    def _on_tick(self, _: Tick) -> None:
        """Time alone."""

    def _on_join(self, join: Join) -> None:
        self._deciding.forced = self._deciding.forced or join.force
        if not self._begun:
            self._takeover.asked_to_join = True
        elif self._says.state is State.EXCLUDED and not self._stop_ns:
            self._enter(State.JOINING)

    def _on_leave(self, _: Leave) -> None:
        if self._says.state is State.MEMBER:
            self._enter(State.LEAVING)
        elif self._says.state not in (State.LEAVING, State.FENCING):
            self._exclude("left", self._setup.timing.storage_lost_ns)

    def _on_weight(self, event: SetWeight) -> None:
        self._says.weight = event.weight

    def _on_wish(self, event: ProposeLeader) -> None:
        self._says.leader_wish = event.host if event.host < self._setup.hosts else NOBODY
        self._note("wish", ("leader", event.host))

    def _on_disarm(self, _: Disarm) -> None:
        """Say first, do then: who reads `armed` must not take a host for dead that will not fence."""
        self._armable = self._says.armed = False
        self._awaited = self._telling.coming

    def _on_arm(self, _: Arm) -> None:
        self._armable = self._setup.fencing
        if self._armable and self._says.state in MEMBERS:
            self._arm()

    def _on_emergency(self, _: EmergencyDisable) -> None:
        self._note("emergency_disable")
        self._exclude("emergency-disable", self._setup.timing.beat_ns)

    # --- the start ---------------------------------------------------------------------------------------

    def _begin(self) -> bool:
        """Take over what the own slot says, as soon as that is certain enough; tell whether it was."""
        self._waiting = self._takeover.look(self._disk)
        if self._takeover.refused:
            self._note("refused", ("reason", self._takeover.refused))
            self._stop(self._takeover.refused)
        if self._takeover.pending or self._stopped:
            return False
        self._begun = True
        self._resume(self._disk.bodies[self._setup.me])
        return True

    def _resume(self, own: SlotBody | None) -> None:
        says, newest = self._says, self._disk.newest
        if own is None:
            says.decided = newest
            self._enter(State.JOINING)
            return
        same = own.incarnation == self._setup.incarnation
        self._deciding.proposer.take_over(own.block, same_boot=same)
        says.fence = own.fence
        was_member = same and own.state in MEMBERS
        says.decided = own.decided if was_member else newest
        if was_member or (same and newest.has(self._setup.me, own.incarnation)):
            self._living.given_ns = self._now_ns  # a predecessor may have granted until now
        self._deciding.close(newest.epoch)
        self._living.admit(self._setup.configured, newest.epoch)
        if not was_member:
            self._deciding.proposer.resuming = False
            self._removals.inherit(newest, self._disk, self._setup.me)
        self._resume_state(own, same)

    def _resume_state(self, own: SlotBody, same: bool) -> None:
        says, state = self._says, own.state
        if same:
            says.weight, says.leader_wish = own.weight, own.leader_wish
            says.denied = own.denied
        if same and state in MEMBERS:
            self._enter(state)
            self._armable = self._armable and own.armed
            if self._armable:
                self._arm()
            self._removals.inherit(says.decided, self._disk, self._setup.me)
        elif same and state is State.FENCING:
            self._fence(own.fence)
        elif state is State.EXCLUDED and not self._takeover.asked_to_join:
            self._enter(State.EXCLUDED)
        else:
            self._enter(State.JOINING)

    # --- every event -------------------------------------------------------------------------------------

    def _decide(self) -> None:
        now_ns, says, deciding = self._now_ns, self._says, self._deciding
        self._net.look(now_ns)
        says.row = self._net.row
        self._waiting = ("", 0)
        self._learn()
        had = says.storage
        self._living.look(now_ns, unresolved=deciding.proposer.unresolved)
        self._note_storage(had)
        self._settle()
        _ACT[says.state](self)
        self._look_at_the_removed()
        says.block = deciding.proposer.block
        self._renew_lease()
        self._warn()
        self._note_waiting()
        self._out.extend(self._telling.tell())

    def _learn(self) -> None:
        """Take the newest decided epoch for the present one."""
        disk = self._disk
        if disk.newest.epoch > self._says.decided.epoch:
            self._adopt(disk.newest)
        elif disk.conflict and self._open:
            self._note("conflict", ("epoch", disk.newest.epoch))
            self._fence(FenceCause.BRAIN)

    def _settle(self) -> None:
        """Take in what a complete cycle says of my round and of those who were left out."""
        cycle, says = self._cycle, self._says
        if cycle is None or not cycle.written:
            return
        again = self._deciding.unfinished(cycle.version)
        self._telling.again = again and says.state in _PROPOSERS
        if not cycle.read:
            return
        if says.state in _PROPOSERS:
            decided = self._deciding.settle(cycle.version, self._now_ns, self._telling.coming)
            if decided is not None:
                self._adopt(decided)
        own = self._disk.bodies[self._setup.me]
        if own is not None and self._removals.watched:
            self._removals.look(self._disk, own.decided)

    def _adopt(self, decided: Decision) -> None:
        before, says = self._says.decided, self._says
        says.decided = decided
        self._deciding.close(decided.epoch)
        self._removals.decided(before, decided)
        if says.leader_wish == decided.leader:
            says.leader_wish = NOBODY
        self._living.admit(readmitted(before, decided), decided.epoch)
        self._note(
            "epoch",
            ("epoch", decided.epoch),
            ("liveset", ",".join(str(host) for host in hosts_in(decided.liveset))),
            ("leader", decided.leader),
            ("cause", decided.cause.name.lower()),
        )
        if says.state in MEMBERS and not self._is_member(decided):
            self._go(before, decided)

    def _go(self, before: Decision, decided: Decision) -> None:
        """I was left out: cleanly, without anybody taking me for dead, or for good."""
        clean = decided.cause is Cause.LEFT and decided.epoch == before.epoch + 1
        if self._says.state is State.LEAVING and (clean or not self._open):
            self._exclude("left", self._setup.timing.storage_lost_ns)
        elif self._open:
            self._says.confirmed = decided.epoch
            self._fence(FenceCause.LEFT_OUT)
        else:
            self._note("left_out_unarmed", ("epoch", decided.epoch))
            self._enter(State.JOINING)

    # --- by state ----------------------------------------------------------------------------------------

    def _as_joining(self) -> None:
        """Become a member by a good cycle that shows me in the newest epoch, else help to form a liveset."""
        cycle = self._cycle
        if self._is_member(self._says.decided):
            self._waiting = ("a good cycle as a member", 0)
            good = (
                cycle is not None and cycle.written and cycle.read and self._disk.newest == self._says.decided
            )
            if good and self._living.well(self._now_ns):
                self._become_member()
            return
        self._act()

    def _become_member(self) -> None:
        self._enter(State.MEMBER)
        self._waiting = ("", 0)
        self._note("joined", ("epoch", self._says.decided.epoch))
        if self._armable:
            self._arm()
        else:
            self._awaited, self._telling_unarmed = self._telling.coming, True

    def _as_member(self) -> None:
        if self._disk.copies_left < 2 and self._disk.known:
            self._run_out_of_copies()
        self._deciding.look(self._now_ns)
        self._act()
        if not self._says.armed and self._written():
            self._telling_unarmed = False
            if self._open:
                self._disarm()
        self._mind_the_deadline()

    def _as_leaving(self) -> None:
        self._as_member()
        if not self._waiting[0] and self._says.state is State.LEAVING:
            self._waiting = ("an epoch that lets it go", 0)

    def _as_fencing(self) -> None:
        """Reboot once the confirmation is on the disk, or a beat later."""
        if self._fence_ns and (self._written() or self._now_ns >= self._fence_ns):
            self._fence_ns = 0
            self._out.append(Fence(self._says.fence))

    def _as_excluded(self) -> None:
        if self._stop_ns and (self._written() or self._now_ns >= self._stop_ns):
            self._stop(self._stopping)

    def _act(self) -> None:
        self._deciding.act(self._now_ns, self._telling.coming)
        self._waiting = self._deciding.waiting

    def _run_out_of_copies(self) -> None:
        """Leave while one copy is left; without any, nothing can be said any more."""
        if not self._disk.copies_left and self._open:
            self._fence(FenceCause.NO_COPY_LEFT)
        elif self._says.state is State.MEMBER:
            self._note("copies_left", ("copies", self._disk.copies_left))
            self._enter(State.LEAVING)

    def _mind_the_deadline(self) -> None:
        """Fence when the watchdog should have fired already: it is the one that counts."""
        timing, since_ns = self._setup.timing, self._living.since_ns
        if not self._open or not since_ns:
            return
        over_ns = since_ns + timing.ping_until_ns + timing.watchdog_ns + timing.granularity_ns
        if self._now_ns > over_ns:
            self._fence(FenceCause.STORAGE_LOST if self._living.by_disk else FenceCause.QUORUM_LOST)
            self._fence_ns = self._now_ns
            self._as_fencing()

    # --- steps -------------------------------------------------------------------------------------------

    def _enter(self, state: State) -> None:
        if state is not self._says.state:
            self._says.state, self._since_ns = state, self._now_ns
            self._note("state", ("state", state.name.lower()))

    def _arm(self) -> None:
        self._says.armed = True
        if not self._open:
            self._open = True
            self._renew_lease()
            self._out.append(OpenWatchdog())
            self._note("armed")

    def _disarm(self) -> None:
        self._says.armed = False
        if self._open:
            self._open = False
            self._out.append(CloseWatchdog())
            self._note("disarmed")

    def _fence(self, cause: FenceCause) -> None:
        """Cut the lease, then say so, then reboot: a confirmation must not stand beside a lease."""
        self._enter(State.FENCING)
        self._says.fence = cause
        self._says.grants = 0
        self._renew_lease()
        self._awaited = self._telling.coming
        self._fence_ns = self._now_ns + self._setup.timing.beat_ns
        self._note("fence", ("cause", cause.name.lower()))

    def _exclude(self, reason: str, patience_ns: int) -> None:
        """Disarm, say so, then stop."""
        if not self._begun:
            self._out.append(CloseWatchdog())
            self._stop(reason)
            return
        self._disarm()
        self._enter(State.EXCLUDED)
        self._says.grants = 0
        self._deciding.proposer.drop()
        self._awaited = self._telling.coming
        self._stop_ns = self._now_ns + patience_ns
        self._stopping = reason

    def _stop(self, reason: str) -> None:
        self._stopped = True
        self._out.append(Stop(reason))

    def _renew_lease(self) -> None:
        living = self._living
        lease = NO_LEASE
        if self._open and self._says.state in MEMBERS:
            lease = Lease(living.by_disk, living.granted_ns)
        if lease != living.lease:
            living.lease = lease
            self._out.append(lease)

    def _look_at_the_removed(self) -> None:
        removals, living = self._removals, self._living
        if not removals.watched:
            return
        removals.forget_those_who_left(self._disk)
        silent, timing = living.gone(), self._setup.timing
        may = living.may_act(self._now_ns)
        for host in hosts_in(removals.condemned):
            seen = removals.evidence(host, self._disk, silent, self._now_ns, timing, by_disk=living.by_disk)
            if (may or seen.rebooted) and self._rules.certainly_dead(seen):
                removals.bury(host)
                self._note("dead", ("host", host), ("epoch", self._says.decided.epoch))
        uncertain = removals.uncertain
        removals.note_uncertain(self._disk, silent)
        for host in hosts_in(removals.uncertain & ~uncertain):
            self._note("uncertain", ("host", host), ("reason", "left out, silent and without fencing"))

    # --- what is shown -----------------------------------------------------------------------------------

    def _written(self) -> bool:
        """Tell whether the awaited publication is on the disk."""
        cycle = self._cycle
        return cycle is not None and cycle.written and cycle.version >= self._awaited

    def _is_member(self, decided: Decision) -> bool:
        return self._rules.is_member(decided, self._setup.me, self._setup.incarnation)

    def _note(self, word: str, *values: tuple[str, str | int | bool]) -> None:
        self._out.append(Note(word, values))

    def _note_storage(self, had: bool) -> None:
        if had != self._says.storage:
            self._note("storage_back" if self._says.storage else "storage_lost")

    def _note_waiting(self) -> None:
        if self._waiting != self._waited_for:
            self._waited_for = self._waiting
            if self._waiting[0]:
                self._note("waiting", ("for", _in_words(self._waiting)))

    def _warn(self) -> None:
        degraded = self._deciding.verdict.degraded and self._says.state in MEMBERS
        if degraded != self._degraded:
            self._degraded = degraded
            self._note("network_degraded" if degraded else "network_connected")
        if self._says.state in MEMBERS:
            peers = self._says.decided.liveset & ~(1 << self._setup.me)
            self._out.extend(self._warnings.look(peers, self._disk, self._net))
            self._out.extend(self._warnings.own(self._now_ns - self._living.since_ns, armed=self._open))

    def _show(self) -> View:
        says, living, disk = self._says, self._living, self._disk
        return View(
            state=self._shown_state(),
            since_ns=self._since_ns,
            decided=says.decided,
            armed=self._open,
            dead=self._removals.dead,
            condemned=self._removals.condemned,
            uncertain=self._removals.uncertain,
            mode=self._mode(),
            storage=says.storage,
            degraded=self._degraded,
            unresolved=self._deciding.proposer.unresolved,
            row=says.row,
            silent=disk.silent,
            lived_ns=living.since_ns,
            granted_ns=living.granted_ns,
            carrier=says.carrier,
            arbiters=says.arbiters,
            weight=says.weight,
            leader_wish=says.leader_wish,
            copies_left=disk.copies_left,
            fence=says.fence,
            waiting=_in_words(self._waiting),
        )

    def _shown_state(self) -> State:
        """Return the state; an unarmed member must run nothing before its slot says that it is unarmed."""
        says = self._says
        unsaid = says.state is State.MEMBER and not self._open and self._telling_unarmed
        return State.JOINING if unsaid else says.state

    def _mode(self) -> Mode:
        living = self._living
        if not living.by_disk:
            return Mode.MAJORITY
        return Mode.GRANTS if living.granted_ns > living.member_ns else Mode.DISK


def _in_words(waiting: tuple[str, int]) -> str:
    words, hosts = waiting
    return f"{words}: {','.join(str(host) for host in hosts_in(hosts))}" if hosts else words


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
    EmergencyDisable: Machine._on_emergency,
}

_ACT = {
    State.JOINING: Machine._as_joining,
    State.MEMBER: Machine._as_member,
    State.LEAVING: Machine._as_leaving,
    State.EXCLUDED: Machine._as_excluded,
    State.FENCING: Machine._as_fencing,
}
