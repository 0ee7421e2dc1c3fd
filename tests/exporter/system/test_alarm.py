"""From a pool to a mailbox, all programs real: XenAPI, xenha, Prometheus, Alertmanager, mail and webhook."""

from __future__ import annotations

from email.message import EmailMessage

import httpx
import pytest

from lab.demo import demo_pool
from lab.xapi.server import serve

pytestmark = pytest.mark.system


def _raised(alert: str, status: str):
    """Return whether a post of Alertmanager is about an alert in some status."""
    return lambda post: post["status"] == status and post["groupLabels"]["alertname"] == alert


def _subject(text: str):
    return lambda mail: mail["Subject"] == text


def _text(mail: EmailMessage) -> str:
    body = mail.get_body(("plain",))
    assert body is not None
    return body.get_content()


def test_a_vm_that_overcommits_the_pool_reaches_a_mailbox_and_resolves(
    operator, prometheus, mail_server, webhook, wait_until
) -> None:
    wait_until(lambda: prometheus.ask('xenha_overcommitted{state="no"} == 1'), "Prometheus sees the pool")
    [vm] = operator.VM.get_by_name_label("reporting-db")

    operator.VM.start(vm, False, False)

    mail = mail_server.inbox.wait_for(_subject("[FIRING] demo is overcommitted"), "firing")
    text = _text(mail)
    assert "The pool survives the failure of 1 host at most; it is asked to survive 2." in text
    assert "Severity: critical" in text
    assert "What to do: " in text
    post = webhook.inbox.wait_for(_raised("XenhaOvercommitted", "firing"), "firing")
    [alert] = post["alerts"]
    assert alert["labels"]["pool_name"] == "demo"
    assert alert["labels"]["pool"] == operator.pool.get_uuid(operator.pool.get_all()[0])
    assert alert["annotations"]["summary"] == "demo is overcommitted"

    operator.VM.hard_shutdown(vm)

    mail = mail_server.inbox.wait_for(_subject("[RESOLVED] demo is overcommitted"), "resolved")
    assert "RESOLVED: demo is overcommitted" in _text(mail)
    webhook.inbox.wait_for(_raised("XenhaOvercommitted", "resolved"), "resolved")
    wait_until(
        lambda: prometheus.ask('xenha_overcommitted{state="yes"} == bool 0'), "Prometheus sees it, too"
    )


def test_ten_alerts_of_one_kind_are_one_mail(alertmanager, mail_server) -> None:
    labels = {"alertname": "XenhaProtectedVmHalted", "pool": "p", "severity": "critical"}
    alerts = [
        {
            "labels": labels | {"vm": f"v{i}"},
            "annotations": {"summary": f"VM {i} is halted", "description": "d", "runbook": "r"},
        }
        for i in range(10)
    ]
    httpx.post(f"http://{alertmanager}/api/v2/alerts", json=alerts, timeout=60).raise_for_status()
    mail = mail_server.inbox.wait_for(lambda mail: "is halted" in mail["Subject"], "of ten VMs")
    assert mail["Subject"] == "[FIRING] VM 0 is halted (and more)"
    assert [f"VM {i} is halted" in _text(mail) for i in range(10)] == [True] * 10


def test_a_pool_that_cannot_be_reached_reaches_a_mailbox_and_resolves(
    pool_api, password, xenha, prometheus, mail_server, webhook, wait_until
) -> None:
    wait_until(lambda: prometheus.ask("xenha_up == 1"), "Prometheus sees the pool")
    address = pool_api.url.removeprefix("http://").rstrip("/")

    pool_api.stop()

    mail = mail_server.inbox.wait_for(_subject("[FIRING] demo cannot be reached"), "firing")
    assert "every figure shown is the last known one" in _text(mail)
    webhook.inbox.wait_for(_raised("XenhaPoolUnreachable", "firing"), "firing")
    wait_until(lambda: "The pool cannot be reached." in xenha.get("/").text, "the page says so")
    page = xenha.get("/").text
    assert "tone-good" not in page
    assert "last known: target met" in page

    with serve(demo_pool(), listen=address, password=password):
        mail_server.inbox.wait_for(_subject("[RESOLVED] demo cannot be reached"), "resolved")
        webhook.inbox.wait_for(_raised("XenhaPoolUnreachable", "resolved"), "resolved")
        wait_until(lambda: "tone-good" in xenha.get("/").text, "the page says so")
