"""An explanation in words. Pure; every number comes from `planner.explain`, none is worked out here."""

from __future__ import annotations

from collections.abc import Iterator

from exporter.cli.output import Line, Part, Table
from exporter.cli.words import (
    count,
    gib,
    listed,
    pool_title,
    span,
    verdict,
    witness_words,
)
from exporter.names import host_name, host_names, vm_name
from planner.explain.result import Cause, Explanation, Fragmentation, LeftOver, Limits, XapiDifference
from planner.model import Pool
from planner.results import Bounds, Span

_ROOMS_SHOWN = 5


def explanation_parts(pool: Pool, answer: Explanation) -> Iterator[Part]:
    """Yield what `xenha explain` shows."""
    yield Line(f"Pool {pool_title(answer.tolerance.pool_name, answer.tolerance.pool_uuid)}")
    yield verdict(answer.tolerance)
    yield Line("")
    if answer.limits is None:
        yield Line("What limits it: nothing; no VM is protected, so nothing has to restart")
    else:
        yield from _limits(pool, answer.limits)
    yield Line("")
    yield from _fragmentation(pool, answer.fragmentation)
    yield Line("")
    yield Line(_sequential(pool, answer.tolerance.simultaneous, answer.tolerance.sequential))
    yield Line(_xapi(pool, answer))


def _limits(pool: Pool, limits: Limits) -> Iterator[Part]:
    if limits.reason == "quorum":
        yield Line("What limits it: the majority. With one more host gone the rest may not go on")
        return
    if limits.reason == "all_hosts":
        yield Line("What limits it: the hosts themselves. Only the loss of all of them is not survived")
        return
    hosts = listed(host_names(pool, limits.hosts))
    yield Line(f"What limits it: {f'the loss of {hosts}' if hosts else 'what is down already'}")
    yield Line(_balance(limits))
    if limits.left:
        left, rest = count(limits.left_vms, "VM"), limits.left_vms - len(limits.left)
        sure = "proven best" if limits.proven else "not proven best within the limit"
        yield Line(f"In the best restart that leaves {left} down ({sure}){', the largest' if rest else ''}:")
        yield Table(
            ("without a place", "needs", "closest host", "free there", "missing", "if not protected"),
            tuple(_left_row(pool, vm) for vm in limits.left),
            frozenset({"needs", "free there", "missing", "if not protected"}),
        )
        yield from _slots(pool, limits.left[0])


def _balance(limits: Limits) -> str:
    vms = count(limits.restart_vms, "protected VM")
    text = (
        f"{vms} would have to restart and {_needs(limits.restart_vms)} {gib(limits.restart_bytes)}; "
        f"{gib(limits.free_bytes)} are free on the other hosts, of which these VMs can fill "
        f"{_span(limits.packable_bytes)}"
    )
    if limits.missing_bytes:
        return f"{text}: {gib(limits.missing_bytes)} too little, however they are placed"
    return f"{text}: enough in all, but {_SHORT.get(limits.reason, 'not where it is needed')}"


_SHORT = {
    "cpu": "vCPUs are short",
    "affinity": "placement groups keep them apart",
    "reach": "storage, networks or devices keep them from where it is",
}


def _needs(vms: int) -> str:
    return "needs" if vms == 1 else "need"


def _left_row(pool: Pool, vm: LeftOver) -> tuple[str, ...]:
    if vm.closest_host is None:
        return vm_name(pool, vm.vm), gib(vm.need_bytes), "none is a candidate", "", "", _without(vm)
    return (
        vm_name(pool, vm.vm),
        gib(vm.need_bytes),
        host_name(pool, vm.closest_host),
        gib(vm.free_bytes),
        gib(vm.missing_bytes) if vm.missing_bytes else "not memory",
        _without(vm),
    )


def _without(vm: LeftOver) -> str:
    if vm.without is None:
        return ""
    lower, upper = vm.without.lower, vm.without.upper
    return f"survives {lower}" if lower == upper else f"survives {lower} to {upper}"


def _slots(pool: Pool, vm: LeftOver) -> Iterator[Part]:
    if vm.closest_host is not None and vm.as_large_vms > vm.places:
        as_large = f"{count(vm.as_large_vms, 'VM')} of at least {gib(vm.need_bytes)}"
        yield Line(
            f"{as_large} would have to restart where {vm_name(pool, vm.vm)} may run; "
            f"the hosts left there have {count(vm.places, 'place')} of that size"
        )


