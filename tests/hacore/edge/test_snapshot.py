"""The snapshot of a moment: it passes its own schema and says what the parts say."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from hacore.commands.status import duration, text_of
from hacore.config import Config
from hacore.configfile import load_config
from hacore.core.events import DiskCycle, Heard
from hacore.core.view import Mode, View
from hacore.core.words import Waiting
from hacore.edge.channels import Channels
from hacore.edge.doors import BUCKETS_NS, BeatMeter, DiskMeter, DogMeter, Histogram, Meters, NetMeter
from hacore.edge.parts import Memory
from hacore.edge.snapshot import Moment, status_of
from hacore.records import EMPTY_BLOCK, Cause, Decision, FenceCause, PacketBody, SlotBody, State
from hacore.status import LATENCY_BOUNDS_SECONDS, decode, encode

NS = 10**9
NOW = 1000 * NS
UUIDS = [f"00000000-0000-0000-0000-{i:012}" for i in (1, 2, 3)]
EPOCH = Decision(7, 0b011, (11, 12, 0), 1, Cause.DEAD)


@pytest.fixture
def config(tmp_path: Path) -> Config:
    (tmp_path / "key").write_text("5a" * 32)
    (tmp_path / "key").chmod(0o600)
    path = tmp_path / "x.toml"
    hosts = "".join(
        f'[[hosts]]\nuuid = "{uuid}"\nname = "h{i}"\naddresses = ["192.0.2.{i}"]\n'
        for i, uuid in enumerate(UUIDS, 1)
    )
    path.write_text(
        f'host = "{UUIDS[0]}"\ngeneration = "{UUIDS[2]}"\nstatefile = "s"\nkey_file = "key"\n'
        f'[[networks]]\nname = "net"\ninterface = "xenbr0"\n{hosts}'
    )
    return load_config(str(path))


def histogram(*counts: int) -> Histogram:
    return Histogram(counts + (0,) * (len(BUCKETS_NS) + 1 - len(counts)), 5_000_000)


def meters() -> Meters:
    beat = BeatMeter(10, 2, histogram(9, 1), True)
    disk = DiskMeter(
        write=histogram(3),
        read=histogram(0, 2),
        cycle=histogram(0, 0, 1),
        failed_writes=1,
        failed_reads=2,
        write_errno=5,
        read_errno=5,
        running_ns=4 * NS,
        good_since_ns=NOW - 2 * NS,
        sequence=9,
        burnt=1,
        foreign_writes=0,
        refused=(("crc", 3),),
    )
    net = NetMeter(
        sent=100,
        received=90,
        send_errors=((1, 4), (101, 2)),
        receive_errors=(),
        refused=(("authenticity", 5),),
        heard_ns=(0, NOW - NS, 0),
        addresses=(None, ("192.0.2.22", 694), None),
    )
    dog = DogMeter(True, 50, 0, NOW - NS // 2, NOW - 2 * NS, NOW - NS // 4)
    return Meters(beat, beat, beat, disk, (net,), dog, True, ())


def view() -> View:
    return View(
        state=State.MEMBER,
        since_ns=NOW - 100 * NS,
        decided=EPOCH,
        armed=True,
        disarming=False,
        dead=0b100,
        condemned=0,
        uncertain=0,
        mode=Mode.DISK,
        storage=True,
        degraded=True,
        unresolved=False,
        row=0b011,
        silent=0b100,
        lived_ns=NOW - 2 * NS,
        granted_ns=0,
        carrier=True,
        arbiters=1,
        weight=3,
        leader_wish=-1,
        copies_left=7,
        doubted=0,
        foreign=False,
        fence=FenceCause.NONE,
        waiting=Waiting("somebody", 0b110),
    )


def moment(config: Config) -> Moment:
    slot = SlotBody(
        12, State.MEMBER, True, EPOCH, EMPTY_BLOCK, 3, True, True, 1, 1, -1, 0, 0, 0, FenceCause.NONE
    )
    word = PacketBody(12, State.LEAVING, 7, 3, False, True, 1, 4, 0, 0, 0)
    cycle = DiskCycle(
        1,
        NOW - 32 * NS,
        True,
        NOW - 32 * NS,
        NOW - 31 * NS,
        True,
        (9, 9, 0),
        (slot, slot, None),
        0,
        3,
        1,
        False,
    )
    channels = Channels(3, 1, config.timing.beat_ns)
    channels.read(cycle)
    channels.heard(0, (0, NOW - NS, 0))
    return Moment(
        config=config,
        now_ns=NOW,
        wall_seconds=1_700_000_000.5,
        started_ns=NOW - 200 * NS,
        view=view(),
        meters=meters(),
        channels=channels,
        cycle=cycle,
        heard=Heard((0, NOW - NS, 0), (None, word, None), (0, 0, 0), 0),
        carriers=(False,),
        arbiters=2,
        driver="device",
        memory=Memory("left_out", 1_600_000_000.0, {"left_out": 2}),
        warnings=("statefile: slow",),
    )


def test_a_snapshot_is_read_back_as_it_was_made(config: Config) -> None:
    status = status_of(moment(config))
    assert decode(encode(status)) == status


def test_it_says_what_the_parts_say(config: Config) -> None:
    status = status_of(moment(config))
    assert status.waiting == "somebody: h2, h3"
    assert (status.host.name, status.host.index, status.state, status.armed) == ("h1", 0, "member", True)
    assert (status.liveset, status.leader, status.dead) == (tuple(UUIDS[:2]), UUIDS[1], (UUIDS[2],))
    assert (status.epoch, status.cause, status.network_degraded) == (7, "dead", True)
    assert (status.uptime_seconds, status.state_age_seconds) == (200, 100)
    assert status.watchdog.deadline_in_seconds == 58
    assert status.watchdog.last_ping_age_seconds == 0.5
    assert status.storage.running_io_age_seconds == 4
    assert status.storage.good_cycle_age_seconds == 2
    assert (status.storage.copies_left, status.storage.missed_intervals) == (7, 2)
    assert status.networks[0].failed_sends == 6
    assert (status.networks[0].carrier, status.evidence.carrier) == (False, False)
    assert (status.evidence.arbiters, status.evidence.arbiters_configured) == (1, 2)
    assert (status.refused_packets, status.disbelieved_slots) == ({"authenticity": 5}, {"crc": 3})
    assert (status.fences.last_cause, status.fences.by_cause) == ("left_out", {"left_out": 2})


def test_a_name_with_a_comma_would_mislead_in_a_list(config: Config) -> None:
    odd = replace(config, hosts=(replace(config.hosts[0], name="a, b"), *config.hosts[1:]))
    assert [odd.name_of(host) for host in range(3)] == [UUIDS[0], "h2", "h3"]


def test_a_peer_speaks_by_its_newest_word(config: Config) -> None:
    status = status_of(moment(config))
    second, third = status.peers
    assert (second.state, second.storage, second.weight, second.armed) == ("leaving", False, 4, True)
    assert [channel.address for channel in second.channels] == ["", "192.0.2.22"]
    assert [channel.warning_percent for channel in second.channels] == [50, 0]
    assert (third.state, third.epoch, third.armed) == (None, None, None)
    assert [channel.age_seconds for channel in third.channels] == [None, None]


def test_buckets_are_those_of_the_schema() -> None:
    assert tuple(bound / NS for bound in BUCKETS_NS) == LATENCY_BOUNDS_SECONDS


def test_the_table_tells_people_what_matters(config: Config) -> None:
    told = text_of(status_of(moment(config)))
    for words in (
        "member for 2 min; waits for somebody",
        "armed (device, 6.0 s), deadline in 58.0 s",
        "7 (dead): h1, h2; leader h2",
        "disk, network degraded",
        "an I/O is out for 4.0 s, 1 writes and 2 reads failed, 7 of 8 copies left",
        "no carrier, 1 of 2 arbiters answer",
        "dead        h3",
        "31.0 s (>50 %)",
        "! statefile: slow",
    ):
        assert words in told, told


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(0.04, "0.04 s"), (12.34, "12.3 s"), (300, "5 min"), (7200, "2 h"), (4e5, "5 d"), (-3, "-3.0 s")],
)
def test_durations_are_those_of_people(seconds: float, told: str) -> None:
    assert duration(seconds) == told
