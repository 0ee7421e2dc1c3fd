"""The address that xapi gives for a member becomes a URL reached the same way."""

from __future__ import annotations

import pytest

from planner.inventory.address import member_url


@pytest.mark.parametrize(
    ("url", "address", "expected"),
    [
        ("https://master", "10.0.0.2", "https://10.0.0.2"),
        ("https://master:444", "10.0.0.2", "https://10.0.0.2:444"),
        ("http://127.0.0.1:8080", "127.0.0.1:9090", "http://127.0.0.1:9090"),
        ("https://master", "host-2.example", "https://host-2.example"),
        ("https://master:444", "2001:db8::2", "https://[2001:db8::2]:444"),
        ("https://master", "[2001:db8::2]:443", "https://[2001:db8::2]:443"),
        ("https://master", "", None),
        ("https://master", "a b/c", None),
        ("https://master", "evil@elsewhere", None),
        ("https://master", "host:notaport", None),
        ("https://master", "host:99999", None),
    ],
)
def test_member_url(url: str, address: str, expected: str | None) -> None:
    assert member_url(url, address) == expected
