"""Answers in words: what the commands say to people. Pure; the JSON contracts are not its business."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import ceil

from exporter.cli.output import Line, Mood, Part, Table
from exporter.names import called, host_name, host_names, natural, vm_name
from planner.model import Pool
from planner.results import Bounds, Drain, Gap, Headroom, Plan, Span, Tolerance, WhatIf, Witness
from planner.schedule.prediction import Prediction

GIB = 1 << 30
_SHOWN_NAMES = 5
_REASONS = {
    "memory": "memory",
    "reach": "storage, networks or devices",
    "cpu": "vCPUs",
    "affinity": "placement groups",
    "quorum": "the majority is lost",
    "all_hosts": "no host would be left",
    "down": "they do not fit even now",
}


def gib(size_bytes: int) -> str:
    """Return a size in GiB with as many digits as it needs, at most two."""
    return f"{size_bytes / GIB:.2f}".rstrip("0").rstrip(".") + " GiB"


def count(number: int, noun: str) -> str:
    """Return "1 host", "2 hosts"."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def doing(number: int, noun: str, verb: str) -> str:
    """Return "1 VM moves", "2 VMs move"."""
    return f"{count(number, noun)} {verb}{'s' if number == 1 else ''}"


def span(bounds: Bounds) -> str:
    """Return the figure: "2" when proven, else "1 to 3"."""
    return str(bounds.lower) if bounds.proven else f"{bounds.lower} to {bounds.upper}"


def listed(names: Sequence[str]) -> str:
    """Return names after one another, the first few of many."""
    shown = ", ".join(names[:_SHOWN_NAMES])
    rest = len(names) - _SHOWN_NAMES
    return f"{shown} and {rest} more" if rest > 0 else shown


def pool_title(name: str, uuid: str) -> str:
    """Return what people call a pool: its name, else its uuid."""
    return name or uuid


def verdict(answer: Tolerance) -> Line:
    """Return the one line that matters: how it stands with the target."""
    figure = figure_words(answer.simultaneous)
    if answer.target is None:
        return Line(f"{figure}; no target is set (HA is off; --target N compares)", "open")
    wanted = f"target {answer.target}"
    mood, state = _STANDING[answer.overcommitted]
    return Line(f"{state}: {figure}, {wanted}", mood)


_STANDING: dict[bool | None, tuple[Mood, str]] = {
    False: ("good", "OK"),
    True: ("bad", "OVERCOMMITTED"),
    None: ("open", "UNKNOWN"),
}


def figure_words(bounds: Bounds) -> str:
    """Return the figure in words that claim no more than is proven."""
    if bounds.upper < 0:
        return "what is down does not fit even without a failure (proven)"
    if not bounds.proven:
        return f"survives {span(bounds)} host failures at once (not settled within the limit)"
    if bounds.lower == 0:
        return "survives no host failure (proven)"
    return f"survives any {count(bounds.lower, 'host failure')} at once (proven)"


def tolerance_parts(pool: Pool, answer: Tolerance) -> Iterator[Part]:
    """Yield what `xenha tolerance` shows of one pool."""
    yield Line(
        f"Pool {pool_title(answer.pool_name, answer.pool_uuid)}: {count(answer.hosts, 'host')} in service, "
        f"{count(answer.protected_vms, 'protected VM')}"
    )
    yield verdict(answer)
    rows = [_bounds_row(pool, "at once", answer.simultaneous)]
    rows.append(_bounds_row(pool, "one after the other", answer.sequential))
    rows += [_bounds_row(pool, f"{key} at once", bounds) for key, bounds in answer.domains.items()]
    yield Table(
        ("failures", "survived", "proof", "not survived"),
        tuple(rows),
        frozenset({"survived"}),
    )


def _bounds_row(pool: Pool, what: str, bounds: Bounds) -> tuple[str, ...]:
    return (what, span(bounds), bounds.method, witness_words(pool, bounds.witness) if bounds.witness else "")


