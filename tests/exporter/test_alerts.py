"""The alert rules: they speak of metrics that exist, and fire, stay silent and resolve when they should.

`promtool` judges: it is the same code that evaluates the rules in Prometheus.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import typer

from exporter.alerts import RULES, render
from exporter.catalogue import BY_NAME
from exporter.cli.app import app
from exporter.rule import Rule
from hacore.commands.parser import COMMANDS

needs_promtool = pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")

FOREIGN = {"up"}
"""Prometheus' own metrics."""
JOIN_LABELS = {"job", "instance", "pool_name", "host_name", "vm_name"}
"""Labels that Prometheus or the rules themselves add."""

POOL = {
    "xenha_pool_info{pool='p', name='Harbour', master='h1'}": "1x60",
    "xenha_build_info{version='1'}": "1x60",
}
TARGET = {"xenha_tolerance_target_hosts{pool='p'}": "2x60"}
SIMULTANEOUS = "{pool='p', kind='simultaneous'}"


def _pool(**labels: str) -> dict[str, str]:
    return {"pool": "p", "pool_name": "Harbour", **labels}


# One story a rule: series (beside POOL), when it must be silent, when it must fire (minutes), the labels.
STORIES = {
    "XenhaOvercommitted": (
        TARGET
        | {
            f"xenha_tolerance_upper_hosts{SIMULTANEOUS}": "2x9 1x10 2x30",
            "xenha_tolerance_upper_hosts{pool='p', kind='sequential'}": "1x60",
            "xenha_overcommitted{pool='p', state='yes'}": "0x9 1x10 0x30",
            "xenha_overcommitted{pool='p', state='no'}": "1x9 0x10 1x30",
        },
        (5, 10, 21),
        (11, 20),
        [_pool()],
    ),
    "XenhaNoTolerance": (
        TARGET
        | {
            f"xenha_tolerance_upper_hosts{SIMULTANEOUS}": "1x9 0x5 -1x5 1x30",
            "xenha_host_failure_unplaced_vms{pool='p', host='h1'}": "0x60",
            "xenha_host_failure_unplaced_vms{pool='p', host='h2'}": "3x60",
            "xenha_host_failure_unplaced_vms{pool='p', host='h3'}": "1x60",
            "xenha_host_info{pool='p', host='h1', name='quay-1'}": "1x60",
            "xenha_host_info{pool='p', host='h2', name='quay-2'}": "1x60",
            "xenha_host_info{pool='p', host='h3', name='quay-3'}": "1x60",
        },
        (5, 10, 22),
        (11, 20),
        [_pool()],
    ),
    "XenhaRecoveryTooSlow": (
        {
            "xenha_recovery_objective_seconds{pool='p'}": "300x60",
            # Absent for three minutes after a change, at 14 to 16: the alert must not start anew.
            "xenha_predicted_recovery_seconds{pool='p'}": "300x9 +Inf 400x3 stale _x2 400x5 299x40",
            "xenha_host_failure_recovery_seconds{pool='p', host='h1'}": "400x60",
            "xenha_host_failure_recovery_seconds{pool='p', host='h2'}": "300x60",
            "xenha_host_failure_recovery_seconds{pool='p', host='h3'}": " ".join(["+Inf"] * 61),
            "xenha_host_info{pool='p', host='h1', name='quay-1'}": "1x60",
            "xenha_host_info{pool='p', host='h2', name='quay-2'}": "1x60",
            "xenha_host_info{pool='p', host='h3', name='quay-3'}": "1x60",
        },
        (5, 9, 14, 40),
        (15, 16, 17, 20),
        [_pool()],
    ),
    "XenhaToleranceUnknown": (
        TARGET
        | {
            f"xenha_tolerance_lower_hosts{SIMULTANEOUS}": "1x60",
            f"xenha_tolerance_upper_hosts{SIMULTANEOUS}": "2x60",
            "xenha_overcommitted{pool='p', state='unknown'}": "0x9 1x30 0x20",
        },
        (5, 20, 45),
        (25, 40),
        [_pool()],
    ),
    "XenhaNoFigure": (
        {
            "xenha_up{pool='p', source='https://p'}": "1x60",
            f"xenha_tolerance_lower_hosts{SIMULTANEOUS}": "_x20 1x39",
        },
        (3, 30),
        (6, 19),
        [_pool(source="https://p")],
    ),
    "XenhaPlanStale": (
        {"xenha_plan_lag_seconds{pool='p'}": "0x9 180x10 0x30"},
        (9, 10, 21),
        (11, 20),
        [_pool()],
    ),
    "XenhaPoolUnreachable": (
        {
            "xenha_up{pool='p', source='https://p'}": "1x9 0x10 1x30",
            "xenha_up{pool='', source='https://q'}": "1x9 0x10 1x30",
        },
        (5, 11, 21),
        (12, 20),
        [_pool(source="https://p"), {"source": "https://q"}],
    ),
    "XenhaNotScraped": (
        {
            "up{job='xenha', instance='a:9877'}": "1x9 0x10 1x30",
            "up{job='other', instance='b:9100'}": "0x60",
            "xenha_build_info{version='1', job='xenha', instance='a:9877'}": "1x9 stale _x9 1x30",
        },
        (5, 12, 21),
        (13, 19),
        [{"job": "xenha", "instance": "a:9877"}],
    ),
    "XenhaHostDown": (
        {
            "xenha_host_info{pool='p', host='h1', name='quay-1'}": "1x60",
            "xenha_host_live{pool='p', host='h1'}": "1x9 0x10 1x30",
            "xenha_host_enabled{pool='p', host='h1'}": "1x60",
            "xenha_host_info{pool='p', host='h2', name='in maintenance'}": "1x60",
            "xenha_host_live{pool='p', host='h2'}": "0x60",
            "xenha_host_enabled{pool='p', host='h2'}": "0x60",
        },
        (5, 10, 21),
        (11, 20),
        [_pool(host="h1", host_name="quay-1")],
    ),
    "XenhaProtectedVmHalted": (
        {
            "xenha_vm_info{pool='p', vm='v1', name='ledger'}": "1x60",
            "xenha_vm_protected_halted{pool='p', vm='v1'}": "_x10 1x20 stale",
        },
        (9, 14, 32),
        (16, 30),
        [_pool(vm="v1", vm_name="ledger")],
    ),
    "XenhaProtectedVmNotAgile": (
        {
            "xenha_vm_info{pool='p', vm='v1', name='ledger'}": "1x60",
            "xenha_vm_protected_not_agile{pool='p', vm='v1'}": "_x10 1x20 stale",
        },
        (9, 14, 32),
        (16, 30),
        [_pool(vm="v1", vm_name="ledger")],
    ),
    "XenhaRecordsRejected": (
        {
            "xenha_inventory_rejected_records{pool='p', class='VM'}": "0x9 2x20 0x30",
            "xenha_inventory_rejected_records{pool='p', class='SR'}": "0x9 1x20 0x30",
        },
        (9, 19, 31),
        (20, 30),
        [_pool()],
    ),
    "XenhaXapiPromisesTooMuch": (
        {
            "xenha_xapi_plan_exists_for_hosts{pool='p'}": "2x9 3x30 1x20",
            f"xenha_tolerance_upper_hosts{SIMULTANEOUS}": "2x60",
        },
        (9, 24, 41),
        (25, 40),
        [_pool()],
    ),
}

