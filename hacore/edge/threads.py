"""Threads of the shell: small, and deaf to signals. Decides nothing.

A signal is for the loop, which leaves for it. One that another thread took in the middle of a handover would
be lost with that thread; as it is, it waits for the successor.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable

_STACK_BYTES = 256 * 1024


def start_thread(work: Callable[[], None], name: str) -> threading.Thread:
    """Start a thread that keeps no process from ending. RuntimeError if there can be none."""
    stack_bytes = threading.stack_size(_STACK_BYTES)
    heard = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    try:
        thread = threading.Thread(target=work, name=name, daemon=True)
        thread.start()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, heard)
        threading.stack_size(stack_bytes)
    return thread
