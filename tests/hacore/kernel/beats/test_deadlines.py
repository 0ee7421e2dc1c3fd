"""When a host counts as silent: the sentences of MEMBERSHIP §2, one by one."""

from __future__ import annotations

import pytest

from hacore.kernel.native import DeadlineTable

LIMIT = 100


def test_nobody_is_silent_before_the_first_good_read() -> None:
    table = DeadlineTable(2)
    assert table.older(0) == 0
    assert table.ages_ns(5) is None


def test_a_first_read_counts_for_everybody_whatever_it_shows() -> None:
    """A daemon that has just started knows of nobody since when it shows what it shows."""
    table = DeadlineTable(2)
    table.observe([7, 0], 1000, 1010)
    assert table.shown_ns == (1010, 1010)
    assert table.older(LIMIT) == 0


def test_news_count_from_the_completion_of_the_read_that_showed_them() -> None:
    table = DeadlineTable(1)
    table.observe([7], 0, 50)
    table.observe([7], 50 + LIMIT, 500)
    assert table.older(LIMIT) == 0, "started at the limit, not beyond it"
    table.observe([7], 50 + LIMIT + 1, 500)
    assert table.older(LIMIT) == 1


def test_a_read_that_takes_long_makes_nobody_silent() -> None:
    """Its start decides: what was written while it hung could not be seen."""
    table = DeadlineTable(1)
    table.observe([7], 0, 1)
    table.observe([7], 2, 1_000_000)
    assert table.older(LIMIT) == 0


def test_an_unreadable_slot_is_no_news() -> None:
    table = DeadlineTable(1)
    table.observe([7], 0, 1)
    table.observe([0], 50, 51)
    table.observe([7], 200, 201)
    assert table.older(LIMIT) == 1


def test_any_other_sequence_is_news_even_a_lower_one() -> None:
    """A slot that fell back to an older copy was touched by somebody who lives, or lived a moment ago."""
    table = DeadlineTable(1)
    table.observe([7], 0, 1)
    table.observe([6], 200, 201)
    assert table.older(LIMIT) == 0
    assert table.shown_ns == (201,)


def test_a_judgement_never_goes_back() -> None:
    table = DeadlineTable(1)
    table.observe([7], 0, 1)
    table.observe([7], 200, 201)
    table.observe([7], 100, 202)
    assert table.judged_ns == 200
    assert table.older(LIMIT) == 1


def test_several_limits_in_one_call() -> None:
    table = DeadlineTable(3)
    table.observe([1, 1, 1], 0, 0)
    table.observe([1, 2, 1], 30, 30)
    table.observe([1, 2, 2], 60, 60)
    table.observe([1, 2, 2], 101, 102)
    assert table.masks((100, 50, 25)) == (0b001, 0b011, 0b111)


def test_the_network_hears_one_host_at_a_time() -> None:
    table = DeadlineTable(2)
    table.start(1000)
    table.hear(1, 5, 1050)
    table.hear(1, 5, 1090)
    table.judge(1101)
    assert table.older(LIMIT) == 0b01
    table.judge(1151)
    assert table.older(LIMIT) == 0b11


@pytest.mark.parametrize("hosts", [0, 65, -1])
def test_a_pool_has_1_to_64_hosts(hosts: int) -> None:
    with pytest.raises(ValueError, match=f"hosts: {hosts}, expected 1 to 64"):
        DeadlineTable(hosts)


def test_what_does_not_fit_is_refused() -> None:
    table = DeadlineTable(2)
    with pytest.raises(ValueError, match="sequences: 3 hosts, expected 2"):
        table.observe([1, 2, 3], 0, 1)
    with pytest.raises(ValueError, match="host: 2, expected 0 to 1"):
        table.hear(2, 1, 1)
