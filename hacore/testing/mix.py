"""From a seed to a plan: which faults, on whom, when, for how long. All of it drawn from one `random.Random`.

Lengths are drawn around the limits that matter: T/4 (check-in, storage lost), T/2 (unheard, stable), T, 2T.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from hacore.core.setup import Isolation, Quorum
from hacore.core.timing import NS
from hacore.testing.plan import Fault, Plan

WEIGHTS = {
    "crash": 6, "kill": 4, "upgrade": 2, "stop": 5, "brain": 4,
    "cable": 5, "isolate": 3, "link": 5, "oneway": 4, "late": 3, "behind": 2, "arbiter": 3,
    "storage": 6, "flaky": 4, "write": 5, "readonly": 3, "ghosts": 3, "read": 4, "hang": 6, "stuck": 3,
    "slow": 3, "tardy": 3,
    "torn": 2, "misdirected": 2, "lost": 2, "rot": 2,
    "leave": 3, "disarm": 1, "weight": 1, "lead": 2,
}  # fmt: skip
"""How often each kind is drawn. Orders that risk data on purpose (emergency, force) are for scenarios."""
WIDE = {"storage", "hang", "cable", "isolate", "arbiter", "read", "slow"}
"""These often strike everybody at once: the array, the switch, the gateway."""
LINKS = {"link", "oneway", "late", "behind"}
FLAPPING = {"link", "oneway", "cable", "storage", "hang", "arbiter", "write"}
GROUPS = {
    "net": ("cable", "isolate", "link", "oneway", "late", "behind", "arbiter"),
    "disk": (
        "storage", "flaky", "write", "readonly", "ghosts", "read", "hang", "stuck", "slow", "tardy",
        "torn", "misdirected", "lost", "rot",
    ),
    "host": ("crash", "kill", "upgrade", "stop", "brain"),
    "operator": ("leave", "disarm", "weight", "lead"),
}  # fmt: skip
"""Words for several kinds, for --faults."""
SETTLED = 1.5
"""Faults begin this many T after the start (some earlier: they meet the forming liveset)."""


def draw(
    seed: str, hosts: int | None, timeout_ns: int, minutes: float, kinds: Sequence[str] = tuple(WEIGHTS)
) -> Plan:
    """Return the plan of a seed; `hosts` None: 2 to 8 of them."""
    rng = Random(f"{seed}/plan")
    count = hosts or rng.choice((2, 3, 3, 3, 4, 4, 5, 6, 7, 8))
    faults: list[Fault] = []
    for _ in range(rng.choice((1, 1, 2, 2, 3, 3, 4, 5, 7))):
        faults += _fault(rng, count, timeout_ns, int(minutes * 60 * NS), kinds)
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
        quorum=Quorum.MAJORITY if rng.random() < 0.15 else Quorum.DISK,
        weights=tuple(rng.choice((0, 0, 0, 1, 5)) for _ in range(count)),
        reboot_ns=int(rng.choice((0.5, 2, 4)) * timeout_ns) + 5 * NS,
        faults=faults,
        late_start_ns=_late(rng, count, timeout_ns),
    )


def _late(rng: Random, hosts: int, timeout_ns: int) -> tuple[int, ...]:
    if rng.random() < 0.8:
        return ()
    return tuple(int(rng.choice((0, 0, 1, 4, 10)) * timeout_ns * rng.random()) for _ in range(hosts))


def _fault(rng: Random, hosts: int, timeout_ns: int, ends_ns: int, kinds: Sequence[str]) -> list[Fault]:
    kind = rng.choices(kinds, [WEIGHTS.get(kind, 1) for kind in kinds])[0]
    begin_ns = int(SETTLED * timeout_ns) if rng.random() < 0.9 else 0
    at_ns = begin_ns + int(rng.random() * max(timeout_ns, 0.6 * ends_ns - begin_ns))
    struck = _struck(rng, hosts, wide=kind in WIDE)
    others = _others(rng, hosts, struck) if kind in LINKS else 0
    value = _value(rng, kind, hosts)
    if kind in FLAPPING and rng.random() < 0.15:
        return _flapping(rng, Fault(at_ns, at_ns, kind, struck, others, value), timeout_ns)
    lasts_ns = _length(rng, timeout_ns)
    if kind in WIDE and struck.bit_count() > 1 and rng.random() < 0.5:
        return _staggered(rng, Fault(at_ns, at_ns + lasts_ns, kind, struck), timeout_ns)
    return [Fault(at_ns, at_ns + lasts_ns, kind, struck, others, value)]


def _length(rng: Random, timeout_ns: int) -> int:
    share = rng.choice((0.1, 0.25, 0.5, 0.75, 1, 1, 1.5, 2, 3, 5))
    return int(share * timeout_ns * (0.8 + 0.4 * rng.random()))


def _struck(rng: Random, hosts: int, *, wide: bool) -> int:
    everybody = (1 << hosts) - 1
    chance = rng.random()
    if wide and chance < 0.4:
        return everybody
    if wide and chance < 0.5:
        return everybody & ~(1 << rng.randrange(hosts))
    several = 1 if chance < 0.85 else rng.randint(1, hosts)
    return sum(1 << host for host in rng.sample(range(hosts), several))


def _others(rng: Random, hosts: int, struck: int) -> int:
    rest = (1 << hosts) - 1 & ~struck
    if rng.random() < 0.5 or not rest:
        return rest or struck
    return sum(1 << host for host in range(hosts) if rest >> host & 1 and rng.random() < 0.5) or rest


def _value(rng: Random, kind: str, hosts: int) -> float:
    if kind in {"late", "behind"}:
        return rng.choice((0.2, 2.0, 8.0))
    if kind in LINKS:
        return rng.choice((1.0, 1.0, 1.0, 0.5, 0.9))
    if kind == "weight":
        return rng.randrange(10)
    return rng.randrange(hosts) if kind == "lead" else 0.0


def _flapping(rng: Random, fault: Fault, timeout_ns: int) -> list[Fault]:
    """Return the same fault several times, on and off."""
    at_ns, flaps = fault.at_ns, []
    for _ in range(rng.randint(3, 8)):
        on_ns, off_ns = (int(timeout_ns * rng.choice((0.05, 0.3, 0.6, 1.1))) for _ in range(2))
        flaps.append(Fault(at_ns, at_ns + on_ns, fault.kind, fault.hosts, fault.others, fault.value))
        at_ns += on_ns + off_ns
    return flaps


def _staggered(rng: Random, fault: Fault, timeout_ns: int) -> list[Fault]:
    """Return the fault host by host, each at its own time: a switch drops its ports one after the other."""
    spread_ns = timeout_ns * rng.choice((0.05, 0.3, 0.8))
    struck = [host for host in range(fault.hosts.bit_length()) if fault.hosts >> host & 1]
    begins = [fault.at_ns + int(spread_ns * rng.random()) for _ in struck]
    ends = [fault.until_ns + int(spread_ns * rng.random()) for _ in struck]
    return [
        Fault(at_ns, max(at_ns + timeout_ns // 50, until_ns), fault.kind, 1 << host)
        for host, at_ns, until_ns in zip(struck, begins, ends, strict=True)
    ]
