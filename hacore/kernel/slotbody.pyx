"""What a slot says: the bytes of a SlotBody. Decides which bodies no host can mean.

Must never hand out a field that was not checked. All numbers little-endian:

    body         0 incarnation 8 · 8 row 8 · 16 polled 8 · 24 denied 8 · 32 confirmed 8 · 40 weight 4
                 44 arbiters 2 · 46 state 1 · 47 fence 1 · 48 armed 1 · 49 storage 1 · 50 carrier 1
                 51 leader wish 1 · 52 zero 4 · 56 decided · 592 epoch 8 · 600 mbal 8 · 608 bal 8
                 616 has value 1 · 617 zero 7 · 624 value (zeros: none)
    decided and  0 epoch 8 · 8 liveset 8 · 16 leader 1 · 17 cause 1 · 18 zero 6
    value        24 incarnations of the members 64 × 8
"""

from libc.stdint cimport int32_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memset

from hacore.kernel.slotcodec cimport SLOT_BODY_BYTES
from hacore.kernel.wire cimport (
    MAX_HOSTS, NOBODY_BYTE, all_zero, check_hosts, get16, get32, get64, mask_of_hosts, put16, put32, put64
)

cdef enum:
    DECISION_BYTES = 536
    DECIDED_AT = 56
    BLOCK_AT = 592
    VALUE_AT = 624
    LAST_STATE = 5  # hacore.records.State.FENCING
    LAST_CAUSE = 8  # hacore.records.Cause.OPERATOR
    LAST_FENCE = 6  # hacore.records.FenceCause.BRAIN


cdef const char* decision_fault(const uint8_t* at, int32_t hosts) noexcept nogil:
    """Say what no decision can mean; NULL: nothing."""
    cdef uint64_t liveset = get64(at + 8)
    cdef int32_t host
    if liveset & ~mask_of_hosts(hosts):
        return "liveset"
    if at[16] >= hosts and at[16] != NOBODY_BYTE:
        return "leader"
    if at[17] > LAST_CAUSE:
        return "cause"
    if not all_zero(at + 18, 6):
        return "padding"
    for host in range(MAX_HOSTS):
        if get64(at + 24 + 8 * host) and not liveset >> host & 1:
            return "members"
    return NULL


cdef const char* paxos_fault(const uint8_t* at, int32_t hosts) noexcept nogil:
    """Say what no block of Disk Paxos can mean: bal ≤ mbal, a value with bal and of the block's own epoch."""
    cdef uint64_t epoch = get64(at), mbal = get64(at + 8), bal = get64(at + 16)
    cdef uint8_t has_value = at[24]
    if bal > mbal or (epoch == 0 and mbal):
        return "ballots"
    if not all_zero(at + 25, 7):
        return "padding"
    if has_value > 1 or has_value != (bal > 0):
        return "value"
    if not has_value:
        if not all_zero(at + 32, DECISION_BYTES):
            return "value"
        return NULL
    if get64(at + 32) != epoch:
        return "epoch of the value"
    return decision_fault(at + 32, hosts)


cdef const char* body_fault(const uint8_t* body, int32_t hosts) noexcept nogil:
    """Say which field of a body says what no host can mean; NULL: none."""
    cdef uint64_t others = ~mask_of_hosts(hosts)
    cdef const char* fault
    if body[46] > LAST_STATE:
        return "state"
    if get64(body) == 0 and body[46] != 0:
        return "incarnation"
    if get64(body + 8) & others:
        return "row"
    if get64(body + 16) & others:
        return "polled"
    if get64(body + 24) & others:
        return "denied"
    if body[47] > LAST_FENCE:
        return "fence"
    if body[48] > 1:
        return "armed"
    if body[49] > 1:
        return "storage"
    if body[50] > 1:
        return "carrier"
    if body[51] >= hosts and body[51] != NOBODY_BYTE:
        return "leader_wish"
    if not all_zero(body + 52, 4):
        return "padding"
    fault = decision_fault(body + DECIDED_AT, hosts)
    return fault if fault != NULL else paxos_fault(body + BLOCK_AT, hosts)


# -- for Python ------------------------------------------------------------------------------------------