def witness_words(pool: Pool, witness: Witness) -> str:
    """Return a witness as people say it: which hosts, how many VMs, and why."""
    hosts = listed(host_names(pool, witness.hosts))
    if witness.then:
        then = listed(host_names(pool, (feared.host for feared in witness.then)))
        return f"{hosts or 'restarts of today'}, then one of {then} (no restart keeps a place for each)"
    vms = _cannot_restart(len(witness.vms)) if witness.vms else ""
    why = ": ".join(part for part in (vms, _REASONS[witness.reason]) if part)
    return f"{hosts} ({why})" if hosts else why


def _cannot_restart(vms: int) -> str:
    """The VMs of a witness are those of which no packing places all: one more or less may find a place."""
    return "1 VM cannot restart" if vms == 1 else f"{vms} VMs cannot all restart"


def drain_parts(pool: Pool, answer: Drain) -> Iterator[Part]:
    """Yield what `xenha drain` shows."""
    hosts = listed(host_names(pool, answer.hosts))
    if answer.possible:
        moves = doing(len(answer.moves), "VM", "move")
        yield Line(f"POSSIBLE: {hosts} can be emptied; {moves}", "good")
    elif answer.possible is None:
        yield Line(f"UNKNOWN: no way to empty {hosts} was found within the limit", "open")
    else:
        left = count(len(answer.blocked), "VM")
        yield Line(f"BLOCKED: {left} cannot leave {hosts}; {count(len(answer.moves), 'VM')} can", "bad")
    if answer.moves:
        rows = tuple(
            (
                vm_name(pool, move.vm),
                gib(pool.vm_by_uuid[move.vm].need_bytes),
                host_name(pool, move.from_host),
                host_name(pool, move.to_host),
            )
            for move in answer.moves
        )
        yield Table(("VM", "needs", "from", "to"), rows, frozenset({"needs"}))
    if answer.blocked:
        blocked = tuple((vm_name(pool, vm.vm), vm.reason, vm.detail) for vm in answer.blocked)
        yield Table(("cannot leave", "reason", "detail"), blocked)
    yield from broken(pool, answer.breaks_groups)
    yield Line(f"Meanwhile: {figure_words(answer.tolerance_after.simultaneous)}")


def broken(pool: Pool, groups: Sequence[str]) -> Iterator[Line]:
    """Yield a line for each group whose preference moves keep less well than before."""
    for group in pool.groups:
        if group.uuid in groups:
            more = group.placement == "anti_affinity"
            what = "more of its VMs share a host" if more else "fewer of its VMs are together"
            yield Line(f"Breaks soft group {called(group)}: {what} afterwards", "open")


def headroom_parts(pool: Pool, answer: Headroom, size: str | None) -> Iterator[Part]:
    """Yield what `xenha headroom` shows; `size` as it was asked for."""
    kept = f"{count(answer.target, 'host failure')} still survived"
    if answer.largest.upper:
        yield Line(f"The largest VM that can start: {_gib_span(answer.largest)}, {kept}", "good")
    else:
        yield Line(f"Nothing protected can start with {kept}", "bad")
    if answer.count is not None:
        number, asked = answer.count, size or ""
        most = str(number.lower) if number.proven else f"{number.lower} to {number.upper}"
        yield Line(f"VMs of {asked} that can start: {most}")
    rows = [
        (host_name(pool, host), gib(pool.free_bytes(host)), _gib_span(span)) for host, span in answer.per_host
    ]
    rows.sort(key=lambda row: natural(row[0]))
    yield Table(("host", "free", "largest VM"), tuple(rows), frozenset({"free", "largest VM"}))


def _gib_span(span: Span) -> str:
    return gib(span.lower) if span.proven else f"{gib(span.lower)} to {gib(span.upper)}"


def whatif_parts(answer: WhatIf) -> Iterator[Part]:
    """Yield what `xenha whatif` shows."""
    before, after = answer.before, answer.after
    yield _whatif_verdict(answer)
    rows = [
        ("at once", span(before.simultaneous), span(after.simultaneous)),
        ("one after the other", span(before.sequential), span(after.sequential)),
    ]
    rows += [
        (f"{key} at once", span(before.domains[key]), span(after.domains[key]))
        for key in before.domains
        if key in after.domains
    ]
    rows.append(("hosts in service", str(before.hosts), str(after.hosts)))
    rows.append(("protected VMs", str(before.protected_vms), str(after.protected_vms)))
    yield Table(("failures survived", "before", "after"), tuple(rows), frozenset({"before", "after"}))


