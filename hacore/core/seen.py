"""What this host has seen: the disk as of the last good read, the network as of now. Decides nothing.

Steady state costs next to nothing: bodies are compared by identity, and what they say is summed up in masks
only when one of them changed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from hacore.core.cliques import hosts_in
from hacore.core.events import DiskCycle, Heard
from hacore.core.setup import Setup
from hacore.core.survival import Sight
from hacore.kernel.native import DeadlineTable
from hacore.records import EMPTY_BLOCK, NOBODY, Block, Cause, Decision, PacketBody, SlotBody, State


class Disk:
    """What the slots say, and since when they have not moved."""

    def __init__(self, setup: Setup, sighted_ns: Callable[[int, int], int]) -> None:
        timing = setup.timing
        self._me = setup.me
        self._sighted_ns = sighted_ns
        self._table = DeadlineTable(setup.hosts)
        self._limits_ns = (timing.silence_ns, timing.timeout_ns // 2, timing.timeout_ns // 4)
        self._unmoved = setup.configured
        self._first: list[int] = []
        self.known = False
        """Some good read has ended."""
        self.bodies: list[SlotBody | None] = [None] * setup.hosts
        self.sequences: Sequence[int] = ()
        self.changed = 0
        """How often the bodies have changed."""
        self.doubted = setup.configured
        self.copies_left = 0
        self.foreign = False
        """My slot showed something other than what I wrote."""
        self.read_started_ns = self.read_completed_ns = 0
        self.silent = self.half = self.quarter = 0
        """Masks: not moved for a silence, for 50 % and for 25 % of T."""
        self.fresh = 0
        """Mask: has moved while I watched, and within 50 % of T."""
        self.conflict = False
        """Two slots say different things of one epoch: must never happen."""
        self.newest = Decision(0, 0, (0,) * setup.hosts, NOBODY, Cause.NONE)
        self.rows: list[int] = [0] * setup.hosts
        self.weights: list[int] = [0] * setup.hosts
        self.incarnations: list[int] = [0] * setup.hosts
        self.blocks: list[Block] = [EMPTY_BLOCK] * setup.hosts
        self.states: dict[State, int] = dict.fromkeys(State, 0)
        """By state: mask of the hosts that show it."""
        self.joiners = 0
        """Mask: show JOINING, know the newest epoch and are not in it; others may be about to be members."""
        self.waived = 0
        """Mask: show JOINING and waive the membership that the newest epoch gives them."""
        self.storage = self.carrier = self.reaching = self.unarmed = self.wishing = 0
        self.polling = False

    def take(self, cycle: DiskCycle) -> None:
        """Take in a cycle; one that was not read in full shows nothing new."""
        self.copies_left, self.foreign = cycle.copies_left, cycle.foreign
        if not cycle.read:
            return
        sequences = cycle.sequences
        self._table.observe(
            sequences, cycle.read_started_ns, self._sighted_ns(cycle.read_started_ns, cycle.completed_ns)
        )
        self.silent, self.half, self.quarter = self._table.masks(self._limits_ns)
        self._note_moves(sequences)
        self.sequences = sequences
        self.doubted = cycle.doubted
        self.read_started_ns, self.read_completed_ns = cycle.read_started_ns, cycle.completed_ns
        bodies = list(cycle.bodies)
        if bodies != self.bodies or not self.known:
            self.bodies = bodies
            self.changed += 1
            self._sum_up()
        self.known = True

    def sight(self) -> Sight:
        """Return what the survival rule looks at."""
        return Sight(
            alive=~self.silent,
            storage=self.storage,
            carrier=self.carrier,
            reaching=self.reaching,
            rows=self.rows,
            weights=self.weights,
        )

    def _note_moves(self, sequences: Sequence[int]) -> None:
        """A host is fresh only once it was seen to move; one that fell silent has to move anew."""
        if not self._first:
            self._first = list(sequences)
        stopped = self.silent & ~self._unmoved
        for host in hosts_in(stopped):
            self._first[host] = sequences[host]
        unmoved = self._unmoved | stopped
        for host in hosts_in(unmoved):
            if sequences[host] != self._first[host]:
                unmoved &= ~(1 << host)
        self._unmoved = unmoved
        self.fresh = ~unmoved & ~self.half

    def _sum_up(self) -> None:
        states = dict.fromkeys(State, 0)
        storage = carrier = reaching = unarmed = wishing = 0
        for host, body in enumerate(self.bodies):
            if body is None:
                self.rows[host] = self.weights[host] = self.incarnations[host] = 0
                self.blocks[host] = EMPTY_BLOCK
                continue
            bit = 1 << host
            states[body.state] |= bit
            self.rows[host] = body.row
            self.weights[host] = body.weight
            self.incarnations[host] = body.incarnation
            self.blocks[host] = body.block
            storage |= bit if body.storage else 0
            carrier |= bit if body.carrier else 0
            reaching |= bit if body.arbiters else 0
            wishing |= bit if body.leader_wish != NOBODY else 0
            if not body.armed and body.state in (State.MEMBER, State.LEAVING):
                unarmed |= bit
            self._learn(body.decided)
        self.states = states
        up_to_date = [host for host in hosts_in(states[State.JOINING]) if self._up_to_date(host)]
        self.joiners = sum(1 << host for host in up_to_date if not self._admitted(host))
        self.waived = sum(1 << host for host in up_to_date if self._admitted(host) and self._waives(host))
        self.storage, self.carrier, self.reaching = storage, carrier, reaching
        self.unarmed, self.wishing = unarmed, wishing
        self.polling = any(body is not None and body.polled for body in self.bodies)

    def _up_to_date(self, host: int) -> bool:
        body = self.bodies[host]
        return body is not None and body.decided.epoch == self.newest.epoch

    def _admitted(self, host: int) -> bool:
        return self.newest.has(host, self.incarnations[host])

    def _waives(self, host: int) -> bool:
        body = self.bodies[host]
        return body is not None and bool(body.denied >> host & 1)

    def _learn(self, decided: Decision) -> None:
        newest = self.newest
        if decided.epoch > newest.epoch:
            self.newest, self.conflict = decided, False
        elif decided is not newest and decided.epoch == newest.epoch and decided != newest:
            self.conflict = True


class Net:
    """What the packets say, and who is heard."""

    def __init__(self, setup: Setup) -> None:
        timing = setup.timing
        self._me = setup.me
        self._unheard_ns = timing.unheard_ns
        self._quarter_ns = timing.timeout_ns // 4
        self.heard_ns: Sequence[int] = (0,) * setup.hosts
        self.bodies: list[PacketBody | None] = [None] * setup.hosts
        self.echoes_ns: Sequence[int] = (0,) * setup.hosts
        self.polling = False
        self.granted_ns = 0
        """When I last sent a packet that granted anything."""
        self.row = 1 << setup.me
        self.quarter = 0
        """Mask: heard once, and not for 25 % of T."""
        self.lost = 0
        """Mask: heard once, and not for 50 % of T."""

    def take(self, heard: Heard) -> None:
        """Take in the newest state of the network."""
        bodies = list(heard.bodies)
        if bodies != self.bodies:
            self.polling = any(body is not None and body.polled for body in bodies)
            self.bodies = bodies
        self.heard_ns, self.echoes_ns = heard.heard_ns, heard.echoes_ns
        self.granted_ns = max(self.granted_ns, heard.granted_ns)

    def look(self, now_ns: int) -> None:
        """Renew who is heard, as of now."""
        row = late = ever = 0
        bit = 1
        since_ns, quarter_ns = now_ns - self._unheard_ns, now_ns - self._quarter_ns
        for heard_ns in self.heard_ns:
            if heard_ns:
                ever |= bit
                if heard_ns >= since_ns:
                    row |= bit
                    if heard_ns < quarter_ns:
                        late |= bit
            bit <<= 1
        mine = 1 << self._me
        self.row = row | mine
        self.lost = ever & ~row & ~mine
        self.quarter = (late | self.lost) & ~mine
