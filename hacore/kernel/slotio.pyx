"""Direct I/O on the statefile, past every cache (MEMBERSHIP §3).

Decides nothing: reports what the kernel said as −errno. Must never take a part for the whole: what is short
is an error. A write is not repeated here, whatever it reports: it may have landed all the same.
"""

from cpython.buffer cimport PyBuffer_FillInfo
from cpython.bytes cimport PyBytes_FromStringAndSize
from libc.errno cimport EINTR, EINVAL, EIO, ENODEV, EOPNOTSUPP, errno
from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.stdlib cimport free as release
from libc.string cimport memcpy, memset, strerror

cdef extern from "Python.h":
    bytes PyUnicode_EncodeFSDefault(str text)

cdef extern from "<stdlib.h>" nogil:
    int posix_memalign(void** memory, size_t alignment, size_t size)

cdef extern from "<fcntl.h>" nogil:
    int c_open "open"(const char* path, int flags, ...)
    int O_RDONLY, O_RDWR, O_CLOEXEC, O_DIRECT, O_DSYNC

cdef extern from "<sys/mman.h>" nogil:
    int madvise(void* memory, size_t length, int advice)
    int MADV_HUGEPAGE

cdef extern from "<sys/types.h>" nogil:
    ctypedef long off_t

cdef extern from "<unistd.h>" nogil:
    ssize_t c_pread "pread"(int fd, void* buffer, size_t length, off_t offset)
    ssize_t c_pwrite "pwrite"(int fd, const void* buffer, size_t length, off_t offset)
    int c_close "close"(int fd)

cdef extern from "<sys/ioctl.h>" nogil:
    int ioctl(int fd, unsigned long request, ...)

cdef extern from "<linux/fs.h>" nogil:
    unsigned long BLKSSZGET, BLKGETSIZE64

cdef extern from "<sys/stat.h>" nogil:
    cdef struct c_stat "stat":
        unsigned int st_mode
        long st_size
        long st_blksize
    int stat(const char* path, c_stat* status)
    int fstat(int fd, c_stat* status)
    bint S_ISBLK(unsigned int mode)
    bint S_ISREG(unsigned int mode)

cdef extern from "<sys/statvfs.h>" nogil:
    cdef struct c_statvfs "statvfs":
        unsigned long f_bsize
    int fstatvfs(int fd, c_statvfs* status)

cdef enum:
    ALIGNMENT = 4096  # the largest logical block there is, and how our blocks lie
    HUGE_PAGE = 2097152  # of amd64; direct I/O pins each page, and of 64 slots that is 512 small ones or one


cdef int refuse_kind(const char* path) noexcept nogil:
    """Look before opening: to open a watchdog by mistake arms it."""
    cdef c_stat status
    if stat(path, &status) != 0:
        return -errno
    return 0 if S_ISBLK(status.st_mode) or S_ISREG(status.st_mode) else -ENODEV


cdef int measure(int fd, Device* device) noexcept nogil:
    """Fill in size and logical block: of a block device what it says, of a file a bound."""
    cdef c_stat status
    cdef c_statvfs volume
    cdef int sector = 0
    if fstat(fd, &status) != 0:
        return -errno
    if S_ISBLK(status.st_mode):
        if ioctl(fd, BLKSSZGET, &sector) != 0 or ioctl(fd, BLKGETSIZE64, &device.size_bytes) != 0:
            return -errno
        device.logical_block_bytes = <uint32_t> sector
        return 0
    if fstatvfs(fd, &volume) != 0:
        return -errno
    device.size_bytes = <uint64_t> status.st_size
    device.logical_block_bytes = <uint32_t> min(volume.f_bsize, <unsigned long> ALIGNMENT)
    return 0


cdef int open_device(const char* path, bint writable, bint lab, Device* device) noexcept nogil:
    cdef int flags = (O_RDWR if writable else O_RDONLY) | O_DSYNC | O_CLOEXEC
    cdef int failure = refuse_kind(path)
    device.fd = -1
    if failure != 0:
        return failure
    device.direct = True
    device.fd = c_open(path, flags | O_DIRECT)
    if device.fd < 0 and errno == EINVAL:
        if not lab:
            return -EOPNOTSUPP
        device.direct = False
        device.fd = c_open(path, flags)
    if device.fd < 0:
        return -errno
    failure = measure(device.fd, device)
    if failure == 0 and (device.logical_block_bytes == 0 or ALIGNMENT % device.logical_block_bytes != 0):
        failure = -EINVAL
    if failure != 0:
        c_close(device.fd)
        device.fd = -1
    return failure


cdef int write_range(int fd, const uint8_t* buffer, size_t length, uint64_t offset) noexcept nogil:
    cdef ssize_t done = c_pwrite(fd, buffer, length, <off_t> offset)
    if done < 0:
        return -errno
    return 0 if <size_t> done == length else -EIO


