"""From a state to what the page shows: never green unless proven, wanted and current."""

from __future__ import annotations

from dataclasses import replace

import pytest

from exporter.facts import Facts
from exporter.page.view import STALE_AFTER_SECONDS, headline, is_current, key_of, pool_view
from exporter.state import Figures, HostLoss, PoolState
from planner.inventory.snapshot import Snapshot
from planner.model import Pool
from planner.results import Reject, XapiFigures
from planner.schedule.prediction import RecoveryTime


def test_a_kept_target_is_green(pool: Pool, make_figures, make_state, now_seconds: float) -> None:
    shown = headline(make_state(pool, make_figures(pool)), now_seconds)
    assert (shown.figure, shown.tone, shown.state, shown.current) == ("2", "good", "target met", True)
    assert [pip.kind for pip in shown.pips] == ["kept", "kept"]


@pytest.mark.parametrize(
    ("lower", "upper", "target", "tone", "state", "pips"),
    [
        (1, 1, 2, "bad", "overcommitted", ["kept", "missed"]),
        (0, 0, 1, "bad", "overcommitted", ["missed"]),
        (-1, -1, 1, "bad", "overcommitted", ["missed"]),
        (1, 2, 2, "unknown", "undecided", ["kept", "open"]),
        (2, 3, 2, "good", "target met", ["kept", "kept", "open"]),
        (2, 2, None, "plain", "no target", ["kept", "kept"]),
        (2, 2, 0, "plain", "target is 0", ["kept", "kept"]),
        (40, 40, 2, "good", "target met", []),
    ],
)
def test_every_verdict_has_its_colour_and_its_word(
    pool: Pool, make_figures, make_state, now_seconds: float, lower, upper, target, tone, state, pips
) -> None:
    shown = headline(make_state(pool, make_figures(pool, lower, upper, target=target)), now_seconds)
    assert (shown.tone, shown.state) == (tone, state)
    assert [pip.kind for pip in shown.pips] == pips


@pytest.mark.parametrize(
    "changes",
    [
        {"up": False, "problem": "connection refused"},
        {"up": False},
        {"seen_at_seconds": 0.0},
        {"pending_since_seconds": 0.0},
        {"planning_since_seconds": 0.0},
        {"duplicate_of": "https://other"},
    ],
    ids=",".join,
)
def test_nothing_old_or_unreachable_is_green(
    pool: Pool, make_figures, make_state, now_seconds: float, changes
) -> None:
    state = make_state(pool, make_figures(pool), **changes)
    view = pool_view(state, 0, now_seconds)
    assert not is_current(state, now_seconds)
    assert view.headline.tone == "unknown"
    assert view.banners, "and it is said why"
    assert all(host.loss.tone != "good" for host in view.hosts)


def test_old_means_older_than_a_source_is_ever_silent(pool, make_figures, make_state, now_seconds) -> None:
    state = make_state(pool, make_figures(pool), seen_at_seconds=now_seconds - STALE_AFTER_SECONDS)
    assert is_current(state, now_seconds)
    assert not is_current(state, now_seconds + 1)


@pytest.mark.parametrize(
    ("state", "text"),
    [
        (PoolState("s"), "The first look at the pool is under way."),
        (PoolState("s", problem="refused"), "The pool was never reached."),
        (PoolState("s", up=True, plan_problem="bug"), "The tolerance could not be worked out."),
        (PoolState("s", up=True, duplicate_of="t"), "Another source serves this pool"),
    ],
)
def test_without_figures_there_is_a_question_mark_and_a_reason(state, text, now_seconds: float) -> None:
    shown = headline(state, now_seconds)
    assert (shown.figure, shown.tone) == ("?", "unknown")
    assert shown.verdict.startswith(text)


def test_a_pool_never_seen_has_a_page(now_seconds: float) -> None:
    view = pool_view(PoolState("https://gone", problem="refused"), 3, now_seconds)
    assert (view.key, view.name, view.age, view.hosts, view.facts) == (
        "source-4",
        "https://gone",
        "never",
        (),
        (),
    )
    assert view.banners[0].text == "refused"


