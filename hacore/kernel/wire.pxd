"""What slots and packets have in common: little-endian fields and who the pool is."""

from libc.stdint cimport int32_t, uint8_t, uint16_t, uint32_t, uint64_t

cdef enum:
    MAX_HOSTS = 64
    UUID_BYTES = 16
    KEY_BYTES = 32
    MAC_BYTES = 16
    NOBODY_BYTE = 255  # how a field of one byte says that it names no host

cdef enum:
    # Why a slot or a packet is not believed, in the order in which it is looked at.
    VALID = 0
    BLANK = 1  # nothing but zeros
    MAGIC = 2  # not ours
    VERSION = 3  # ours, of another format
    GENERATION = 4  # of another pool, or of this statefile before it was formatted anew
    IDENTITY = 5  # another host's
    COPY = 6  # another copy's place
    CRC = 7  # torn or damaged
    AUTHENTICITY = 8  # another key, or forged
    CONTENT = 9  # authentic, and says what no host can mean
    LENGTH = 10  # not of our size (packets)
    REASONS = 11

cdef struct Identity:
    uint8_t key[32]
    uint8_t generation[16]
    uint8_t uuids[64][16]  # the host table
    int32_t hosts

cdef class PoolIdentity:
    """Holds an Identity for Python; `raw` stays where it is as long as the object lives."""
    cdef Identity raw


cdef inline uint16_t get16(const uint8_t* at) noexcept nogil:
    return <uint16_t> (at[0] | <uint32_t> at[1] << 8)


cdef inline uint32_t get32(const uint8_t* at) noexcept nogil:
    return <uint32_t> at[0] | <uint32_t> at[1] << 8 | <uint32_t> at[2] << 16 | <uint32_t> at[3] << 24


cdef inline uint64_t get64(const uint8_t* at) noexcept nogil:
    return (
        <uint64_t> at[0] | <uint64_t> at[1] << 8 | <uint64_t> at[2] << 16 | <uint64_t> at[3] << 24
        | <uint64_t> at[4] << 32 | <uint64_t> at[5] << 40 | <uint64_t> at[6] << 48 | <uint64_t> at[7] << 56
    )


cdef inline void put16(uint8_t* at, uint16_t value) noexcept nogil:
    at[0] = <uint8_t> value
    at[1] = <uint8_t> (value >> 8)


cdef inline void put32(uint8_t* at, uint32_t value) noexcept nogil:
    put16(at, <uint16_t> value)
    put16(at + 2, <uint16_t> (value >> 16))


cdef inline void put64(uint8_t* at, uint64_t value) noexcept nogil:
    put32(at, <uint32_t> value)
    put32(at + 4, <uint32_t> (value >> 32))


cdef inline bint all_zero(const uint8_t* at, size_t length) noexcept nogil:
    cdef uint8_t seen = 0
    cdef size_t i
    for i in range(length):
        seen |= at[i]
    return seen == 0


cdef inline bint same(const uint8_t* one, const uint8_t* other, size_t length) noexcept nogil:
    """Compare in a time that does not depend on where they differ."""
    cdef uint8_t differs = 0
    cdef size_t i
    for i in range(length):
        differs |= one[i] ^ other[i]
    return differs == 0


cdef inline uint64_t mask_of_hosts(int32_t hosts) noexcept nogil:
    """Return the mask of hosts 0 … hosts − 1, 1 ≤ hosts ≤ 64."""
    return ~(<uint64_t> 0) >> (64 - hosts)


cdef inline int check_hosts(int32_t hosts) except -1:
    if not 1 <= hosts <= MAX_HOSTS:
        raise ValueError(f"hosts: {hosts}, expected 1 to {MAX_HOSTS}")
    return 0
