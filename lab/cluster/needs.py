"""What the lab needs of the machine it runs on: `python3 -m lab.cluster.needs` says what is missing.

Decides whether a cluster can be made here; makes nothing. Runs before anything is built.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

PROGRAMS = {"ip": "iproute2", "nft": "nftables", "losetup": "mount"}
"""By the Debian package that has it."""


SYSTEM_PATHS = ("/usr/local/sbin", "/usr/sbin", "/sbin")
"""Where they are; not everybody's PATH says so, root's after `su` neither."""


def search_path(environment: Mapping[str, str]) -> str:
    """Return a PATH on which programs for administrators are found, too."""
    told = environment.get("PATH", os.defpath).split(os.pathsep)
    return os.pathsep.join([*told, *(path for path in SYSTEM_PATHS if path not in told)])


def missing() -> tuple[str, ...]:
    """Return what is missing, a sentence each; empty: a cluster can be made."""
    found = [] if os.geteuid() == 0 else ["root: namespaces, loop devices and FUSE mounts need it"]
    path = search_path(os.environ)
    found += [
        f"the program {program} (Debian: {package})"
        for program, package in PROGRAMS.items()
        if shutil.which(program, path=path) is None
    ]
    found += [door for door in ("/dev/fuse", "/dev/loop-control") if not Path(door).exists()]
    return tuple(found)


def refusal(lacking: tuple[str, ...]) -> str:
    """Return one line that says what is missing; "": nothing."""
    return f"lab: no cluster can be made here; it needs {'; '.join(lacking)}" if lacking else ""


def main() -> int:
    """Say what is missing, if anything; 2 then."""
    if line := refusal(missing()):
        sys.stderr.write(f"{line}\n")
    return 2 if line else 0


if __name__ == "__main__":
    raise SystemExit(main())
