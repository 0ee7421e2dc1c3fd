"""Alert rules about the daemons of the hosts: silent, late, unarmed, without storage, left out.

They speak where daemons are watched, and are silent elsewhere. What a link or a host does to all others is
one alert, not one a reporter.
"""

from __future__ import annotations

from exporter.rule import HOSTS_TEXT, Rule, on

_INFO = 'label_replace(xenha_daemon_info, "host_name", "$1", "name", "(.*)")'
_POOL_NAMES = "max without (host, name, version, generation, isolation, quorum, watchdog) (xenha_daemon_info)"
_OF_POOL = "{{ with $labels.pool_name }} of {{ . }}{{ end }}"
_HOST = "{{ $labels.host_name }}" + _OF_POOL
_PEER = (
    "{{ with printf `xenha_host_info{host=%q} or xenha_daemon_info{host=%q}` $labels.peer $labels.peer"
    ' | query }}{{ . | first | label "name" }}{{ else }}{{ $labels.peer }}{{ end }}'
)
_REPORTERS = (
    "{{ with printf `count(xenha_daemon_channel_late_ratio{peer=%q,channel=%q})` $labels.peer $labels.channel"
    " | query }}{{ . | first | value }}{{ else }}?{{ end }}"
)
_MISSING = (
    "{{ range $i, $host := printf "
    '`label_replace(xenha_daemon_peer_member{host=%q} == 0, "host", "$1", "peer", "(.*)")'
    " * on (job, instance, host) group_left (name) xenha_host_info` $labels.host"
    " | query | sortByLabel `name` }}{{ if $i }},{{ end }} {{ $host.Labels.name }}"
    "{{ else }} not known by name{{ end }}"
)
_MEMBER = f"and {on('pool', 'host')} xenha_daemon_member == 1"


def _of_daemon(expr: str) -> str:
    """Return the expression with the names of the daemon's host and pool; it must keep pool and host."""
    return f"{expr}\n  * {on('pool', 'host')} group_left (host_name, pool_name)\n    {_INFO}"


def _of_their_pool(expr: str) -> str:
    """Return an expression without a host, with the name of the pool as the daemons' series have it."""
    return f"{expr}\n  * {on('pool')} group_left (pool_name)\n    {_POOL_NAMES}"


def _late(alert: str, share: str, percent: int) -> Rule:
    urgent = percent >= 50
    return Rule(
        alert=alert,
        severity="critical" if urgent else "warning",
        hold="0s",
        expr=_of_their_pool(f"(max without (host) (xenha_daemon_channel_late_ratio) >= {share})"),
        summary=f"{_PEER}{_OF_POOL} is late on {{{{ $labels.channel }}}}: {percent} % of its timeout passed",
        description=(
            f"Hosts that miss news of {_PEER} on {{{{ $labels.channel }}}}: {_REPORTERS}. One points to a "
            "link, all of them to the host or to the channel itself."
        ),
        runbook=(
            "Look at the matrix on the page of xenha: a row, a column or a whole channel that is late; "
            "`xenhad status --watch` shows one host's row. Check the host's load, its links and switch, or "
            "the array of the heartbeat SR. Set a longer T where such pauses are usual (multipath, mirrored "
            "storage)."
        ),
    )


def _lease(alert: str, share: str, percent: int) -> Rule:
    urgent = percent >= 50
    return Rule(
        alert=alert,
        severity="critical" if urgent else "warning",
        hold="0s",
        expr=_of_daemon(f"(xenha_daemon_late_ratio >= {share})"),
        summary=f"{_HOST} {'is about to fence itself' if urgent else 'renews its lease late'}",
        description=(
            f"More than {percent} % of T passed before the host could renew its lease on life. If T passes, "
            "its watchdog reboots it, and its protected VMs restart elsewhere."
        ),
        runbook=(
            "Usually the heartbeat SR answers slowly or not at all: check paths, array and the load of the "
            "control domain. `xenhad status --watch` on the host shows the time it has left. Several hosts "
            "at once point to the array."
        ),
    )


DAEMON_RULES: tuple[Rule, ...] = (
    Rule(
        alert="XenhaDaemonDown",
        severity="critical",
        hold="1m",
        expr=_of_daemon("(xenha_daemon_up == 0)") + f"\nor {on('socket')}\n  xenha_daemon_up == 0",
        summary="xenhad on {{ or $labels.host_name $labels.socket }}" + _OF_POOL + " does not answer",
        description=(
            "Nobody answers on {{ $labels.socket }}. The host may be down, may have fenced itself, or only "
            "its daemon has ended: then its watchdog reboots it."
        ),
        runbook=(
            "Is the host up? Then `xenhad status` there says why nobody answers, and the journal of xenhad "
            "what came before. If it is meant to be gone, take its socket out of the key daemons of the "
            "configuration and restart `xenha serve`."
        ),
    ),
    Rule(
        alert="XenhaHostNotMember",
        severity="critical",
        hold="5m",
        expr=_of_daemon(
            f"(xenha_daemon_member == 0\n  unless {on('pool', 'host')} "
            'xenha_daemon_state{state="excluded"} == 1)'
        ),
        summary=f"{_HOST} is not a member",
        description=(
            "Its daemon runs and is not in the liveset: the host may not run protected VMs, and nobody "
            "counts on it. It did not leave on purpose."
        ),
        runbook="`xenhad status` on the host says what it waits for: mostly storage, or a way to a member.",
    ),
    Rule(
        alert="XenhaMemberUnarmed",
        severity="critical",
        hold="1m",
        expr=_of_daemon(f"(xenha_daemon_armed == 0\n  {_MEMBER})"),
        summary=f"{_HOST} is a member without an armed watchdog",
        description=(
            "The host counts as one that fences itself, and would not: if it hangs, its VMs may run twice."
        ),
        runbook="`xenhad arm` on the host, unless somebody disarmed it on purpose; then end that soon.",
    ),
    _lease("XenhaFenceNear", "0.5", 50),
    _lease("XenhaLeaseLate", "0.25", 25),
    _late("XenhaHeartbeatNearTimeout", "0.5", 50),
    _late("XenhaHeartbeatLate", "0.25", 25),
    Rule(
        alert="XenhaStorageLost",
        severity="critical",
        hold="0s",
        expr=_of_daemon(f"(xenha_daemon_storage_works == 0\n  {_MEMBER})"),
        summary=f"{_HOST} has lost the heartbeat disk",
        description=(
            "The host can no longer write its slot or read those of the others. If others still can, it "
            "fences itself before T has passed; if nobody can, all stay as long as all hear each other."
        ),
        runbook=(
            "Check the paths of the host to the heartbeat SR first, then the array. `xenhad dump --watch 10` "
            "shows whose slots are still written."
        ),
    ),
    Rule(
        alert="XenhaNetworkDegraded",
        severity="warning",
        hold="1m",
        expr=_of_their_pool("(max without (host) (xenha_daemon_network_degraded) == 1)"),
        summary="Heartbeat network degraded{{ with $labels.pool_name }} in {{ . }}{{ end }}",
        description=(
            "Some members do not hear each other over any network. All stay, for nobody would be better off; "
            "with the disk lost as well, hosts would fence."
        ),
        runbook=(
            "The page of xenha shows who does not hear whom, `xenhad status` whom one host hears: check "
            "those links and switches."
        ),
    ),
    Rule(
        alert="XenhaLivesetSmall",
        severity="warning",
        hold="5m",
        expr=_of_daemon(
            "(xenha_daemon_configured_hosts - xenha_daemon_liveset_hosts > 0\n"
            f"  and {on('pool', 'host')} xenha_daemon_leader == 1)"
        ),
        summary=f"{HOSTS_TEXT} outside the liveset" + "{{ with $labels.pool_name }} of {{ . }}{{ end }}",
        description=f"As {{{{ $labels.host_name }}}}, the leader, sees it. Missing:{_MISSING}.",
        runbook=(
            "`xenhad status` on the missing host says for what it waits. Bring it back, or take it out of "
            "the configuration if it is gone for good."
        ),
    ),
    Rule(
        alert="XenhaSlotCopiesLow",
        severity="warning",
        hold="0s",
        expr=_of_daemon("(xenha_daemon_storage_copies_left <= 3)"),
        summary=f"{_HOST}: {{{{ $value }}}} clean copies of its slot left",
        description=(
            "Writes to the heartbeat disk failed and may still land later: those copies are set aside until "
            "an hour after the last failure. With fewer than two left the host decides nothing; with none it "
            "has lost the heartbeat disk."
        ),
        runbook=(
            "Find out why writes fail; `xenhad dump --copies` shows each copy. Copies come back one an hour; "
            "if that is too long, `xenhad leave` and reboot the host in peace."
        ),
    ),
    Rule(
        alert="XenhaHostFenced",
        severity="warning",
        hold="0s",
        expr=_of_daemon("(time() - xenha_daemon_fence_timestamp_seconds < 3600)"),
        summary=f"{_HOST} has fenced itself ({{{{ $labels.cause }}}})",
        description="{{ $value | humanizeDuration }} ago the host rebooted by its own hand.",
        runbook=(
            "storage_lost: see its paths to the heartbeat SR. left_out: see its networks, and the journal of "
            "xenhad on the leader. brain: report a bug, with the journal of xenhad. `xenhad status` says "
            "whether it is a member again."
        ),
    ),
)
