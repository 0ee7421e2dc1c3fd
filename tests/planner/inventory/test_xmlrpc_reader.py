"""The streaming decoder against the standard library's, in any pieces, and with fields left out."""

from __future__ import annotations

import xmlrpc.client
from typing import Any
from xml.parsers.expat import ExpatError

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.inventory.xmlrpc_reader import DEPTH_MAX, XmlRpcReader

QUIET = settings(max_examples=200)

texts = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=8)
names = st.sampled_from(["uuid", "snapshot", "order", "other_config", "tags"])
values = st.recursive(
    st.booleans()
    | st.integers(-(2**31), 2**31 - 1)
    | texts
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names | texts, inner, max_size=4),
    max_leaves=20,
)


def decode(data: bytes, kept: frozenset[str] = frozenset(), *, piece: int = 1 << 16) -> Any:
    reader = XmlRpcReader(kept)
    for start in range(0, len(data), piece):
        reader.feed(data[start : start + piece])
    assert reader.close() == reader.close()
    return reader.close()[0]


def encode(value: Any) -> bytes:
    return xmlrpc.client.dumps((value,), methodresponse=True).encode()


def pruned(value: Any, kept: frozenset[str]) -> Any:
    """Return what is to be decoded: of the outermost structs called "snapshot" only the members in `kept`."""
    if isinstance(value, list):
        return [pruned(item, kept) for item in value]
    if not isinstance(value, dict):
        return value
    found = {}
    for key, item in value.items():
        if key == "snapshot" and isinstance(item, dict):
            found[key] = {name: part for name, part in item.items() if name in kept}
        else:
            found[key] = item if key == "snapshot" else pruned(item, kept)
    return found


@QUIET
@given(values, st.integers(1, 50), st.booleans())
def test_decodes_what_the_standard_library_encodes(value: Any, piece: int, keep_all: bool) -> None:
    kept = frozenset(["uuid", "tags"])
    everything = frozenset(["uuid", "snapshot", "order", "other_config", "tags"])
    wanted = everything if keep_all else kept
    assert decode(encode(value), wanted, piece=piece) == pruned(value, wanted)


def response(value: str) -> bytes:
    text = f"<?xml version='1.0'?><methodResponse><params><param>{value}</param></params></methodResponse>"
    return text.encode()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<value>untyped</value>", "untyped"),
        ("<value></value>", ""),
        ("<value/>", ""),
        ("<value><string></string></value>", ""),
        ("<value> <i4> 7 </i4> </value>", 7),
        ("<value><i8>9000000000</i8></value>", 9000000000),
        ("<value><boolean>1</boolean></value>", True),
        ("<value><nil/></value>", None),
        ("<value><dateTime.iso8601>20260102T03:04:05Z</dateTime.iso8601></value>", "20260102T03:04:05Z"),
        ("<value><array><data/></array></value>", []),
        ("<value>\n <struct>\n </struct>\n</value>", {}),
        ("<value>a &lt; b &amp; c</value>", "a < b & c"),
    ],
)
def test_what_servers_write(text: str, expected: object) -> None:
    assert decode(response(text)) == expected


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"hello",
        b"<html/>",
        b"<methodResponse/>",
        b"<methodResponse><params><param><value>x</value>",
        response("<value><int>seven</int></value>"),
        response("<value><int>" + "9" * 5000 + "</int></value>"),
        response("<value><boolean>yes</boolean></value>"),
        response("<name>x</name>"),
        response("<value><array><data>" * (DEPTH_MAX + 1) + "</data></array></value>" * (DEPTH_MAX + 1)),
        b'<!DOCTYPE methodResponse [<!ENTITY a "b">]>' + response("<value>&a;</value>"),
        b"<methodResponse><fault><value>no</value></fault></methodResponse>",
    ],
)
def test_what_is_no_answer(data: bytes) -> None:
    with pytest.raises((ExpatError, xmlrpc.client.ResponseError, ValueError)):
        decode(data)


def test_a_fault() -> None:
    with pytest.raises(xmlrpc.client.Fault) as fault:
        decode(xmlrpc.client.dumps(xmlrpc.client.Fault(4, "too many"), methodresponse=True).encode())
    assert (fault.value.faultCode, fault.value.faultString) == (4, "too many")


def test_a_snapshot_is_cut_down_with_all_that_is_below() -> None:
    event = {
        "class": "vm",
        "snapshot": {
            "uuid": "u",
            "blobs": {"uuid": "not this", "deep": [{"uuid": 1}]},
            "other_config": {"pci": "x", "blobs": "kept"},
        },
        "ref": "r",
    }
    expected = {
        "class": "vm",
        "snapshot": {"uuid": "u", "other_config": {"pci": "x", "blobs": "kept"}},
        "ref": "r",
    }
    assert decode(encode([event, event]), frozenset(["uuid", "other_config"])) == [expected, expected]
