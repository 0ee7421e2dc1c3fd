"""The survival rule, sentence by sentence of MEMBERSHIP §5, and the best group against a slow twin."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hacore.core.cliques import all_hear_all, best_group, foes_among, hosts_in, total
from hacore.core.survival import Sight, Steady, Verdict, Why, rests_on, survive
from hacore.records import MAX_HOSTS, NOBODY


def judge(
    *groups: int,
    members: int = 0,
    carrier: int = -1,
    reaching: int = -1,
    storage: int = -1,
    alive: int = -1,
    weights: Sequence[int] = (),
    leader: int = NOBODY,
    isolation: str = "evidence",
) -> Verdict:
    """Judge hosts that hear the others of their group and nobody else."""
    hosts = sum(groups).bit_length()
    rows = [next((mask for mask in groups if mask >> host & 1), 0) for host in range(hosts)]
    sight = Sight(alive, storage, carrier, reaching, rows, weights or [0] * hosts)
    return survive(members or sum(groups), leader, sight, isolation)


def test_all_that_hear_each_other_stay():
    assert judge(0b111) == Verdict(0b111, 0, Why.CONNECTED, degraded=False)


def test_without_storage_while_another_has_it_a_host_cannot_stay():
    """It is not left out by an epoch either: its own deadline ends it."""
    assert judge(0b111, storage=0b101) == Verdict(0b101, 0, Why.CONNECTED, degraded=False)


def test_the_silent_are_not_among_those_that_stay():
    assert judge(0b111, alive=0b011) == Verdict(0b011, 0, Why.CONNECTED, degraded=False)


def test_nobody_has_storage_all_stay_while_all_are_heard():
    assert judge(0b111, storage=0) == Verdict(0b111, 0, Why.GRANTS, degraded=False)
    assert judge(0b011, 0b100, storage=0) == Verdict(0, 0, Why.NOTHING, degraded=False)


def test_a_host_that_is_not_heard_by_one_cannot_live_on_grants():
    rows = [0b11, 0b10]
    assert survive(3, NOBODY, Sight(3, 0, 3, 3, rows, [0, 0]), "evidence").stay == 0


def test_the_dead_that_left_do_not_count():
    assert judge(0b011, 0b100, storage=0, members=0b011).stay == 0b011


def test_two_healthy_hosts_that_lose_their_link_both_live():
    assert judge(1, 2) == Verdict(3, 0, Why.TIE, degraded=True)


def test_a_dead_switch_costs_nobody():
    assert judge(1, 2, 4, 8, carrier=0, reaching=0) == Verdict(15, 0, Why.BRAKE, degraded=True)


def test_the_one_whose_cable_is_pulled_fences():
    assert judge(1, 2, carrier=0b10, reaching=0b10) == Verdict(2, 1, Why.EVIDENCE, degraded=False)


def test_the_one_that_reaches_no_arbiter_while_the_other_does_fences():
    assert judge(1, 2, reaching=0b01) == Verdict(1, 2, Why.EVIDENCE, degraded=False)


def test_arbiters_that_nobody_reaches_say_nothing():
    assert judge(1, 2, reaching=0) == Verdict(3, 0, Why.TIE, degraded=True)


def test_evidence_does_not_help_less_than_half():
    """Brake: only in favour of a strict majority of the liveset, or of half of it with better evidence."""
    assert judge(0b011, 0b100, reaching=0b100) == Verdict(0b111, 0, Why.BRAKE, degraded=True)


def test_members_that_are_gone_count_in_the_majority():
    assert judge(0b00011, 0b00100, 0b11000, alive=0b00111).why == Why.BRAKE


def test_the_strictly_largest_group_stays():
    assert judge(0b011, 0b100) == Verdict(0b011, 0b100, Why.LARGEST, degraded=False)


def test_equal_halves_both_stay():
    assert judge(0b0011, 0b1100, weights=[9, 9, 0, 0]) == Verdict(15, 0, Why.TIE, degraded=True)


def test_in_favour_of_a_half_only_worse_evidence_fences():
    """Host 2 is as good as the best group, host 3 is not."""
    assert judge(0b0011, 4, 8, carrier=0b0111) == Verdict(0b0111, 8, Why.EVIDENCE, degraded=True)


def test_one_broken_link_of_many_fences_nobody():
    """Two groups are equally large: each leaves out one end of the link."""
    rows = [0b1101, 0b1110, 0b1111, 0b1111]
    sight = Sight(15, 15, 15, 15, rows, [0] * 4)
    assert survive(15, NOBODY, sight, "evidence") == Verdict(15, 0, Why.TIE, degraded=True)


def test_one_way_loss_is_no_hearing():
    rows = [0b111, 0b111, 0b110]
    sight = Sight(7, 7, 7, 7, rows, [0] * 3)
    assert survive(7, NOBODY, sight, "evidence").why == Why.TIE


@pytest.mark.parametrize(
    ("groups", "weights", "stay"),
    [
        ((0b011, 0b100), (0, 0, 9), 0b011),  # size before weight
        ((0b0011, 0b1100), (0, 0, 0, 1), 0b1100),  # a tie goes to weight
        ((0b0110, 0b1001), (1, 1, 1, 1), 0b1001),  # then to the lowest UUID
        ((1, 2, 4), (0, 0, 0), 0b001),
    ],
)
def test_fence_leaves_only_the_best_group(groups, weights, stay):
    verdict = judge(*groups, weights=weights, isolation="fence", leader=2, carrier=0)
    assert verdict == Verdict(stay, sum(groups) & ~stay, Why.FENCE, degraded=False)


def test_hold_fences_nobody_for_the_networks_sake():
    assert judge(0b011, 0b100, isolation="hold") == Verdict(0b111, 0, Why.HOLD, degraded=True)


def test_steady_starts_anew_whenever_something_changes():
    first = Steady("a", 100)
    assert first.shown("a", 150) is first
    assert first.held(50, 150)
    assert not first.held(50, 149)
    assert first.shown("b", 150) == Steady("b", 150)


def test_a_verdict_rests_on_members_only():
    one = Sight(7, 7, 7, 7, [7, 7, 7], [0, 0, 0])
    other = Sight(3, 3, 3, 3, [3, 3, 0], [9, 9, 9])
    assert rests_on(3, one) == rests_on(3, other)
    assert rests_on(7, one) != rests_on(7, other)


@st.composite
def worlds(draw: st.DrawFn) -> tuple[int, list[int], list[int]]:
    """Hosts, whom each hears, and what each is worth."""
    size = draw(st.integers(1, 8))
    row = st.integers(0, (1 << size) - 1)
    worth = st.integers(0, 3)
    rows = draw(st.lists(row, min_size=size, max_size=size))
    bonus = draw(st.lists(worth, min_size=size, max_size=size))
    return draw(row), rows, [1 << 80 | bonus[i] << 70 | 1 << MAX_HOSTS - i for i in range(size)]


@given(worlds())
def test_the_best_group_is_the_best_of_all_subsets(world):
    hosts, rows, worth = world
    subsets = [mask for mask in range(1 << len(rows)) if not mask & ~hosts and mutual(mask, rows)]
    assert best_group(hosts, foes_among(hosts, rows), worth) == max(subsets, key=lambda m: total(m, worth))


@given(worlds())
def test_whether_all_hear_all(world):
    hosts, rows, _ = world
    assert all_hear_all(hosts, rows) == mutual(hosts, rows)


def mutual(mask: int, rows: Sequence[int]) -> bool:
    return all(rows[one] >> other & 1 for one in hosts_in(mask) for other in hosts_in(mask) if one != other)


@given(worlds(), st.integers(0, 255), st.integers(0, 255), st.sampled_from(["evidence", "fence", "hold"]))
def test_a_verdict_never_takes_the_last_one_that_has_storage(world, carrier, reaching, isolation):
    hosts, rows, _ = world
    everybody = (1 << len(rows)) - 1
    verdict = survive(everybody, 0, Sight(everybody, hosts, carrier, reaching, rows, [0] * 8), isolation)
    assert not verdict.stay & verdict.out
    assert verdict.stay | verdict.out == hosts or not hosts
    assert verdict.stay or not hosts


def test_sixty_four_hosts_with_many_broken_links_are_solved_exactly():
    """Twenty-one triples that do not hear each other: 3²¹ largest groups, and the lowest UUIDs win."""
    rows = [(1 << 63) - 1 & ~(0b111 << host // 3 * 3) | 1 << host for host in range(63)]
    everybody = (1 << 63) - 1
    sight = Sight(everybody, everybody, everybody, everybody, rows, [0] * 63)
    assert survive(everybody, NOBODY, sight, "fence").stay == sum(1 << host for host in range(0, 63, 3))