DAEMON = "{pool='p', host='h1'}"
INFO = {
    "xenha_daemon_info{pool='p', host='h1', name='quay-1', pool_name='Harbour', version='1'}": "1x99",
    "xenha_daemon_info{pool='p', host='h2', name='quay-2', pool_name='Harbour', version='1'}": "1x99",
    "xenha_host_info{pool='p', host='h1', name='quay-1'}": "1x99",
    "xenha_host_info{pool='p', host='h3', name='quay-3'}": "1x99",
}
STRAY = {"xenha_daemon_info{host='h9', name='stray-9', version='1'}": "1x60"}
"""A daemon whose host no watched pool has."""


def _daemon(**labels: str) -> dict[str, str]:
    return _pool(host="h1", host_name="quay-1", **labels)


def _late_story(metric: str, values: str) -> dict[str, str]:
    """Two hosts miss news of h3 on one network; a stray host misses those of another."""
    return (
        INFO
        | STRAY
        | {f"{metric}{{pool='p', host='{host}', peer='h3', channel='lan'}}": values for host in ("h1", "h2")}
        | {f"{metric}{{host='h9', peer='h8', channel='disk'}}": values}
    )


_LATE_LABELS = [_pool(peer="h3", channel="lan"), {"peer": "h8", "channel": "disk"}]

