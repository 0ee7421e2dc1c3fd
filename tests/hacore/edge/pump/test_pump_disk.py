"""The native disk channel over a real file: versions, good reads, failed writes, taking over."""

from __future__ import annotations

import os

import pytest

from hacore.core.numbering import UNFINISHED
from hacore.kernel.native import SlotDevice, seal_slot
from hacore.statefile import STATEFILE_BYTES, slot_offset


def writable(rig) -> SlotDevice:
    return SlotDevice(str(rig.path), lab=True)


def read_only(rig) -> SlotDevice:
    return SlotDevice(str(rig.path), writable=False, lab=True)


def test_a_pump_only_looks_until_something_is_published(rig):
    host = rig.host(0)
    host.pump.start()
    rig.cycles(host, 3)
    for cycle in host.cycles:
        assert (cycle.version, cycle.written, cycle.read) == (0, False, True)
        assert list(cycle.sequences) == [8, 8, 8]
        assert [body.incarnation for body in cycle.bodies] == [0, 0, 0]
        assert (cycle.doubted, cycle.copies_left) == (0, 7), "one is set aside at the start"
    assert rig.slot(0).best.sequence == 8


def test_what_is_published_is_written_and_read_by_all(rig):
    one, two = rig.members(2)
    rig.wait(lambda: all(host.cycles and host.cycle.written and host.cycle.read for host in (one, two)))
    rig.wait(lambda: all(host.cycle.bodies[peer].incarnation for host in (one, two) for peer in (0, 1)))
    assert one.cycle.bodies[1].incarnation == 101
    assert one.cycle.bodies[2].incarnation == 0
    changed = rig.slot_body(1, rig.decision(2, [100, 101, 0]), weight=7)
    two.pump.publish(2, changed, True)
    rig.wait(lambda: one.cycle.bodies[1].weight == 7)
    assert one.cycle.bodies[1] == changed
    assert rig.slot(1).best.body == changed


def test_a_version_is_told_only_by_cycles_that_started_after_it_was_published(rig):
    (host,) = rig.members(1)
    for version in range(2, 12):
        host.pump.publish(
            version, rig.slot_body(0, rig.decision(2, [100, 0, 0]), weight=version), version % 2
        )
        rig.wait(lambda version=version: host.cycle.version == version and host.cycle.read)
        assert host.cycle.bodies[0].weight == version
    versions = [cycle.version for cycle in host.cycles]
    assert versions == sorted(versions)


def test_a_cycle_begins_writes_reads_and_ends_in_this_order(rig):
    (host,) = rig.members(1)
    rig.cycles(host, 5)
    for cycle in host.cycles:
        assert cycle.started_ns <= cycle.read_started_ns <= cycle.completed_ns
    for before, after in zip(host.cycles, host.cycles[1:], strict=False):
        assert before.completed_ns <= after.started_ns
        assert after.sequences[0] >= before.sequences[0]


def test_a_body_that_did_not_change_stays_the_same_object(rig):
    one, two = rig.members(2)
    rig.wait(lambda: one.cycles and one.cycle.bodies[1].incarnation == 101)
    bodies, sequence = one.cycle.bodies, one.cycle.sequences[1]
    rig.wait(lambda: one.cycle.sequences[1] > sequence + 2)
    assert one.cycle.bodies is bodies
    two.pump.publish(2, rig.slot_body(1, rig.decision(2, [100, 101, 0]), weight=3), True)
    rig.wait(lambda: one.cycle.bodies[1].weight == 3)
    assert one.cycle.bodies[0] is bodies[0]
    assert one.cycle.bodies[2] is bodies[2]


def test_only_a_cycle_that_shows_me_in_the_newest_epoch_extends_the_lease(rig):
    one, two = rig.members(2)
    rig.wait(lambda: one.pump.meters().disk.good_since_ns > 0)
    rig.wait(lambda: one.pump.meters().dog.since_ns in {cycle.started_ns for cycle in one.cycles})
    two.pump.publish(2, rig.slot_body(1, rig.decision(3, [0, 101, 0])), True)
    rig.wait(lambda: one.cycle.bodies[1].decided.epoch == 3)
    since_ns = one.pump.meters().disk.good_since_ns
    assert since_ns < one.cycle.started_ns
    rig.cycles(one, 3)
    assert one.cycle.read
    assert one.pump.meters().disk.good_since_ns == since_ns


