"""What this host wants the next epoch to say, and when it is its turn to propose it (MEMBERSHIP §4, §5).

Must never propose without storage, while somebody may live on its grants, or while an earlier proposal of its
own is unresolved.
"""

from __future__ import annotations

from dataclasses import replace

from hacore.core.cliques import hosts_in
from hacore.core.events import DiskCycle
from hacore.core.joining import Hall, Heirs, hall_group, mutual, no_grants
from hacore.core.living import Living
from hacore.core.membership import Needs, formed, next_decision, ranked
from hacore.core.paxos import Judgement, Proposer
from hacore.core.removals import Removals
from hacore.core.rules import Rules
from hacore.core.says import Says
from hacore.core.seen import Disk
from hacore.core.setup import Setup
from hacore.core.survival import Steady, Verdict, Why, rests_on
from hacore.core.words import FOR_COPIES, FOR_STORAGE, NOT_WAITING, Waiting
from hacore.records import NOBODY, Cause, Decision, State

NOTHING = Needs()
COPIES_NEEDED = 2
"""With fewer clean copies no phase of a round can end."""
EVERYBODY_STAYS = Verdict(stay=0, out=0, why=Why.CONNECTED, degraded=False)


class Deciding:
    """My wishes and my turn."""

    def __init__(
        self, setup: Setup, rules: Rules, disk: Disk, says: Says, living: Living, removals: Removals
    ) -> None:
        self._setup, self._rules = setup, rules
        self._disk, self._says, self._living, self._removals = disk, says, living, removals
        self.proposer = Proposer(setup.me)
        self.verdict = EVERYBODY_STAYS
        self.forced = False
        """An operator wants a liveset formed without those who are missing."""
        self.waiting = NOT_WAITING
        """What a proposal waits for, and which hosts it is about."""
        self._heirs = Heirs(setup.hosts)
        self._judged: tuple[int, ...] = ()
        self._steady = Steady(None, 0)
        self._strangers = 0
        self._rank = 0
        self._needed_ns = 0
        self._not_before_ns = 0

    # --- rounds ------------------------------------------------------------------------------------------

    def settle(self, now_ns: int, coming: int) -> Decision | None:
        """Judge my round by a complete cycle, once enough copies have its block; return what was decided."""
        proposer, disk, rules = self.proposer, self._disk, self._rules
        if not rules.readable(disk.doubted):
            return None
        proposer.resuming = False
        round_ = proposer.round
        if round_ is None or not rules.enough(round_.stands_on):
            return None
        if rules.judge(round_, disk.blocks) is Judgement.BEATEN:
            self._back_off(now_ns)
            return None
        if round_.phase == 2:
            proposer.drop()
            return round_.value
        value = None
        if self._living.may_act(now_ns):
            value = rules.accepted(round_.epoch, (*disk.blocks, proposer.block)) or self._wish(now_ns)
        if value is None:
            proposer.drop()
        else:
            proposer.propose(value, coming)
        return None

    def unfinished(self, cycle: DiskCycle) -> bool:
        """Take in a good write; tell whether my round's block needs another one, at once."""
        self.proposer.written(cycle.version, cycle.copy, cycle.burnt)
        round_ = self.proposer.round
        if round_ is None or cycle.version < round_.version or cycle.copies_left < COPIES_NEEDED:
            return False
        return not self._rules.enough(round_.stands_on)

    def act(self, now_ns: int, coming: int) -> None:
        """Start a round if something has to be decided and it is my turn; `coming` will carry it."""
        wish = self._wish(now_ns)
        if wish is None:
            self._needed_ns = 0
            return
        if not self._needed_ns:
            self._needed_ns = now_ns
        if self.proposer.round is not None:
            doubted = self._disk.doubted
            self.waiting = Waiting("slots that are not believed", doubted) if doubted else NOT_WAITING
        elif self._hindered(now_ns) or self._rank < 0:
            return
        elif now_ns >= max(self._not_before_ns, self._needed_ns + self._rank * 2 * self._beat_ns):
            self.proposer.ask(wish.epoch, self._disk.blocks, coming)

    def close(self, epoch: int) -> None:
        """An epoch is known: every wish starts anew."""
        self.proposer.close(epoch)
        self._needed_ns = self._not_before_ns = 0

    def look(self, now_ns: int) -> None:
        """Renew the verdict of the survival rule and who rebooted, if anything they rest on changed."""
        disk, decided = self._disk, self._says.decided
        late = disk.quarter & decided.liveset
        key = (disk.changed, late, disk.silent & late, decided.epoch, disk.doubted)
        if key == self._judged:
            return
        self._judged = key
        self._strangers = sum(1 << host for host in hosts_in(decided.liveset) if self._stranger(host))
        sight = disk.sight()
        self.verdict = self._rules.survive(
            decided.liveset, decided.leader, sight, self._setup.isolation.value
        )
        fingerprint = (late & ~self._me, rests_on(decided.liveset, sight))
        self._steady = self._steady.shown(fingerprint, now_ns)

    # --- wishes ------------------------------------------------------------------------------------------

    def _wish(self, now_ns: int) -> Decision | None:
        """Return what the next epoch should say, None: what the present one does."""
        self.waiting = NOT_WAITING
        if self._says.state is State.JOINING:
            return self._wish_of_joining(now_ns)
        needs = self._needs(now_ns)
        decided, disk = self._says.decided, self._disk
        if needs == NOTHING and decided.liveset >> decided.leader & 1:
            return None
        candidates = decided.liveset & ~disk.quarter & ~needs.out & ~self._strangers
        last = (disk.states[State.LEAVING] | self._leaving_me) & candidates
        self._rank = self._turn(candidates | self._me, last | needs.out & self._me)
        return next_decision(decided, needs, disk.incarnations, disk.weights)

    def _needs(self, now_ns: int) -> Needs:
        disk, decided, me = self._disk, self._says.decided, self._me
        liveset, strangers = decided.liveset, self._strangers
        dead = (self._living.gone() | disk.states[State.FENCING] & ~strangers) & liveset & ~me
        left = disk.states[State.LEAVING] | disk.states[State.EXCLUDED]
        left = ((left | disk.waived) & liveset & ~strangers & ~me) | self._leaving_me
        isolated = 0
        if self.verdict.out & ~disk.half and self._living.by_disk:
            isolated = self._isolated(now_ns) & ~disk.half & ~strangers & ~left
        return Needs(
            rebooted=strangers & ~dead,
            dead=dead,
            isolated=isolated,
            left=left,
            joining=self._joining(liveset & ~dead & ~strangers & ~isolated),
            leader=self._wished_leader() if disk.wishing or self._says.leader_wish != NOBODY else NOBODY,
        )

    def _isolated(self, now_ns: int) -> int:
        """Return whom to leave out for the network's sake.

        Those in whose favour it is done do it themselves, and all of them have to move: a slot may look alive
        for a while by a ghost, and nobody must be fenced in favour of the dead.
        """
        verdict, late = self.verdict, self._disk.quarter
        if verdict.out & self._me or verdict.stay & late & ~self._me:
            self.waiting = Waiting("those who stay to leave it out", verdict.out)
        elif self._steady.held(self._setup.timing.stable_ns, now_ns):
            return verdict.out
        else:
            self.waiting = Waiting("views to stand still before it is left out", verdict.out)
        return 0

    def _joining(self, members: int) -> int:
        """Return whom to admit: hosts that move, have storage, and hear and are heard by every member."""
        disk = self._disk
        waiting = disk.joiners & ~self._says.decided.liveset
        waiting &= disk.fresh & disk.storage & ~disk.doubted & ~self._removals.buried_alive(disk)
        return mutual(waiting, disk.rows, members) & ~members if waiting else 0

    def _wished_leader(self) -> int:
        disk, says = self._disk, self._says
        wishes = [says.leader_wish]
        for host in hosts_in(disk.wishing & says.decided.liveset & ~self._me & ~disk.silent):
            body = disk.bodies[host]
            wishes.append(body.leader_wish if body is not None else NOBODY)
        there = [wish for wish in wishes if wish != NOBODY and says.decided.liveset >> wish & 1]
        return next((wish for wish in there if wish != says.decided.leader), NOBODY)

    def _wish_of_joining(self, now_ns: int) -> Decision | None:
        disk, decided = self._disk, self._says.decided
        member = self._rules.is_member(decided, self._setup.me, self._setup.incarnation)
        if member and not self._living.waiving:
            return None
        joining = disk.joiners | disk.waived | self._me
        here = joining & (disk.fresh | self._me) & disk.storage & ~disk.doubted
        group = hall_group(here, disk.rows, decided.liveset)
        self._heirs.look(disk)
        hall = Hall(
            configured=self._setup.configured,
            group=group,
            joining=joining,
            absent=disk.states[State.ABSENT],
            excluded=disk.states[State.EXCLUDED],
            silent=self._living.gone(),
            rested=self._rested(joining, now_ns),
            liveset=decided.liveset,
            needed=1 if self._living.by_disk else self._setup.hosts // 2 + 1,
            waited=now_ns - self._living.start_ns >= self._setup.timing.cold_start_ns,
            forced=self.forced,
        )
        if not group & self._me or not self._rules.may_form(hall):
            self._say_what_a_joiner_waits_for(hall)
            return None
        self._rank = (group & (self._me - 1)).bit_count()
        cause = Cause.OPERATOR if self.forced else Cause.FORMED
        wish = self._says.leader_wish
        return formed(decided, group, disk.incarnations, disk.weights, wish, cause)

    def _rested(self, joining: int, now_ns: int) -> int:
        """Return whose grants of former boots are over; denials (quorum "majority") have waited for that."""
        if not self._living.by_disk:
            return joining
        return self._heirs.rested(joining, now_ns, self._setup.timing.silence_ns)

    def _say_what_a_joiner_waits_for(self, hall: Hall) -> None:
        if not self._says.storage:
            self.waiting = FOR_STORAGE if self._disk.copies_left else FOR_COPIES
            return
        living = hall.liveset & ~hall.joining & ~hall.absent & ~hall.silent & ~hall.excluded
        if living:
            self.waiting = Waiting("to be admitted by the members", living)
        elif not no_grants(hall) and self._rules.may_form(replace(hall, rested=hall.joining)):
            self.waiting = Waiting("grants of a boot before to run out", hall.joining & hall.liveset)
        elif not hall.group & self._me:
            self.waiting = Waiting("to be heard by all that join", hall.joining & ~self._me)
        else:
            self.waiting = Waiting("hosts that are missing", hall.configured & ~hall.group & ~hall.excluded)

    # --- turns -------------------------------------------------------------------------------------------

    def _hindered(self, now_ns: int) -> bool:
        """Tell what keeps me from proposing."""
        if self._disk.copies_left < COPIES_NEEDED:
            self.waiting = FOR_COPIES  # with none of them nothing is written, however well the disk works
        elif not self._says.storage:
            self.waiting = FOR_STORAGE
        elif self.proposer.unresolved:
            self.waiting = Waiting("to know what became of a proposal of mine")
        elif not self._living.may_act(now_ns):
            self.waiting = Waiting("those who may live on my grants", self._says.decided.liveset & ~self._me)
        else:
            return False
        return True

    def _back_off(self, now_ns: int) -> None:
        self.proposer.drop()
        self._not_before_ns = now_ns + (max(self._rank, 0) + 1) * self._beat_ns

    def _turn(self, candidates: int, last: int) -> int:
        return ranked(candidates, last, self._says.decided.leader, self._setup.me)

    def _stranger(self, host: int) -> bool:
        """Tell whether a member's slot is certainly that of another boot."""
        shown, member = self._disk.incarnations[host], self._says.decided.members[host]
        return bool(shown and member) and shown != member and not self._disk.doubted >> host & 1

    @property
    def _me(self) -> int:
        return 1 << self._setup.me

    @property
    def _leaving_me(self) -> int:
        return self._me if self._says.state is State.LEAVING else 0

    @property
    def _beat_ns(self) -> int:
        return self._setup.timing.beat_ns
