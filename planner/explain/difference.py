"""Why xapi's own figure is another (B11). Every cause named is seen at work, none is guessed.

Compares with xapi's rule as `compat/xapi` computes it for this very pool, not with what a running xapi
remembers. Must never be asked by anything that plans, alerts or executes.
"""

from __future__ import annotations

from collections.abc import Iterator

from planner.compat import xapi
from planner.constraints.rules import Rules
from planner.explain.result import Cause, Coarseness, XapiDifference
from planner.model import Pool
from planner.results import Tolerance


def difference(pool: Pool, answer: Tolerance) -> XapiDifference:
    """Return xapi's figure of a pool and why it is not ours."""
    figure = xapi.max_failures(pool)
    ours = answer.simultaneous
    if figure < ours.lower:
        return _less(pool, answer, figure)
    if figure > ours.upper:
        return XapiDifference(figure, figure + 1, tuple(_more(pool, answer, figure)))
    agrees = ours.proven
    return XapiDifference(figure, figure + 1, () if agrees else ("open",))


def under_rules(pool: Pool, counted: Pool, rules: Rules, found: XapiDifference) -> XapiDifference:
    """Return the difference to what xapi says of the pool as it is, which knows no rules of ours.

    `found` is the difference in `counted`, the pool as the memory rules show it.
    """
    figure = xapi.max_failures(pool)
    if counted is pool or figure == found.figure:
        return found
    causes: list[Cause] = []
    if rules.memory != "static-max":
        causes.append("memory_policy")
    if rules.reserve_bytes:
        causes.append("reserve")
    return XapiDifference(figure, figure + 1, (*causes, *found.causes))


def _less(pool: Pool, answer: Tolerance, figure: int) -> XapiDifference:
    """xapi denies a number of failures that is proven to be survived."""
    failures = figure + 1
    pinned = tuple(sorted(vm.uuid for vm in pool.protected_vms if not xapi.is_agile(pool, vm)))
    if pinned:
        return XapiDifference(figure, failures, ("pinned_vm",), vms=pinned)
    if xapi.plan_exists(pool, failures) == "all":
        return XapiDifference(figure, failures, ("search_by_halves",))
    if not answer.protected_vms:
        return XapiDifference(figure, failures, ("quorum",))
    if xapi.rule_for(len(pool.hosts), failures) == "approximate" and (counted := xapi.coarse(pool, failures)):
        coarse = Coarseness(counted.biggest_bytes, counted.places, counted.to_move)
        return XapiDifference(figure, failures, ("coarse_bound",), coarse=coarse)
    return _trapped(pool, answer, figure)


def _trapped(pool: Pool, answer: Tolerance, figure: int) -> XapiDifference:
    """Name the order of failures in which xapi's packer gives up.

    Where no way to restart survives every order, the order of failures is the cause, else the packing.
    """
    found = xapi.trap(pool, figure + 1)
    if found is None:
        return XapiDifference(figure, figure + 1, ("other",))
    hopeless = answer.sequential.upper <= figure
    open_ = not hopeless and answer.sequential.lower <= figure
    cause: Cause = "order_of_failures" if hopeless else "packing_order"
    return XapiDifference(
        figure,
        figure + 1,
        (cause, "open") if open_ else (cause,),
        trap=found.hosts,
        trap_need_bytes=found.need_bytes,
    )


def _more(pool: Pool, answer: Tolerance, figure: int) -> Iterator[Cause]:
    """xapi promises what is proven not to be survived."""
    witness = answer.simultaneous.witness
    if not answer.protected_vms:
        yield "nothing_protected"
    elif witness is not None and witness.reason == "quorum":
        yield "quorum"
    elif figure == 0:
        yield "zero_untested"
    elif witness is not None and witness.reason in ("cpu", "affinity", "reach"):
        yield "not_counted"
    else:
        yield "other"
