"""G3: was anybody better off for a fence? An independent judge, written from MEMBERSHIP §5 and the faults.

Knows what really was wrong, with whom and for how long, and nothing of what machines believed. Troubles
without a good moment between them count as one: what it calls needless is needless.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import TYPE_CHECKING

from hacore.core.effects import Note
from hacore.core.setup import Isolation, Quorum
from hacore.kernel._pump import COPIES
from hacore.records import Cause, Decision, FenceCause
from hacore.testing.checks import Ledger
from hacore.testing.disk import Copy
from hacore.testing.host import Ill, Spell
from hacore.testing.network import ALL_NETWORKS, bits

if TYPE_CHECKING:
    from hacore.testing.host import Host
    from hacore.testing.world import World

MOMENTARY = {"torn", "misdirected", "lost", "rot"}
"""Each costs one cycle, never a host."""
SLOW = {"slow", "tardy"}
DARK = {"storage", "hang"}
"""Storage is gone for as long as this lasts."""


class Judge:
    """Counts fences, and those that helped nobody."""

    def __init__(self, world: World, ledger: Ledger) -> None:
        self.world, self.ledger = world, ledger
        self.fences = 0
        self.causes: dict[int, list[str]] = {}
        self.needless = 0
        timing = world.timing
        self._t_ns = timing.timeout_ns
        self._blip_ns = timing.ping_until_ns - 4 * timing.beat_ns - self._t_ns // 50
        self._stand_ns = {
            "stop": timing.watchdog_ns * 7 // 10,  # the last ping is up to W/4 old
            "kill": timing.watchdog_ns * 7 // 10,
            "brain": timing.check_in_ns - 2 * timing.beat_ns,
        }

    def fenced(self, host: Host, cause: FenceCause | None) -> None:
        self.fences += 1
        self.causes.setdefault(host.index, []).append(cause.name if cause is not None else "WATCHDOG")
        why = self._needless(host, cause)
        if why:
            self.needless += 1
            self.ledger.accuse("G3", host.index, f"is fenced needlessly ({cause and cause.name}): {why}")

    def _needless(self, host: Host, cause: FenceCause | None) -> str:
        """Say why this fence helps nobody; "" if it does or may."""
        if cause == FenceCause.OPERATOR:
            return ""
        if cause == FenceCause.BRAIN:
            return "the machine broke a rule of its own"
        if cause == FenceCause.NO_COPY_LEFT:
            return "" if self._copies_burnt(host) >= COPIES - 2 else "most copies were clean"
        if self.world.plan.quorum == Quorum.MAJORITY:
            return self._needless_in_majority(host)
        epoch = self._left_out_by(host) if cause == FenceCause.LEFT_OUT else None
        if epoch is not None and epoch.cause == Cause.ISOLATED:
            return self._needless_isolation(host, epoch)
        if self._all_dark():
            return "everybody has lost storage, and everybody hears everybody"
        return "" if self._ill(host) else "nothing was wrong with it for long enough"

    def _left_out_by(self, host: Host) -> Decision | None:
        decided = self.ledger.decided
        was_in = max((e for e, d in decided.items() if d.has(host.index, host.incarnation)), default=0)
        return min(
            (d for e, d in decided.items() if e > was_in and was_in), key=lambda d: d.epoch, default=None
        )

    # --- its own storage and daemon

    def _copies_burnt(self, host: Host) -> int:
        """Return how many copies its outages may have cost it in this boot, and its daemon's deaths."""
        since_boot = [
            s for ill in (Ill.STORAGE, Ill.DAEMON) for s in host.ills[ill] if s.from_ns >= host.booted_ns
        ]
        costs = {"kill": 3, "upgrade": 3, "brain": 0, "stop": 0} | dict.fromkeys(MOMENTARY, 0)
        return sum(costs.get(spell.kind, 1) for spell in since_boot)

    def _ill(self, host: Host) -> bool:
        """Tell whether its own storage or daemon gave it no way to live on.

        Troubles without a good cycle between them are one.
        """
        storage, daemon = self._recent(host, Ill.STORAGE), self._recent(host, Ill.DAEMON)
        spells = [*(s for s in storage if s.kind not in MOMENTARY), *daemon]
        joined = self._joined(spells, 3 * self.world.timing.beat_ns)
        return any(self._lasted(spell) >= self._enough(spell.kind) for spell in joined)

    def _joined(self, spells: Sequence[Spell], gap_ns: int) -> list[Spell]:
        """Return spells with those less than a gap apart made one, of the kind that needs least to fence."""
        joined: list[Spell] = []
        for spell in sorted(spells, key=lambda spell: spell.from_ns):
            last = joined[-1] if joined else None
            if last is None or (last.until_ns is not None and spell.from_ns - last.until_ns >= gap_ns):
                joined.append(spell)
                continue
            ends = (last.until_ns, spell.until_ns)
            until_ns = None if None in ends else max(end for end in ends if end is not None)
            joined[-1] = Spell(min(last.kind, spell.kind, key=self._enough), last.from_ns, until_ns)
        return joined

    def _enough(self, kind: str) -> int:
        return self._t_ns // 4 if kind in SLOW else self._stand_ns.get(kind, self._blip_ns)

    def _recent(self, host: Host, ill: Ill) -> list[Spell]:
        since_ns = self.world.now_ns - 3 * self._t_ns
        return [s for s in host.ills[ill] if s.until_ns is None or s.until_ns >= since_ns]

    def _lasted(self, spell: Spell) -> int:
        return (self.world.now_ns if spell.until_ns is None else spell.until_ns) - spell.from_ns

    # --- nobody has storage (§5.2)

    def _all_dark(self) -> bool:
        """Tell whether all members lost storage in time for grants, after a calm, and hear each other."""
        timing, now_ns = self.world.timing, self.world.now_ns
        members = [self.world.hosts[index] for index in bits(self.ledger.newest.liveset)]
        dark = [self._dark_since(host) for host in members]
        if not dark or None in dark:
            return False
        began = [since for since in dark if since is not None]
        in_time_ns = timing.ping_until_ns - timing.storage_lost_ns - 3 * timing.beat_ns
        first_ns = min(began)
        calm_ns = first_ns - 3 * self._t_ns
        return (
            max(began) - first_ns < in_time_ns
            and max(self.ledger.decided_ns.values()) < calm_ns
            and now_ns - first_ns > timing.beat_ns
            and all(self._settled(host, calm_ns) for host in self.world.hosts)
        )

    def _dark_since(self, host: Host) -> int | None:
        spells = host.ills[Ill.STORAGE]
        lit = [s for s in self._recent(host, Ill.STORAGE) if s.kind not in DARK or s.until_ns is not None]
        open_ = [s.from_ns for s in spells if s.until_ns is None and s.kind in DARK]
        return min(open_) if open_ and not lit else None

    def _settled(self, host: Host, since_ns: int) -> bool:
        """Tell whether links and daemon of a host have been well, and it a member, since then."""
        well_ns = host.well_since_ns(Ill.DAEMON)
        troubled = together(host.ills[Ill.LINKS], self.world.plan.networks)
        if any(spell.until_ns is None or spell.until_ns >= since_ns for spell in troubled):
            return False
        member = self.ledger.newest.has(host.index, host.incarnation)
        return host.up and member and well_ns is not None and well_ns < since_ns

    # --- the network (§5.1b)

    def _needless_isolation(self, host: Host, epoch: Decision) -> str:
        plan, ledger = self.world.plan, self.ledger
        before = ledger.before(epoch.epoch).liveset
        stay = epoch.liveset & before
        if plan.isolation == Isolation.HOLD:
            return f'epoch {epoch.epoch} isolates it under isolation "hold"'
        if not self._links_were_down(before, ledger.decided_ns[epoch.epoch]):
            return f"no link was down for long before epoch {epoch.epoch}"
        if plan.isolation == Isolation.FENCE:
            return ""
        twice, most = 2 * stay.bit_count(), before.bit_count()
        if twice < most:
            return f"epoch {epoch.epoch} keeps {stay.bit_count()} of {most}"
        if twice == most and not self._evidence_was_bad(host):
            return f"epoch {epoch.epoch} keeps just half, and its evidence was good"
        return ""

    def _links_were_down(self, members: int, at_ns: int) -> bool:
        """Tell whether some member's links were troubled for T/2, without a beat of peace."""
        since_ns = at_ns - 3 * self._t_ns
        spells = [
            spell
            for index in bits(members)
            for spell in self.world.hosts[index].ills[Ill.LINKS]
            if spell.from_ns < at_ns and (spell.until_ns is None or spell.until_ns > since_ns)
        ]
        joined = self._joined(together(spells, self.world.plan.networks), 3 * self.world.timing.beat_ns)
        return any(self._lasted(spell) >= self._t_ns // 2 - 2 * self.world.timing.beat_ns for spell in joined)

    def _evidence_was_bad(self, host: Host) -> bool:
        return any(s.kind in {"cable", "isolate", "arbiter"} for s in self._recent(host, Ill.LINKS))

    # --- quorum "majority"

    def _needless_in_majority(self, host: Host) -> str:
        """A host lives on the grants of more than half, itself included, whatever its storage does."""
        since_ns = self.world.now_ns - 3 * self._t_ns
        settled = [each for each in self.world.hosts if self._settled(each, since_ns)]
        if host in settled and 2 * len(settled) > self.world.plan.hosts:
            return f"{len(settled)} of {self.world.plan.hosts} run and hear each other, it is one of them"
        return ""

    def looked(self, host: Host) -> None: ...
    def arming(self, host: Host) -> None: ...
    def vms_started(self, host: Host) -> None: ...
    def went_down(self, host: Host) -> None: ...
    def landed(self, host: int, content: Copy) -> None: ...
    def noted(self, host: Host, note: Note) -> None: ...
    def tell(self, host: int, text: str) -> None: ...


def together(spells: Sequence[Spell], networks: int) -> list[Spell]:
    """Return the times in which no network was well: troubles of all, and those of each that overlap."""
    whole = [spell for spell in spells if spell.network == ALL_NETWORKS]
    if networks == 1:
        return list(spells)
    partly = [
        [spell for spell in spells if spell.network in (network, ALL_NETWORKS)] for network in range(networks)
    ]
    for chosen in product(*partly):
        from_ns = max(spell.from_ns for spell in chosen)
        ends = [spell.until_ns for spell in chosen if spell.until_ns is not None]
        if not ends or min(ends) > from_ns:
            whole.append(Spell(chosen[0].kind, from_ns, min(ends, default=None)))
    return whole
