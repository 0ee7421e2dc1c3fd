"""The native network channel over loopback sockets: who is heard, what is echoed, what is not believed."""

from __future__ import annotations

import errno
import socket

from hacore.kernel.native import PACKET_BYTES


def refused(host, network=0) -> dict[str, int]:
    return dict(host.pump.meters().networks[network].refused)


def packets_of(host, count: int, rig) -> tuple[list[bytes], socket.socket]:
    """Return packets as host 2 gets them from this host, and the socket they came to."""
    listener = rig.udp()
    host.pump.set_address(2, 0, listener.getsockname())
    listener.settimeout(60)
    return [listener.recv(4096) for _ in range(count)], listener


def test_two_hosts_hear_and_echo_each_other(rig):
    one, two = rig.members(2)
    rig.wait(lambda: one.hears(1) and two.hears(0))
    assert one.heard.bodies[1] == rig.packet_body(1)
    assert one.heard.bodies[0] is None
    rig.wait(lambda: one.heard.echoes_ns[1] > 0 and two.heard.echoes_ns[0] > 0)
    assert one.heard.echoes_ns[1] < one.heard.heard_ns[1]
    heard_ns, echo_ns = one.heard.heard_ns[1], one.heard.echoes_ns[1]
    rig.wait(lambda: one.heard.heard_ns[1] > heard_ns and one.heard.echoes_ns[1] > echo_ns)
    assert one.heard.heard_ns[2] == 0
    assert refused(one) == refused(two) == {}


def test_a_word_that_did_not_change_stays_the_same_object(rig):
    one, two = rig.members(2)
    rig.wait(lambda: one.hears(1))
    bodies, heard_ns = one.heard.bodies, one.heard.heard_ns[1]
    rig.wait(lambda: one.heard.heard_ns[1] > heard_ns)
    assert one.heard.bodies is bodies
    two.pump.say(rig.packet_body(1, weight=9), True)
    rig.wait(lambda: one.heard.bodies[1].weight == 9)
    assert one.heard.bodies is not bodies


def test_after_a_word_without_grants_nothing_more_is_granted(rig):
    one, two = rig.members(2)
    rig.wait(lambda: two.hears(0))
    assert one.heard.granted_ns == 0
    one.pump.say(rig.packet_body(0, grants=0b010), False)
    rig.wait(lambda: two.heard.bodies[0].grants == 0b010)
    for _ in range(20):
        one.pump.say(rig.packet_body(0, grants=0b010), True)
        one.pump.say(rig.packet_body(0), True)
        granted_ns = one.pump.heard().granted_ns
        heard_ns = two.pump.heard().heard_ns[0]
        rig.wait(lambda heard_ns=heard_ns: two.heard.heard_ns[0] > heard_ns)
        assert one.pump.heard().granted_ns == granted_ns > 0


def test_no_word_before_something_was_said(rig):
    one, two = rig.host(0), rig.host(1)
    rig.connect()
    for host in (one, two):
        host.pump.start()
    rig.wait(lambda: two.pump.meters().net_beat.beats > 3)
    assert two.pump.meters().networks[0].received == 0
    assert one.pump.meters().networks[0].sent == 0


def test_another_key_is_not_believed(rig):
    (one,) = rig.members(1)
    stranger = rig.host(1, key=bytes(32))
    rig.connect()
    stranger.pump.start()
    stranger.pump.say(rig.packet_body(1), True)
    rig.wait(lambda: refused(one).get("authenticity", 0) > 1 and refused(stranger).get("authenticity", 0) > 1)
    assert not one.hears(1)
    assert one.pump.meters().networks[0].received == 0


def test_nothing_is_believed_twice_or_from_myself(rig):
    one, two = rig.members(2)
    rig.wait(lambda: one.hears(1) and two.hears(0))
    packets, listener = packets_of(one, 3, rig)
    rig.wait(lambda: two.pump.meters().networks[0].received > 4)
    sequence_heard = two.heard.heard_ns[0]
    for packet in packets:
        listener.sendto(packet, two.sockets[0].getsockname())
        listener.sendto(packet, one.sockets[0].getsockname())
    rig.wait(lambda: refused(two) == {"replayed": 3} and refused(one) == {"own": 3})
    assert two.pump.meters().networks[0].addresses[0] == one.sockets[0].getsockname()
    rig.wait(lambda: two.heard.heard_ns[0] > sequence_heard)
    listener.close()


