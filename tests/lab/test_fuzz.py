"""Whatever a client sends, XAPI's error or an HTTP status comes back, never a traceback."""

from __future__ import annotations

import contextlib
import socket
import xmlrpc.client
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hacore.clock import SystemClock
from lab.pools import small_pool
from lab.xapi.classes import CLASSES
from lab.xapi.codec import BadBody, JsonRpc, XmlRpc
from lab.xapi.errors import XapiError
from lab.xapi.populate import database
from lab.xapi.server import RunningServer, answer
from lab.xapi.sessions import Account
from lab.xapi.world import METHODS, Lab

DB = database(small_pool())
REFS = [ref for name in CLASSES for ref in DB.refs(name)[:2]]

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False),
    st.text(max_size=8),
    st.sampled_from(["", "0", "-1", "OpaqueRef:NULL", "vm-0", "VM", "*", "restart"]),
    st.sampled_from(REFS),
)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=6,
)
quiet = settings(max_examples=300, suppress_health_check=list(HealthCheck))


def fresh_lab() -> tuple[Lab, str]:
    lab = Lab(database(small_pool()), Account("root", "xenha"), SystemClock())
    return lab, lab.call("session.login_with_password", ("root", "xenha"))


def refusal(lab: Lab, name: str, params: tuple[Any, ...]) -> str:
    """Call; return the code of XAPI's error, "" for none. Any other exception is the bug we look for."""
    try:
        lab.call(name, params)
    except XapiError as error:
        return error.code
    return ""


@pytest.fixture(scope="module")
def lab() -> tuple[Lab, str]:
    return fresh_lab()


# event.next waits for as long as nothing happens; everything else answers
ANSWERING = sorted(set(METHODS) - {"event.next"})


@quiet
@given(name=st.sampled_from(ANSWERING), params=st.lists(values, max_size=5))
def test_any_parameters_for_any_method(lab: tuple[Lab, str], name: str, params: list[Any]) -> None:
    """Only XapiError may come out. Time-outs are cut short, so that event.from does not wait."""
    world, _ = lab
    session = world.call("session.login_with_password", ("root", "xenha"))
    if name == "event.from":
        params = [*params[:2], 0.0, *params[3:]]
    refusal(world, name, (session, *params))


def test_every_method_with_parameters_of_the_right_types() -> None:
    """A method given plausible parameters may refuse them for what they say, not for what they are."""
    world, _ = fresh_lab()
    for name in ANSWERING:
        session = world.call("session.login_with_password", ("root", "xenha"))
        method = METHODS[name]
        params = [_plausible(world, param.type, param.target) for param in method.params]
        code = refusal(world, name, (session, *params) if method.needs_session else tuple(params))
        assert code not in {"FIELD_TYPE_ERROR", "MESSAGE_PARAMETER_COUNT_MISMATCH"}, name


SHARED = fresh_lab()


def _plausible(world: Lab, kind: str, target: str) -> Any:
    if kind in {"ref", "any_ref"}:
        refs = world.db.refs(target) if target else []
        return refs[0] if refs else "OpaqueRef:NULL"
    if kind == "refs":
        return world.db.refs(target)[:1]
    return {
        "string": "x",
        "int": "1",
        "float": 0.0,
        "bool": False,
        "time": "20260101T00:00:00Z",
        "set": [],
        "map": {},
        "any": "",
    }[kind]


@quiet
@given(body=st.binary(max_size=200))
def test_random_bytes_are_no_call(body: bytes) -> None:
    for codec in (XmlRpc(), JsonRpc()):
        with contextlib.suppress(BadBody):
            codec.parse(body)


PIECES = (
    "<methodCall>",
    "</methodCall>",
    "<methodName>",
    "</methodName>",
    "VM.get_all",
    "<params>",
    "</params>",
    "<param>",
    "</param>",
    "<value>",
    "</value>",
    "<int>",
    "</int>",
    "<struct>",
    "</struct>",
    "<member>",
    "</member>",
    "<name>",
    "</name>",
    "<array>",
    "</array>",
    "<data>",
    "</data>",
    "<boolean>",
    "</boolean>",
    "<double>",
    "</double>",
    "<nil/>",
    "<base64>",
    "</base64>",
    "<dateTime.iso8601>",
    "</dateTime.iso8601>",
    "1",
    "x",
    "&amp;",
    "&lt;",
    "<bigdecimal>",
    "</bigdecimal>",
    "1e999",
)


@quiet
@given(pieces=st.lists(st.sampled_from(PIECES), max_size=30))
def test_xml_out_of_shuffled_pieces(pieces: list[str]) -> None:
    with contextlib.suppress(BadBody):
        XmlRpc().parse("".join(pieces).encode())


CALL = xmlrpc.client.dumps(("s", 1, 1.5, True, ["a"], {"k": "v"}), "VM.set_name_label").encode()


@quiet
@given(
    cuts=st.lists(
        st.tuples(st.integers(0, len(CALL)), st.integers(0, 20), st.binary(max_size=4)),
        min_size=1,
        max_size=4,
    )
)
def test_a_damaged_call(cuts: list[tuple[int, int, bytes]]) -> None:
    body = CALL
    for start, length, insert in cuts:
        body = body[:start] + insert + body[start + length :]
    try:
        request = XmlRpc().parse(body)
    except BadBody:
        return
    assert b"INTERNAL_ERROR" not in answer(SHARED[0], XmlRpc(), request)


@quiet
@given(value=values)
def test_answers_can_be_read_again(value: Any) -> None:
    """What set_other_config stores comes back the same by both formats."""
    lab, session = SHARED
    vm = lab.db.refs("VM")[0]
    request = JsonRpc().parse(
        b'{"jsonrpc": "2.0", "id": 1, "method": "VM.get_other_config", "params": ["%s", "%s"]}'
        % (session.encode(), vm.encode())
    )
    try:
        lab.call("VM.set_other_config", (session, vm, value))
    except XapiError:
        return
    ((by_xml,), _) = xmlrpc.client.loads(answer(lab, XmlRpc(), request).decode())
    assert by_xml["Value"] == value
    assert httpx.Response(200, content=answer(lab, JsonRpc(), request)).json()["result"] == value


@pytest.fixture
def socket_lines(server: RunningServer) -> Iterator[Any]:
    connections = []

    def send(data: bytes) -> bytes:
        host, port = server.address.split(":")
        connection = socket.create_connection((host, int(port)), timeout=60)
        connections.append(connection)
        received = bytearray()
        with contextlib.suppress(OSError):  # it need not listen to the end
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
        with contextlib.suppress(ConnectionError):
            while part := connection.recv(65536):
                received += part
        return bytes(received)

    yield send
    for connection in connections:
        connection.close()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\r\n\r\n",
        b"nonsense\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\nabc",
        b"POST / HTTP/9.9\r\n\r\n",
        b"POST /\x00 HTTP/1.1\r\nContent-Length: 0\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 500 + b"\r\n",
        b"\xff" * 1000 + b"\r\n\r\n",
        b"A" * 100_000,
    ],
)
def test_raw_nonsense_does_not_stop_the_server(server: RunningServer, socket_lines: Any, data: bytes) -> None:
    assert b"Traceback" not in socket_lines(data)
    with httpx.Client(base_url=server.url, trust_env=False, timeout=60) as client:
        assert client.get("/").status_code == 200
