"""From a seed to a plan: which faults, on whom, when, for how long. All of it drawn from one `random.Random`.

Swarm testing (Groce et al. 2012): a seed knows a few kinds of faults only and draws them often, on a few
hosts, so that they meet; what is rare in a mix of everything is common in some seed. Faults begin where
earlier ones matter: together with them, when they end, or a limit of the protocol later (T/4: check-in,
storage lost; T/2: unheard, stable; T and a little: an epoch is being decided). Every third seed begins as
one of the families of worlds in which one kind of mistake matters, and more goes wrong there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from random import Random

from hacore.core.setup import Isolation, Quorum
from hacore.core.timing import NS
from hacore.kernel._pump import COPIES
from hacore.testing import profiles
from hacore.testing.network import ALL_NETWORKS, bits
from hacore.testing.plan import Fault, Plan

WEIGHTS = {
    "crash": 6, "kill": 4, "upgrade": 2, "stop": 5, "suspend": 3, "brain": 4, "wall": 3,
    "cable": 5, "isolate": 3, "link": 5, "oneway": 4, "late": 3, "behind": 4, "arbiter": 3,
    "garbled": 2, "forged": 2, "replayed": 2, "address": 2,
    "storage": 6, "flaky": 4, "write": 5, "readonly": 3, "ghosts": 3, "read": 4, "hang": 6, "stuck": 3,
    "slow": 3, "tardy": 3,
    "torn": 2, "misdirected": 2, "lost": 2, "rot": 4,
    "leave": 3, "disarm": 1, "weight": 1, "lead": 4,
}  # fmt: skip
"""How often each kind is drawn. Orders that risk data on purpose (emergency, force) are for scenarios."""
WIDE = {"storage", "hang", "cable", "isolate", "arbiter", "read", "slow"}
"""These often strike everybody at once: the array, the switch, the gateway."""
LINKS = {"link", "oneway", "late", "behind", "garbled", "forged", "replayed"}
NETWORKED = LINKS | {"cable", "isolate", "arbiter"}
"""These may strike one network of several."""
FLAPPING = {"link", "oneway", "cable", "storage", "hang", "arbiter", "write"}
GROUPS = {
    "net": ("cable", "isolate", "link", "oneway", "late", "behind", "arbiter"),
    "forged": ("garbled", "forged", "replayed", "address"),
    "disk": (
        "storage", "flaky", "write", "readonly", "ghosts", "read", "hang", "stuck", "slow", "tardy",
        "torn", "misdirected", "lost", "rot",
    ),
    "host": ("crash", "kill", "upgrade", "stop", "suspend", "brain", "wall"),
    "operator": ("leave", "disarm", "weight", "lead"),
}  # fmt: skip
"""Words for several kinds, for --faults."""
SETTLED = 1.5
"""Faults begin this many T after the start (some earlier: they meet the forming liveset)."""


OFFSETS = (0.0, 0.02, 0.1, 0.25, 0.4, 0.5, 0.55, 0.75, 1.0, 1.05, 1.1, 1.15, 1.2, 1.5, 2.0)
"""How many T after the beginning of an earlier fault, or its end, the next one begins."""
FAMILIES = (
    profiles.rival_proposers,
    profiles.decider_and_slot_are_lost,
    profiles.decider_and_copy_are_lost,
    profiles.writes_fail,
    profiles.blind_and_isolated,
    profiles.long_read,
    profiles.ghosts,
    profiles.grants_wait,
    profiles.join_while_storage_goes,
    profiles.one_member_left,
    profiles.isolated,
    profiles.storage_back_for_one,
    profiles.fast_reboot,
    profiles.heir_reboots_fast,
    profiles.suspended,
)
MINUTES_OF_T = 9
"""Faults begin and end within so many T, unless it is said otherwise."""


def draw(
    seed: str,
    hosts: range,
    timeout_ns: int | None = None,
    minutes: float | None = None,
    kinds: Sequence[str] = tuple(WEIGHTS),
) -> Plan:
    """Return the plan of a seed; `hosts`: how many there may be; T and the length are drawn if not given."""
    rng = Random(f"{seed}/plan")
    free = timeout_ns is None and minutes is None and len(kinds) == len(WEIGHTS)
    if free and rng.random() < 0.35:
        family = rng.choice(FAMILIES)(seed)
        if family.hosts in hosts:
            return _more(rng, family)
    count = _count(rng, hosts)
    timeout_ns = timeout_ns or rng.choice((10, 20, 20, 20, 20, 60)) * NS
    minutes = minutes or MINUTES_OF_T * timeout_ns / NS / 60
    swarm = Swarm(rng, count, timeout_ns, int(minutes * 60 * NS), kinds)
    policy = rng.random()
    return Plan(
        hosts=count,
        timeout_ns=timeout_ns,
        minutes=minutes,
        isolation=Isolation.EVIDENCE
        if policy < 0.7
        else Isolation.FENCE
        if policy < 0.85
        else Isolation.HOLD,
        quorum=Quorum.MAJORITY if rng.random() < 0.12 else Quorum.DISK,
        networks=swarm.networks,
        weights=tuple(rng.choice((0, 0, 0, 1, 5)) for _ in range(count)),
        reboot_ns=int(rng.choice((0.5, 2, 4)) * timeout_ns) + 5 * NS,
        faults=swarm.faults(rng.choice((1, 2, 3, 3, 4, 4, 5, 6, 8))),
        late_start_ns=_late(rng, count, timeout_ns),
    )


def _more(rng: Random, family: Plan) -> Plan:
    """Return the plan of a family, often with some faults more."""
    ends_ns = family.ends_ns
    swarm = Swarm(rng, family.hosts, family.timeout_ns, ends_ns, tuple(WEIGHTS))
    more = swarm.faults(rng.choice((0, 0, 1, 1, 2)))
    return replace(family, faults=[*family.faults, *more], networks=swarm.networks)


def _count(rng: Random, hosts: range) -> int:
    """Return how many hosts: few more often than many."""
    return min(rng.choice(hosts) for _ in range(2))


def _late(rng: Random, hosts: int, timeout_ns: int) -> tuple[int, ...]:
    if rng.random() < 0.85:
        return ()
    return tuple(int(rng.choice((0, 0, 1, 4, 10)) * timeout_ns * rng.random()) for _ in range(hosts))


class Swarm:
    """The few kinds of faults and the few hosts that a seed is about."""

    def __init__(self, rng: Random, hosts: int, timeout_ns: int, ends_ns: int, kinds: Sequence[str]) -> None:
        self._rng, self._hosts = rng, hosts
        self._timeout_ns, self._ends_ns = timeout_ns, ends_ns
        self._kinds = _few(rng, kinds)
        self._victims = rng.sample(range(hosts), min(hosts, rng.choice((1, 2, 2, 3))))
        self.networks = rng.choice((1, 1, 1, 1, 2))

    def faults(self, number: int) -> list[Fault]:
        """Draw so many, each in sight of the ones before."""
        drawn: list[Fault] = []
        for _ in range(number):
            drawn += self._fault(self._begin_ns(drawn))
        return drawn

    def _begin_ns(self, before: Sequence[Fault]) -> int:
        """Return when the next fault begins: some time, or a meaningful while after another."""
        rng, timeout_ns = self._rng, self._timeout_ns
        first_ns = int(SETTLED * timeout_ns) if rng.random() < 0.9 else 0
        last_ns = max(first_ns + timeout_ns, int(0.6 * self._ends_ns))
        if not before or rng.random() < 0.25:
            return first_ns + int(rng.random() * (last_ns - first_ns) * (1 if before else 0.3))
        other = rng.choice(before)
        since_ns = other.at_ns if rng.random() < 0.7 else other.until_ns
        share = rng.choice(OFFSETS) + 0.08 * (rng.random() - 0.5)
        return min(last_ns, max(0, since_ns + int(share * timeout_ns)))

    def _fault(self, at_ns: int) -> list[Fault]:
        rng, timeout_ns = self._rng, self._timeout_ns
        kind = rng.choices(self._kinds, [WEIGHTS.get(kind, 1) for kind in self._kinds])[0]
        struck = self._struck(wide=kind in WIDE)
        fault = Fault(
            at_ns=at_ns,
            until_ns=at_ns + _length(rng, timeout_ns),
            kind=kind,
            hosts=struck,
            others=self._others(struck) if kind in LINKS else 0,
            value=_value(rng, kind, self._hosts, timeout_ns / NS),
            network=self._network(kind),
        )
        if kind in FLAPPING and rng.random() < 0.12:
            return _flapping(rng, fault, timeout_ns)
        if kind in WIDE and struck.bit_count() > 1 and rng.random() < 0.5:
            return _staggered(rng, fault, timeout_ns)
        return [fault]

    def _network(self, kind: str) -> int:
        if kind in NETWORKED and self.networks > 1 and self._rng.random() < 0.7:
            return self._rng.randrange(self.networks)
        return ALL_NETWORKS

    def _struck(self, *, wide: bool) -> int:
        rng, hosts = self._rng, self._hosts
        chance = rng.random()
        if wide and chance < 0.3:
            return (1 << hosts) - 1
        if wide and chance < 0.4:
            return (1 << hosts) - 1 & ~(1 << rng.choice(self._victims))
        if chance < 0.75:
            return 1 << rng.choice(self._victims)
        several = 1 if chance < 0.9 else rng.randint(1, hosts)
        return sum(1 << host for host in rng.sample(range(hosts), several))

    def _others(self, struck: int) -> int:
        rng = self._rng
        rest = (1 << self._hosts) - 1 & ~struck
        if rng.random() < 0.5 or not rest:
            return rest or struck
        return sum(1 << host for host in bits(rest) if rng.random() < 0.5) or rest


def _few(rng: Random, kinds: Sequence[str]) -> list[str]:
    """Return a few of the kinds, the common ones more often; now and then all of them."""
    if rng.random() < 0.15:
        return list(kinds)
    few = rng.choice((1, 2, 3, 3, 4, 5, 6))
    return list(dict.fromkeys(rng.choices(kinds, [WEIGHTS.get(kind, 1) for kind in kinds], k=few)))


def _length(rng: Random, timeout_ns: int) -> int:
    share = rng.choice((0.1, 0.25, 0.5, 0.75, 1, 1, 1.5, 2, 3, 5))
    return int(share * timeout_ns * (0.8 + 0.4 * rng.random()))


def _value(rng: Random, kind: str, hosts: int, timeout: float) -> float:
    if kind in {"late", "behind"}:
        return timeout * rng.choice((0.01, 0.1, 0.4, 0.55))
    if kind in {"link", "oneway", "garbled"}:
        return rng.choice((1.0, 1.0, 1.0, 0.5, 0.9))
    if kind == "wall":
        return rng.choice((-86400, -3600, -60, -timeout, -1, 3600))
    if kind == "rot":
        return rng.choice((0, 0, 1, COPIES))
    if kind == "weight":
        return rng.randrange(10)
    return rng.randrange(hosts) if kind == "lead" else 0.0


def _flapping(rng: Random, fault: Fault, timeout_ns: int) -> list[Fault]:
    """Return the same fault several times, on and off."""
    at_ns, flaps = fault.at_ns, []
    for _ in range(rng.randint(3, 8)):
        on_ns, off_ns = (int(timeout_ns * rng.choice((0.05, 0.3, 0.6, 1.1))) for _ in range(2))
        flaps.append(replace(fault, at_ns=at_ns, until_ns=at_ns + on_ns))
        at_ns += on_ns + off_ns
    return flaps


def _staggered(rng: Random, fault: Fault, timeout_ns: int) -> list[Fault]:
    """Return the fault host by host, each at its own time: a switch drops its ports one after the other."""
    spread_ns = timeout_ns * rng.choice((0.05, 0.3, 0.8))
    struck = list(bits(fault.hosts))
    begins = [fault.at_ns + int(spread_ns * rng.random()) for _ in struck]
    ends = [fault.until_ns + int(spread_ns * rng.random()) for _ in struck]
    return [
        replace(fault, at_ns=at_ns, until_ns=max(at_ns + timeout_ns // 50, until_ns), hosts=1 << host)
        for host, at_ns, until_ns in zip(struck, begins, ends, strict=True)
    ]
