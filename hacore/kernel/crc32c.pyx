"""CRC-32C (Castagnoli, reflected polynomial 0x82F63B78), eight bytes a step.

Source: iSCSI, RFC 3720 appendix B.4 (with test vectors); slicing-by-8 after Kounavis and Berry, 2005. Finds
torn and damaged blocks; must never be taken for a proof of origin.
"""

from libc.stdint cimport uint8_t, uint32_t, uint64_t

from hacore.kernel.wire cimport get64

cdef uint32_t[8][256] TABLE


cdef void fill_table() noexcept:
    cdef uint32_t byte, value
    cdef int step, _
    for byte in range(256):
        value = byte
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78U if value & 1 else 0)
        TABLE[0][byte] = value
    for step in range(1, 8):
        for byte in range(256):
            value = TABLE[step - 1][byte]
            TABLE[step][byte] = value >> 8 ^ TABLE[0][value & 255]


fill_table()


cdef uint32_t crc32c(const uint8_t* data, size_t length) noexcept nogil:
    cdef uint32_t value = 0xFFFFFFFFU
    cdef uint64_t eight
    while length >= 8:
        eight = get64(data) ^ value
        value = (
            TABLE[7][eight & 255] ^ TABLE[6][eight >> 8 & 255]
            ^ TABLE[5][eight >> 16 & 255] ^ TABLE[4][eight >> 24 & 255]
            ^ TABLE[3][eight >> 32 & 255] ^ TABLE[2][eight >> 40 & 255]
            ^ TABLE[1][eight >> 48 & 255] ^ TABLE[0][eight >> 56]
        )
        data += 8
        length -= 8
    while length:
        value = value >> 8 ^ TABLE[0][(value ^ data[0]) & 255]
        data += 1
        length -= 1
    return value ^ 0xFFFFFFFFU


def checksum(const uint8_t[::1] data not None):
    """Return the CRC-32C of the bytes."""
    return crc32c(&data[0] if data.shape[0] else NULL, data.shape[0])
