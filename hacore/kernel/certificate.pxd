"""What other kernels use of the certificate's."""

from libc.stdint cimport int64_t

cdef void sort_descending(int64_t* keys, int64_t* tags, Py_ssize_t n) noexcept nogil