def test_an_outage_costs_one_copy_and_that_copy_is_not_trusted_for_long(rig):
    (host,) = rig.members(1)
    rig.wait(lambda: host.cycle.written)
    aside = host.pump.meters().disk.burnt
    with read_only(rig) as broken:
        host.pump.set_device(broken.fileno())
    rig.wait(lambda: host.pump.meters().disk.failed_writes >= 3)
    rig.cycles(host)
    assert (host.cycle.written, host.cycle.read, host.cycle.copies_left) == (False, False, 6)
    assert os.strerror(host.pump.meters().disk.write_errno) == "Bad file descriptor"
    burnt, tried = host.pump.meters().disk.burnt, host.pump.meters().disk.sequence
    with writable(rig) as mended:
        host.pump.set_device(mended.fileno())
    rig.wait(lambda: host.cycle.written and host.cycle.read)
    back = host.cycle.sequences[0]  # of the first write that counted again, or of one soon after
    rig.wait(lambda: host.cycle.sequences[0] >= back + 9)
    assert host.pump.meters().disk.burnt == burnt
    assert host.cycle.copies_left == 6
    slot = rig.slot(0)
    assert slot.best.burnt == burnt
    probed = slot.copies[(burnt & ~aside).bit_length() - 1]
    assert tried <= probed.sequence < back, (
        "a probe came before the first write that counts again, and no more"
    )


def test_the_probe_itself_does_not_count(rig):
    (host,) = rig.members(1)
    rig.wait(lambda: host.cycle.written)
    with read_only(rig) as broken:
        host.pump.set_device(broken.fileno())
    rig.wait(lambda: host.pump.meters().disk.burnt)
    rig.wait(lambda: not host.cycle.written)
    since_ns = host.pump.meters().disk.good_since_ns
    seen = len(host.cycles)
    with writable(rig) as mended:
        host.pump.set_device(mended.fileno())
    rig.wait(lambda: host.cycle.written)
    first = next(cycle for cycle in host.cycles[seen:] if cycle.written)
    assert first.copies_left == 6
    assert since_ns < first.started_ns <= host.pump.meters().disk.good_since_ns


def test_a_failed_read_shows_the_last_good_one(rig):
    (host,) = rig.members(1)
    rig.wait(lambda: host.cycle.read)
    image = rig.path.read_bytes()
    os.truncate(rig.path, slot_offset(1, 0))
    rig.wait(lambda: host.pump.meters().disk.failed_reads >= 2)
    rig.cycles(host)
    assert (host.cycle.written, host.cycle.read) == (True, False)
    assert os.strerror(host.pump.meters().disk.read_errno) == "Input/output error"
    assert host.cycle.bodies[1] is not None
    shown = host.cycle.sequences[0]
    with rig.path.open("r+b") as file:
        file.seek(slot_offset(1, 0))
        file.write(image[slot_offset(1, 0) :])
    assert rig.path.stat().st_size == STATEFILE_BYTES
    rig.wait(lambda: host.cycle.read)
    assert host.cycle.sequences[0] > shown
    assert host.cycle.copies_left == 7


def test_a_device_that_is_gone_burns_nothing(rig):
    (host,) = rig.members(1)
    rig.wait(lambda: host.cycle.written)
    host.pump.set_device(None)
    rig.wait(lambda: host.pump.meters().disk.failed_writes >= 2)
    rig.cycles(host)
    assert (host.cycle.written, host.cycle.read, host.cycle.copies_left) == (False, False, 7)
    with writable(rig) as found:
        host.pump.set_device(found.fileno())
    rig.wait(lambda: host.cycle.written and host.cycle.read)


def test_two_pumps_on_one_slot_notice_each_other(rig):
    (host,) = rig.members(1)
    rig.wait(lambda: host.cycle.written)
    other = rig.host(0, incarnation=999)
    other.pump.start()
    other.pump.publish(1, rig.slot_body(0, rig.decision(2, [100, 0, 0]), incarnation=999), True)
    rig.wait(lambda: any(each.pump.meters().disk.foreign_writes for each in (host, other)))


def test_a_slot_that_somebody_else_writes_is_no_good_read(rig):
    (host,) = rig.members(1)
    rig.wait(lambda: host.cycle.written and host.cycle.read)
    body, seen = rig.path.read_bytes()[slot_offset(0, 0) :][64:1224], len(host.cycles)
    with rig.path.open("r+b") as file:  # what two daemons that beat in step leave to be seen

        def write() -> None:
            for copy in range(8):
                file.seek(slot_offset(0, copy))
                file.write(bytes(seal_slot(rig.pool, body, 0, copy, 9, 0)))
            file.flush()

        rig.wait(
            lambda: any(not cycle.read for cycle in host.cycles[seen:]), write
        )  # not every cycle is looked at
    assert host.pump.meters().disk.foreign_writes > 0
    rig.wait(lambda: host.cycle.read and host.cycle.written)