def _whatif_verdict(answer: WhatIf) -> Line:
    if not answer.breaks_target:
        return verdict(answer.after)
    lost = "the target would be lost" if answer.after.overcommitted else "the target is no longer proven"
    return Line(f"BREAKS THE TARGET: {lost}: {verdict(answer.after).text}", "bad")


def plan_parts(pool: Pool, plan: Plan) -> Iterator[Part]:
    """Yield what `xenha plan` shows."""
    yield Line(f"Failed: {listed(host_names(pool, plan.failed_hosts))}")
    yield _plan_verdict(plan)
    if plan.placements:
        yield Table(
            ("wave", "VM", "from", "to", "priority", "order", "delay", "serves after"),
            tuple(_placement_rows(pool, plan)),
            frozenset({"wave", "order", "delay", "serves after"}),
        )
    if plan.unplaced:
        rows = tuple((vm_name(pool, vm.vm), vm.reason, vm.detail) for vm in plan.unplaced)
        yield Table(("without a place", "reason", "detail"), rows)
    if plan.prediction:
        yield Line(prediction_words(plan.prediction))
    if plan.tolerance_after:
        yield Line(f"Afterwards: {figure_words(plan.tolerance_after.simultaneous)}")
    if plan.limit_reached:
        yield Line("The limit ended a search: another run may choose other places", "open")
    yield Line(f"Plan {plan.plan_id}", "faint")


def prediction_words(prediction: Prediction) -> str:
    """Return when the pool has recovered, and what that consists of."""
    detection, pace = prediction.detection, prediction.pace
    before = seconds_words(detection.seconds)
    assumed = (
        f"{pace.boot_seconds:g} s to boot unless tagged, {count(pace.boot_slots, 'boot')} at a time on a host"
    )
    if prediction.recovery_seconds is None:
        return f"Predicted: never; not every protected VM restarts. Restarts begin after {before} ({assumed})"
    total = seconds_words(prediction.recovery_seconds)
    return f"Predicted: every protected VM serves after {total}; restarts begin after {before} ({assumed})"


def seconds_words(seconds: float) -> str:
    """Return a time as people say it: "65 s", "4 min 5 s"; rounded up."""
    whole = ceil(round(seconds, 3))
    minutes, rest = divmod(whole, 60)
    return f"{minutes} min {rest} s" if minutes >= 3 else f"{whole} s"


def _plan_verdict(plan: Plan) -> Line:
    sure = "proven best" if plan.optimal else f"not proven best within the limit{_gap_words(plan.gap)}"
    if plan.complete:
        return Line(f"COMPLETE: {doing(len(plan.placements), 'VM', 'restart')} ({sure})", "good")
    return Line(
        f"INCOMPLETE: {doing(len(plan.placements), 'VM', 'restart')}, "
        f"{count(len(plan.unplaced), 'VM')} without a place ({sure})",
        "bad",
    )


def _gap_words(gap: Gap | None) -> str:
    if gap is None:
        return ""
    if gap.order is None:
        return f": {gib(gap.placed)} of protected VMs, at most {gib(gap.at_most)} can"
    order = "negative orders" if gap.order < 0 else f"order {gap.order}"
    return f": {gap.placed} of {order}, at most {gap.at_most} can"


def _placement_rows(pool: Pool, plan: Plan) -> Iterator[tuple[str, ...]]:
    for placement in plan.placements:
        yield (
            str(placement.wave),
            vm_name(pool, placement.vm),
            host_name(pool, placement.from_host) if placement.from_host else "(down)",
            host_name(pool, placement.to_host),
            placement.priority,
            str(placement.order),
            f"{placement.start_delay_seconds} s",
            seconds_words(plan.prediction.vm_up_seconds[placement.vm]) if plan.prediction else "",
        )
