"""The packet of the heartbeat network: one size, one sender, one MAC (MEMBERSHIP §8).

Decides which packets are believed and why others are not. Must never believe one that is not authentic and of
this pool's generation; whether it is a replay is for its receiver to say. All numbers little-endian:

    packet   0 magic 8 · 8 version 2 · 10 host 2 · 12 zero 4 · 16 generation 16 · 32 host UUID 16
             48 sequence 8 · 56 stamp 8 · 64 body · 128 echoes 64 × (incarnation 8, stamp 8) · 1152 MAC
    body     0 incarnation 8 · 8 epoch 8 · 16 row 8 · 24 grants 8 · 32 polled 8 · 40 denied 8
             48 weight 4 · 52 arbiters 2 · 54 state 1 · 55 storage 1 · 56 carrier 1 · 57 zero 7
"""

from libc.stdint cimport int32_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcmp, memcpy, memset

from hacore.kernel.blake2b cimport keyed_mac
from hacore.kernel.wire cimport (
    AUTHENTICITY, CONTENT, GENERATION, IDENTITY, LENGTH, MAC_BYTES, MAGIC, MAX_HOSTS, UUID_BYTES, VALID,
    VERSION, Identity, PoolIdentity, all_zero, check_hosts, get16, get32, get64, mask_of_hosts, put16, put32,
    put64, same
)

cdef enum:
    FORMAT = 1
    ECHO_BYTES = 16
    MAC_AT = 1152
    LAST_STATE = 5  # hacore.records.State.FENCING

cdef const char* HEAD = b"xenhaPKT"


cdef const char* body_fault(const uint8_t* body, int32_t hosts) noexcept nogil:
    """Say which field of a body says what no host can mean; NULL: none."""
    cdef uint64_t others = ~mask_of_hosts(hosts)
    if get64(body) == 0:
        return "incarnation"
    if get64(body + 16) & others:
        return "row"
    if get64(body + 24) & others:
        return "grants"
    if get64(body + 32) & others:
        return "polled"
    if get64(body + 40) & others:
        return "denied"
    if body[54] > LAST_STATE:
        return "state"
    if body[55] > 1:
        return "storage"
    if body[56] > 1:
        return "carrier"
    if not all_zero(body + 57, 7):
        return "padding"
    return NULL


cdef bint echoes_plausible(const uint8_t* packet, int32_t hosts) noexcept nogil:
    return all_zero(packet + ECHOES_AT + ECHO_BYTES * hosts, <size_t> (ECHO_BYTES * (MAX_HOSTS - hosts)))


cdef uint8_t check_packet(const uint8_t* packet, size_t length, const Identity* pool) noexcept nogil:
    cdef uint8_t[MAC_BYTES] mac
    cdef uint16_t host
    if length != PACKET_BYTES:
        return LENGTH
    if memcmp(packet, HEAD, 8) != 0:
        return MAGIC
    if get16(packet + 8) != FORMAT:
        return VERSION
    if memcmp(packet + 16, pool.generation, UUID_BYTES) != 0:
        return GENERATION
    host = get16(packet + 10)
    if host >= pool.hosts or memcmp(packet + 32, pool.uuids[host], UUID_BYTES) != 0:
        return IDENTITY
    keyed_mac(pool.key, packet, MAC_AT, mac)
    if not same(mac, packet + MAC_AT, MAC_BYTES):
        return AUTHENTICITY
    if not (all_zero(packet + 12, 4) and get64(packet + 48) and echoes_plausible(packet, pool.hosts)):
        return CONTENT
    return VALID if body_fault(packet + PACKET_BODY_AT, pool.hosts) == NULL else CONTENT


cdef void begin_packet(
    uint8_t* packet, const uint8_t* body, const Identity* pool, int32_t host, uint64_t sequence,
    uint64_t stamp_ns
) noexcept nogil:
    memset(packet, 0, PACKET_BYTES)
    memcpy(packet, HEAD, 8)
    put16(packet + 8, FORMAT)
    put16(packet + 10, <uint16_t> host)
    memcpy(packet + 16, pool.generation, UUID_BYTES)
    memcpy(packet + 32, pool.uuids[host], UUID_BYTES)
    put64(packet + 48, sequence)
    put64(packet + 56, stamp_ns)
    memcpy(packet + PACKET_BODY_AT, body, PACKET_BODY_BYTES)


cdef void set_echo(uint8_t* packet, int32_t peer, uint64_t incarnation, uint64_t stamp_ns) noexcept nogil:
    put64(packet + ECHOES_AT + ECHO_BYTES * peer, incarnation)
    put64(packet + ECHOES_AT + ECHO_BYTES * peer + 8, stamp_ns)


cdef void seal_packet(uint8_t* packet, const Identity* pool) noexcept nogil:
    keyed_mac(pool.key, packet, MAC_AT, packet + MAC_AT)


cdef int32_t packet_host(const uint8_t* packet) noexcept nogil:
    return get16(packet + 10)


