"""Isolation "fence" against xapi's own rule: small worlds exhaustively, every row of its specification.

Renew docs/survival.md: python tests/hacore/core/test_xapi_rule.py > docs/survival.md
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import pytest

from hacore.core.cliques import hosts_in
from hacore.core.survival import Sight, Verdict, survive
from hacore.records import NOBODY
from hacore.testing.xapi_rule import survivors


@dataclass(frozen=True)
class Case:
    """One situation: who is left of the pool, and what it sees."""

    words: str
    rows: tuple[int, ...]
    storage: int
    xapi: int  # as the specification says (xapi-ha §1.10)
    gone: int = 0  # crashed long ago: no longer in our liveset, not excluded by xapi
    excluded: int = 0
    carrier: int = -1
    reaching: int = -1
    because: str = ""  # why ours differs


def full(hosts: int) -> tuple[int, ...]:
    return tuple((1 << hosts) - 1 for _ in range(hosts))


def groups(*masks: int) -> tuple[int, ...]:
    """By host: the group it is in."""
    return tuple(next(mask for mask in masks if mask >> host & 1) for host in range(sum(masks).bit_length()))


def without(rows: tuple[int, ...], *links: tuple[int, int]) -> tuple[int, ...]:
    cut = {frozenset(link) for link in links}
    return tuple(
        sum(1 << other for other in hosts_in(row) if frozenset((host, other)) not in cut)
        for host, row in enumerate(rows)
    )


RING = without(full(5), (0, 2), (0, 3), (1, 3), (1, 4), (2, 4))
LEFT = "a dead host that has left the liveset no longer counts: storage is no single point of failure (§5.2)"
EXACT = "the best group is found exactly, not by taking out one host after the other (§5.1b)"
CASES = (
    Case("2 hosts, network lost between them", groups(0b01, 0b10), 0b11, 0b01),
    Case("2 hosts, the cable of host 0 pulled", groups(0b01, 0b10), 0b11, 0b01, carrier=0b10, reaching=0b10),
    Case("2 hosts, storage lost on host 0", full(2), 0b10, 0b10),
    Case("2 hosts, storage lost on both", full(2), 0, 0b11),
    Case("2 hosts, network lost, host 0 lacks storage", groups(0b01, 0b10), 0b10, 0b10),
    Case("2 hosts, network and storage lost on both", groups(0b01, 0b10), 0, 0),
    Case("3 hosts, host 0 isolated", groups(0b001, 0b110), 0b111, 0b110),
    Case("3 hosts, storage lost on host 0", full(3), 0b110, 0b110),
    Case("3 hosts, only host 2 keeps storage", full(3), 0b100, 0b100),
    Case("3 hosts, all lose storage", full(3), 0, 0b111),
    Case("3 hosts, all lose storage, one link cut", without(full(3), (0, 1)), 0, 0),
    Case("3 hosts, network gone everywhere", groups(1, 2, 4), 0b111, 0b001, carrier=0, reaching=0),
    Case("chain 0-1-2", without(full(3), (0, 2)), 0b111, 0b011),
    Case("4 hosts split 2/2", groups(0b0011, 0b1100), 0b1111, 0b0011),
    Case("4 hosts split 2/2, the lower half without arbiter", groups(3, 12), 15, 0b0011, reaching=0b1100),
    Case("5-host ring", RING, 0b11111, 0b00011),
    Case("3 hosts, host 2 dead for long, storage lost everywhere", groups(3, 4), 0, 0, gone=4, because=LEFT),
    Case("3 hosts, host 2 shut down cleanly, storage lost everywhere", groups(3, 4), 0, 0b011, excluded=4),
    Case(
        "5 hosts, 0 hears 1 and 4, 4 hears 0 and 1; 1, 2, 3 hear each other",
        (0b10011, 0b11111, 0b01110, 0b01110, 0b10011),
        0b11111,
        0b10011,
    ),
    Case(
        "5 hosts, 0-2, 0-4, 1-4; 1, 2, 3 hear each other",
        (0b10101, 0b11110, 0b01111, 0b01110, 0b10011),
        0b11111,
        0b00101,
        because=EXACT,
    ),
)


def verdict(case: Case, isolation: str) -> Verdict:
    hosts = len(case.rows)
    members = (1 << hosts) - 1 & ~case.gone & ~case.excluded
    sight = Sight(members, case.storage, case.carrier, case.reaching, case.rows, [1] * hosts)
    return survive(members, NOBODY, sight, isolation)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.words)
def test_the_model_of_xapi_says_what_its_specification_says(case):
    assert survivors(case.rows, case.storage, case.excluded) == case.xapi


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.words)
def test_fence_is_xapis_rule_unless_a_reason_is_written_down(case):
    assert (verdict(case, "fence").stay == case.xapi) == (case.because == "")


@pytest.mark.parametrize("hosts", [2, 3, 4])
def test_all_hearing_and_all_storage_of_small_pools(hosts):
    """Symmetric or not: no difference at all up to four hosts."""
    pairs = [(one, other) for one in range(hosts) for other in range(hosts) if one != other]
    everybody = (1 << hosts) - 1
    for bits in range(1 << len(pairs)):
        rows = [1 << host for host in range(hosts)]
        for place, (one, other) in enumerate(pairs):
            rows[one] |= (bits >> place & 1) << other
        for storage in range(1 << hosts):
            sight = Sight(everybody, storage, everybody, everybody, rows, [1] * hosts)
            assert survive(everybody, NOBODY, sight, "fence").stay == survivors(rows, storage), (
                rows,
                storage,
            )


def test_with_five_hosts_only_the_exact_best_group_differs():
    """Ours is never smaller; of equal size, it has the lower UUIDs."""
    links = list(combinations(range(5), 2))
    for bits in range(1 << len(links)):
        rows = without(full(5), *(link for place, link in enumerate(links) if bits >> place & 1))
        theirs = survivors(rows, 31)
        ours = survive(31, NOBODY, Sight(31, 31, 31, 31, rows, [1] * 5), "fence").stay
        if ours != theirs:
            lower = tuple(hosts_in(ours)) < tuple(hosts_in(theirs))
            assert ours.bit_count() > theirs.bit_count() or (ours.bit_count() == theirs.bit_count() and lower)


def page() -> str:
    """Return docs/survival.md."""
    rows = [
        f"| {case.words} | {_names(case.xapi)} | {_names(verdict(case, 'fence').stay)} "
        f"| {_names(verdict(case, 'evidence').stay)} ({verdict(case, 'evidence').why}) | {case.because} |"
        for case in CASES
    ]
    return HEAD + "\n".join(rows) + "\n" + TAIL


def _names(mask: int) -> str:
    return ", ".join(str(host) for host in hosts_in(mask)) or "none"


HEAD = """# Who survives

What each rule says when a pool has settled; hosts are numbered in the order of their UUIDs. *xapi* is the
rule of xapi's own daemon, `fence` and `evidence` are ours (`isolation` in the configuration). With `hold`,
network loss alone fences nobody. In brackets: what the verdict rests on (`Why` in hacore/core/survival.py).

| situation | xapi | `fence` | `evidence` | why `fence` differs |
|---|---|---|---|---|
"""
TAIL = """
Up to four hosts `fence` equals xapi's rule in every world: all hearing, one-way loss included, times all
losses of storage. Further differences, none of which this table can show:

* xapi puts weights before the number of hosts, though it never sets any; here the number comes first (§5).
* in xapi the loser fences itself by its own view; here views must have stood unchanged for T/2, and only a
  decided epoch leaves a host out (§5, brakes).
* xapi waits for another T when the loser is still visible; here it confirms that it was left out, and is dead
  as soon as its watchdog must have fired (§4).
"""


def test_the_document_shows_these_verdicts():
    assert Path("docs/survival.md").read_text(encoding="utf-8") == page()


if __name__ == "__main__":
    sys.stdout.write(page())
