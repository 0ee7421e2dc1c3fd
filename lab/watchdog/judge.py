"""From a machine's console to a verdict: did it reboot when it had to, and only then? Pure."""

from __future__ import annotations

from lab.watchdog import guest

GRANULARITY_SECONDS = 1.0
"""g of a real device, as hacore.configfile has it."""


def verdict(story: str, console: str) -> tuple[str, str]:
    """Return (what is wrong; "": nothing, what was seen)."""
    said = [line.removeprefix(guest.MARK) for line in console.splitlines() if line.startswith(guest.MARK)]
    lived = max((float(line.split()[1]) for line in said if line.startswith(guest.ALIVE)), default=0.0)
    seen = f"rebooted, alive for {lived} s"
    first = guest.FENCING if story == "fence" else guest.KILLED
    if "Kernel panic" in console:
        return "the guest itself broke", seen
    if story == "crash" and guest.DISARMED not in said:
        return "a watchdog that was disarmed fired, or none could be opened", seen
    if first not in said:
        return f"the guest never came to say: {first}", seen
    if guest.STILL_HERE in said:
        return "did not reboot", seen
    return _in_time(story, lived), seen


def _in_time(story: str, lived: float) -> str:
    """Judge how long it lived on: after a crash for W, as closing the device pings once more."""
    least = guest.TIMEOUT_SECONDS / 2 if story == "crash" else 0.0
    most = GRANULARITY_SECONDS + (guest.TIMEOUT_SECONDS if story == "crash" else 0)
    if least <= lived <= most:
        return ""
    return f"lived on for {lived} s, expected {least} to {most} s"
