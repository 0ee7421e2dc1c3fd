"""What runs inside the virtual machine, as its first process: the door of `hacore.edge.watchdog`, for real.

Says what it does line by line on the console; the machine outside judges by the lines, and by the reboot that
must follow. Must never be run anywhere else: it reboots what it runs on.
"""

from __future__ import annotations

import os
import signal
import sys
import threading

from hacore.clock import NS_PER_SECOND, SystemClock
from hacore.edge.watchdog import DeviceWatchdog

DEVICE = "/dev/watchdog"
TIMEOUT_SECONDS = 2  # W
PING = b"\0"
"""As hacore.kernel.pumpdog writes it."""

MARK = "guest: "
DISARMED, KILLED, FENCING, ALIVE, STILL_HERE = "disarmed", "killed", "fencing", "alive", "still here"


def say(*words: object) -> None:
    """Write one line at once."""
    sys.stdout.write(MARK + " ".join(map(str, words)) + "\n")
    sys.stdout.flush()


def pause(seconds: float) -> None:
    """Wait."""
    threading.Event().wait(seconds)


def ping_for(descriptor: int, seconds: float) -> None:
    """Ping as the pump does, every W/4, for longer than the device waits."""
    for _ in range(int(seconds * 4 / TIMEOUT_SECONDS)):
        os.write(descriptor, PING)
        pause(TIMEOUT_SECONDS / 4)


def leave(dog: DeviceWatchdog) -> None:
    """Arm, ping, disarm, and be there long after."""
    ping_for(dog.open(), 2 * TIMEOUT_SECONDS)
    dog.close()
    pause(3 * TIMEOUT_SECONDS)
    say(DISARMED)


def crash(dog: DeviceWatchdog) -> None:
    """Let a daemon be killed that has armed it, and count how long this machine lives on."""
    child = os.fork()
    if child == 0:
        ping_for(dog.open(), 1000 * TIMEOUT_SECONDS)
        os._exit(1)
    pause(3 * TIMEOUT_SECONDS)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    say(KILLED)
    outlive()


def fence(dog: DeviceWatchdog) -> None:
    """Arm it, and reboot at once."""
    dog.open()
    say(FENCING)
    dog.fence()
    outlive()


def outlive() -> None:
    """Say how long this machine still lives."""
    clock = SystemClock()
    started_ns = clock.monotonic_ns()
    while (lived := (clock.monotonic_ns() - started_ns) / NS_PER_SECOND) < 5 * TIMEOUT_SECONDS:
        say(ALIVE, f"{lived:.2f}")
        pause(0.1)
    say(STILL_HERE)


def main(story: str) -> None:
    """Tell one story; the machine ends with its first process."""
    dog = DeviceWatchdog(DEVICE, TIMEOUT_SECONDS * NS_PER_SECOND)
    dog.check()
    if story == "fence":
        fence(dog)
    leave(dog)
    crash(dog)


if __name__ == "__main__":
    main(sys.argv[1])
