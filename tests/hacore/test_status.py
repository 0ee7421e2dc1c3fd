"""The snapshot and its line: nothing is lost on the way, what is no snapshot is refused with a sentence."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import fields, replace
from math import inf
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hacore import status as public
from hacore.core.timing import timing
from hacore.status import (
    FORMAT,
    LATENCY_BOUNDS_SECONDS,
    NOTHING_MEASURED,
    SNAPSHOT_BYTES_MAX,
    Channel,
    Evidence,
    Fences,
    Histogram,
    Host,
    Network,
    Peer,
    Status,
    StatusError,
    Storage,
    Watchdog,
    decode,
    encode,
    intervals_of,
    plain,
)

NS = 1_000_000_000
MEASURED = Histogram((0.5, 1.0), (3, 0, 2), 9.5)


def sample(**changes: Any) -> Status:
    status = Status(
        version="0.1.0",
        at_seconds=1_800_000_000.5,
        uptime_seconds=60.0,
        host=Host("u1", "quay-1", 0),
        generation="g",
        intervals=intervals_of(timing(60 * NS, NS)),
        isolation="evidence",
        quorum="disk",
        weight=1,
        state="member",
        state_age_seconds=50.0,
        armed=True,
        watchdog=Watchdog("device", 6.0, 57.5, None),
        epoch=7,
        liveset=("u1", "u2"),
        leader="u1",
        cause="joined",
        dead=(),
        condemned=("u3",),
        mode="disk",
        network_degraded=False,
        unresolved=False,
        waiting="",
        check_in_age_seconds=0.1,
        storage=Storage(True, 0.5, None, 8, 0, 1, 2, MEASURED, MEASURED, MEASURED, NOTHING_MEASURED),
        networks=(Network("lan", "eth0", None, 5, 6, 0, 0, MEASURED),),
        peers=(
            Peer(
                "u2",
                "quay-2",
                1,
                "member",
                True,
                7,
                True,
                True,
                1,
                1,
                (Channel("disk", 1.5, 61.6, 0, 0, ""),),
            ),
            Peer("u3", "ключ-3", 2, None, None, None, None, None, None, None, ()),
        ),
        evidence=Evidence(None, 0, 1),
        fences=Fences("none", None, {"brain": 1}),
        warnings=('it said: "no"\n',),
        refused_packets={"mac": 3},
        disbelieved_slots={},
    )
    return replace(status, **changes)


def altered(change: Callable[[dict[str, Any]], None]) -> bytes:
    """The line of the sample after a change to what it says."""
    told = json.loads(encode(sample()))
    change(told)
    return json.dumps(told).encode()


# There and back


def test_nothing_is_lost_on_the_way() -> None:
    line = encode(sample())
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert decode(line) == sample()


def test_the_format_stands_first() -> None:
    assert next(iter(plain(sample()))) == "format"
    assert plain(sample())["format"] == FORMAT


def test_keys_nobody_knows_are_passed_over() -> None:
    """A newer daemon may say more than an older exporter understands."""

    def more(told: dict[str, Any]) -> None:
        told["moon"] = "full"
        told["storage"]["colour"] = "red"
        told["peers"][0]["channels"][0]["smell"] = None

    assert decode(altered(more)) == sample()


def test_whole_numbers_are_seconds_too() -> None:
    status = decode(altered(lambda told: told.update(uptime_seconds=60)))
    assert status == sample()
    assert isinstance(status.uptime_seconds, float)


@given(st.lists(st.integers(0, 1 << 63), min_size=2, max_size=20), st.floats(0, 1e12))
def test_every_histogram_comes_back(counts: list[int], total: float) -> None:
    bounds = tuple(float(i) for i in range(1, len(counts)))
    taken = Histogram(bounds, tuple(counts), total)
    storage = replace(sample().storage, write=taken)
    assert decode(encode(sample(storage=storage))).storage.write == taken


@given(st.text(max_size=200))
def test_every_text_comes_back(text: str) -> None:
    assert decode(encode(sample(waiting=text))).waiting == text


def test_every_annotation_has_its_reader() -> None:
    """The classes are the one description of the format: a new field must be readable."""
    line = altered(lambda told: None)
    assert {field.name for field in fields(Status)} == set(json.loads(line)) - {"format"}


def test_what_is_public_is_told() -> None:
    assert sorted(public.__all__) == sorted(set(public.__all__))
    assert all(hasattr(public, name) for name in public.__all__)


# Refused


def put(path: str, value: Any) -> Callable[[dict[str, Any]], None]:
    """Return a change that puts a value at a path such as "storage.works" or "peers.0.index"."""
    *way, last = (int(step) if step.isdigit() else step for step in path.split("."))

    def change(told: Any) -> None:
        for step in way:
            told = told[step]
        told[last] = value

    return change


WRONG = {
    "armed: expected true or false, got 1": put("armed", 1),
    "epoch: expected a whole number from 0 on, got -1": put("epoch", -1),
    "epoch: expected a whole number from 0 on, got true": put("epoch", True),
    "epoch: expected a whole number from 0 on, got 1.0": put("epoch", 1.0),
    "host: expected an object, got []": put("host", []),
    "host.name: expected a text of at most 4096 letters, got null": put("host.name", None),
    'host.name: expected a text of at most 4096 letters, got "\\ud800"': put("host.name", "\ud800"),
    "uptime_seconds: expected seconds, got true": put("uptime_seconds", True),
    'state: expected one of absent, joining, member, leaving, excluded, fencing, got "dead"': put(
        "state", "dead"
    ),
    'mode: expected one of disk, grants, majority, got "prayer"': put("mode", "prayer"),
    'peers[0].state: expected one of absent, joining, member, leaving, excluded, fencing, got "x"': put(
        "peers.0.state", "x"
    ),
    "peers[0].channels[0].warning_percent: expected 0, 25 or 50, got 30": put(
        "peers.0.channels.0.warning_percent", 30
    ),
    "peers[0].channels[0].timeout_seconds: expected seconds above 0, got 0.0": put(
        "peers.0.channels.0.timeout_seconds", 0
    ),
    "intervals.timeout_seconds: expected seconds above 0, got -1.0": put("intervals.timeout_seconds", -1),
    "storage.write: expected rising bounds and one count more than bounds": put("storage.write.counts", [1]),
    "networks[0].lateness: expected rising bounds and one count more than bounds": put(
        "networks.0.lateness.bounds_seconds", [1.0, 1.0]
    ),
    "liveset: expected a list of at most 1024, got 5": put("liveset", 5),
    "liveset: expected each once": put("liveset", ["u1", "u1"]),
    '"u9": expected the uuid of the host or of a peer': put("dead", ["u9"]),
    '"u8": expected the uuid of the host or of a peer': put("leader", "u8"),
    "host and peers: expected each once": put("peers.0.uuid", "u1"),
    "index of host and peers: expected each once": put("peers.0.index", 0),
    "refused_packets: expected an object of counts, got []": put("refused_packets", []),
    "refused_packets.mac: expected a whole number from 0 on, got null": put("refused_packets.mac", None),
    "peers[0].armed: expected true or false, got 0": put("peers.0.armed", 0),
}


@pytest.mark.parametrize("sentence", WRONG)
def test_a_wrong_value_is_refused_with_its_place(sentence: str) -> None:
    with pytest.raises(StatusError) as refused:
        decode(altered(WRONG[sentence]))
    assert str(refused.value) == sentence


LINES = {
    b"": "not JSON: ",
    b"{": "not JSON: ",
    b"\xff": "not JSON: ",
    b"[" * 100_000: "not JSON: ",
    b"[]": "expected an object, got []",
    b"{}": 'format: expected "xenha-daemon/1", got null',
    b'{"format": "xenha-daemon/2"}': 'format: expected "xenha-daemon/1", got "xenha-daemon/2"',
    b'{"format": "xenha-daemon/1"}': "version: required key is missing",
    b'{"error": "no such request"}': 'the daemon refuses: "no such request"',
    b" "
    * (SNAPSHOT_BYTES_MAX + 1): f"expected at most {SNAPSHOT_BYTES_MAX} bytes, got {SNAPSHOT_BYTES_MAX + 1}",
}


@pytest.mark.parametrize("line", LINES, ids=lambda line: line[:30].decode("latin-1"))
def test_a_wrong_line_is_refused(line: bytes) -> None:
    with pytest.raises(StatusError) as refused:
        decode(line)
    assert str(refused.value).startswith(LINES[line])
    assert len(str(refused.value)) < 300


@pytest.mark.parametrize("number", [b"NaN", b"Infinity", b"-Infinity", b"1e999", b"9" * 5_000, b"9" * 400])
def test_what_is_no_number_is_refused(number: bytes) -> None:
    line = encode(sample()).replace(b'"uptime_seconds": 60.0', b'"uptime_seconds": ' + number)
    assert number in line
    with pytest.raises(StatusError):
        decode(line)


@pytest.mark.parametrize("field", fields(Status), ids=lambda field: field.name)
def test_every_key_is_needed(field: Any) -> None:
    with pytest.raises(StatusError, match=f"^{field.name}: required key is missing$"):
        decode(altered(lambda told: told.pop(field.name)))


def test_more_hosts_than_there_can_be_are_refused() -> None:
    peers = tuple(replace(sample().peers[1], uuid=f"v{i}", index=i) for i in range(1, 65))
    with pytest.raises(StatusError, match=r"^expected at most 64 hosts, got 65$"):
        decode(encode(sample(peers=peers)))


def problem_of(line: bytes) -> str:
    """Why a line is refused; empty if it is believed. Any other error than that is a bug."""
    try:
        decode(line)
    except StatusError as error:
        return str(error)
    return ""


@given(st.integers(0, 10_000), st.binary(max_size=3))
def test_a_mangled_line_is_refused_in_one_line_or_whole(at: int, more: bytes) -> None:
    line = encode(sample())
    at %= len(line)
    assert "\n" not in problem_of(line[:at] + more + line[at + 1 :])


def test_a_reason_with_a_line_break_is_refused_in_one_line() -> None:
    line = altered(put("refused_packets", {"a\nb": -1}))
    assert problem_of(line) == 'refused_packets: expected a printable name, got "a\\nb"'


# Histograms


@pytest.mark.parametrize(
    ("counts", "share", "bound"),
    [((0, 0, 0), 0.99, 0.0), ((9, 1, 0), 0.9, 0.5), ((9, 1, 0), 0.99, 1.0), ((9, 0, 1), 0.99, inf)],
)
def test_a_bound_that_a_share_kept(counts: tuple[int, ...], share: float, bound: float) -> None:
    assert Histogram((0.5, 1.0), counts, 1.0).bound_seconds(share) == bound


def test_the_usual_bounds_rise() -> None:
    assert list(LATENCY_BOUNDS_SECONDS) == sorted(set(LATENCY_BOUNDS_SECONDS))
    assert NOTHING_MEASURED.count == 0
