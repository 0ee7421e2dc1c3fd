"""The alert against a recovery-time objective (B10). Data; silent where no objective is configured."""

from __future__ import annotations

from exporter.rule import Rule, lookup, of_pool, on

_SLOW_HOSTS = (
    "{{ range $i, $host := printf `(xenha_host_failure_recovery_seconds{pool=%q}"
    " > on (job, instance, pool) group_left () xenha_recovery_objective_seconds)"
    " * on (job, instance, pool, host) group_left (name) xenha_host_info` $labels.pool"
    " | query | sortByLabel `name` }}{{ if $i }},{{ end }} {{ $host.Labels.name }}"
    " ({{ humanizeDuration $host.Value }}){{ else }} not known{{ end }}"
)

# The prediction is absent for a moment after every change of the pool: five minutes bridge that.
RECOVERY_RULE = Rule(
    alert="XenhaRecoveryTooSlow",
    severity="warning",
    hold="5m",
    expr=of_pool(
        "(last_over_time(xenha_predicted_recovery_seconds[5m])\n"
        f"  > {on('pool')} xenha_recovery_objective_seconds)"
    ),
    summary="{{ $labels.pool_name }}: a host failure would last too long",
    description=(
        "After the failure of one host it is predicted to take {{ humanizeDuration $value }} until every "
        f"protected VM serves again; the objective is {lookup('xenha_recovery_objective_seconds')} s. Hosts "
        f"beyond it (+Inf: some VMs would not restart at all):{_SLOW_HOSTS}."
    ),
    runbook=(
        "`xenha plan SOURCE --fail HOST` shows what the time consists of. Shorten start delays, put VMs that "
        "need not wait into an earlier order, spread VMs over more hosts, or correct the boot times that are "
        "assumed (boot_seconds in the configuration, the tag xenha:boot-seconds of a VM)."
    ),
)
