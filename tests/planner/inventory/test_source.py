"""SOURCE: what each text means, and what is refused with which sentence."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from hacore.clock import SystemClock
from planner.errors import SourceError
from planner.inventory.follow import follow
from planner.inventory.source import (
    ApiSource,
    Credentials,
    DemoSource,
    FileSource,
    Source,
    load,
    parse_source,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("pool.json", FileSource("pool.json")),
        ("/var/lib/a b.json", FileSource("/var/lib/a b.json")),
        ("-", FileSource("-")),
        ("demo", FileSource("demo")),
        ("C:pool.json", FileSource("C:pool.json")),
        ("demo:", DemoSource()),
        ("https://master.example", ApiSource("https://master.example")),
        ("https://root@master.example", ApiSource("https://master.example", "root")),
        ("https://master.example/", ApiSource("https://master.example")),
        ("HTTP://Master.Example:8080", ApiSource("http://master.example:8080")),
        ("https://DOMAIN%5Cuser@10.0.0.1:443", ApiSource("https://10.0.0.1:443", "DOMAIN\\user")),
        ("https://a%40b@[2001:db8::1]:444", ApiSource("https://[2001:db8::1]:444", "a@b")),
        ("https://[fe80::1]", ApiSource("https://[fe80::1]")),
    ],
)
def test_what_a_text_means(text: str, expected: Source) -> None:
    assert parse_source(text) == expected


EXPECTED = "expected a pool file, https://root@master.example or demo:"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", f'"": not a file name; {EXPECTED}'),
        ("demo:large", f"demo:large: demo: takes nothing behind the colon; {EXPECTED}"),
        ("ssh://master", f"ssh://master: ssh:// is no way to reach a pool; {EXPECTED}"),
        ("https://", f"https://: names no host; {EXPECTED}"),
        ("https://root@", f"https://: names no host; {EXPECTED}"),
        ("https://master/api", f"https://master/api: nothing may follow the host; {EXPECTED}"),
        ("https://master?x=1", f"https://master?x=1: nothing may follow the host; {EXPECTED}"),
        (
            "https://master:port",
            "https://master:port: not a URL: Port could not be cast to integer value as 'port'",
        ),
        ("https://master:99999", "https://master:99999: not a URL: Port out of range 0-65535"),
        (
            "https://root:secret@master",
            "https://master: a password in a URL ends up in process lists; use XENHA_PASSWORD",
        ),
        (
            "https://root:sec@ret@master:1",
            "https://master:1: a password in a URL ends up in process lists; use XENHA_PASSWORD",
        ),
        (
            "https://:secret@master",
            "https://master: a password in a URL ends up in process lists; use XENHA_PASSWORD",
        ),
    ],
)
def test_what_is_refused(text: str, message: str) -> None:
    with pytest.raises(SourceError) as refused:
        parse_source(text)
    assert str(refused.value) == message
    assert "secret" not in str(refused.value)


def test_credentials_do_not_show_their_password() -> None:
    assert "secret" not in repr(Credentials(password="secret"))


def test_demo_is_not_ours_to_make() -> None:
    with pytest.raises(SourceError, match=r"^demo:: the simulated pool is made by the command line"):
        load(DemoSource(), Credentials(), SystemClock())
    with pytest.raises(SourceError, match=r"^demo:: "):
        follow(DemoSource(), Credentials(), clock=SystemClock(), stop=threading.Event(), seen=print)


def test_an_api_needs_a_password() -> None:
    source = parse_source("https://root@master.example")
    message = r"^https://master\.example: needs a password: set XENHA_PASSWORD or use --password-file$"
    with pytest.raises(SourceError, match=message):
        load(source, Credentials(), SystemClock())
    with pytest.raises(SourceError, match=message):
        follow(source, Credentials(), clock=SystemClock(), stop=threading.Event(), seen=print)


def test_a_ca_file_that_is_not_there(tmp_path: Path) -> None:
    missing = tmp_path / "ca.pem"
    with pytest.raises(SourceError, match=r"ca\.pem: cannot be used as a list of certificates: No such file"):
        load(parse_source("https://127.0.0.1:1"), Credentials(password="x", ca_file=missing), SystemClock())


def test_a_ca_file_without_certificates(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("hello")
    credentials = Credentials(password="x", ca_file=tmp_path / "ca.pem")
    with pytest.raises(SourceError, match=r"ca\.pem: cannot be used as a list of certificates"):
        load(parse_source("https://127.0.0.1:1"), credentials, SystemClock())
