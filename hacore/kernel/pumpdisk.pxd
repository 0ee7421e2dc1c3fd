"""The disk thread of the pump."""

from hacore.kernel.pumpstate cimport Pump

cdef void* disk_thread(void* pump) noexcept nogil
# One cycle: write the own slot if there is something to publish, read all slots, judge.
cdef void disk_cycle(Pump* p) noexcept nogil