STORIES |= {
    "XenhaDaemonDown": (
        INFO
        | {
            "xenha_daemon_up{pool='p', host='h1', socket='/run/1.sock'}": "1x9 0x10 1x30",
            "xenha_daemon_up{pool='p', host='h2', socket='/run/2.sock'}": "1x60",
            "xenha_daemon_up{pool='', host='', socket='/run/9.sock'}": "1x9 0x10 1x30",
        },
        (5, 10, 21),
        (11, 20),
        [_daemon(socket="/run/1.sock"), {"socket": "/run/9.sock"}],
    ),
    "XenhaHostNotMember": (
        INFO
        | STRAY
        | {
            f"xenha_daemon_member{DAEMON}": "1x9 0x20 1x30",
            "xenha_daemon_member{pool='p', host='h2'}": "0x60",
            "xenha_daemon_state{pool='p', host='h2', state='excluded'}": "1x60",
            "xenha_daemon_state{pool='p', host='h1', state='excluded'}": "0x60",
            "xenha_daemon_member{host='h9'}": "1x9 0x20 1x30",
        },
        (5, 14, 31),
        (15, 30),
        [_daemon(), {"host": "h9", "host_name": "stray-9"}],
    ),
    "XenhaMemberUnarmed": (
        INFO
        | {
            f"xenha_daemon_member{DAEMON}": "1x60",
            f"xenha_daemon_armed{DAEMON}": "1x9 0x10 1x30",
            "xenha_daemon_member{pool='p', host='h2'}": "0x60",
            "xenha_daemon_armed{pool='p', host='h2'}": "0x60",
        },
        (5, 10, 21),
        (11, 20),
        [_daemon()],
    ),
    "XenhaFenceNear": (
        INFO | {f"xenha_daemon_late_ratio{DAEMON}": "0x4 0.25x4 0.5x10 0x30"},
        (3, 9, 21),
        (10, 20),
        [_daemon()],
    ),
    "XenhaLeaseLate": (
        INFO | {f"xenha_daemon_late_ratio{DAEMON}": "0x9 0.25x10 0x30"},
        (9, 21),
        (10, 20),
        [_daemon()],
    ),
    "XenhaHeartbeatNearTimeout": (
        _late_story("xenha_daemon_channel_late_ratio", "_x4 0.25x5 0.5x9 stale"),
        (9, 21),
        (10, 18),
        _LATE_LABELS,
    ),
    "XenhaHeartbeatLate": (
        _late_story("xenha_daemon_channel_late_ratio", "_x10 0.25x9 stale"),
        (9, 21),
        (10, 19),
        _LATE_LABELS,
    ),
    "XenhaStorageLost": (
        INFO
        | {
            f"xenha_daemon_member{DAEMON}": "1x60",
            f"xenha_daemon_storage_works{DAEMON}": "1x9 0x10 1x30",
            "xenha_daemon_member{pool='p', host='h2'}": "0x60",
            "xenha_daemon_storage_works{pool='p', host='h2'}": "0x60",
        },
        (9, 21),
        (10, 20),
        [_daemon()],
    ),
    "XenhaNetworkDegraded": (
        INFO
        | {
            f"xenha_daemon_network_degraded{DAEMON}": "0x9 1x10 0x30",
            "xenha_daemon_network_degraded{pool='p', host='h2'}": "0x9 1x10 0x30",
        },
        (9, 10, 21),
        (11, 20),
        [_pool()],
    ),
    "XenhaLivesetSmall": (
        INFO
        | {
            f"xenha_daemon_{what}_hosts{DAEMON}": values
            for what, values in (("configured", "3x60"), ("liveset", "3x9 2x20 3x30"))
        }
        | {
            f"xenha_daemon_{what}_hosts{{pool='p', host='h2'}}": values
            for what, values in (("configured", "3x60"), ("liveset", "2x60"))
        }
        | {
            f"xenha_daemon_leader{DAEMON}": "1x60",
            "xenha_daemon_leader{pool='p', host='h2'}": "0x60",
            "xenha_daemon_peer_member{pool='p', host='h1', peer='h2'}": "1x60",
            "xenha_daemon_peer_member{pool='p', host='h1', peer='h3'}": "1x9 0x20 1x30",
        },
        (9, 14, 31),
        (15, 30),
        [_daemon()],
    ),
    "XenhaSlotCopiesLow": (
        INFO | {f"xenha_daemon_storage_copies_left{DAEMON}": "8x4 4x4 3x10 8x30"},
        (9, 21),
        (10, 20),
        [_daemon()],
    ),
    "XenhaHostFenced": (
        INFO
        | {"xenha_daemon_fence_timestamp_seconds{pool='p', host='h1', cause='storage_lost'}": "_x10 300x90"},
        (9, 66),
        (10, 64),
        [_daemon(cause="storage_lost")],
    ),
}
"""Rules about daemons."""

TEXTS = {
    "XenhaOvercommitted": (
        "Harbour is overcommitted",
        "The pool survives the failure of 1 host at most; it is asked to survive 2. After that many failures "
        "some protected VMs would stay down. This is proven: the page of xenha shows hosts and VMs that do "
        "not fit.",
    ),
    "XenhaNoTolerance": (
        "Harbour survives no host failure",
        "The next host that fails may leave protected VMs down. Hosts at risk, with the number of protected "
        "VMs that would not restart: quay-2 (3), quay-3 (1).",
    ),
    "XenhaToleranceUnknown": (
        "Harbour: nobody knows whether it is overcommitted",
        "The tolerance could not be settled against the target of 2: it lies between 1 and 2. Unknown is not "
        "good: the pool may be overcommitted.",
    ),
    "XenhaPlanStale": (
        "Harbour: the figures lag behind the pool",
        "The pool changed 3m 0s ago; the figures speak of what was before.",
    ),
    "XenhaNotScraped": (
        "xenha a:9877 is not scraped",
        "Prometheus gets no figures from xenha: none of its other alerts can fire.",
    ),
    "XenhaHostDown": (
        "Host quay-1 of Harbour is down",
        "The host is not live although it is enabled. The tolerance shown is that of the other hosts.",
    ),
    "XenhaProtectedVmHalted": (
        "Protected VM ledger is halted",
        "A protected VM of Harbour is to run always, and is halted.",
    ),
    "XenhaProtectedVmNotAgile": (
        "Protected VM ledger cannot run on every host",
        "Some live enabled hosts of Harbour do not reach all storage, networks and devices of this protected "
        "VM. It restarts on the others only, and lowers the tolerance.",
    ),
    "XenhaRecordsRejected": (
        "Harbour: records left out (3)",
        "These records are left out of all figures, which may therefore be too good or too bad.",
    ),
    "XenhaXapiPromisesTooMuch": (
        "Harbour: xapi promises more than is possible",
        "xapi believes in a plan for 3 hosts; that many failures are proven not to be survived: the "
        "tolerance is 2 at most.",
    ),
    "XenhaRecoveryTooSlow": (
        "Harbour: a host failure would last too long",
        "After the failure of one host it is predicted to take 6m 40s until every protected VM serves again; "
        "the objective is 300 s. Hosts beyond it (+Inf: some VMs would not restart at all): quay-1 (6m 40s), "
        "quay-3 (+Inf).",
    ),
    "XenhaMemberUnarmed": (
        "quay-1 of Harbour is a member without an armed watchdog",
        "The host counts as one that fences itself, and would not: if it hangs, its VMs may run twice.",
    ),
    "XenhaFenceNear": (
        "quay-1 of Harbour is about to fence itself",
        "More than 50 % of T passed before the host could renew its lease on life. If T passes, its watchdog "
        "reboots it, and its protected VMs restart elsewhere.",
    ),
    "XenhaStorageLost": (
        "quay-1 of Harbour has lost the heartbeat disk",
        "The host can no longer write its slot or read those of the others. If others still can, it fences "
        "itself before T has passed; if nobody can, all stay as long as all hear each other.",
    ),
    "XenhaLivesetSmall": (
        "1 host outside the liveset of Harbour",
        "As quay-1, the leader, sees it. Missing: quay-3.",
    ),
    "XenhaSlotCopiesLow": (
        "quay-1 of Harbour: 3 clean copies of its slot left",
        "Writes to the heartbeat disk failed and may still land later: those copies are set aside until an "
        "hour after the last failure. With fewer than two left the host decides nothing; with none it has "
        "lost the heartbeat disk.",
    ),
    "XenhaHostFenced": (
        "quay-1 of Harbour has fenced itself (storage_lost)",
        "5m 0s ago the host rebooted by its own hand.",
    ),
}
"""What people read when a story's alert fires: summary and description."""


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.alert)
def test_every_metric_and_label_of_a_rule_is_in_the_catalogue(rule) -> None:
    texts = (rule.expr, rule.summary, rule.description)
    names = {name for text in texts for name in re.findall(r"\b(xenha_\w+|up)\b", text)} - FOREIGN
    assert names <= set(BY_NAME), "a rule on a metric that nobody exports never fires"
    assert names or rule.alert == "XenhaNotScraped"
    known = {label for name in names for label in (*BY_NAME[name].labels, "name")} | JOIN_LABELS
    groups = re.findall(r"(?:on|group_left|without) \(([\w, ]*)\)", rule.expr)
    labels = {label.strip() for group in groups for label in group.split(",")}
    labels |= set(re.findall(r"[{,](\w+)=", rule.expr)) | set(re.findall(r"\$labels\.(\w+)", " ".join(texts)))
    assert labels <= known


