"""What goes over the wire: formats, paths, content types, statuses."""

from __future__ import annotations

import http.client
import xmlrpc.client
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from lab.xapi.server import MAX_BODY_BYTES, RunningServer, parse_listen


@pytest.fixture
def http_client(server: RunningServer) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, trust_env=False, timeout=60) as client:
        yield client


def xml_call(method: str, *params: Any) -> bytes:
    return xmlrpc.client.dumps(params, method).encode()


LOGIN = xml_call("session.login_with_password", "root", "xenha")


@pytest.mark.parametrize("path", ["/", "/RPC2", "/xmlrpc", "/xmlrpc?session=x"])
def test_xml_rpc_on_every_path(http_client: httpx.Client, path: str) -> None:
    answer = http_client.post(path, content=LOGIN, headers={"Content-Type": "text/xml"})
    assert answer.headers["content-type"] == "text/xml"
    ((value,), _) = xmlrpc.client.loads(answer.text)
    assert value["Status"] == "Success"
    assert value["Value"].startswith("OpaqueRef:")


def test_xml_has_no_white_space_between_tags(http_client: httpx.Client) -> None:
    session = xmlrpc.client.loads(http_client.post("/", content=LOGIN).text)[0][0]["Value"]
    text = http_client.post("/", content=xml_call("host.get_all_records", session)).text
    assert "> <" not in text
    assert ">\n<" not in text
    assert "<value><struct><member><name>Status</name><value>Success</value></member>" in text


def test_integers_are_text_in_xml_and_numbers_in_json(xapi: Any, json_rpc: Any) -> None:
    ref = xapi.host.get_by_uuid("host-a")
    assert xapi.host.get_memory_overhead(ref) == "0"
    assert json_rpc("host.get_memory_overhead", ref) == 0


def test_types_of_the_data_model(xapi: Any, json_rpc: Any) -> None:
    vm = xapi.VM.get_by_uuid("vm-0")
    record, same = xapi.VM.get_record(vm), json_rpc("VM.get_record", vm)
    assert record["is_a_template"] is same["is_a_template"] is False
    assert record["HVM_shadow_multiplier"] == same["HVM_shadow_multiplier"] == 1.0
    assert isinstance(record["snapshot_time"], xmlrpc.client.DateTime)
    assert same["snapshot_time"] == record["snapshot_time"].value == "19700101T00:00:00Z"
    assert record["other_config"] == same["other_config"] == {}
    assert record["suspend_VDI"] == "OpaqueRef:NULL"
    assert record.keys() == same.keys()


def test_list_methods_comes_bare_and_needs_no_session(http_client: httpx.Client) -> None:
    ((methods,), _) = xmlrpc.client.loads(http_client.post("/", content=xml_call("system.listMethods")).text)
    by_json = http_client.post("/jsonrpc", json={"jsonrpc": "2.0", "method": "system.listMethods", "id": 1})
    assert methods == by_json.json()["result"]
    assert {"VM.get_all_records", "event.from", "event.inject", "VM.start", "lab.kill_host"} <= set(methods)
    assert "session.get_all_records" not in methods


def test_json_rpc_2_error(json_rpc: Any) -> None:
    answer = json_rpc.call("VM.get_record", json_rpc.session, "OpaqueRef:nobody")
    assert answer["error"] == {"code": 1, "message": "HANDLE_INVALID", "data": ["VM", "OpaqueRef:nobody"]}
    assert "result" not in answer


def test_json_rpc_1(http_client: httpx.Client) -> None:
    call = {"method": "session.login_with_password", "params": ["root", "wrong"], "id": "x"}
    refused = http_client.post("/jsonrpc", json=call).json()
    assert refused["result"] is None
    assert refused["error"][0] == "SESSION_AUTHENTICATION_FAILED"
    admitted = http_client.post("/jsonrpc", json=call | {"params": ["root", "xenha"]}).json()
    assert admitted["error"] is None
    assert admitted["result"].startswith("OpaqueRef:")
    assert admitted["id"] == "x"


