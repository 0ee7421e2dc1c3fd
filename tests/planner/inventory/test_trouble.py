"""Servers that are no API, or a broken one: one line each, soon, and never the password."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from hacore.clock import SystemClock
from lab.demo import demo_pool
from lab.xapi.server import serve
from planner.errors import PoolUnreachable
from planner.inventory.source import ApiSource, Credentials, load
from planner.inventory.xenapi import ApiSession

WrongServer = Callable[[bytes], Any]

SECRET = "correct horse"
CREDENTIALS = Credentials(password=SECRET)


def http_answer(body: bytes, status: str = "200 OK") -> bytes:
    """Return a whole HTTP answer."""
    head = f"HTTP/1.1 {status}\r\nContent-Type: text/xml\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


@contextmanager
def free_port() -> Iterator[int]:
    """Hold a port on which nobody listens."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


def problem_of(url: str, credentials: Credentials = CREDENTIALS) -> str:
    with pytest.raises(PoolUnreachable) as unreachable:
        load(ApiSource(url), credentials, SystemClock())
    message = str(unreachable.value)
    assert message.startswith(f"{url}: ")
    assert "\n" not in message
    assert SECRET not in message
    return unreachable.value.problem


def xmlrpc(value: str) -> bytes:
    body = f"<?xml version='1.0'?><methodResponse><params><param>{value}</param></params></methodResponse>"
    return http_answer(body.encode())


def failure(*details: str) -> bytes:
    items = "".join(f"<value>{detail}</value>" for detail in details)
    return xmlrpc(
        "<value><struct><member><name>Status</name><value>Failure</value></member><member>"
        f"<name>ErrorDescription</name><value><array><data>{items}</data></array></value></member></struct></value>"
    )


NOT_XMLRPC = "the answer is not XML-RPC; is this a XenServer or XCP-ng host?"


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (http_answer(b"", "500 Internal Server Error"), "HTTP 500 Internal Server Error"),
        (http_answer(b"", "404 Not Found"), "HTTP 404 Not Found"),
        (http_answer(b"<html><body>Welcome</body></html>"), NOT_XMLRPC),
        (http_answer(b"hello"), NOT_XMLRPC),
        (http_answer(b""), NOT_XMLRPC),
        (http_answer(b"<methodResponse><params>"), NOT_XMLRPC),
        (http_answer(b'<!DOCTYPE x [<!ENTITY a "b">]><methodResponse/>'), NOT_XMLRPC),
        (b"SSH-2.0-OpenSSH_9.2\r\n", NOT_XMLRPC),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n<met", NOT_XMLRPC),
        (failure("SESSION_AUTHENTICATION_FAILED", "root", SECRET), "wrong user name or password"),
        (failure("HOST_STILL_BOOTING"), "the host is still booting"),
        (
            failure("INTERNAL_ERROR", f"bad\nthing with {SECRET}"),
            "refused with INTERNAL_ERROR bad thing with ***",
        ),
        (failure("HOST_IS_SLAVE", "not an address"), "refused with HOST_IS_SLAVE not an address"),
        (failure("HOST_IS_SLAVE"), "refused with HOST_IS_SLAVE"),
        (failure(), "the answer makes no sense (IndexError: list index out of range)"),
    ],
)
def test_a_wrong_answer(answer: bytes, problem: str, wrong_server: WrongServer) -> None:
    assert problem_of(wrong_server(answer).url) == problem


def test_an_answer_that_is_no_envelope(wrong_server: WrongServer) -> None:
    said = problem_of(wrong_server(xmlrpc("<value><struct></struct></value>")).url)
    assert said.startswith("the answer makes no sense (TypeError")


def test_a_fault(wrong_server: WrongServer) -> None:
    members = (
        "<member><name>faultCode</name><value><int>4</int></value></member>"
        "<member><name>faultString</name><value>Too many parameters.</value></member>"
    )
    body = f"<methodResponse><fault><value><struct>{members}</struct></value></fault></methodResponse>"
    assert problem_of(wrong_server(http_answer(body.encode())).url) == "XML-RPC fault 4: Too many parameters."


def test_nobody_listens() -> None:
    with free_port() as port:
        assert problem_of(f"http://127.0.0.1:{port}") == "connection refused"


def test_a_name_that_does_not_resolve() -> None:
    assert problem_of("http://host.invalid") == "host name does not resolve"


def test_a_server_that_says_nothing(wrong_server: WrongServer) -> None:
    session = ApiSession(wrong_server(b"").url, CREDENTIALS, read_seconds=0.05)
    with pytest.raises(PoolUnreachable, match=r": no answer in time$"):
        session.login()
    session.close()


def test_plain_http_where_tls_is_expected() -> None:
    with serve(demo_pool()) as plain:
        assert problem_of(f"https://{plain.address}") == "no TLS spoken there; is it http://?"


def test_tls_where_plain_http_is_expected(tls_url: str) -> None:
    assert problem_of(tls_url.replace("https:", "http:")) == "connection closed by the other side"


# TLS -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Return certificate and key of 127.0.0.1, signed by itself as those of fresh hosts are."""
    if shutil.which("openssl") is None:
        pytest.skip("needs the openssl command to make a certificate")
    folder = tmp_path_factory.mktemp("tls")
    cert, key = folder / "cert.pem", folder / "key.pem"
    command = (
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=lab"
    )
    extra = ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(cert)]
    subprocess.run([*command.split(), *extra], check=True, capture_output=True)
    return cert, key


@pytest.fixture
def tls_url(certificate: tuple[Path, Path]) -> Iterator[str]:
    """Serve "still booting" over TLS: whoever hears that has got through."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=_answer_over_tls, args=(listening, context), daemon=True).start()
        yield f"https://127.0.0.1:{listening.getsockname()[1]}"
        listening.shutdown(socket.SHUT_RDWR)


def _answer_over_tls(listening: socket.socket, context: ssl.SSLContext) -> None:
    while True:
        try:
            plain, _ = listening.accept()
        except OSError:
            return
        with plain, suppress(OSError), context.wrap_socket(plain, server_side=True) as connection:
            while b"</methodCall>" not in connection.recv(65536):
                pass
            connection.sendall(failure("HOST_STILL_BOOTING"))


def test_a_certificate_that_nobody_vouches_for(tls_url: str) -> None:
    said = problem_of(tls_url)
    assert said.startswith("TLS certificate not trusted: self")
    assert said.endswith("; give its CA, or --insecure")


def test_a_certificate_that_we_are_told_to_trust(tls_url: str, certificate: tuple[Path, Path]) -> None:
    assert (
        problem_of(tls_url, Credentials(password=SECRET, ca_file=certificate[0]))
        == "the host is still booting"
    )


def test_a_certificate_that_we_are_told_not_to_look_at(tls_url: str) -> None:
    assert problem_of(tls_url, Credentials(password=SECRET, verify_tls=False)) == "the host is still booting"


def test_a_certificate_of_another_host(tls_url: str, certificate: tuple[Path, Path]) -> None:
    url = tls_url.replace("127.0.0.1", "localhost")
    said = problem_of(url, Credentials(password=SECRET, ca_file=certificate[0]))
    assert said.startswith("TLS certificate not trusted: Hostname mismatch")
