"""What an alert rule is made of, and how rules put names beside uuids. Decides nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severity = Literal["critical", "warning", "info"]

SOURCE_LABELS = "job, instance"
"""Several exporters may watch one pool: names are joined within one scrape, never across two."""
_POOL_NAME = 'label_replace(xenha_pool_info, "pool_name", "$1", "name", "(.*)")'
_HOST_NAME = 'label_replace(xenha_host_info, "host_name", "$1", "name", "(.*)")'
_VM_NAME = 'label_replace(xenha_vm_info, "vm_name", "$1", "name", "(.*)")'
HOSTS_TEXT = "{{ $value }} host{{ if ne $value 1.0 }}s{{ end }}"


@dataclass(frozen=True, slots=True)
class Rule:
    """One alert. `hold`: how long `expr` must be true before it fires, in Prometheus' notation.

    `runbook` says what to do, in a sentence or two: it arrives with the mail.
    """

    alert: str
    severity: Severity
    hold: str
    expr: str
    summary: str
    description: str
    runbook: str


def on(*labels: str) -> str:
    """Return the matching of a join within one scrape."""
    return f"on ({', '.join((SOURCE_LABELS, *labels))})"


def of_pool(expr: str) -> str:
    """Return the rule's expression with the name of the pool; it must keep the label `pool`."""
    return f"{expr}\n  * {on('pool')} group_left (pool_name)\n    {_POOL_NAME}"


def of_host(expr: str) -> str:
    """Return the expression with the names of host and pool."""
    return of_pool(f"{expr}\n  * {on('pool', 'host')} group_left (host_name)\n    {_HOST_NAME}")


def of_vm(expr: str) -> str:
    """Return the expression with the names of VM and pool."""
    return of_pool(f"{expr}\n  * {on('pool', 'vm')} group_left (vm_name)\n    {_VM_NAME}")


def lookup(metric: str, matcher: str = "") -> str:
    """Return a template that looks up the value of another series of the alert's pool."""
    query = f"printf `{metric}{{pool=%q{matcher}}}` $labels.pool | query"
    return f"{{{{ with {query} }}}}{{{{ . | first | value }}}}{{{{ else }}}}?{{{{ end }}}}"
