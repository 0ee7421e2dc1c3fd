"""Slots of the statefile: sealing, checking, choosing the newest copy. Layout in slotcodec.pyx."""

from libc.stdint cimport int32_t, uint8_t, uint64_t

from hacore.kernel.wire cimport Identity

cdef enum:
    COPIES = 8
    STRIDE = 4096  # bytes a copy
    SLOT_BYTES = 32768  # all copies of one host, side by side
    SLOT_BODY_AT = 64
    SLOT_BODY_BYTES = 1160

cdef struct Choice:
    int32_t newest  # the valid copy with the highest sequence; −1: no copy is valid
    bint doubted  # Paxos must not trust this slot: more is damaged than one incomplete write explains

# Fill all of `block` (STRIDE bytes): `body` (SLOT_BODY_BYTES, as pack_body made it), head, CRC and MAC.
cdef void seal(
    uint8_t* block, const uint8_t* body, const Identity* pool, int32_t host, int32_t copy, uint64_t sequence,
    uint8_t burnt
) noexcept nogil

# Say why this block is not believed as this copy of this host: a reason of wire.pxd, 0 (VALID): it is.
cdef uint8_t check(
    const uint8_t* block, const Identity* pool, int32_t host, int32_t copy, bint authenticate
) noexcept nogil

# Check all copies of all hosts into reasons[hosts · COPIES]. Blocks that stand as in `previous` (the last
# read, whose reasons are in `reasons` still) are not looked at again; NULL: look at all.
cdef void check_all(
    const uint8_t* blocks, const uint8_t* previous, const Identity* pool, uint8_t* reasons
) noexcept nogil

# Judge one host's COPIES blocks by their reasons.
cdef Choice choose(const uint8_t* blocks, const uint8_t* reasons) noexcept nogil

# The copy to write after `copy` was written (−1: none was): the next one that is not burnt; −1: there is none
# but `copy` itself. Readers use it, too: only this copy may be incomplete.
cdef int32_t next_copy(int32_t copy, uint8_t burnt) noexcept nogil

# Fields of a valid block.
cdef uint64_t slot_sequence(const uint8_t* block) noexcept nogil
cdef uint8_t slot_burnt(const uint8_t* block) noexcept nogil
cdef uint64_t slot_incarnation(const uint8_t* block) noexcept nogil
cdef uint64_t decided_epoch(const uint8_t* block) noexcept nogil
# The incarnation as which a host is a member of the decided epoch; 0: it is none, or not known.
cdef uint64_t decided_member(const uint8_t* block, int32_t host) noexcept nogil