def test_a_second_source_of_a_pool_has_a_key_of_its_own(pool, make_state) -> None:
    states = [make_state(pool), make_state(pool, duplicate_of="https://quay-1")]
    assert [key_of(state, i) for i, state in enumerate(states)] == ["p1", "source-2"]


def test_the_witness_is_named_by_the_pool_it_was_found_in(
    pool, make_figures, make_state, now_seconds
) -> None:
    """A host that is gone since must not leave the page without its proof."""
    smaller = replace(pool, hosts=pool.hosts[3:], vms=())
    view = pool_view(make_state(smaller, make_figures(pool)), 0, now_seconds)
    assert view.witness.text.startswith("If quay-1, quay-2 and quay-3 failed together")
    assert view.witness.names == ("app-0", "app-1", "app-4")
    assert view.witness.question == "Why not 3?"


def test_a_long_witness_is_cut_and_counted(pool, make_figures, make_state, now_seconds) -> None:
    figures = make_figures(pool)
    bounds = figures.tolerance.simultaneous
    witness = replace(bounds.witness, vms=tuple(f"v{i}" for i in range(30)))
    tolerance = replace(figures.tolerance, simultaneous=replace(bounds, witness=witness))
    view = pool_view(make_state(pool, replace(figures, tolerance=tolerance)), 0, now_seconds)
    assert (len(view.witness.names), view.witness.more) == (12, 18)


def test_xapis_own_figure_stands_beside_ours(pool, make_figures, make_state, now_seconds) -> None:
    figures = make_figures(pool)
    said = replace(figures, snapshot=Snapshot(pool, xapi=XapiFigures(3, True)))
    facts = {fact.name: fact for fact in pool_view(make_state(pool, said), 0, now_seconds).facts}
    xapi = facts["xapi's own figure"]
    assert (xapi.value, xapi.note, xapi.tone) == ("3, overcommitted", "promises more than is possible", "bad")


def test_bars_add_up_to_the_whole_host(pool, make_figures, make_state, now_seconds) -> None:
    for host in pool_view(make_state(pool, make_figures(pool)), 0, now_seconds).hosts:
        assert sum(part.width for part in host.segments) == pytest.approx(100, abs=0.01)
        assert host.segments[0].kind == "control-domain"
        assert host.segments[-1].kind == "free"


def test_a_host_with_more_than_it_has_is_drawn_full(pool, make_state, now_seconds) -> None:
    tight = replace(pool, hosts=tuple(replace(host, memory_total_bytes=10 << 30) for host in pool.hosts))
    for host in pool_view(make_state(tight), 0, now_seconds).hosts:
        assert sum(part.width for part in host.segments) == pytest.approx(100, abs=0.01)
        assert host.free == "0 B"


@pytest.mark.parametrize(
    ("loss", "text", "tone"),
    [
        (HostLoss(0, True), "all restart", "good"),
        (HostLoss(1, True), "1 stays down", "bad"),
        (HostLoss(3, False), "at most 3 stay down", "unknown"),
        (None, "not worked out yet", "unknown"),
    ],
)
def test_the_loss_of_a_host_is_said(pool, make_figures, make_state, now_seconds, loss, text, tone) -> None:
    losses = {} if loss is None else {"h1": loss}
    figures: Figures = replace(make_figures(pool), host_losses=losses)
    host = pool_view(make_state(pool, figures), 0, now_seconds).hosts[0]
    assert (host.loss.text, host.loss.tone) == (text, tone)


@pytest.mark.parametrize(
    ("recovery", "text"),
    [
        (RecoveryTime(184.2, True), "all restart within 3 min 5 s"),
        (RecoveryTime(64.6, True), "all restart within 65 s"),
        (RecoveryTime(None, False), "all restart"),
    ],
)
def test_how_long_a_host_failure_lasts_is_said(
    pool, make_figures, make_state, now_seconds, recovery, text
) -> None:
    figures: Figures = replace(make_figures(pool), recoveries={"h1": recovery})
    assert pool_view(make_state(pool, figures), 0, now_seconds).hosts[0].loss.text == text


