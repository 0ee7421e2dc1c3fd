"""What the page says, word by word."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest

from exporter.page import words
from planner.constraints.rules import Rules
from planner.results import Bounds, SearchState, Span, Tolerance, Witness

GIB = 1 << 30
OPEN = Bounds(1, 2, "certificate")


def _tolerance(lower: int, upper: int, target: int | None = 2, protected: int = 5) -> Tolerance:
    bounds = Bounds(lower, upper, "certificate")
    return Tolerance("p", "P", 5, protected, target, bounds, bounds, 0.001)


@pytest.mark.parametrize(
    ("size_bytes", "text"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1 KiB"),
        (1536 * 1024**2, "1.5 GiB"),
        (1024**4 - 1, "1 TiB"),
        (256 * GIB, "256 GiB"),
        (-GIB, "-1 GiB"),
        (5000 * 1024**5, "5000 PiB"),
    ],
)
def test_sizes_carry_one_decimal_at_most(size_bytes: int, text: str) -> None:
    assert words.size(size_bytes) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-3, "0 seconds"),
        (1, "1 second"),
        (89, "89 seconds"),
        (90, "2 minutes"),
        (7000, "2 hours"),
        (200_000, "2 days"),
    ],
)
def test_ages_are_in_one_unit(seconds: float, text: str) -> None:
    assert words.age(seconds) == text


@pytest.mark.parametrize(
    ("names", "text"), [([], ""), (["a"], "a"), (["a", "b"], "a and b"), (["a", "b", "c"], "a, b and c")]
)
def test_names_are_enumerated(names: list[str], text: str) -> None:
    assert words.listed(names) == text


@pytest.mark.parametrize(
    ("lower", "upper", "text"), [(2, 2, "2"), (1, 2, "1–2"), (-1, -1, "−1"), (-1, 1, "−1 to 1")]
)
def test_an_open_figure_shows_both_bounds(lower: int, upper: int, text: str) -> None:
    assert words.figure(Bounds(lower, upper, "certificate")) == text


@pytest.mark.parametrize(
    ("lower", "upper", "text"),
    [
        (2, 2, "Any two hosts may fail at once: every protected VM restarts."),
        (1, 1, "Any one host may fail: every protected VM restarts."),
        (12, 12, "Any 12 hosts may fail at once: every protected VM restarts."),
        (0, 0, "If a host fails, some protected VM may stay down."),
        (-1, -1, "Not even the protected VMs that are down now can all be restarted."),
        (
            1,
            2,
            "Any one host may fail: every protected VM restarts. "
            "Whether any two hosts may fail is not settled.",
        ),
        (0, 1, "Whether any one host may fail is not settled."),
        (-1, 0, "Whether any one host may fail is not settled."),
    ],
)
def test_the_verdict_says_what_is_proven_and_no_more(lower: int, upper: int, text: str) -> None:
    assert words.verdict(_tolerance(lower, upper)) == text


def test_nothing_protected_is_no_success() -> None:
    assert words.verdict(_tolerance(5, 5, protected=0)).startswith("No VM is protected")
    assert words.verdict(replace(_tolerance(0, 0, protected=0), hosts=0)) == "No host is in service."


@pytest.mark.parametrize(
    ("tolerance", "end"),
    [
        (_tolerance(2, 2), "survive 2 host failures: it does."),
        (_tolerance(1, 1, target=1), "survive 1 host failure: it does."),
        (_tolerance(1, 1), "it is overcommitted."),
        (_tolerance(1, 2), "undecided."),
        (_tolerance(2, 2, target=None), "HA is off on this pool: there is no target to compare with."),
    ],
)
def test_the_target_is_compared_with_what_is_proven(tolerance: Tolerance, end: str) -> None:
    assert words.target(tolerance).endswith(end)


@pytest.mark.parametrize(
    ("witness", "text"),
    [
        (
            Witness(("h1", "h4"), ("a", "b"), "memory"),
            "If X and Y failed together, these 2 protected VMs could not all restart: "
            "there is not enough memory left.",
        ),
        (
            Witness(("h1",), ("a",), "reach"),
            "If X failed, this protected VM could not restart: no host left that reaches storage, networks "
            "and devices has room.",
        ),
        (
            Witness((), ("a", "b"), "down"),
            "2 protected VMs are down and cannot all restart: there is no room left.",
        ),
        (Witness((), ("a",), "down"), "1 protected VM is down and cannot restart: there is no room left."),
        (Witness((), (), "quorum"), "More would cost the pool the majority that clustering needs."),
        (Witness((), (), "all_hosts"), "Then no host would be left to restart anything on."),
    ],
)
def test_a_witness_is_put_in_words(witness: Witness, text: str) -> None:
    assert words.witness_head(witness, ["X", "Y"][: len(witness.hosts)]) == text


@pytest.mark.parametrize(
    ("exists_for", "lower", "upper", "target", "text"),
    [
        (2, 2, 2, 2, ""),
        (2, 4, 4, 2, ""),
        (1, 2, 2, 2, "sees less than is proven"),
        (1, 1, 2, 2, ""),
        (3, 2, 2, 3, "promises more than is possible"),
        (0, 2, 2, None, ""),
    ],
)
def test_xapis_figure_is_compared_only_where_it_can_be(
    exists_for: int, lower: int, upper: int, target: int | None, text: str
) -> None:
    assert words.xapi(exists_for, _tolerance(lower, upper, target)) == text


@pytest.mark.parametrize(
    ("span", "said"),
    [
        (Span(0, 0), "none"),
        (Span(GIB * 5 // 2, GIB * 5 // 2), "2.5 GiB"),
        (Span(3 * GIB - 1, 3 * GIB - 1), "2.9 GiB"),
        (Span(0, 4 * GIB), "0 GiB to 4 GiB"),
        (Span(GIB, GIB + (1 << 20)), "1 GiB"),
    ],
)
def test_room_is_never_said_to_be_larger_than_it_is(span: Span, said: str) -> None:
    assert words.room(span) == said


@pytest.mark.parametrize(
    ("sequential", "search", "said"),
    [
        (Bounds(2, 2, "certificate"), "not_needed", "in any order, everything being restarted in between"),
        (Bounds(1, 1, "enumeration"), "settled", "restarts in between can take places that are needed later"),
        (
            Bounds(1, 2, "certificate"),
            "as_asked",
            "bounds: orders of more than two failures are not followed",
        ),
        (Bounds(1, 2, "certificate"), "limit_reached", "not settled within the limit"),
        (Bounds(0, 0, "certificate"), "not_needed", ""),
    ],
)
def test_the_figure_in_turn_is_explained(sequential: Bounds, search: SearchState, said: str) -> None:
    both = Bounds(2, 2, "certificate")
    asked = Tolerance("p", "", 3, 4, None, both, sequential, elapsed_seconds=0.1, sequential_search=search)
    assert words.in_turn(asked) == said


def test_rules_are_said_one_by_one() -> None:
    assert words.rules(Rules(Fraction(5, 2))) == "at most 2.5 vCPUs per core"
    assert words.rules(Rules(None, "dynamic-min", 4 * GIB)) == (
        "memory ballooned down and 4 GiB of every host kept back"
    )