cdef int host_byte(object host, str field) except -1:
    if not -1 <= host < MAX_HOSTS:
        raise ValueError(f"slot: {field}: {host}, expected a host or -1")
    return NOBODY_BYTE if host == -1 else host


cdef int pack_decision(uint8_t* at, object decision) except -1:
    cdef Py_ssize_t host
    put64(at, decision.epoch)
    put64(at + 8, decision.liveset)
    at[16] = <uint8_t> host_byte(decision.leader, "leader")
    at[17] = decision.cause
    for host in range(len(decision.members)):
        put64(at + 24 + 8 * host, decision.members[host])
    return 0


cdef tuple decision_fields(const uint8_t* at, int32_t hosts):
    return (
        get64(at), get64(at + 8), tuple([get64(at + 24 + 8 * host) for host in range(hosts)]),
        -1 if at[16] == NOBODY_BYTE else at[16], at[17],
    )


def pack_body(body not None, int32_t hosts):
    """Return the bytes of a SlotBody of a pool of 1 … 64 hosts.

    ValueError names the field that says what no host can mean; a number out of its field is an OverflowError.
    """
    cdef uint8_t[SLOT_BODY_BYTES] raw
    cdef const char* fault
    cdef uint32_t weight = body.weight
    cdef uint16_t arbiters = body.arbiters
    check_hosts(hosts)
    if len(body.decided.members) != hosts:
        raise ValueError(f"slot: members: {len(body.decided.members)} hosts, expected {hosts}")
    memset(raw, 0, SLOT_BODY_BYTES)
    put64(raw, body.incarnation)
    put64(raw + 8, body.row)
    put64(raw + 16, body.polled)
    put64(raw + 24, body.denied)
    put64(raw + 32, body.confirmed)
    put32(raw + 40, weight)
    put16(raw + 44, arbiters)
    raw[46] = body.state
    raw[47] = body.fence
    raw[48] = bool(body.armed)
    raw[49] = bool(body.storage)
    raw[50] = bool(body.carrier)
    raw[51] = <uint8_t> host_byte(body.leader_wish, "leader_wish")
    pack_decision(raw + DECIDED_AT, body.decided)
    put64(raw + BLOCK_AT, body.block.epoch)
    put64(raw + BLOCK_AT + 8, body.block.mbal)
    put64(raw + BLOCK_AT + 16, body.block.bal)
    if body.block.value is not None:
        if len(body.block.value.members) != hosts:
            raise ValueError(f"slot: members: {len(body.block.value.members)} hosts, expected {hosts}")
        raw[BLOCK_AT + 24] = 1
        pack_decision(raw + VALUE_AT, body.block.value)
    fault = body_fault(raw, hosts)
    if fault != NULL:
        raise ValueError(f"slot: {fault.decode()}: no host can mean this: {body}")
    return raw[:SLOT_BODY_BYTES]


def unpack_body(const uint8_t[::1] raw not None, int32_t hosts):
    """Return the fields of a SlotBody in its order, in five tuples; ValueError if it is not believed."""
    cdef const char* fault
    cdef const uint8_t* at
    check_hosts(hosts)
    if raw.shape[0] != SLOT_BODY_BYTES:
        raise ValueError(f"slot: {raw.shape[0]} bytes of body, expected {SLOT_BODY_BYTES}")
    at = &raw[0]
    fault = body_fault(at, hosts)
    if fault != NULL:
        raise ValueError(f"slot: {fault.decode()}: no host can mean this")
    value = decision_fields(at + VALUE_AT, hosts) if at[BLOCK_AT + 24] else None
    return (
        (get64(at), at[46], bool(at[48])),
        decision_fields(at + DECIDED_AT, hosts),
        (get64(at + BLOCK_AT), get64(at + BLOCK_AT + 8), get64(at + BLOCK_AT + 16), value),
        (get64(at + 8), bool(at[49]), bool(at[50]), get16(at + 44), get32(at + 40)),
        (
            -1 if at[51] == NOBODY_BYTE else at[51], get64(at + 16), get64(at + 24), get64(at + 32), at[47],
        ),
    )
