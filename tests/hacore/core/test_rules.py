"""The pure rules around the machine: each by its table, each able to be wrong."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hacore.core.fencing import DeadEvidence, Farewell, Going, certainly_dead, how_to_go
from hacore.core.grants import (
    Grant,
    granted_since_ns,
    may_act,
    of_all_ns,
    of_most_ns,
)
from hacore.core.joining import Hall, hall_group, may_form, mutual
from hacore.core.leader import choose_leader
from hacore.core.membership import Needs, formed, is_member, next_decision, ranked, readmitted
from hacore.core.rules import RULES, sighted_ns
from hacore.records import NOBODY, Cause, Decision, PacketBody, State

MASKS = st.integers(0, (1 << 6) - 1)


def decision(liveset=0b111, leader=0, epoch=4, members=(10, 11, 12), cause=Cause.FORMED):
    return Decision(epoch, liveset, tuple(members), leader, cause)


# --- membership


def test_a_reboot_makes_somebody_else():
    assert is_member(decision(), 1, 11)
    assert not is_member(decision(), 1, 99)
    assert not is_member(decision(liveset=0b101), 1, 11)


@pytest.mark.parametrize(
    ("needs", "liveset", "cause"),
    [
        (Needs(dead=0b100), 0b011, Cause.DEAD),
        (Needs(rebooted=0b010), 0b101, Cause.REBOOTED),
        (Needs(isolated=0b001), 0b110, Cause.ISOLATED),
        (Needs(left=0b001), 0b110, Cause.LEFT),
        (Needs(left=0b111), 0, Cause.LEFT),
        (Needs(dead=0b100, left=0b010), 0b011, Cause.DEAD),
        (Needs(dead=0b100, rebooted=0b010), 0b001, Cause.DEAD),
    ],
)
def test_needs_become_a_liveset(needs, liveset, cause):
    made = next_decision(decision(), needs, (10, 11, 12), (0, 0, 0))
    assert (made.epoch, made.liveset, made.cause) == (5, liveset, cause)
    assert made.members == tuple(10 + host if liveset >> host & 1 else 0 for host in range(3))


def test_the_admitted_are_named_as_who_they_are_now():
    made = next_decision(
        decision(liveset=0b011, members=(10, 11, 0)), Needs(joining=0b100), (10, 11, 99), (0,) * 3
    )
    assert made.members == (10, 11, 99)
    assert made.cause is Cause.JOINED


def test_no_need_no_decision():
    assert next_decision(decision(), Needs(), (10, 11, 12), (0, 0, 0)) is None
    assert next_decision(decision(), Needs(leader=2), (10, 11, 12), (0, 0, 0)).cause is Cause.LEADER


def test_those_who_ask_to_go_go_alone():
    """Only a decision whose cause is LEFT tells them that nobody takes them for dead."""
    made = next_decision(
        decision(liveset=0b011, members=(10, 11, 0)), Needs(left=0b010, joining=0b100), (10, 11, 99), (0,) * 3
    )
    assert (made.liveset, made.cause) == (0b001, Cause.LEFT)


@pytest.mark.parametrize(
    ("wish", "previous", "weights", "leader"),
    [
        (2, 0, (0, 0, 0), 2),
        (3, 0, (0, 0, 0, 0), 0),
        (NOBODY, 3, (0, 7, 7), 1),
        (NOBODY, NOBODY, (0, 0, 0), 0),
    ],
)
def test_who_leads(wish, previous, weights, leader):
    assert choose_leader(0b111, wish, previous, weights) == leader


def test_nobody_leads_nobody():
    assert choose_leader(0, 1, 1, (0, 0)) == NOBODY


@given(MASKS, MASKS, st.integers(-1, 5))
def test_turns_are_a_permutation(candidates, last, leader):
    turns = [ranked(candidates, last & candidates, leader, me) for me in range(6)]
    assert sorted(turn for turn in turns if turn >= 0) == list(range(candidates.bit_count()))
    if leader != NOBODY and (candidates & ~last) >> leader & 1:
        assert turns[leader] == 0


def test_a_cold_start_names_the_group():
    made = formed(decision(liveset=0b110), 0b011, (20, 21, 22), (0, 0, 0), NOBODY)
    assert made == Decision(5, 0b011, (20, 21, 0), 0, Cause.FORMED)


def test_readmitted_are_those_who_are_new_or_somebody_else():
    before = decision(liveset=0b011, members=(10, 11, 0))
    after = decision(members=(10, 99, 12), epoch=5, cause=Cause.JOINED)
    assert readmitted(before, after) == 0b110


@pytest.mark.parametrize("cause", [Cause.FORMED, Cause.OPERATOR])
def test_a_cold_start_readmits_all_but_only_once(cause):
    made = decision(liveset=0b011, members=(10, 11, 0), epoch=5, cause=cause)
    assert readmitted(decision(), made) == 0b011
    assert readmitted(made, made) == 0


# --- joining

HALL = Hall(
    configured=0b111,
    group=0b011,
    joining=0b011,
    absent=0,
    excluded=0,
    silent=0b100,
    rested=0b001,
    liveset=0b111,
    needed=1,
    waited=True,
    forced=False,
)


@pytest.mark.parametrize(
    ("change", "may"),
    [
        ({}, True),
        ({"waited": False}, False),
        ({"silent": 0}, False),
        ({"silent": 0, "excluded": 0b100}, True),
        ({"silent": 0, "excluded": 0b100, "waited": False}, True),
        ({"rested": 0}, False),
        ({"rested": 0, "forced": True}, False),
        ({"rested": 0b100}, False),
        ({"rested": 0, "liveset": 0b100, "forced": True}, True),
        ({"rested": 0, "group": 0b111, "joining": 0b111, "silent": 0}, True),
        ({"liveset": 0b100}, False),
        ({"liveset": 0}, True),
        ({"forced": True, "waited": False, "liveset": 0b100}, True),
        ({"forced": True, "silent": 0}, False),
        ({"forced": True, "silent": 0, "absent": 0b100}, True),
        ({"silent": 0, "absent": 0b100}, False),
        ({"needed": 2}, True),
        ({"needed": 3}, False),
        ({"group": 0b111, "joining": 0b111, "silent": 0, "waited": False}, True),
        ({"group": 0b011, "joining": 0b111, "silent": 0}, False),
    ],
)
def test_who_may_form(change, may):
    assert may_form(replace(HALL, **change)) is may


@given(MASKS, MASKS, MASKS, MASKS, MASKS, MASKS, st.integers(1, 6), st.booleans(), st.booleans())
def test_nobody_forms_beside_one_who_may_live(
    joining, absent, excluded, silent, rested, liveset, needed, waited, force
):
    hall = Hall(0b111111, joining, joining, absent, excluded, silent, rested, liveset, needed, waited, force)
    if may_form(hall):
        lives_on_grants = liveset & ~joining & ~absent & ~excluded
        assert not lives_on_grants or not liveset & joining or liveset & joining & rested
        assert not liveset & ~joining & ~absent & ~excluded & ~silent
        assert joining.bit_count() >= needed


@given(MASKS, st.lists(MASKS, min_size=6, max_size=6), MASKS)
def test_groups_hear_each_other(candidates, rows, heirs):
    rows = [row | 1 << host for host, row in enumerate(rows)]
    group = hall_group(candidates, rows, heirs)
    assert not group & ~candidates
    for host in range(6):
        if group >> host & 1:
            assert not group & ~rows[host]
    for host in range(6):
        if (candidates & ~group) >> host & 1:
            assert mutual(1 << host, rows, group) == group, "it could have been taken in"


# --- grants


def grant(**change):
    said = {
        "incarnation": 11,
        "state": State.MEMBER,
        "epoch": 4,
        "row": 0b111,
        "storage": False,
        "carrier": True,
        "arbiters": 0,
        "weight": 0,
        "grants": 0b001,
        "polled": 0,
        "denied": 0,
    }
    around = {"me": 0, "giver": 1, "decided": decision(), "admitted": 3}
    around |= {"echo_ns": 70, "heard_ns": 90, "by_disk": True}
    around |= {key: change.pop(key) for key in list(change) if key in around}
    return Grant(body=PacketBody(**(said | change)), **around)


@pytest.mark.parametrize(
    ("change", "since_ns"),
    [
        ({}, 70),
        ({"echo_ns": 0}, 0),
        ({"grants": 0b110}, 0),
        ({"epoch": 3}, 0),
        ({"epoch": 5}, 0),
        ({"storage": True}, 0),
        ({"incarnation": 99}, 0),
        ({"by_disk": False, "storage": True}, 70),
        ({"by_disk": False, "epoch": 5}, 70),
        ({"by_disk": False, "epoch": 3}, 70),
        ({"by_disk": False, "epoch": 2}, 0),
        ({"by_disk": False, "incarnation": 99}, 70),
    ],
)
def test_what_a_grant_is_worth(change, since_ns):
    assert granted_since_ns(grant(**change)) == since_ns


def test_all_must_grant_or_most():
    assert of_all_ns([50, 40], 100) == 40
    assert of_all_ns([50, 0], 100) == 0
    assert of_all_ns([], 100) == 100
    assert of_most_ns([50, 40, 0, 0], 5, 100) == 40
    assert of_most_ns([50, 0, 0, 0], 5, 100) == 0
    assert of_most_ns([50, 40, 30], 4, 100) == 40, "two others of four"
    assert of_most_ns([], 1, 100) == 100


def test_who_granted_waits_for_a_silence():
    assert may_act(10, 0, 100)
    assert not may_act(110, 10, 100)
    assert may_act(111, 10, 100)


# --- fencing

DEAD = DeadEvidence(
    now_ns=1000,
    read_ns=990,
    armed=True,
    rebooted=False,
    silent=False,
    removed_ns=500,
    leased_by_disk=True,
    confirmed_ns=0,
    silence_ns=600,
    confirmation_ns=90,
)


@pytest.mark.parametrize(
    ("change", "dead"),
    [
        ({}, False),
        ({"silent": True}, True),
        ({"silent": True, "removed_ns": 0}, False),
        ({"silent": True, "armed": False}, False),
        ({"rebooted": True, "armed": False, "removed_ns": 0}, True),
        ({"removed_ns": 390}, False),
        ({"removed_ns": 389}, True),
        ({"removed_ns": 389, "leased_by_disk": False}, False),
        ({"confirmed_ns": 1000}, False),
        ({"confirmed_ns": 910}, False),
        ({"confirmed_ns": 909}, True),
        ({"confirmed_ns": 910, "removed_ns": 389}, False),
        ({"confirmed_ns": 909, "removed_ns": 0}, False),
    ],
)
def test_who_is_certainly_dead(change, dead):
    assert certainly_dead(replace(DEAD, **change)) is dead


@pytest.mark.parametrize(
    ("leaving", "open_", "cause", "direct", "young", "going"),
    [
        (False, True, Cause.DEAD, True, True, Going.FENCE),
        (False, True, Cause.LEFT, True, True, Going.FENCE),
        (False, False, Cause.DEAD, True, True, Going.JOIN),
        (True, True, Cause.LEFT, True, True, Going.LEAVE),
        (True, True, Cause.DEAD, True, True, Going.FENCE),
        (True, True, Cause.LEFT, False, True, Going.SAY_THEN_LEAVE),
        (True, True, Cause.LEFT, False, False, Going.FENCE),
        (True, False, Cause.DEAD, True, False, Going.LEAVE),
    ],
)
def test_how_a_member_goes(leaving, open_, cause, direct, young, going):
    assert how_to_go(Farewell(leaving, open_, cause, direct, young)) is going


def test_a_first_sight_counts_from_the_end_of_its_read():
    assert sighted_ns(1, 9) == 9
    assert RULES.sighted_ns is sighted_ns
