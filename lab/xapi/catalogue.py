"""Where methods with rules of their own come from."""

from __future__ import annotations

from collections.abc import Iterator

from lab.xapi import (
    events,
    faults,
    host_calls,
    pool_calls,
    sessions,
    storage_calls,
    tasks,
    vm_calls,
    vm_settings,
)
from lab.xapi.methods import Method

_MODULES = (sessions, tasks, events, pool_calls, host_calls, vm_calls, vm_settings, storage_calls, faults)


def own_methods() -> Iterator[Method]:
    """Yield every method that is more than a look into the table of classes."""
    for module in _MODULES:
        yield from module.registry.methods
