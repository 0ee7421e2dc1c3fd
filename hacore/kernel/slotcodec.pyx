"""The slot of a host on the shared disk: eight copies of one block, written in turn.

Decides which bytes are believed and why others are not (MEMBERSHIP §3). Must never believe a block that is
not whole, authentic, of this pool's generation and in its own place. All numbers little-endian:

    block        0 magic 8 · 8 version 2 · 10 host 2 · 12 copy 2 · 14 zero 2 · 16 generation 16
                 32 host UUID 16 · 48 sequence 8 · 56 burnt 1 · 57 zero 7 · 64 body · 1224 zero
                 4076 CRC-32C of 0 … 4075 · 4080 MAC of 0 … 4079
    body         0 incarnation 8 · 8 row 8 · 16 polled 8 · 24 denied 8 · 32 confirmed 8 · 40 weight 4
                 44 arbiters 2 · 46 state 1 · 47 fence 1 · 48 armed 1 · 49 storage 1 · 50 carrier 1
                 51 leader wish 1 · 52 zero 4 · 56 decided · 592 epoch 8 · 600 mbal 8 · 608 bal 8
                 616 has value 1 · 617 zero 7 · 624 value (zeros: none)
    decided and  0 epoch 8 · 8 liveset 8 · 16 leader 1 · 17 cause 1 · 18 zero 6
    value        24 incarnations of the members 64 × 8
"""

from libc.stdint cimport int32_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcmp, memcpy, memset

from hacore.kernel.blake2b cimport keyed_mac
from hacore.kernel.crc32c cimport crc32c
from hacore.kernel.wire cimport (
    AUTHENTICITY, BLANK, CONTENT, COPY, CRC, GENERATION, IDENTITY, MAC_BYTES, MAGIC, MAX_HOSTS, NOBODY_BYTE,
    UUID_BYTES, VALID, VERSION, Identity, PoolIdentity, all_zero, get16, get32, get64, mask_of_hosts, put16,
    put32, put64, same
)

cdef enum:
    FORMAT = 1
    UNUSED_AT = SLOT_BODY_AT + SLOT_BODY_BYTES
    CRC_AT = 4076
    MAC_AT = 4080
    DECISION_BYTES = 536
    DECIDED_AT = 56
    BLOCK_AT = 592
    VALUE_AT = 624
    LAST_STATE = 5  # hacore.records.State.FENCING
    LAST_CAUSE = 8  # hacore.records.Cause.OPERATOR
    LAST_FENCE = 6  # hacore.records.FenceCause.BRAIN

cdef const char* HEAD = b"xenhaSLT"


# -- checks ----------------------------------------------------------------------------------------------

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


cdef uint8_t check(
    const uint8_t* block, const Identity* pool, int32_t host, int32_t copy, bint authenticate
) noexcept nogil:
    cdef uint8_t[MAC_BYTES] mac
    if memcmp(block, HEAD, 8) != 0:
        return BLANK if all_zero(block, STRIDE) else MAGIC
    if get16(block + 8) != FORMAT:
        return VERSION
    if memcmp(block + 16, pool.generation, UUID_BYTES) != 0:
        return GENERATION
    if get16(block + 10) != host or memcmp(block + 32, pool.uuids[host], UUID_BYTES) != 0:
        return IDENTITY
    if get16(block + 12) != copy:
        return COPY
    if get32(block + CRC_AT) != crc32c(block, CRC_AT):
        return CRC
    if authenticate:
        keyed_mac(pool.key, block, MAC_AT, mac)
        if not same(mac, block + MAC_AT, MAC_BYTES):
            return AUTHENTICITY
    if not (all_zero(block + 14, 2) and all_zero(block + 57, 7) and get64(block + 48)):
        return CONTENT
    if not all_zero(block + UNUSED_AT, CRC_AT - UNUSED_AT):
        return CONTENT
    return VALID if body_fault(block + SLOT_BODY_AT, pool.hosts) == NULL else CONTENT


