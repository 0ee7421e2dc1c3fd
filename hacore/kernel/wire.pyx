"""Who the pool is, for the codecs: generation, host table, key. Decides nothing; must never show the key."""

from libc.string cimport memcpy, memset


cdef class PoolIdentity:
    """The key, the generation and the host table in the form the codecs read.

    key: 32 bytes; generation: 16 bytes (UUID); uuids: 1 … 64 host UUIDs of 16 bytes, in the order of indices.
    """

    def __cinit__(self, const uint8_t[::1] key not None, const uint8_t[::1] generation not None, uuids):
        cdef const uint8_t[::1] uuid
        cdef Py_ssize_t host
        if key.shape[0] != KEY_BYTES:
            raise ValueError(f"key: {key.shape[0]} bytes, expected {KEY_BYTES}")
        if generation.shape[0] != UUID_BYTES:
            raise ValueError(f"generation: {generation.shape[0]} bytes, expected {UUID_BYTES}")
        if not 1 <= len(uuids) <= MAX_HOSTS:
            raise ValueError(f"uuids: {len(uuids)} hosts, expected 1 to {MAX_HOSTS}")
        memset(&self.raw, 0, sizeof(Identity))
        memcpy(self.raw.key, &key[0], KEY_BYTES)
        memcpy(self.raw.generation, &generation[0], UUID_BYTES)
        self.raw.hosts = <int32_t> len(uuids)
        for host in range(len(uuids)):
            uuid = uuids[host]
            if uuid.shape[0] != UUID_BYTES:
                raise ValueError(f"uuids[{host}]: {uuid.shape[0]} bytes, expected {UUID_BYTES}")
            memcpy(self.raw.uuids[host], &uuid[0], UUID_BYTES)

    @property
    def hosts(self):
        """How many hosts are configured."""
        return self.raw.hosts
