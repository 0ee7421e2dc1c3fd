"""What the lab needs of the machine it runs on. Decides whether a cluster can be made here; makes nothing."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

PROGRAMS = {"ip": "iproute2", "nft": "nftables", "losetup": "mount"}
"""By the Debian package that has it."""


def missing() -> tuple[str, ...]:
    """Return what is missing, a sentence each; empty: a cluster can be made."""
    found = [] if os.geteuid() == 0 else ["root: namespaces, loop devices and FUSE mounts need it"]
    found += [
        f"the program {program} (Debian: {package})"
        for program, package in PROGRAMS.items()
        if shutil.which(program) is None
    ]
    found += [f"{door}" for door in ("/dev/fuse", "/dev/loop-control") if not Path(door).exists()]
    return tuple(found)