cdef uint64_t packet_sequence(const uint8_t* packet) noexcept nogil:
    return get64(packet + 48)


cdef uint64_t packet_stamp(const uint8_t* packet) noexcept nogil:
    return get64(packet + 56)


cdef uint64_t packet_incarnation(const uint8_t* packet) noexcept nogil:
    return get64(packet + PACKET_BODY_AT)


cdef uint64_t packet_grants(const uint8_t* packet) noexcept nogil:
    return get64(packet + PACKET_BODY_AT + 24)


cdef uint64_t packet_echo(const uint8_t* packet, int32_t me, uint64_t incarnation) noexcept nogil:
    cdef const uint8_t* echo = packet + ECHOES_AT + ECHO_BYTES * me
    return get64(echo + 8) if get64(echo) == incarnation else 0


# -- for Python ------------------------------------------------------------------------------------------

def pack_body(body not None, int32_t hosts):
    """Return the bytes of a PacketBody of a pool of 1 … 64 hosts.

    ValueError names the field that says what no host can mean; a number out of its field is an OverflowError.
    """
    cdef uint8_t[PACKET_BODY_BYTES] raw
    cdef const char* fault
    cdef uint32_t weight = body.weight
    cdef uint16_t arbiters = body.arbiters
    check_hosts(hosts)
    memset(raw, 0, PACKET_BODY_BYTES)
    put64(raw, body.incarnation)
    put64(raw + 8, body.epoch)
    put64(raw + 16, body.row)
    put64(raw + 24, body.grants)
    put64(raw + 32, body.polled)
    put64(raw + 40, body.denied)
    put32(raw + 48, weight)
    put16(raw + 52, arbiters)
    raw[54] = body.state
    raw[55] = bool(body.storage)
    raw[56] = bool(body.carrier)
    fault = body_fault(raw, hosts)
    if fault != NULL:
        raise ValueError(f"packet: {fault.decode()}: no host can mean this: {body}")
    return raw[:PACKET_BODY_BYTES]


def unpack_body(const uint8_t[::1] raw not None, int32_t hosts):
    """Return the fields of a PacketBody in its order; ValueError names the one that is not believed."""
    cdef const char* fault
    cdef const uint8_t* at
    check_hosts(hosts)
    if raw.shape[0] != PACKET_BODY_BYTES:
        raise ValueError(f"packet: {raw.shape[0]} bytes of body, expected {PACKET_BODY_BYTES}")
    at = &raw[0]
    fault = body_fault(at, hosts)
    if fault != NULL:
        raise ValueError(f"packet: {fault.decode()}: no host can mean this")
    return (
        get64(at), at[54], get64(at + 8), get64(at + 16), bool(at[55]), bool(at[56]), get16(at + 52),
        get32(at + 48), get64(at + 24), get64(at + 32), get64(at + 40),
    )


def make_packet(
    PoolIdentity pool not None, const uint8_t[::1] body not None, int32_t host, uint64_t sequence,
    uint64_t stamp_ns, echoes
):
    """Return a sealed packet; echoes: {peer: (incarnation, stamp)}."""
    cdef uint8_t[PACKET_BYTES] packet
    if not 0 <= host < pool.raw.hosts:
        raise ValueError(f"host: {host}, expected 0 to {pool.raw.hosts - 1}")
    if body.shape[0] != PACKET_BODY_BYTES:
        raise ValueError(f"packet: {body.shape[0]} bytes of body, expected {PACKET_BODY_BYTES}")
    begin_packet(packet, &body[0], &pool.raw, host, sequence, stamp_ns)
    for peer, (incarnation, stamp) in echoes.items():
        if not 0 <= peer < pool.raw.hosts:
            raise ValueError(f"peer: {peer}, expected 0 to {pool.raw.hosts - 1}")
        set_echo(packet, peer, incarnation, stamp)
    seal_packet(packet, &pool.raw)
    return packet[:PACKET_BYTES]


def examine_packet(PoolIdentity pool not None, const uint8_t[::1] packet not None):
    """Return why the packet is not believed, 0: it is."""
    return check_packet(&packet[0] if packet.shape[0] else NULL, packet.shape[0], &pool.raw)


def packet_head(const uint8_t[::1] packet not None):
    """Return (host, sequence, stamp) of a packet that is believed."""
    if packet.shape[0] != PACKET_BYTES:
        raise ValueError(f"packet: {packet.shape[0]} bytes, expected {PACKET_BYTES}")
    return packet_host(&packet[0]), packet_sequence(&packet[0]), packet_stamp(&packet[0])


def echo_of(const uint8_t[::1] packet not None, int32_t me, uint64_t incarnation):
    """Return the stamp of this incarnation of host `me` that a believed packet echoes, 0: none."""
    if packet.shape[0] != PACKET_BYTES or not 0 <= me < MAX_HOSTS:
        raise ValueError(f"packet: {packet.shape[0]} bytes, host {me}")
    return packet_echo(&packet[0], me, incarnation)
