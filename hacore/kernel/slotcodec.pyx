"""The slot of a host on the shared disk: eight copies of one block, written in turn.

Decides which bytes are believed and why others are not (MEMBERSHIP §3). Must never believe a block that is
not whole, authentic, of this pool's generation and in its own place. All numbers little-endian:

    block        0 magic 8 · 8 version 2 · 10 host 2 · 12 copy 2 · 14 zero 2 · 16 generation 16
                 32 host UUID 16 · 48 sequence 8 · 56 burnt 1 · 57 zero 7 · 64 body · 1224 zero
                 4076 CRC-32C of 0 … 4075 · 4080 MAC of 0 … 4079

A block that a read shows as the read before did is not checked again. Of one that was believed, all is
compared but the zeros behind the body: what is believed are bytes that were checked whole, each of them equal
since. Rot among the zeros changes nothing that anybody reads; who sees it first refuses the block.
"""

from libc.stdint cimport int32_t, uint8_t, uint16_t, uint64_t
from libc.string cimport memcmp, memcpy, memset

from hacore.kernel.blake2b cimport keyed_mac
from hacore.kernel.crc32c cimport crc32c
from hacore.kernel.slotbody cimport body_fault
from hacore.kernel.wire cimport (
    AUTHENTICITY, BLANK, CONTENT, COPY, CRC, GENERATION, IDENTITY, MAC_BYTES, MAGIC, MAX_HOSTS, UUID_BYTES,
    VALID, VERSION, Identity, PoolIdentity, all_zero, get16, get32, get64, put16, put32, put64, same
)

cdef enum:
    FORMAT = 1
    UNUSED_AT = SLOT_BODY_AT + SLOT_BODY_BYTES
    CRC_AT = 4076
    MAC_AT = 4080
    DECIDED_AT = SLOT_BODY_AT + 56

cdef const char* HEAD = b"xenhaSLT"


# -- blocks ----------------------------------------------------------------------------------------------

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


cdef inline bint stands(const uint8_t* block, const uint8_t* before, uint8_t reason) noexcept nogil:
    """Tell whether a block is still what it was when it got this reason."""
    if reason != VALID:
        return memcmp(block, before, STRIDE) == 0
    return (
        memcmp(block, before, UNUSED_AT) == 0
        and memcmp(block + CRC_AT, before + CRC_AT, STRIDE - CRC_AT) == 0
    )


cdef void check_all(
    const uint8_t* blocks, const uint8_t* previous, const Identity* pool, uint8_t* reasons
) noexcept nogil:
    cdef int32_t i
    cdef size_t at
    for i in range(pool.hosts * COPIES):
        at = <size_t> i * STRIDE
        if previous == NULL or not stands(blocks + at, previous + at, reasons[i]):
            reasons[i] = check(blocks + at, pool, i // COPIES, i % COPIES, True)


# -- copies in turn --------------------------------------------------------------------------------------

cdef int32_t next_copy(int32_t copy, uint8_t burnt) noexcept nogil:
    cdef int32_t step, other
    for step in range(1, COPIES + (copy < 0)):
        other = (copy + step) % COPIES
        if not burnt >> other & 1:
            return other
    return -1


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


cdef uint64_t decided_epoch(const uint8_t* block) noexcept nogil:
    return get64(block + DECIDED_AT)


cdef uint64_t decided_member(const uint8_t* block, int32_t host) noexcept nogil:
    return get64(block + DECIDED_AT + 24 + 8 * host)


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


def choose_copies(const uint8_t[::1] blocks not None, const uint8_t[::1] reasons not None):
    """Return ([newest valid copy or −1], mask of doubted slots) of so many hosts' copies, side by side."""
    cdef Py_ssize_t hosts = reasons.shape[0] // COPIES, host
    cdef int32_t[MAX_HOSTS] newest
    cdef uint64_t doubted = 0
    cdef Choice choice
    if not 0 < hosts <= MAX_HOSTS or reasons.shape[0] % COPIES or blocks.shape[0] != hosts * SLOT_BYTES:
        raise ValueError(f"slots: {blocks.shape[0]} bytes and {reasons.shape[0]} reasons of copies")
    for host in range(hosts):
        choice = choose(&blocks[host * SLOT_BYTES], &reasons[host * COPIES])
        newest[host] = choice.newest
        doubted |= <uint64_t> choice.doubted << host
    return [newest[host] for host in range(hosts)], doubted


def copy_in_turn(int32_t copy, uint8_t burnt):
    """Return the copy to write after `copy` (−1: none was written), −1 if no other is clean."""
    return next_copy(copy, burnt)


def slot_head(const uint8_t[::1] block not None):
    """Return (sequence, burnt copies) of a block."""
    if block.shape[0] != STRIDE:
        raise ValueError(f"slot: a block of {block.shape[0]} bytes, expected {STRIDE}")
    return slot_sequence(&block[0]), slot_burnt(&block[0])