def test_json_content_type_is_exact(http_client: httpx.Client) -> None:
    answer = http_client.post("/jsonrpc", json={"method": "system.listMethods", "id": 1})
    assert answer.headers["content-type"] == "application/json"


def test_a_connection_is_kept(server: RunningServer) -> None:
    connection = http.client.HTTPConnection(server.address, timeout=60)
    for _ in range(3):
        connection.request("POST", "/", LOGIN)
        used = connection.sock
        assert connection.getresponse().read().startswith(b"<?xml")
        assert connection.sock is used
    connection.close()


def test_a_stopped_server_cuts_connections_that_are_idle(server: RunningServer) -> None:
    connection = http.client.HTTPConnection(server.address, timeout=60)
    connection.request("POST", "/", LOGIN)
    connection.getresponse().read()
    server.stop()
    assert connection.sock.recv(1) == b""
    connection.close()


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 200),
        ("HEAD", "/", 200),
        ("GET", "/RPC2", 404),
        ("OPTIONS", "/jsonrpc", 200),
        ("PUT", "/", 405),
        ("DELETE", "/RPC2", 405),
        ("BREW", "/", 501),
        ("POST", "/elsewhere", 404),
    ],
)
def test_statuses(http_client: httpx.Client, method: str, path: str, status: int) -> None:
    assert http_client.request(method, path).status_code == status


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Content-Length": str(MAX_BODY_BYTES + 1)}, 413),
        ({"Content-Length": "9" * 5000}, 413),
        ({"Content-Length": "0" * 5000 + "1"}, 413),
        ({"Content-Length": "-1"}, 411),
        ({"Content-Length": "ten"}, 411),
        ({}, 411),
        ({"Transfer-Encoding": "chunked"}, 411),
    ],
)
def test_bodies_of_wrong_size(server: RunningServer, headers: dict[str, str], status: int) -> None:
    connection = http.client.HTTPConnection(server.address, timeout=60)
    connection.putrequest("POST", "/")
    for name, value in headers.items():
        connection.putheader(name, value)
    connection.endheaders()
    assert connection.getresponse().status == status
    connection.close()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\x00\xff",
        b"<a>",
        b"<methodCall/>",
        b"<methodResponse><params/></methodResponse>",
        b"<methodCall><methodName>VM.get_all</methodName><params><param><value><int>x</int></value></param></params></methodCall>",
        b'<!DOCTYPE x [<!ENTITY a "aaaa">]><methodCall><methodName>&a;</methodName></methodCall>',
        b"<methodCall><methodName>x</methodName><params><param>"
        + b"<value><array><data>" * 5000
        + b"</data></array></value>" * 5000
        + b"</param></params></methodCall>",
    ],
)
def test_xml_that_is_no_call(http_client: httpx.Client, body: bytes) -> None:
    answer = http_client.post("/", content=body)
    assert answer.status_code == 400
    assert "Traceback" not in answer.text


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"\xff\xfe",
        b"null",
        b'{"method": 1, "params": []}',
        b'{"method": "VM.get_all", "params": {"a": 1}}',
        b'{"method": "x", "params": [NaN]}',
        b"[" * 100_000,
    ],
)
def test_json_that_is_no_call(http_client: httpx.Client, body: bytes) -> None:
    assert http_client.post("/jsonrpc", content=body).status_code == 400


def test_names_that_xml_can_hardly_carry(json_rpc: Any, xapi: Any) -> None:
    vm = xapi.VM.get_by_uuid("vm-0")
    for text in ("<&>\"'", "a\r\nb", " \t ", "\N{SNOWMAN}\U0001f600", "]]>"):
        json_rpc("VM.set_name_label", vm, text)
        assert xapi.VM.get_name_label(vm) == text
    refused = json_rpc("VM.set_name_label", vm, "a\x00b")
    assert refused["message"] == "INVALID_VALUE"


@pytest.mark.parametrize("listen", ["", "8080", "host:", ":1", "host:port", "host:65536", "host:-1"])
def test_addresses_that_cannot_be_listened_on(listen: str) -> None:
    with pytest.raises(ValueError, match="expected HOST:PORT"):
        parse_listen(listen)