def test_rubbish_is_counted_by_what_is_wrong_with_it(rig):
    one, two = rig.members(2)
    rig.wait(lambda: one.hears(1))
    (packet,), listener = packets_of(two, 1, rig)
    there = one.sockets[0].getsockname()
    rubbish = {
        b"": "length",
        packet[:-1]: "length",
        packet + b"x": "length",
        packet + bytes(1 << 14): "length",
        bytes(PACKET_BYTES): "magic",
        packet[:8] + b"\xff" + packet[9:]: "version",
        packet[:16] + bytes(16) + packet[32:]: "generation",
        packet[:10] + b"\x09" + packet[11:]: "identity",
        packet[:10] + b"\x02" + packet[11:]: "identity",
        packet[:64] + b"\xee" + packet[65:]: "authenticity",
        packet[:-1] + bytes([packet[-1] ^ 1]): "authenticity",
    }
    for each in rubbish:
        listener.sendto(each, there)
    expected = {reason: list(rubbish.values()).count(reason) for reason in rubbish.values()}
    rig.wait(lambda: refused(one) == expected)
    heard_ns = one.heard.heard_ns[1]
    rig.wait(lambda: one.heard.heard_ns[1] > heard_ns)
    listener.close()


def test_a_peer_that_moves_is_followed(rig):
    one, two = rig.members(2)
    rig.wait(lambda: one.hears(1) and two.hears(0))
    moved = rig.udp()
    two.pump.set_socket(0, moved.fileno())
    rig.wait(lambda: one.pump.meters().networks[0].addresses[1] == moved.getsockname())
    heard_ns = two.heard.heard_ns[0]
    rig.wait(lambda: two.heard.heard_ns[0] > heard_ns)
    moved.close()


def test_a_peer_without_an_address_is_answered_where_it_speaks_from(rig):
    one, two = rig.host(0), rig.host(1)
    one.pump.set_address(1, 0, two.sockets[0].getsockname())
    for host in (one, two):
        host.pump.start()
        host.pump.say(rig.packet_body(host.me), True)
    rig.wait(lambda: one.hears(1) and two.hears(0))
    assert two.pump.meters().networks[0].addresses == (one.sockets[0].getsockname(), None, None)


def test_another_boot_of_a_peer_is_believed_once_it_has_heard_me(rig):
    one, two = rig.members(2)
    rig.wait(lambda: one.hears(1))
    assert two.pump.stop()
    again = rig.host(1, incarnation=555)
    rig.connect()
    again.pump.start()
    again.pump.say(rig.packet_body(1, incarnation=555), True)
    rig.wait(lambda: one.heard.bodies[1].incarnation == 555)


def test_a_daemon_started_again_in_the_same_boot_is_no_replay(rig):
    one, two = rig.members(2)
    rig.wait(lambda: one.hears(1))
    assert two.pump.stop()
    again = rig.host(1)
    rig.connect()
    again.pump.start()
    again.pump.say(rig.packet_body(1, weight=9), True)
    rig.wait(lambda: one.heard.bodies[1].weight == 9)
    assert refused(one) == {}


def test_two_networks_of_two_families_are_two_channels(rig):
    one, two = rig.members(2, families=(socket.AF_INET6, socket.AF_INET))
    rig.wait(lambda: all(network.heard_ns[1] for network in one.pump.meters().networks))
    assert one.pump.meters().networks[0].addresses[1] == two.sockets[0].getsockname()[:2]
    two.pump.set_socket(0, None)
    last = [network.heard_ns[1] for network in one.pump.meters().networks]
    rig.wait(lambda: one.pump.meters().networks[1].heard_ns[1] > last[1] + 3 * rig.timing.beat_ns)
    rig.wait(lambda: one.heard.heard_ns[1] > one.pump.meters().networks[0].heard_ns[1])
    gone = one.pump.meters().networks[0].heard_ns[1]
    two.pump.set_socket(0, two.sockets[0].fileno())
    rig.wait(lambda: one.pump.meters().networks[0].heard_ns[1] > gone)
    assert refused(one) == refused(one, 1) == {}


def test_an_address_that_cannot_be_reached_costs_nobody_else_anything(rig):
    one, two = rig.members(2)
    one.pump.set_address(2, 0, ("::1", 9))  # IPv6 on a socket of IPv4
    rig.wait(lambda: bool(one.pump.meters().networks[0].send_errors))
    number = one.pump.meters().networks[0].send_errors[0][0]
    assert number in (errno.EAFNOSUPPORT, errno.EINVAL)
    rig.wait(lambda: two.hears(0))
    one.pump.set_address(2, 0, None)


def test_a_socket_that_only_errs_is_left_alone_until_the_next_beat(rig):
    one, two = rig.members(2)
    rig.wait(lambda: one.hears(1))
    reader, writer = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    writer.close()
    one.pump.set_socket(0, reader.fileno())  # readable for ever, and never a packet
    beats = one.pump.meters().net_beat.beats
    rig.wait(lambda: one.pump.meters().net_beat.beats > beats + 3)
    one.pump.set_socket(0, one.sockets[0].fileno())
    heard_ns = one.heard.heard_ns[1]
    rig.wait(lambda: one.heard.heard_ns[1] > heard_ns)
    reader.close()
    assert two.hears(0)