OPTIONS = {
    **{
        f"xenha {name}": {flag for parameter in command.params for flag in parameter.opts}
        for name, command in typer.main.get_command(app).commands.items()
    },
    **{f"xenhad {each.name}": {flag for one in each.options for flag in one.names} for each in COMMANDS},
}
"""What can be typed, and its options."""


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.alert)
def test_every_runbook_names_a_command_that_can_be_typed(rule: Rule) -> None:
    commands = [words.split() for words in re.findall(r"`(xenhad? [^`]*|xe [^`]*)`", rule.runbook)]
    assert commands, "whoever is woken wants to know what to type"
    for program, name, *rest in commands:
        if program != "xe":
            options = OPTIONS[f"{program} {name}"]
            assert options.issuperset(word for word in rest if word.startswith("-"))


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.alert)
def test_states_asked_for_exist(rule) -> None:
    for metric, state in re.findall(r'(xenha_\w+){state="(\w+)"}', rule.expr):
        assert state in BY_NAME[metric].states


def test_names_are_unique_and_every_rule_has_a_story() -> None:
    assert [rule.alert for rule in RULES] == list(dict.fromkeys(rule.alert for rule in RULES))
    assert {rule.alert for rule in RULES} == set(STORIES)


def test_hold_replaces_every_for() -> None:
    assert set(re.findall(r"^        for: (.*)$", render("0s"), re.MULTILINE)) == {"0s"}


@pytest.mark.parametrize("hold", ["", "5", "1 m", "-1s", "0s\nfoo: bar"])
def test_a_hold_that_is_no_duration_is_refused(hold: str) -> None:
    with pytest.raises(ValueError, match="expected a duration such as"):
        render(hold)


@needs_promtool
@pytest.mark.parametrize("hold", [None, "0s", "1h30m"])
def test_promtool_accepts_the_rules(tmp_path: Path, hold: str | None) -> None:
    (tmp_path / "rules.yml").write_text(render(hold))
    done = _promtool("check", "rules", str(tmp_path / "rules.yml"))
    assert f"SUCCESS: {len(RULES)} rules found" in done.stdout, done.stdout + done.stderr


@needs_promtool
def test_every_rule_fires_stays_silent_and_resolves(tmp_path: Path) -> None:
    """Judge names, times and labels of every story by `promtool test rules`, texts left out."""
    (tmp_path / "rules.yml").write_text(_without_annotations(render()))
    done = _run_stories(tmp_path, texts={})
    assert done.returncode == 0, done.stdout + done.stderr


@needs_promtool
def test_two_exporters_may_watch_one_pool(tmp_path: Path) -> None:
    """A join across two scrapes would be many-to-many, and every rule would break off."""
    (tmp_path / "rules.yml").write_text(_without_annotations(render()))
    stories = [_story(alert, None) for alert in STORIES if alert != "XenhaNotScraped"]
    for story in stories:
        story["input_series"] = [
            {**series, "series": series["series"].replace("{", f"{{job='xenha', instance='{instance}', ")}
            for series in story["input_series"]
            for instance in "ab"
        ]
        for check in story["alert_rule_test"]:
            check["exp_alerts"] = [
                {**alert, "exp_labels": {"job": "xenha", "instance": instance, **alert["exp_labels"]}}
                for instance in "ab"
                for alert in check["exp_alerts"]
            ]
    done = _judge(tmp_path, stories)
    assert done.returncode == 0, done.stdout + done.stderr