def test_slots_sealed_with_another_key_are_not_believed_and_counted_once(rig):
    stranger = rig.host(1, key=bytes(32))
    stranger.pump.start()
    (host,) = rig.members(1)
    rig.wait(lambda: host.cycle.read and host.cycle.bodies[1] is not None)
    rig.wait(lambda: stranger.pump.meters().disk.refused != ())
    stranger.pump.publish(1, rig.slot_body(1, rig.decision(9, [0, 101, 0])), True)
    rig.wait(lambda: host.cycle.bodies[1] is None)
    assert host.pump.meters().disk.refused == (("authenticity", 8),)
    assert host.cycle.sequences[1] == 0
    assert host.cycle.doubted == 0b010
    rig.cycles(host, 3)
    assert host.pump.meters().disk.refused == (("authenticity", 8),)
    assert host.cycle.read


def test_one_torn_copy_is_borne_and_more_are_doubted(rig):
    (host,) = rig.members(1)
    rig.wait(lambda: host.cycle.read)
    with rig.path.open("r+b") as file:
        for copy, doubted in ((0, 0), (1, 0b010)):
            file.seek(slot_offset(1, copy) + 100)
            file.write(b"torn")
            file.flush()
            rig.wait(lambda copy=copy: dict(host.pump.meters().disk.refused).get("crc", 0) == copy + 1)
            rig.cycles(host, 2)
            assert host.cycle.doubted == doubted
            assert host.cycle.sequences[1] == 8


def test_a_daemon_started_again_in_the_same_boot_trusts_no_copy_that_may_be_under_way(rig):
    (first,) = rig.members(1)
    rig.wait(lambda: first.cycle.written)
    assert first.pump.stop()
    left = []
    before = first
    for incarnation, finished in ((100, False), (100, True), (100, False), (777, False)):
        said = before.pump.left() if finished else UNFINISHED
        again = before = rig.host(0, incarnation=incarnation, finished=said)
        again.pump.start()
        body = rig.slot_body(0, rig.decision(2, [incarnation, 0, 0]), incarnation=incarnation)
        again.pump.publish(1, body, True)
        rig.wait(lambda again=again: again.cycles and again.cycle.written and again.cycle.read)
        left.append(again.cycle.copies_left)
        assert again.cycle.sequences[0] >> 32 > first.cycle.sequences[0] >> 32
        assert again.pump.stop()
        assert all(again.pump.left().failed_ns[copy] for copy in range(8) if again.cycle.burnt >> copy & 1)
    assert left == [5, 5, 3, 7]


def test_what_a_pump_leaves_is_known_once_it_has_ended(rig):
    (host,) = rig.members(1)
    rig.wait(lambda: host.cycle.written and host.cycle.read)
    with pytest.raises(RuntimeError, match="has not ended"):
        host.pump.left()
    assert host.pump.stop()
    host.look()
    assert host.pump.left().sequence == host.cycle.sequences[0]
    with pytest.raises(RuntimeError, match="has not ended"):
        rig.host(1).pump.left()


def test_a_start_numbers_its_attempts_from_the_wall_clock(rig):
    host = rig.host(0, wall_ns=10**18)
    host.pump.start()
    host.pump.publish(1, rig.slot_body(0, rig.decision(2, [100, 0, 0])), True)
    rig.wait(lambda: host.cycles and host.cycle.written and host.cycle.read)
    assert 0 < host.cycle.sequences[0] - 10**18 < 1000  # attempts, of which not every one is looked at


def test_a_successor_has_the_since_of_its_predecessor_until_it_has_its_own(rig):
    host = rig.host(0, since_ns=12_345)
    host.pump.lease(True, 0)
    assert host.pump.meters().dog.since_ns == 12_345
    host.pump.start()
    rig.cycles(host, 2)
    assert host.pump.meters().dog.since_ns == 12_345, "nothing is published: nothing is good"


def test_the_meters_add_up(rig):
    (host,) = rig.members(1)
    rig.wait(lambda: sum(host.pump.meters().disk.write.counts) >= 4)
    before = host.pump.meters()
    rig.cycles(host, 2)
    meters = host.pump.meters()
    assert sum(meters.disk.read.counts) >= sum(meters.disk.write.counts)
    assert sum(meters.disk.cycle.counts) > sum(before.disk.write.counts)
    assert 0 < before.disk.write.sum_ns < meters.disk.cycle.sum_ns
    assert meters.disk.running_ns >= 0
    assert sum(meters.disk_beat.lateness.counts) <= meters.disk_beat.beats
    assert meters.disk.sequence >= host.cycle.sequences[0]