def _fragmentation(pool: Pool, found: Fragmentation) -> Iterator[Part]:
    useful, free = found.packable_bytes, found.free_bytes
    useless = _difference(free, useful)
    yield Line(
        f"Free memory: {gib(free)}, of which the protected VMs of other hosts could fill {_span(useful)}; "
        f"{_span(useless)} are in pieces too small for them"
    )
    rooms = [room for room in found.hosts if room.free_bytes > room.packable_bytes.upper]
    rooms.sort(key=lambda room: (room.packable_bytes.upper - room.free_bytes, room.host))
    if rooms:
        rows = tuple(
            (
                host_name(pool, room.host),
                gib(room.free_bytes),
                _span(room.packable_bytes),
                _span(_difference(room.free_bytes, room.packable_bytes)),
            )
            for room in rooms[:_ROOMS_SHOWN]
        )
        headings = ("most in pieces", "free", "can be filled", "of no use")
        yield Table(headings, rows, frozenset(headings[1:]))


def _difference(free_bytes: int, useful: Span) -> Span:
    return Span(free_bytes - useful.upper, free_bytes - useful.lower)


def _span(value: Span) -> str:
    return gib(value.lower) if value.proven else f"{gib(value.lower)} to {gib(value.upper)}"


def _sequential(pool: Pool, at_once: Bounds, after_another: Bounds) -> str:
    figure = f"One after the other: survives {span(after_another)}"
    if after_another.upper >= at_once.lower:
        same = after_another.proven and at_once.proven
        return f"{figure}; {'the same as at once' if same else 'how that compares is open'}"
    why = ""
    if after_another.witness is not None and after_another.witness.then:
        why = f": {witness_words(pool, after_another.witness)}"
    return f"{figure}, fewer than at once: a restart takes the place that a later failure needs{why}"


def _xapi(pool: Pool, answer: Explanation) -> str:
    found = answer.xapi
    said = f"xapi's own rule: survives {found.figure}"
    if not found.causes:
        return f"{said}; the same"
    return f"{said}: {'; '.join(_cause(pool, found, cause) for cause in found.causes)}"


def _cause(pool: Pool, found: XapiDifference, cause: Cause) -> str:
    if cause == "pinned_vm":
        names = listed([vm_name(pool, uuid) for uuid in found.vms])
        vms = count(len(found.vms), "protected VM")
        return f"{vms} cannot run on every host ({names}), and one such VM makes its figure 0"
    if cause == "coarse_bound" and found.coarse is not None:
        coarse = found.coarse
        return (
            f"in pools of this size it counts every VM as large as the largest, {gib(coarse.biggest_bytes)}; "
            f"for {count(found.failures, 'failure')} that makes {count(coarse.places, 'place')} for "
            f"{count(coarse.to_move, 'VM')}"
        )
    if cause in ("packing_order", "order_of_failures") and found.trap_need_bytes is not None:
        return _trap_words(pool, found, found.trap_need_bytes, cause)
    return _CAUSES[cause]


def _trap_words(pool: Pool, found: XapiDifference, need_bytes: int, cause: Cause) -> str:
    hosts = ", then ".join(host_name(pool, uuid) for uuid in found.trap)
    when = f"when {hosts} fail{'s' if len(found.trap) == 1 else ''}" if hosts else "for what is down"
    stuck = (
        f"it packs the largest VM onto the roomiest host first, and {when} "
        f"has no place left for a VM of {gib(need_bytes)}"
    )
    if cause == "order_of_failures":
        return f"it lets hosts fail one after the other, which is survived less often: {stuck}"
    return f"{stuck}; another placement has one"


_CAUSES: dict[Cause, str] = {
    "pinned_vm": "a protected VM cannot run on every host",
    "coarse_bound": "it counts every VM as large as the largest",
    "packing_order": "its packing finds no place where there is one",
    "order_of_failures": "it lets hosts fail one after the other",
    "search_by_halves": "it has a plan for one failure more, but searches by halves and misses it",
    "memory_policy": "it counts the static maximum of every VM",
    "reserve": "it keeps nothing back on any host",
    "zero_untested": "it never asks whether what is down now can start; 0 may mean not even that",
    "not_counted": "it does not see what is short here: storage, networks, vCPUs or groups",
    "nothing_protected": "nothing is protected, and it counts hosts that are out of service",
    "quorum": "it counts the majority in another way",
    "open": "our own figure is not settled, so the difference may be smaller",
    "other": "the cause is none of those known",
}