cdef void check_all(
    const uint8_t* blocks, const uint8_t* previous, const Identity* pool, uint8_t* reasons
) noexcept nogil:
    cdef int32_t i
    cdef size_t at
    for i in range(pool.hosts * COPIES):
        at = <size_t> i * STRIDE
        if previous == NULL or memcmp(blocks + at, previous + at, STRIDE) != 0:
            reasons[i] = check(blocks + at, pool, i // COPIES, i % COPIES, True)


# -- copies in turn --------------------------------------------------------------------------------------

cdef int32_t next_copy(int32_t copy, uint8_t burnt) noexcept nogil:
    cdef int32_t step, other
    for step in range(1, COPIES + (copy < 0)):
        other = (copy + step) % COPIES
        if not burnt >> other & 1:
            return other
    return -1


cdef int32_t copies_left(uint8_t burnt) noexcept nogil:
    cdef int32_t copy, left = 0
    for copy in range(COPIES):
        left += not burnt >> copy & 1
    return left


cdef Choice choose(const uint8_t* blocks, const uint8_t* reasons) noexcept nogil:
    cdef Choice choice
    cdef uint64_t sequence, highest = 0
    cdef uint8_t explained
    cdef int32_t copy, turn
    choice.newest = -1
    choice.doubted = True
    for copy in range(COPIES):
        if reasons[copy] != VALID:
            continue
        sequence = slot_sequence(blocks + copy * STRIDE)
        if sequence > highest:
            choice.newest, choice.doubted, highest = copy, False, sequence
        elif sequence == highest:
            choice.doubted = True  # no owner writes one sequence twice: two of them write this slot
    if choice.newest < 0:
        return choice
    explained = slot_burnt(blocks + choice.newest * STRIDE)
    turn = next_copy(choice.newest, explained)
    for copy in range(COPIES):
        if reasons[copy] != VALID and copy != turn and not explained >> copy & 1:
            choice.doubted = True
    return choice


# -- fields ----------------------------------------------------------------------------------------------

cdef uint64_t slot_sequence(const uint8_t* block) noexcept nogil:
    return get64(block + 48)


cdef uint8_t slot_burnt(const uint8_t* block) noexcept nogil:
    return block[56]


cdef uint64_t slot_incarnation(const uint8_t* block) noexcept nogil:
    return get64(block + SLOT_BODY_AT)


cdef uint8_t slot_state(const uint8_t* block) noexcept nogil:
    return block[SLOT_BODY_AT + 46]


cdef uint64_t decided_epoch(const uint8_t* block) noexcept nogil:
    return get64(block + SLOT_BODY_AT + DECIDED_AT)


cdef uint64_t decided_member(const uint8_t* block, int32_t host) noexcept nogil:
    return get64(block + SLOT_BODY_AT + DECIDED_AT + 24 + 8 * host)


cdef void seal(
    uint8_t* block, const uint8_t* body, const Identity* pool, int32_t host, int32_t copy, uint64_t sequence,
    uint8_t burnt
) noexcept nogil:
    memset(block, 0, STRIDE)
    memcpy(block, HEAD, 8)
    put16(block + 8, FORMAT)
    put16(block + 10, <uint16_t> host)
    put16(block + 12, <uint16_t> copy)
    memcpy(block + 16, pool.generation, UUID_BYTES)
    memcpy(block + 32, pool.uuids[host], UUID_BYTES)
    put64(block + 48, sequence)
    block[56] = burnt
    memcpy(block + SLOT_BODY_AT, body, SLOT_BODY_BYTES)
    put32(block + CRC_AT, crc32c(block, CRC_AT))
    keyed_mac(pool.key, block, MAC_AT, block + MAC_AT)


# -- for Python ------------------------------------------------------------------------------------------

cdef int pack_decision(uint8_t* at, object decision) except -1:
    cdef Py_ssize_t host
    put64(at, decision.epoch)
    put64(at + 8, decision.liveset)
    at[16] = NOBODY_BYTE if decision.leader == -1 else decision.leader
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
    raw[51] = NOBODY_BYTE if body.leader_wish == -1 else body.leader_wish
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


cdef int check_hosts(int32_t hosts) except -1:
    if not 1 <= hosts <= MAX_HOSTS:
        raise ValueError(f"hosts: {hosts}, expected 1 to {MAX_HOSTS}")
    return 0


cdef int check_place(PoolIdentity pool, int32_t host, int32_t copy) except -1:
    if not 0 <= host < pool.raw.hosts:
        raise ValueError(f"host: {host}, expected 0 to {pool.raw.hosts - 1}")
    if not 0 <= copy < COPIES:
        raise ValueError(f"copy: {copy}, expected 0 to {COPIES - 1}")
    return 0


def seal_slot(
    PoolIdentity pool not None, const uint8_t[::1] body not None, int32_t host, int32_t copy,
    uint64_t sequence, uint8_t burnt
):
    """Return the whole block of one copy."""
    cdef uint8_t[STRIDE] block
    check_place(pool, host, copy)
    if body.shape[0] != SLOT_BODY_BYTES:
        raise ValueError(f"slot: {body.shape[0]} bytes of body, expected {SLOT_BODY_BYTES}")
    seal(block, &body[0], &pool.raw, host, copy, sequence, burnt)
    return block[:STRIDE]


def check_slot(
    PoolIdentity pool not None, const uint8_t[::1] block not None, int32_t host, int32_t copy,
    bint authenticate=True
):
    """Return why the block is not believed as this copy, 0: it is."""
    check_place(pool, host, copy)
    if block.shape[0] != STRIDE:
        raise ValueError(f"slot: a block of {block.shape[0]} bytes, expected {STRIDE}")
    return check(&block[0], &pool.raw, host, copy, authenticate)


def check_slots(PoolIdentity pool not None, const uint8_t[::1] blocks not None, previous=None):
    """Return the reasons of all copies of all hosts; `previous`: (blocks, reasons) of the last read."""
    cdef const uint8_t[::1] last
    cdef uint8_t[MAX_HOSTS * COPIES] reasons
    cdef Py_ssize_t count = pool.raw.hosts * COPIES
    if blocks.shape[0] != count * STRIDE:
        raise ValueError(f"slots: {blocks.shape[0]} bytes, expected {count * STRIDE}")
    if previous is None:
        check_all(&blocks[0], NULL, &pool.raw, reasons)
        return reasons[:count]
    last, known = previous
    if last.shape[0] != blocks.shape[0] or len(known) != count:
        raise ValueError("slots: the last read was of another length")
    memcpy(reasons, <const char*> known, count)
    check_all(&blocks[0], &last[0], &pool.raw, reasons)
    return reasons[:count]


def choose_copy(const uint8_t[::1] blocks not None, const uint8_t[::1] reasons not None):
    """Return (newest valid copy or −1, whether the slot is doubted) of one host's copies."""
    cdef Choice choice
    if blocks.shape[0] != SLOT_BYTES or reasons.shape[0] != COPIES:
        raise ValueError(f"slot: {blocks.shape[0]} bytes and {reasons.shape[0]} reasons of copies")
    choice = choose(&blocks[0], &reasons[0])
    return choice.newest, bool(choice.doubted)


def copy_in_turn(int32_t copy, uint8_t burnt):
    """Return the copy to write after `copy` (−1: none was written), −1 if no other is clean."""
    return next_copy(copy, burnt)


def clean_copies(uint8_t burnt):
    """Return how many copies no failed write may still reach."""
    return copies_left(burnt)


def slot_head(const uint8_t[::1] block not None):
    """Return (sequence, burnt copies) of a block."""
    if block.shape[0] != STRIDE:
        raise ValueError(f"slot: a block of {block.shape[0]} bytes, expected {STRIDE}")
    return slot_sequence(&block[0]), slot_burnt(&block[0])