@needs_promtool
def test_texts_name_pool_host_and_figures(tmp_path: Path) -> None:
    """Judge what people read, word by word."""
    (tmp_path / "rules.yml").write_text(render())
    texts = {
        rule.alert: {"summary": summary, "description": description, "runbook": _filled(rule)}
        for rule in RULES
        if rule.alert in TEXTS
        for summary, description in (TEXTS[rule.alert],)
    }
    done = _run_stories(tmp_path, texts=texts)
    assert done.returncode == 0, done.stdout + done.stderr


@needs_promtool
def test_texts_without_names_still_say_what_and_how_many(tmp_path: Path) -> None:
    """A peer is named as well as anybody can; a daemon that never answered, by its socket."""
    (tmp_path / "rules.yml").write_text(render())
    late = _texts(
        "XenhaHeartbeatLate",
        (
            "quay-3 of Harbour is late on lan: 25 % of its timeout passed",
            "Hosts that miss news of quay-3 on lan: 2.",
        ),
        ("h8 is late on disk: 25 % of its timeout passed", "Hosts that miss news of h8 on disk: 1."),
    )
    down = _texts(
        "XenhaDaemonDown",
        ("xenhad on quay-1 of Harbour does not answer", "Nobody answers on /run/1.sock."),
        ("xenhad on /run/9.sock does not answer", "Nobody answers on /run/9.sock."),
    )
    done = _judge(tmp_path, [late, down])
    assert done.returncode == 0, done.stdout + done.stderr


def _filled(rule: Rule) -> str:
    """Return the runbook with the labels of the story's first alert."""
    labels = STORIES[rule.alert][3][0]
    return re.sub(r"{{ \$labels\.(\w+) }}", lambda found: labels[found[1]], rule.runbook)


def _texts(alert: str, *texts: tuple[str, str]) -> dict[str, Any]:
    """Return the story of a rule with summary and the first sentence of the description of each alert."""
    rule = next(rule for rule in RULES if rule.alert == alert)
    story = _story(alert, {"runbook": rule.runbook})
    rest = rule.description.rpartition("{{")[2].partition("}}.")[2]
    for check in story["alert_rule_test"]:
        for found, (summary, sentence) in zip(check["exp_alerts"], texts, strict=False):
            found["exp_annotations"] = {
                "summary": summary,
                "description": sentence + rest,
                "runbook": rule.runbook,
            }
    return story


def _run_stories(folder: Path, texts: dict[str, dict[str, str]]) -> subprocess.CompletedProcess[str]:
    return _judge(
        folder, [_story(alert, texts.get(alert)) for alert in STORIES if not texts or alert in texts]
    )


def _judge(folder: Path, stories: list[dict[str, Any]]) -> subprocess.CompletedProcess[str]:
    tests = {"rule_files": ["rules.yml"], "evaluation_interval": "1m", "tests": stories}
    (folder / "tests.yml").write_text(json.dumps(tests))
    return _promtool("test", "rules", str(folder / "tests.yml"))


def _story(alert: str, texts: dict[str, str] | None) -> dict[str, Any]:
    series, silent, firing, labels = STORIES[alert]
    severity = next(rule.severity for rule in RULES if rule.alert == alert)
    expected = [
        {"exp_labels": {"severity": severity, **found}, "exp_annotations": texts or {}} for found in labels
    ]
    if texts:
        firing = firing[:1]
    base = POOL if alert != "XenhaNotScraped" else {}
    return {
        "interval": "1m",
        "input_series": [{"series": name, "values": values} for name, values in (base | series).items()],
        "alert_rule_test": [
            {"eval_time": f"{minute}m", "alertname": alert, "exp_alerts": alerts}
            for minutes, alerts in ((silent, []), (firing, expected))
            for minute in minutes
        ],
    }


def _without_annotations(rules: str) -> str:
    return re.sub(r"        annotations:\n(          .*\n)+", "", rules)


def _promtool(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["promtool", *arguments], capture_output=True, text=True, timeout=60, check=False)
