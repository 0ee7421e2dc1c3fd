"""Packets of the heartbeat network: sealing and checking. Layout in packetcodec.pyx."""

from libc.stdint cimport int32_t, uint8_t, uint64_t

from hacore.kernel.wire cimport Identity

cdef enum:
    PACKET_BYTES = 1168  # fits IPv6's smallest MTU (1280) with its headers
    PACKET_BODY_AT = 64
    PACKET_BODY_BYTES = 64
    ECHOES_AT = 128

# Build a packet in three steps: begin_packet, set_echo for every peer that was heard, seal_packet.
# begin_packet clears all echoes and copies `body` (PACKET_BODY_BYTES, as pack_body made it).
cdef void begin_packet(
    uint8_t* packet, const uint8_t* body, const Identity* pool, int32_t host, uint64_t sequence,
    uint64_t stamp_ns
) noexcept nogil
# Return `peer` its stamp. An echo names the incarnation whose clock made the stamp: after a reboot the old
# stamps would look like new ones.
cdef void set_echo(uint8_t* packet, int32_t peer, uint64_t incarnation, uint64_t stamp_ns) noexcept nogil
cdef void seal_packet(uint8_t* packet, const Identity* pool) noexcept nogil

# Say why a received packet is not believed: a reason of wire.pxd, 0 (VALID): it is, and comes from the host
# packet_host(). Replays are the receiver's business: (incarnation, sequence).
cdef uint8_t check_packet(const uint8_t* packet, size_t length, const Identity* pool) noexcept nogil

# Fields of a valid packet.
cdef int32_t packet_host(const uint8_t* packet) noexcept nogil
cdef uint64_t packet_sequence(const uint8_t* packet) noexcept nogil
cdef uint64_t packet_stamp(const uint8_t* packet) noexcept nogil
cdef uint64_t packet_incarnation(const uint8_t* packet) noexcept nogil
cdef uint64_t packet_grants(const uint8_t* packet) noexcept nogil
# The stamp of mine that the sender echoes; 0: none of this incarnation of mine.
cdef uint64_t packet_echo(const uint8_t* packet, int32_t me, uint64_t incarnation) noexcept nogil
