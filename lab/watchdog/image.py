"""The virtual machine's first file system: a shell, the modules it needs, and a way to this machine's files.

Decides nothing. Needs Debian's kernel package, which is unpacked beside, never installed.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

ALWAYS = ("virtio_pci", "9pnet_virtio", "9p")
INIT = """#!/bin/busybox sh
/bin/busybox mount -t devtmpfs dev /dev
/bin/busybox mount -t proc proc /proc
exec </dev/console >/dev/console 2>&1
{modules}
/bin/busybox mount -t 9p -o trans=virtio,version=9p2000.L,ro,msize=262144,cache=loose host /host
/bin/busybox mount -t devtmpfs dev /host/dev
/bin/busybox mount -t proc proc /host/proc
/bin/busybox mount -t sysfs sys /host/sys
exec /bin/busybox chroot /host /bin/sh -c 'cd {project} && exec {command}'
"""


def unpacked_kernel(folder: Path) -> Path:
    """Return where the newest Debian kernel was unpacked; downloads it the first time."""
    tree = folder / "kernel"
    if not tree.exists():
        depends = _output("apt-cache", "depends", "--important", "linux-image-amd64")
        package = next(line.split()[-1] for line in depends.splitlines() if "Depends: linux-image" in line)
        subprocess.run(
            ["apt-get", "-o", "APT::Sandbox::User=root", "download", "-qq", package], cwd=folder, check=True
        )
        (archive,) = folder.glob("linux-image-*.deb")
        subprocess.run(["dpkg-deb", "-x", archive, tree], check=True)
        subprocess.run(["depmod", "-b", tree, _version(tree)], check=True)
    return tree


def made(folder: Path, tree: Path, driver: str, project: Path, command: str) -> Path:
    """Return an image that runs the command in the project's folder with one watchdog driver loaded."""
    root = folder / f"root-{driver}"
    shutil.rmtree(root, ignore_errors=True)
    for name in ("bin", "dev", "proc", "host", "modules"):
        (root / name).mkdir(parents=True)
    shutil.copy("/bin/busybox", root / "bin/busybox")
    loaded = []
    for module in _needed(tree, (*ALWAYS, driver)):
        shutil.copy(module, root / "modules")
        loaded.append(f"/bin/busybox insmod /modules/{module.name}")
    init = root / "init"
    init.write_text(INIT.format(modules="\n".join(loaded), project=project, command=command))
    init.chmod(0o755)
    image = folder / f"{driver}.cpio"
    names = "\n".join(str(path.relative_to(root)) for path in sorted(root.rglob("*")))
    with image.open("wb") as file:
        subprocess.run(
            ["cpio", "-o", "-H", "newc", "--quiet"], input=names.encode(), stdout=file, cwd=root, check=True
        )
    return image


def kernel_of(tree: Path) -> Path:
    """Return the kernel itself."""
    return next((tree / "boot").glob("vmlinuz-*"))


def _version(tree: Path) -> str:
    return kernel_of(tree).name.removeprefix("vmlinuz-")


def _needed(tree: Path, modules: tuple[str, ...]) -> list[Path]:
    """Return the files of modules and of all they need, in the order in which they are loaded."""
    base = tree / "lib/modules" / _version(tree)
    needs: dict[str, tuple[str, list[str]]] = {}
    for line in (base / "modules.dep").read_text().splitlines():
        itself, _, others = line.partition(":")
        needs[Path(itself).name.split(".")[0].replace("-", "_")] = (itself, others.split())
    ordered: list[str] = []
    for module in modules:
        file, wanted = needs[module]
        ordered += [each for each in (*reversed(wanted), file) if each not in ordered]
    return [base / each for each in ordered]


def _output(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout
