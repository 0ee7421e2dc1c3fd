"""Login, logout, expiry, slaves."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
import XenAPI

from lab.pools import small_pool
from lab.xapi.server import RunningServer, serve
from tests.held import held_address


@pytest.mark.parametrize(
    ("user", "password"), [("root", ""), ("root", "Xenha"), ("admin", "xenha"), ("", "ü")]
)
def test_wrong_credentials(
    server: RunningServer,
    connect: Callable[[str], XenAPI.Session],
    refused: Callable[..., list[str]],
    user: str,
    password: str,
) -> None:
    session = connect(server.url)
    code, who, _ = refused(session.login_with_password, user, password)
    assert (code, who) == ("SESSION_AUTHENTICATION_FAILED", user)


def test_a_session_is_an_object(xapi: Any, json_rpc: Any) -> None:
    record = json_rpc("session.get_record", json_rpc.session)
    assert record["this_host"] == xapi.host.get_by_uuid("host-a")
    assert record["auth_user_name"] == "root"
    assert json_rpc("session.get_this_host", json_rpc.session) == record["this_host"]


def test_after_logout_the_session_is_invalid(json_rpc: Any) -> None:
    assert json_rpc("session.logout") == ""
    assert json_rpc("VM.get_all") == {"code": 1, "message": "SESSION_INVALID", "data": [json_rpc.session]}


@pytest.mark.parametrize("session", ["", "OpaqueRef:NULL", 7, None, ["x"], {}])
def test_things_that_are_no_session(json_rpc: Any, session: Any) -> None:
    assert json_rpc.call("VM.get_all", session)["error"]["message"] == "SESSION_INVALID"


def test_expired_sessions_log_in_again(server: RunningServer, xapi: Any, json_rpc: Any) -> None:
    assert server.state.expire_sessions() == 2
    assert json_rpc("VM.get_all")["message"] == "SESSION_INVALID"
    assert len(xapi.VM.get_all()) == 13  # the vendor's client logs in anew by itself


def test_expiry_ends_a_long_poll(server: RunningServer, json_rpc: Any) -> None:
    token = json_rpc("event.from", ["vm"], "", 0.0)["token"]
    answers: list[Any] = []
    poll = threading.Thread(target=lambda: answers.append(json_rpc("event.from", ["vm"], token, 60.0)))
    poll.start()
    assert server.state.wait_for_poll()
    server.state.expire_sessions()
    poll.join(60)
    assert answers[0]["message"] == "SESSION_INVALID"


def test_a_slave_sends_everybody_to_its_master(
    connect: Callable[[str], XenAPI.Session], refused: Callable[..., list[str]]
) -> None:
    with serve(small_pool(), slave_of="192.0.2.1") as slave:
        session = connect(slave.url)
        assert refused(session.login_with_password, "root", "xenha") == ["HOST_IS_SLAVE", "192.0.2.1"]
        assert "VM.start" in session.system.listMethods()


def test_stopping_twice_is_as_good_as_once_and_frees_the_port() -> None:
    with held_address() as address:
        first = serve(small_pool(), listen=address)
        first.stop()
        first.stop()
        again = serve(small_pool(), listen=address)
        assert again.url == first.url
        again.stop()
