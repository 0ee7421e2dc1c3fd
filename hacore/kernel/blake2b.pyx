"""BLAKE2b with a 32-byte key and a 16-byte digest (RFC 7693, §3.3: sequential, keyed).

Written out here because the daemon's threads run without the GIL, and hashlib would load all of OpenSSL.
Must never see more than one key: it keeps no state between calls.
"""

from libc.stdint cimport uint8_t, uint64_t
from libc.string cimport memcpy, memset

from hacore.kernel.wire cimport KEY_BYTES, MAC_BYTES, get64, put64

cdef enum:
    BLOCK_BYTES = 128
    ROUNDS = 12

cdef uint64_t[8] START  # the fractional parts of the square roots of the first eight primes
cdef uint8_t[12][16] ORDER  # of the message words, a row a round

START[:] = [
    0x6A09E667F3BCC908, 0xBB67AE8584CAA73B, 0x3C6EF372FE94F82B, 0xA54FF53A5F1D36F1,
    0x510E527FADE682D1, 0x9B05688C2B3E6C1F, 0x1F83D9ABFB41BD6B, 0x5BE0CD19137E2179,
]
ORDER[0][:] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]
ORDER[1][:] = [14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3]
ORDER[2][:] = [11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4]
ORDER[3][:] = [7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8]
ORDER[4][:] = [9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13]
ORDER[5][:] = [2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9]
ORDER[6][:] = [12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11]
ORDER[7][:] = [13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10]
ORDER[8][:] = [6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5]
ORDER[9][:] = [10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0]
ORDER[10][:] = ORDER[0]
ORDER[11][:] = ORDER[1]


cdef inline uint64_t turn(uint64_t value, int right) noexcept nogil:
    return value >> right | value << (64 - right)


cdef inline void mix(
    uint64_t* a, uint64_t* b, uint64_t* c, uint64_t* d, uint64_t x, uint64_t y
) noexcept nogil:
    """The function G of RFC 7693, §3.1."""
    a[0] = a[0] + b[0] + x
    d[0] = turn(d[0] ^ a[0], 32)
    c[0] = c[0] + d[0]
    b[0] = turn(b[0] ^ c[0], 24)
    a[0] = a[0] + b[0] + y
    d[0] = turn(d[0] ^ a[0], 16)
    c[0] = c[0] + d[0]
    b[0] = turn(b[0] ^ c[0], 63)


cdef void compress(uint64_t* state, const uint8_t* block, uint64_t hashed, bint last) noexcept nogil:
    """The function F of RFC 7693, §3.2; no message of ours reaches 2^64 bytes."""
    cdef uint64_t[16] v
    cdef uint64_t[16] m
    cdef const uint8_t* s
    cdef int i
    for i in range(16):
        m[i] = get64(block + 8 * i)
    for i in range(8):
        v[i] = state[i]
        v[i + 8] = START[i]
    v[12] ^= hashed
    if last:
        v[14] = ~v[14]
    for i in range(ROUNDS):
        s = ORDER[i]
        mix(&v[0], &v[4], &v[8], &v[12], m[s[0]], m[s[1]])
        mix(&v[1], &v[5], &v[9], &v[13], m[s[2]], m[s[3]])
        mix(&v[2], &v[6], &v[10], &v[14], m[s[4]], m[s[5]])
        mix(&v[3], &v[7], &v[11], &v[15], m[s[6]], m[s[7]])
        mix(&v[0], &v[5], &v[10], &v[15], m[s[8]], m[s[9]])
        mix(&v[1], &v[6], &v[11], &v[12], m[s[10]], m[s[11]])
        mix(&v[2], &v[7], &v[8], &v[13], m[s[12]], m[s[13]])
        mix(&v[3], &v[4], &v[9], &v[14], m[s[14]], m[s[15]])
    for i in range(8):
        state[i] ^= v[i] ^ v[i + 8]


cdef void keyed_mac(const uint8_t* key, const uint8_t* data, size_t length, uint8_t* out) noexcept nogil:
    cdef uint64_t[8] state
    cdef uint8_t[BLOCK_BYTES] block
    cdef uint64_t hashed = BLOCK_BYTES
    cdef int i
    for i in range(8):
        state[i] = START[i]
    state[0] ^= 0x01010000 ^ (KEY_BYTES << 8) ^ MAC_BYTES
    memset(block, 0, BLOCK_BYTES)
    memcpy(block, key, KEY_BYTES)
    if length:
        compress(state, block, hashed, False)
        while length > BLOCK_BYTES:
            hashed += BLOCK_BYTES
            compress(state, data, hashed, False)
            data += BLOCK_BYTES
            length -= BLOCK_BYTES
        memset(block, 0, BLOCK_BYTES)
        memcpy(block, data, length)
        hashed += length
    compress(state, block, hashed, True)
    put64(out, state[0])
    put64(out + 8, state[1])


def mac(const uint8_t[::1] key not None, const uint8_t[::1] data not None):
    """Return the 16-byte MAC of the bytes under a 32-byte key; ValueError for another length of key."""
    cdef uint8_t[MAC_BYTES] out
    if key.shape[0] != KEY_BYTES:
        raise ValueError(f"key: {key.shape[0]} bytes, expected {KEY_BYTES}")
    keyed_mac(&key[0], &data[0] if data.shape[0] else NULL, data.shape[0], out)
    return out[:MAC_BYTES]
