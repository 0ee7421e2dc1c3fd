"""`python -m lab.watchdog [FOLDER]`: boot machines with softdog and i6300esb, and judge what their doors did.

Needs root, QEMU, Debian's kernel package, busybox-static, cpio and kmod. Emulated without KVM: some minutes.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from lab.watchdog import image
from lab.watchdog.judge import verdict

DRIVERS = {"softdog": (), "i6300esb": ("-device", "i6300esb")}
STORIES = ("crash", "fence")
PATIENCE_SECONDS = 600
NEEDED = {
    "qemu-system-x86_64": "qemu-system-x86",
    "cpio": "cpio",
    "depmod": "kmod",
    "apt-get": "apt",
    "busybox": "busybox-static",
}


def booted(kernel: Path, initial: Path, extra: tuple[str, ...], log: Path) -> str:
    """Run one machine until it reboots, and return what came to its console."""
    command = ["qemu-system-x86_64", "-M", "pc", "-m", "512", "-smp", "1", "-display", "none", "-no-reboot"]
    command += ["-kernel", str(kernel), "-initrd", str(initial), "-append", "console=ttyS0 quiet panic=-1"]
    command += ["-virtfs", "local,path=/,mount_tag=host,security_model=none,readonly=on,multidevs=remap"]
    command += [*extra, "-serial", "stdio", "-monitor", "none"]
    with (
        log.open("w+b") as file,
        subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT) as machine,
    ):
        try:
            machine.wait(PATIENCE_SECONDS)
        finally:
            machine.kill()
    return log.read_text(errors="replace")


def main(folder: Path) -> int:
    """Tell every story with every driver; 1 if one went wrong, 2 if it cannot be done here."""
    lacking = [f"{name} (Debian: {package})" for name, package in NEEDED.items() if not shutil.which(name)]
    if lacking:
        sys.stderr.write(f"watchdog: needs {', '.join(lacking)}\n")
        return 2
    folder.mkdir(parents=True, exist_ok=True)
    tree = image.unpacked_kernel(folder.resolve())
    wrong = 0
    for driver, extra in DRIVERS.items():
        for story in STORIES:
            command = f"{sys.executable} -B -m lab.watchdog.guest {story}"
            initial = image.made(folder.resolve(), tree, driver, Path.cwd(), command)
            console = booted(image.kernel_of(tree), initial, extra, folder / f"{driver}-{story}.log")
            problem, found = verdict(story, console)
            wrong += bool(problem)
            sys.stdout.write(f"{driver} {story}: {problem or found}\n")
            sys.stdout.flush()
    return int(wrong > 0)


if __name__ == "__main__":
    raise SystemExit(main(Path(sys.argv[1] if len(sys.argv) > 1 else "var/watchdog")))