def test_failure_domains_stand_beside_the_figure(pool, make_figures, make_state, now_seconds) -> None:
    figures = make_figures(pool)
    open_bounds = replace(figures.tolerance.simultaneous, lower=0, upper=1)
    said: Figures = replace(figures, tolerance=replace(figures.tolerance, domains={"rack": open_bounds}))
    facts = {fact.name: fact for fact in pool_view(make_state(pool, said), 0, now_seconds).facts}
    fact = facts["rack: failures at once"]
    assert (fact.value, fact.note) == ("0–1", "all hosts of a rack together")


@pytest.mark.parametrize(
    ("slowest", "objective", "value", "note", "tone"),
    [
        (RecoveryTime(125.0, True), None, "125 s", "quay-2", "plain"),
        (RecoveryTime(125.0, True), 125.0, "125 s", "quay-2; objective 125 s", "plain"),
        (RecoveryTime(301.0, True), 300.0, "5 min 1 s", "quay-2; objective 5 min 0 s", "bad"),
        (RecoveryTime(None, True), 300.0, "some VMs stay down", "quay-2; objective 5 min 0 s", "bad"),
        (RecoveryTime(None, False), 300.0, "not known", "objective 5 min 0 s", "unknown"),
    ],
)
def test_the_longest_host_failure_stands_beside_the_objective(
    pool, make_figures, make_state, now_seconds, slowest, objective, value, note, tone
) -> None:
    times = {host.uuid: RecoveryTime(60.0, True) for host in pool.hosts_in_service}
    figures: Figures = replace(make_figures(pool), recoveries={**times, "h2": slowest})
    state = make_state(pool, figures, recovery_objective_seconds=objective)
    facts = {fact.name: fact for fact in pool_view(state, 0, now_seconds).facts}
    fact = facts["Longest host failure"]
    assert (fact.value, fact.note, fact.tone) == (value, note, tone)
    assert "Longest host failure" not in {
        fact.name for fact in pool_view(make_state(pool, make_figures(pool)), 0, now_seconds).facts
    }


def test_a_boot_time_that_is_none_is_told(pool, make_state, now_seconds) -> None:
    tagged = tuple(replace(vm, tags=("xenha:boot-seconds=soon",)) if vm.protected else vm for vm in pool.vms)
    spoilt = replace(pool, vms=tagged)
    banners = pool_view(make_state(spoilt, facts=Facts(spoilt)), 0, now_seconds).banners
    (banner,) = [one for one in banners if one.title == "A boot time could not be read."]
    assert "tag 'xenha:boot-seconds=soon': expected seconds from 0 to 86400" in banner.text
    assert banner.text.endswith(f"And {len(spoilt.protected_vms) - 1} more.")
    assert "A boot time could not be read." not in {
        one.title for one in pool_view(make_state(pool, facts=Facts(pool)), 0, now_seconds).banners
    }


def test_hosts_out_of_service_are_marked(pool, make_figures, make_state, now_seconds) -> None:
    hosts = (replace(pool.hosts[0], live=False), replace(pool.hosts[1], enabled=False), *pool.hosts[2:])
    view = pool_view(make_state(replace(pool, hosts=hosts)), 0, now_seconds)
    assert [badge for badge, _ in view.hosts[0].badges] == ["master", "not live"]
    assert [badge for badge, _ in view.hosts[1].badges] == ["disabled"]
    assert view.hosts[0].loss.text == "out of service"
    facts = {fact.name: fact for fact in view.facts}
    assert facts["Hosts in service"].value == "3 of 5"
    assert facts["Protected VMs"].note == "7 down"


def test_rejected_records_are_shown_and_counted(pool, make_state, now_seconds) -> None:
    rejects = tuple(Reject("VM", f"u{i}", "no memory") for i in range(130))
    view = pool_view(make_state(pool, snapshot=Snapshot(pool, rejects)), 0, now_seconds)
    assert (len(view.rejects), view.more_rejects) == (100, 30)
    assert view.banners[0].title == "130 records could not be read."
