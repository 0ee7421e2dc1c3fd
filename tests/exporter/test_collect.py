"""From states to series: complete, true to the catalogue, and never all or nothing."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text
from prometheus_client.samples import Sample

from exporter import collect
from exporter.catalogue import BY_NAME, CATALOGUE, VM_SERIES_LIMIT
from exporter.daemons.state import DaemonState, looked, with_duplicates
from exporter.exposition import Exposition
from exporter.metric import Metric
from exporter.ownplanner import OwnPlanner
from exporter.planning import quick_figures, with_headroom
from exporter.state import PoolState, lost, plan_failed, planned, planning, seen
from lab.demo import demo_pool
from planner.inventory.snapshot import Snapshot
from planner.model import VM, Pool
from planner.results import SolverUse, XapiFigures

if TYPE_CHECKING:
    from conftest import HandClock

GOLDEN = Path(__file__).parent / "golden"
OPENMETRICS = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"


def samples(
    *states: PoolState, daemons: Sequence[DaemonState] = (), now_seconds: float = 1_010.0
) -> list[Sample]:
    found = collect.families(states, daemons=daemons, now_seconds=now_seconds, version="1.2.3")
    return [sample for family in found for sample in family.samples]


def value(found: list[Sample], name: str, **labels: str) -> float:
    """Return the value of the one series with these labels (and maybe others)."""
    (sample,) = [s for s in found if s.name == name and labels.items() <= s.labels.items()]
    return sample.value


def names(found: list[Sample]) -> set[str]:
    return {sample.name for sample in found}


def metric_of(sample: Sample) -> Metric:
    """The metric of the catalogue that a series belongs to."""
    bare = re.sub(r"_(bucket|sum|count)$", "", sample.name)
    return BY_NAME.get(sample.name) or BY_NAME[bare]


def own_text(
    states: tuple[PoolState, ...],
    clock: HandClock,
    accept: str = "",
    daemons: tuple[DaemonState, ...] = (),
) -> str:
    """Return the exposition without the metrics of the process, which are never the same."""
    body, _ = Exposition(lambda: states, clock, "1.2.3", lambda: daemons).render(accept)
    lines = body.decode().splitlines(keepends=True)
    return "".join(line for line in lines if " process_" not in line and not line.startswith("process_"))


def compare(name: str, text: str, folder: Path) -> None:
    fresh = folder / name
    fresh.write_text(text)
    assert text == (GOLDEN / name).read_text(), f"if this is meant: cp {fresh} {GOLDEN / name}"


# The whole


def test_every_metric_of_the_catalogue_is_there(state: PoolState, daemons: tuple[DaemonState, ...]) -> None:
    found = samples(state, daemons=daemons)
    assert {metric_of(sample).name for sample in found} == set(BY_NAME)


def test_without_daemons_there_is_no_word_of_them(state: PoolState) -> None:
    found = samples(state)
    assert names(found) == {name for name in BY_NAME if not name.startswith("xenha_daemon_")}
    assert not [sample for sample in found if sample.labels.get("collector") == "daemons"]


def test_every_series_has_exactly_the_labels_of_the_catalogue(
    state: PoolState, daemons: tuple[DaemonState, ...]
) -> None:
    for sample in samples(state, PoolState("silent"), daemons=(*daemons, DaemonState("/run/silent.sock"))):
        extra = ["le"] if sample.name.endswith("_bucket") else []
        assert sorted(sample.labels) == sorted([*metric_of(sample).labels, *extra]), sample


def test_no_series_is_there_twice(state: PoolState, daemons: tuple[DaemonState, ...]) -> None:
    silent = (DaemonState("/run/silent.sock"), DaemonState("/run/mute.sock"))
    again = with_duplicates([*daemons, replace(daemons[0], socket="/run/again.sock"), *silent])
    found = samples(
        state, replace(state, source="again", duplicate_of=state.source), PoolState("silent"), daemons=again
    )
    keys = [(sample.name, *sorted(sample.labels.items())) for sample in found]
    assert len(keys) == len(set(keys))


def test_states_have_one_series_each_and_one_that_holds(
    state: PoolState, daemons: tuple[DaemonState, ...]
) -> None:
    found = samples(state, daemons=daemons[:1])
    for metric in CATALOGUE:
        if metric.states:
            shown = {s.labels["state"]: s.value for s in found if s.name == metric.name}
            assert tuple(shown) == metric.states
            assert sorted(shown.values()) == [0] * (len(shown) - 1) + [1]


def test_exposition_of_a_small_pool(state: PoolState, clock: HandClock, tmp_path: Path) -> None:
    clock.now_seconds = 1_010.0
    silent = lost(PoolState("https://silent.example"), "connection refused")
    compare("small.prom", own_text((state, silent), clock), tmp_path)


def test_exposition_of_the_demo_pool(clock: HandClock, tmp_path: Path) -> None:
    snapshot = Snapshot(demo_pool(), xapi=XapiFigures(1, ha_overcommitted=False))
    looked = planning(seen(PoolState("demo:"), snapshot, clock.now_seconds))
    planner = OwnPlanner(clock)
    figures = with_headroom(quick_figures(snapshot, planner, clock), planner, limit_seconds=10)
    state = planned(looked, figures)
    compare("demo.prom", own_text((state,), clock), tmp_path)


def test_exposition_of_three_daemons(
    state: PoolState, clock: HandClock, tmp_path: Path, daemons: tuple[DaemonState, ...]
) -> None:
    """One answers, one is silent, one never spoke; the last leads to a host of no watched pool."""
    first, second, third = daemons
    assert third.status is not None
    elsewhere = replace(third.status, host=replace(third.status.host, uuid="host-9"), liveset=())
    shown = (
        first,
        looked(second, "Connection refused", 1_005.0),
        DaemonState("/run/never.sock"),
        looked(third, elsewhere, 1_000.0),
    )
    text = own_text((state,), clock, daemons=shown)
    lines = [line for line in text.splitlines(keepends=True) if "xenha_daemon_" in line]
    compare("daemons.prom", "".join(lines), tmp_path)


def test_both_formats_say_the_same(
    state: PoolState, clock: HandClock, daemons: tuple[DaemonState, ...]
) -> None:
    def series(text: str, parse: Callable[[str], object]) -> list[tuple[object, ...]]:
        found = [sample for family in parse(text) for sample in family.samples]  # type: ignore[attr-defined]
        return sorted((s.name, *sorted(s.labels.items()), s.value) for s in found)

    plain = own_text((state,), clock, daemons=daemons)
    openmetrics = own_text((state,), clock, OPENMETRICS, daemons)
    assert series(plain, parse_text) == series(openmetrics, parse_openmetrics)


@pytest.mark.parametrize(
    "accept",
    [
        "",
        "*/*",
        "application/openmetrics-text;version=1.x",
        "application/openmetrics-text;version==;;",
        "\xff,",
    ],
)
def test_accept_header_that_makes_no_sense_gets_plain_text(
    state: PoolState, clock: HandClock, accept: str
) -> None:
    body, content_type = Exposition(lambda: (state,), clock, "1.2.3").render(accept)
    assert content_type.startswith("text/plain")
    assert body.startswith(b"# HELP xenha_build_info The running xenha.\n")


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
def test_promtool_finds_nothing_to_say(
    state: PoolState, clock: HandClock, daemons: tuple[DaemonState, ...]
) -> None:
    text = own_text((state,), clock, daemons=daemons)
    done = subprocess.run(
        ["promtool", "check", "metrics"], input=text, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


# Parts


@pytest.mark.parametrize("broken", collect.PARTS)
def test_part_that_breaks_takes_only_its_own_series_down(state: PoolState, broken: str) -> None:
    whole = samples(state)
    part = collect.PARTS[broken]
    own = {name for name, _, _ in part(state, 1_010.0)}

    def breaks(state: PoolState, now_seconds: float) -> collect.Iterator[collect.Point]:
        yield next(part(state, now_seconds))
        raise ZeroDivisionError

    parts = {**collect.PARTS, broken: breaks}
    found = [
        sample
        for family in collect.families([state], now_seconds=1_010.0, version="1.2.3", parts=parts)
        for sample in family.samples
    ]
    assert names(whole) - names(found) == own
    assert value(found, "xenha_collector_success", collector=broken) == 0
    assert sum(s.value for s in found if s.name == "xenha_collector_success") == len(parts) - 1


def test_pool_that_breaks_a_part_leaves_the_other_pools_alone(state: PoolState, pool: Pool) -> None:
    assert state.snapshot is not None
    other = seen(PoolState("other"), replace(state.snapshot, pool=replace(pool, uuid="pool-2")), 5.0)
    broken = replace(state, facts=None)
    found = samples(broken, other)
    assert value(found, "xenha_protected_vms", pool="pool-2") == 3
    assert value(found, "xenha_tolerance_lower_hosts", pool="pool-1", kind="simultaneous") == 0
    assert value(found, "xenha_collector_success", collector="vms") == 0
    assert value(found, "xenha_collector_success", collector="tolerance") == 1


def test_source_that_never_answered_is_down_and_nothing_else(clock: HandClock) -> None:
    found = samples(lost(PoolState("https://silent.example"), "connection refused"))
    assert value(found, "xenha_up", pool="", source="https://silent.example") == 0
    assert names(found) == {"xenha_build_info", "xenha_up", "xenha_collector_success"}


def test_second_source_of_a_pool_is_down_and_adds_nothing(state: PoolState) -> None:
    again = replace(state, source="again", duplicate_of=state.source)
    found = samples(state, again)
    assert value(found, "xenha_up", pool="", source="again") == 0
    assert len(found) == len(samples(state)) + 1


def test_lost_pool_keeps_its_figures_and_is_down(state: PoolState) -> None:
    found = samples(lost(state, "connection refused"))
    assert value(found, "xenha_up", pool="pool-1", source="https://master.example") == 0
    assert value(found, "xenha_tolerance_upper_hosts", kind="simultaneous") == 1
    assert value(found, "xenha_snapshot_timestamp_seconds") == 1_000.0


def test_pool_without_figures_shows_what_was_seen(snapshot: Snapshot) -> None:
    found = samples(seen(PoolState("source"), snapshot, 1_000.0))
    assert value(found, "xenha_plan_lag_seconds") == 10.0
    assert value(found, "xenha_protected_vms") == 3
    assert not names(found) & {"xenha_tolerance_lower_hosts", "xenha_overcommitted", "xenha_solver_state"}


def test_target_is_absent_without_one(state: PoolState) -> None:
    assert state.figures is not None
    free = replace(state.figures, tolerance=replace(state.figures.tolerance, target=None))
    found = samples(replace(state, figures=free))
    assert "xenha_tolerance_target_hosts" not in names(found)
    assert value(found, "xenha_overcommitted", state="unknown") == 1


def test_figures_of_xapi_are_absent_for_a_pool_file(state: PoolState, snapshot: Snapshot) -> None:
    found = samples(replace(state, snapshot=replace(snapshot, xapi=None)))
    assert not names(found) & {"xenha_xapi_plan_exists_for_hosts", "xenha_xapi_overcommitted"}


@pytest.mark.parametrize(
    ("use", "holds"),
    [
        (SolverUse(), "not_needed"),
        (SolverUse(calls=3, seconds=1.0), "proved"),
        (SolverUse(calls=3, seconds=1.0, limit_reached=True), "limit_reached"),
        (SolverUse(limit_reached=True), "limit_reached"),
    ],
)
def test_solver_state(state: PoolState, use: SolverUse, holds: str) -> None:
    assert state.figures is not None
    figures = replace(state.figures, tolerance=replace(state.figures.tolerance, solver=use))
    assert value(samples(replace(state, figures=figures)), "xenha_solver_state", state=holds) == 1


def test_counters_are_those_of_the_state(state: PoolState) -> None:
    found = samples(plan_failed(state, "it broke"))
    assert value(found, "xenha_plans_total") == 1
    assert value(found, "xenha_plan_failures_total") == 1
    assert value(found, "xenha_plan_seconds_total") == 0.75
    assert value(found, "xenha_solver_calls_total") == 2
    assert value(found, "xenha_solver_seconds_total") == 0.5
    assert value(found, "xenha_snapshots_total") == 1


def test_rejected_records_are_counted_by_class(state: PoolState) -> None:
    found = samples(state)
    assert value(found, "xenha_inventory_rejected_records", **{"class": "VM"}) == 1
    assert value(found, "xenha_inventory_rejected_records", **{"class": "host"}) == 0


def test_series_of_vms_are_bounded_and_their_counts_are_not(state: PoolState, pool: Pool) -> None:
    many = tuple(
        VM(f"vm-{i:05}", 1, ha_restart_priority="restart", ha_always_run=True)
        for i in range(VM_SERIES_LIMIT + 7)
    )
    found = samples(seen(state, Snapshot(replace(pool, vms=many)), 1_000.0))
    assert sum(sample.name == "xenha_vm_protected_halted" for sample in found) == VM_SERIES_LIMIT
    assert sum(sample.name == "xenha_vm_info" for sample in found) == VM_SERIES_LIMIT
    assert value(found, "xenha_protected_vms_down") == VM_SERIES_LIMIT + 7


# Daemons


def test_a_peer_that_left_the_liveset_is_late_no_more(make_status: Any, make_late: Any) -> None:
    late = make_late(make_status(), "host-2", "lan", 50)
    without = replace(late, liveset=("host-1", "host-3"))
    for status, ratios in ((late, [0.5]), (without, [])):
        found = samples(daemons=[looked(DaemonState("/run/1"), status, 1_000.0)])
        assert [s.value for s in found if s.name == "xenha_daemon_channel_late_ratio"] == ratios
        assert value(found, "xenha_daemon_channel_age_seconds", peer="host-2", channel="lan") == 16.5


def test_a_daemon_that_breaks_the_scrape_takes_only_itself_down(daemons: tuple[DaemonState, ...]) -> None:
    assert daemons[0].status is not None
    broken = replace(daemons[0], status=replace(daemons[0].status, watchdog=None))  # type: ignore[arg-type]
    found = samples(daemons=[broken, *daemons[1:]])
    assert value(found, "xenha_collector_success", collector="daemons") == 0
    assert {s.labels["host"] for s in found if s.name == "xenha_daemon_armed"} == {"host-2", "host-3"}
