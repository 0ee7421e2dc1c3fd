"""Everything is gone afterwards, also when the lab is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from lab.cluster.nets import make_nets, run
from lab.cluster.undo import Undo, start_time

PATIENCE_SECONDS = 60.0
KILLED = """
import sys, subprocess, signal
from pathlib import Path
from lab.cluster.making import inject
from lab.cluster.nets import make_nets, run
from lab.cluster.undo import Undo
folder = Path(sys.argv[1])
undo = Undo()
undo.later("folder", str(folder / "made"))
(folder / "made").mkdir()
nets = make_nets(2, 1, undo)
file = folder / "file"
file.write_bytes(bytes(1 << 20))
undo.later("loops", str(file))
loop = run("losetup", "--find", "--show", str(file)).strip()
(folder / "mount").mkdir()
with inject(Path(loop), folder / "mount", undo):
    (folder / "mount" / "mode").write_text("hang")
    read = ("dd", f"if={folder}/mount/disk", "of=/dev/null", "iflag=direct", "bs=4096")
    inside = subprocess.Popen(("ip", "netns", "exec", nets.namespace(0), *read))
    sys.stdout.write(f"{nets.name} {inside.pid}\\n")
    sys.stdout.flush()
    signal.pause()
"""


def wait(done) -> bool:
    pause = threading.Event()
    return any(done() or pause.wait(0.05) for _ in range(int(PATIENCE_SECONDS * 20)))


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_lab_that_is_killed_leaves_nothing(tmp_path, undo, number):
    command = (sys.executable, "-W", "ignore", "-c", KILLED, str(tmp_path))
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as lab:
        name, pid = lab.stdout.readline().split()
        started = start_time(int(pid))
        assert started is not None
        assert name in run("ip", "netns", "list")
        lab.send_signal(number)
    assert wait(lambda: not (tmp_path / "made").exists()), "the folder is undone last"
    assert name not in run("ip", "netns", "list")
    assert start_time(int(pid)) != started
    assert not os.path.ismount(tmp_path / "mount")
    assert str(tmp_path) not in run("losetup", "--list")


def test_what_was_never_made_is_no_error(tmp_path, undo):
    undo.later("namespace", "xenha-never-made")
    undo.later("mount", str(tmp_path))
    undo.later("loops", str(tmp_path / "none"))
    undo.later("folder", str(tmp_path / "none"))
    undo.later("process", [2**22 - 1, 1])
    assert undo.now() == ""


def test_another_process_with_the_same_number_is_left_alone(undo):
    with subprocess.Popen(("sleep", "1000")) as other:
        undo.later("process", [other.pid, (start_time(other.pid) or 0) - 1])
        undo.now()
        assert other.poll() is None
        other.kill()


def test_what_cannot_be_undone_is_said():
    made = Undo()
    made.later("folder", "/proc/self")
    assert "folder /proc/self" in made.now()


def test_clusters_stand_beside_each_other(undo):
    one, other = make_nets(1, 1, undo), make_nets(1, 1, undo)
    assert one.name != other.name
    for nets in (one, other):
        assert Path("/run/netns", nets.namespace(0)).exists()
