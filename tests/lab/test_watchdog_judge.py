"""How the console of a virtual machine is judged: every way in which a watchdog can disappoint."""

from __future__ import annotations

import pytest

from lab.watchdog.judge import verdict

GOOD = ("disarmed", "killed", "alive 0.00", "alive 1.93")


def console(*said: str, more: str = "") -> str:
    """Return what comes to the console, with the kernel's own lines in between."""
    return "\n".join(f"guest: {line}\n[    2.5] watchdog: something" for line in said) + more


def test_a_reboot_after_w_is_what_was_promised():
    assert verdict("crash", console(*GOOD)) == ("", "rebooted, alive for 1.93 s")
    assert verdict("fence", console("fencing", "alive 0.00"))[0] == ""


@pytest.mark.parametrize(
    ("story", "said", "problem"),
    [
        ("crash", GOOD[1:], "disarmed fired"),
        ("crash", (), "disarmed fired"),
        ("crash", GOOD[:1], "never came to say: killed"),
        ("crash", (*GOOD, "alive 9.90", "still here"), "did not reboot"),
        ("crash", (*GOOD, "alive 3.40"), "lived on for 3.4 s, expected 1.0 to 3.0 s"),
        ("crash", GOOD[:3], "lived on for 0.0 s"),
        ("fence", (), "never came to say: fencing"),
        ("fence", ("fencing", "alive 1.20"), "lived on for 1.2 s, expected 0.0 to 1.0 s"),
        ("fence", ("fencing", "still here"), "did not reboot"),
    ],
)
def test_what_went_wrong_is_said(story, said, problem):
    assert problem in verdict(story, console(*said))[0]


def test_a_guest_that_breaks_proves_nothing():
    panic = "[    5.0] Kernel panic - not syncing: Attempted to kill init!"
    assert verdict("crash", console(*GOOD, more=panic))[0] == "the guest itself broke"