cdef int read_range(int fd, uint8_t* buffer, size_t length, uint64_t offset) noexcept nogil:
    cdef ssize_t done = -1
    while True:
        done = c_pread(fd, buffer, length, <off_t> offset)
        if done >= 0 or errno != EINTR:
            break
    if done < 0:
        return -errno
    return 0 if <size_t> done == length else -EIO


cdef uint8_t* aligned_buffer(size_t length) noexcept nogil:
    cdef void* memory = NULL
    cdef bint huge = length >= HUGE_PAGE
    if posix_memalign(&memory, HUGE_PAGE if huge else ALIGNMENT, length) != 0:
        return NULL
    if huge:
        madvise(memory, length, MADV_HUGEPAGE)  # refused, it is only slower
    memset(memory, 0, length)
    return <uint8_t*> memory


cdef int check_range(size_t length, uint64_t offset) except -1:
    if length == 0 or length % ALIGNMENT or offset % ALIGNMENT:
        raise ValueError(f"{length} bytes at {offset}: expected multiples of {ALIGNMENT}")
    return 0


cdef class SlotBuffer:
    """Zeroed memory for `SlotDevice.read_into`, as the pump has it; a buffer of `length` bytes."""
    cdef uint8_t* memory
    cdef size_t length

    def __cinit__(self, size_t length):
        check_range(length, 0)
        self.length = length
        self.memory = aligned_buffer(length)
        if self.memory == NULL:
            raise MemoryError

    def __dealloc__(self):
        release(self.memory)

    def __getbuffer__(self, Py_buffer* view, int flags):
        PyBuffer_FillInfo(view, self, self.memory, <Py_ssize_t> self.length, False, flags)


cdef class SlotDevice:
    """A file, loop or block device for direct I/O in multiples of 4096 bytes; errors are OSErrors.

    OSError of opening: EOPNOTSUPP where the file system refuses direct I/O (`lab` does without), ENODEV for
    what is neither a file nor a block device, EINVAL for logical blocks larger than 4096 bytes.
    """
    cdef Device device
    cdef str name

    def __cinit__(self):
        self.device.fd = -1

    def __init__(self, str path not None, *, bint writable=True, bint lab=False):
        cdef bytes name = PyUnicode_EncodeFSDefault(path)
        cdef const char* raw = name
        cdef int failure
        if b"\0" in name:
            raise ValueError("a path with a zero byte")
        self.close()
        self.name = path
        with nogil:
            failure = open_device(raw, writable, lab, &self.device)
        self._raise(failure)

    def __dealloc__(self):
        if self.device.fd >= 0:
            c_close(self.device.fd)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    cdef int _raise(self, int failure) except -1:
        if failure != 0:
            raise OSError(-failure, strerror(-failure).decode("utf-8", "replace"), self.name)
        return 0

    def close(self):
        """Close it; a second time does nothing."""
        if self.device.fd >= 0:
            c_close(self.device.fd)
            self.device.fd = -1

    def fileno(self):
        """Return the file descriptor, −1 after close."""
        return self.device.fd

    @property
    def path(self):
        """What was opened."""
        return self.name

    @property
    def size_bytes(self):
        """How large it was when it was opened."""
        return self.device.size_bytes

    @property
    def logical_block_bytes(self):
        """The smallest unit it writes; of a file at most what its file system takes."""
        return self.device.logical_block_bytes

    @property
    def direct(self):
        """Whether its I/O passes all caches."""
        return bool(self.device.direct)

    def read(self, size_t length, uint64_t offset):
        """Return `length` bytes; OSError EIO if there are fewer."""
        cdef uint8_t* buffer = self._buffer(length, offset)
        cdef int failure
        with nogil:
            failure = read_range(self.device.fd, buffer, length, offset)
        try:
            self._raise(failure)
            return PyBytes_FromStringAndSize(<const char*> buffer, <Py_ssize_t> length)
        finally:
            release(buffer)

    def read_into(self, uint8_t[::1] buffer not None, uint64_t offset):
        """Fill a buffer that lies at a multiple of 4096 (a SlotBuffer does) and is one long."""
        cdef size_t length = <size_t> buffer.shape[0]
        cdef int failure
        check_range(length, offset)
        if <size_t> &buffer[0] % ALIGNMENT:
            raise ValueError(f"a buffer that does not lie at a multiple of {ALIGNMENT}")
        with nogil:
            failure = read_range(self.device.fd, &buffer[0], length, offset)
        self._raise(failure)

    def write(self, const uint8_t[::1] data not None, uint64_t offset):
        """Write it all, to the medium; on OSError it may have landed all the same, now or later."""
        cdef size_t length = <size_t> data.shape[0]
        cdef uint8_t* buffer = self._buffer(length, offset)
        cdef int failure
        memcpy(buffer, &data[0], length)
        with nogil:
            failure = write_range(self.device.fd, buffer, length, offset)
        release(buffer)
        self._raise(failure)

    cdef uint8_t* _buffer(self, size_t length, uint64_t offset) except NULL:
        cdef uint8_t* buffer
        check_range(length, offset)
        buffer = aligned_buffer(length)
        if buffer == NULL:
            raise MemoryError
        return buffer
