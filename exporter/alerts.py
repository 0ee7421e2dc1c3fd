"""The alert rules, as data: what is worth waking somebody for, and what to do then.

`render` writes them as a Prometheus rule file. Every rule speaks of metrics in `exporter.catalogue` only and
puts the names of pool, host and VM beside their uuids. A rule must never go silent because a name is missing,
and must never take "unknown" for "fine".
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from exporter.daemons.alerts import DAEMON_RULES
from exporter.recovery_alert import RECOVERY_RULE
from exporter.rule import HOSTS_TEXT, Rule, lookup, of_host, of_pool, of_vm, on

_TOLERANCE = 'max without (kind) (xenha_tolerance_upper_hosts{kind="simultaneous"})'
_SIMULTANEOUS = ',kind="simultaneous"'
_RISKY_HOSTS = (
    "{{ range $i, $host := printf `(xenha_host_failure_unplaced_vms{pool=%q} > 0)"
    " * on (job, instance, pool, host) group_left (name) xenha_host_info` $labels.pool"
    " | query | sortByLabel `name` }}{{ if $i }},{{ end }} {{ $host.Labels.name }} ({{ $host.Value }})"
    "{{ else }} not known{{ end }}"
)

_POOL_RULES: tuple[Rule, ...] = (
    Rule(
        alert="XenhaOvercommitted",
        severity="critical",
        hold="1m",
        expr=of_pool(f'({_TOLERANCE}\n  and {on("pool")} (xenha_overcommitted{{state="yes"}} == 1))'),
        summary="{{ $labels.pool_name }} is overcommitted",
        description=(
            f"The pool survives the failure of {HOSTS_TEXT} at most; it is asked to survive "
            f"{lookup('xenha_tolerance_target_hosts')}. After that many failures some protected VMs would "
            "stay down. This is proven: the page of xenha shows hosts and VMs that do not fit."
        ),
        runbook=(
            "Shut down or move what is not needed, lower the priority or memory of VMs, bring hosts back "
            "into service, or add memory. `xenha explain SOURCE` says what limits the figure, `xenha repair "
            "SOURCE` which migrations reach the target, or what to buy."
        ),
    ),
    Rule(
        alert="XenhaNoTolerance",
        severity="critical",
        hold="1m",
        expr=of_pool(f"({_TOLERANCE} <= 0\n  and {on('pool')} xenha_tolerance_target_hosts >= 1)"),
        summary="{{ $labels.pool_name }} survives no host failure",
        description=(
            "The next host that fails may leave protected VMs down. Hosts at risk, with the number of "
            f"protected VMs that would not restart:{_RISKY_HOSTS}."
        ),
        runbook=(
            "Act before the next failure: bring hosts back into service, shut down what is not needed, or "
            "free memory on other hosts. A protected VM that can run on one host only has the same effect: "
            "`xenha explain SOURCE` says which it is."
        ),
    ),
    RECOVERY_RULE,
    Rule(
        alert="XenhaToleranceUnknown",
        severity="warning",
        hold="15m",
        expr=of_pool(
            f'(max without (state) (xenha_overcommitted{{state="unknown"}} == 1)\n'
            f"  and {on('pool')} xenha_tolerance_target_hosts >= 0)"
        ),
        summary="{{ $labels.pool_name }}: nobody knows whether it is overcommitted",
        description=(
            "The tolerance could not be settled against the target of "
            f"{lookup('xenha_tolerance_target_hosts')}: it lies between "
            f"{lookup('xenha_tolerance_lower_hosts', _SIMULTANEOUS)} and "
            f"{lookup('xenha_tolerance_upper_hosts', _SIMULTANEOUS)}. "
            "Unknown is not good: the pool may be overcommitted."
        ),
        runbook="Run `xenha tolerance SOURCE --limit 300`, or give the service a longer limit_seconds.",
    ),
    Rule(
        alert="XenhaNoFigure",
        severity="warning",
        hold="5m",
        expr=of_pool(f"(xenha_up == 1\n  unless {on('pool')} xenha_tolerance_lower_hosts)"),
        summary="{{ $labels.pool_name }}: there is no figure at all",
        description="The pool answers, but its tolerance was never worked out since xenha started.",
        runbook=(
            "The log of xenha serve names the planner's failure, `xenha tolerance SOURCE --debug` where it "
            "happens: report it with the pool file of `xenha inventory SOURCE -o pool.json`."
        ),
    ),
    Rule(
        alert="XenhaPlanStale",
        severity="warning",
        hold="1m",
        expr=of_pool("(xenha_plan_lag_seconds > 120)"),
        summary="{{ $labels.pool_name }}: the figures lag behind the pool",
        description=(
            "The pool changed {{ $value | humanizeDuration }} ago; the figures speak of what was before."
        ),
        runbook=(
            "Look into the log of xenha serve for a planning that fails or does not end, and at its CPU; "
            "`xenha tolerance SOURCE` tries one by hand. A smaller limit_seconds ends long plannings earlier."
        ),
    ),
    Rule(
        alert="XenhaPoolUnreachable",
        severity="critical",
        hold="2m",
        expr=(of_pool("(xenha_up == 0)") + f"\nor {on('pool')}\n  xenha_up == 0"),
        summary="{{ or $labels.pool_name $labels.source }} cannot be reached",
        description=(
            "The API of the pool does not answer: every figure shown is the last known one, and a new danger "
            "would not be seen."
        ),
        runbook=(
            "Is the master up, does the management network reach it, is the password still right? "
            "`xenha check SOURCE` says what the API answers, and so do the log of xenha serve and its page."
        ),
    ),
    Rule(
        alert="XenhaNotScraped",
        severity="critical",
        hold="3m",
        expr=(
            f"up == 0\n  and {on()} last_over_time(xenha_build_info[1d])\n"
            "or absent(last_over_time(xenha_build_info[1d]))"
        ),
        summary="xenha{{ with $labels.instance }} {{ . }}{{ end }} is not scraped",
        description="Prometheus gets no figures from xenha: none of its other alerts can fire.",
        runbook="Start `xenha serve`; check the scrape target in prometheus.yml and the way to its port.",
    ),
    Rule(
        alert="XenhaHostDown",
        severity="critical",
        hold="1m",
        expr=of_host("(xenha_host_live == 0\n  and on (job, instance, pool, host) xenha_host_enabled == 1)"),
        summary="Host {{ $labels.host_name }} of {{ $labels.pool_name }} is down",
        description=(
            "The host is not live although it is enabled. The tolerance shown is that of the other hosts."
        ),
        runbook=(
            "See whether its VMs run elsewhere (alert XenhaProtectedVmHalted; `xenha plan SOURCE --fail "
            "{{ $labels.host }}` says where they should), then repair the host. "
            "Put hosts into maintenance before they are shut down on purpose."
        ),
    ),
    Rule(
        alert="XenhaProtectedVmHalted",
        severity="critical",
        hold="5m",
        expr=of_vm("(xenha_vm_protected_halted == 1)"),
        summary="Protected VM {{ $labels.vm_name }} is halted",
        description="A protected VM of {{ $labels.pool_name }} is to run always, and is halted.",
        runbook=(
            "Start the VM; `xenha diagnose SOURCE --vm {{ $labels.vm }}` says on which hosts it could run. "
            "If it is to stay down, lift its protection: a protected VM that is down counts in the tolerance "
            "as one that must be restarted."
        ),
    ),
    Rule(
        alert="XenhaProtectedVmNotAgile",
        severity="warning",
        hold="5m",
        expr=of_vm("(xenha_vm_protected_not_agile == 1)"),
        summary="Protected VM {{ $labels.vm_name }} cannot run on every host",
        description=(
            "Some live enabled hosts of {{ $labels.pool_name }} do not reach all storage, networks and "
            "devices of this protected VM. It restarts on the others only, and lowers the tolerance."
        ),
        runbook=(
            "`xenha diagnose SOURCE --vm {{ $labels.vm }}` names the reason: move its disks to a shared SR, "
            "eject the local DVD, plug the missing PBD or PIF, give up the device, or protect it as "
            "best-effort only."
        ),
    ),
    Rule(
        alert="XenhaRecordsRejected",
        severity="warning",
        hold="10m",
        expr=of_pool("(sum without (class) (xenha_inventory_rejected_records) > 0)"),
        summary="{{ $labels.pool_name }}: records left out ({{ $value }})",
        description="These records are left out of all figures, which may therefore be too good or too bad.",
        runbook=(
            "`xenha inventory SOURCE` names them with reasons, and so does the page of xenha; with "
            "`-o pool.json` it writes the bug report."
        ),
    ),
    Rule(
        alert="XenhaXapiPromisesTooMuch",
        severity="info",
        hold="15m",
        expr=of_pool(f"(xenha_xapi_plan_exists_for_hosts\n  > {on('pool')} {_TOLERANCE})"),
        summary="{{ $labels.pool_name }}: xapi promises more than is possible",
        description=(
            f"xapi believes in a plan for {HOSTS_TEXT}; that many failures are proven not to be survived: "
            f"the tolerance is {lookup('xenha_tolerance_upper_hosts', _SIMULTANEOUS)} at most."
        ),
        runbook=(
            "Trust the lower figure. xapi recomputes on few occasions; "
            "`xe pool-ha-compute-max-host-failures-to-tolerate` makes it think again."
        ),
    ),
)

RULES = (*_POOL_RULES, *DAEMON_RULES)


def render(hold: str | None = None) -> str:
    """Return the rules as the YAML of a Prometheus rule file.

    `hold` replaces every rule's `for` ("0s": fire at once), to try the way from a pool to a mailbox. Raises
    ValueError if it is no duration of Prometheus.
    """
    return "\n".join(_lines(document(hold))) + "\n"


def document(hold: str | None = None) -> dict[str, Any]:
    """Return the rules as the tree that a Prometheus rule file holds; `hold` as for `render`."""
    if hold is not None and not re.fullmatch(r"(\d+(ms|[smhdwy]))+", hold):
        raise ValueError(f"hold {hold!r}: expected a duration such as 0s, 90s or 1h30m")
    return {
        "groups": [
            {"name": "xenha", "rules": [_entry(rule, rule.hold if hold is None else hold) for rule in RULES]}
        ]
    }


def _entry(rule: Rule, hold: str) -> dict[str, Any]:
    return {
        "alert": rule.alert,
        "expr": rule.expr,
        "for": hold,
        "labels": {"severity": rule.severity},
        "annotations": {
            "summary": rule.summary,
            "description": rule.description,
            "runbook": rule.runbook,
        },
    }


def _lines(tree: dict[str, Any]) -> Iterator[str]:
    yield "# Alert rules of xenha, written by `xenha rules`. Name the file under rule_files in Prometheus."
    yield "groups:"
    for group in tree["groups"]:
        yield f"  - name: {group['name']}"
        yield "    rules:"
        for entry in group["rules"]:
            yield from _entry_lines(entry)


def _entry_lines(entry: dict[str, Any]) -> Iterator[str]:
    yield f"      - alert: {entry['alert']}"
    yield "        expr: |-"
    yield from (f"          {line}" for line in entry["expr"].splitlines())
    yield f"        for: {entry['for']}"
    for part in ("labels", "annotations"):
        yield f"        {part}:"
        for name, text in entry[part].items():
            yield f"          {name}: {text if part == 'labels' else _quoted(text)}"


def _quoted(text: str) -> str:
    """Return a double-quoted YAML scalar: JSON's strings are a subset of YAML's."""
    return json.dumps(text, ensure_ascii=False)
