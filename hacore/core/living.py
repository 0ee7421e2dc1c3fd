"""What this host lives on, and whom it lets live: storage, S, grants, denials (MEMBERSHIP §2, §5.2).

Must never grant while it has storage (quorum "disk") or while a proposal of its own is unresolved.
"""

from __future__ import annotations

from hacore.core import grants
from hacore.core.cliques import hosts_in
from hacore.core.effects import Lease
from hacore.core.events import DiskCycle
from hacore.core.rules import Rules
from hacore.core.says import Says
from hacore.core.seen import Disk, Net
from hacore.core.setup import Quorum, Setup
from hacore.core.view import Mode
from hacore.records import Decision, State

MEMBERS = (State.MEMBER, State.LEAVING)
NO_LEASE = Lease(disk=False, granted_ns=0)


class Living:
    """My storage, my lease, my grants."""

    def __init__(self, setup: Setup, rules: Rules, disk: Disk, net: Net, says: Says) -> None:
        self._setup, self._rules = setup, rules
        self._disk, self._net, self._says = disk, net, says
        self.by_disk = setup.quorum is Quorum.DISK
        self.start_ns = 0
        """When this daemon started; a predecessor may have granted until then."""
        self.good_ns = 0
        """When the last cycle that worked started."""
        self.member_ns = 0
        """When the last cycle that worked and showed me as a member started: the disk's part of S."""
        self.granted_ns = 0
        """The oldest stamp among the grants I live on: the network's part of S."""
        self.given_ns = 0
        """My last grant to anybody, as far as is known."""
        self._admitted = [0] * setup.hosts
        """By host: the first epoch known to have it as who it is now; earlier denials are not about it."""
        self._own = (-1, 0)
        """The copy of my slot that was last written and read (−1: none yet), and whom it denies."""

    @property
    def since_ns(self) -> int:
        """Return S."""
        return max(self.member_ns, self.granted_ns) if self.by_disk else self.granted_ns

    @property
    def mode(self) -> Mode:
        """Return what I live on just now."""
        if not self.by_disk:
            return Mode.MAJORITY
        return Mode.GRANTS if self.granted_ns > self.member_ns else Mode.DISK

    def young(self, now_ns: int) -> bool:
        """Tell whether nobody can have found me silent: my last good cycle as a member is younger than T."""
        return self.by_disk and now_ns - self.member_ns < self._setup.timing.timeout_ns

    def take(self, cycle: DiskCycle) -> None:
        """Take in a cycle, after the disk has."""
        if not (cycle.written and cycle.read):
            return
        self._speak(cycle.copy)
        self.good_ns = cycle.started_ns
        if self._member_of(self._disk.newest):
            self.member_ns = cycle.started_ns

    def look(self, now_ns: int, *, unresolved: bool) -> None:
        """Renew storage, grants and lease, as of now."""
        says = self._says
        lost_ns = self._setup.timing.storage_lost_ns
        says.storage = bool(self.good_ns) and now_ns - self.good_ns <= lost_ns
        if says.grants or self._net.granted_ns > self.given_ns:
            self.given_ns = now_ns if says.grants else self._net.granted_ns
        if self.by_disk:
            self._look_by_disk(now_ns, unresolved=unresolved)
        else:
            self._look_by_majority(now_ns)

    def well(self, now_ns: int) -> bool:
        """Tell whether S is young enough to arm: the watchdog must not be opened only to fire."""
        return bool(self.since_ns) and now_ns - self.since_ns <= self._setup.timing.storage_lost_ns

    def proven(self, now_ns: int) -> bool:
        """Tell whether this daemon itself knows an S, and the watchdog may be pinged by it."""
        return bool(self.since_ns) and now_ns - self.since_ns <= self._setup.timing.ping_until_ns

    def admit(self, hosts: int, epoch: int) -> None:
        """Note that this epoch has admitted these hosts (mask): what was denied to who they were is void."""
        self._says.denied &= ~hosts
        self._says.spoken &= ~hosts
        for host in hosts_in(hosts):
            self._admitted[host] = epoch

    def skip(self, epoch: int) -> None:
        """Note that epochs before this one were not read: they may have readmitted anybody else."""
        for host in hosts_in(self._setup.configured & ~self._me):
            self._admitted[host] = epoch

    @property
    def waiving(self) -> bool:
        """Tell whether I waive the membership that the present epoch gives me."""
        return bool(self._says.denied & self._me)

    def waive(self, *, waives: bool) -> None:
        """Waive the membership of the present epoch, for as long as it lasts; or begin a new one."""
        self._says.denied = self._says.denied & ~self._me | (self._me if waives else 0)

    def let_down(self) -> bool:
        """Tell whether some deny me, and those that I hear and who do not are too few to live on."""
        if self.by_disk:
            return False
        deny = grants.deniers(self._disk, self._net, self._setup.me, self._admitted[self._setup.me])
        able = self._net.row & ~deny
        return bool(deny) and able.bit_count() * 2 <= self._setup.hosts

    def gone(self) -> int:
        """Return the hosts (mask) that certainly hold no lease any more, armed ones that is."""
        if self.by_disk:
            return self._disk.silent
        setup, says = self._setup, self._says
        return grants.denied_by_most(self._disk, self._net, says.spoken, setup.me, self._admitted)

    def may_act(self, now_ns: int) -> bool:
        """Tell whether nobody lives on my grants any more; by majority nobody needs just mine."""
        if not self.by_disk:
            return True
        return self._rules.may_act(now_ns, self.given_ns, self._setup.timing.silence_ns)

    def _speak(self, copy: int) -> None:
        """Tell those denials that two copies of my slot show: a successor must know what others count."""
        own = self._disk.bodies[self._setup.me]
        if own is None:
            return
        epoch = own.decided.epoch
        others = hosts_in(own.denied & ~self._me)
        shown = sum(1 << host for host in others if epoch >= self._admitted[host])
        if copy != self._own[0]:
            self._says.spoken = self._says.denied & shown & self._own[1]
        self._own = copy, shown

    @property
    def _me(self) -> int:
        return 1 << self._setup.me

    def _member_of(self, decided: Decision) -> bool:
        setup = self._setup
        return self._rules.is_member(decided, setup.me, setup.incarnation)

    def _receiver(self) -> grants.Receiver:
        me, rule = self._setup.me, self._rules.granted_since_ns
        return grants.Receiver(me, self._says.decided, self._admitted[me], rule, self.by_disk)

    def _look_by_disk(self, now_ns: int, *, unresolved: bool) -> None:
        says, net = self._says, self._net
        without = not says.storage and not unresolved and says.state in MEMBERS
        if not without:
            says.grants = 0
            return
        me, decided = self._setup.me, says.decided
        says.grants = grants.to_whom(net, decided, me)
        if not self._member_of(decided):
            return
        stamps = self._receiver().stamps_ns(net, decided.liveset)
        self.granted_ns = max(self.granted_ns, grants.of_all_ns(stamps, now_ns))

    def _look_by_majority(self, now_ns: int) -> None:
        says, net, disk = self._says, self._net, self._disk
        setup, decided = self._setup, says.decided
        says.polled = decided.liveset & ~net.row & ~(1 << setup.me)
        if says.polled or disk.polling or net.polling:
            asked = grants.asked_about(disk, net, setup.configured) | says.polled
            says.denied |= grants.to_deny(
                asked & decided.liveset & ~(1 << setup.me),
                net,
                now_ns,
                self.start_ns,
                setup.timing.silence_ns,
            )
        says.grants = grants.to_whom(net, decided, setup.me) & ~says.denied
        if self._member_of(decided):
            stamps = self._receiver().stamps_ns(net, setup.configured)
            self.granted_ns = max(self.granted_ns, grants.of_most_ns(stamps, setup.hosts, now_ns))
