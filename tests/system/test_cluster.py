"""The cluster as a thing to be broken, with a stub in the daemon's place: power, cables, disks, words."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from lab.cluster.__main__ import Typed, main
from lab.cluster.console import Console, index_of
from lab.cluster.daemonfile import Settings
from lab.cluster.history import Stamps
from lab.cluster.making import cluster
from lab.cluster.narrate import Narrator
from lab.cluster.needs import missing, search_path
from lab.cluster.nets import run

STUB = ("/bin/sh", "-c", "exec sleep 1000")
PATIENCE_SECONDS = 60.0


@pytest.fixture(scope="module")
def made():
    if lacking := missing():
        pytest.skip(f"no lab here: it needs {'; '.join(lacking)}")
    with cluster(Settings(hosts=2), daemon=STUB) as it:
        it.start()
        it.wait(lambda: len(it.events("daemon")) == 2, PATIENCE_SECONDS, "two daemons")
        yield it
    assert not it.folder.exists()
    assert it.nets.name not in run("ip", "netns", "list")


def state_of(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def test_each_host_has_its_own_network_and_the_same_disk(made):
    pid = made.events("daemon", 0)[-1].values["pid"]
    assert str(pid) in run("ip", "netns", "pids", made.nets.namespace(0)).split()
    disks = [(host.folder / "disk" / "disk").read_bytes() for host in made.hosts]
    assert disks[0] == disks[1]
    assert disks[0].strip(b"\0"), "it was formatted"


def test_a_fault_is_one_hosts_own(made):
    made.hosts[0].disk("eio")
    with pytest.raises(OSError, match="Input/output error"):
        (made.hosts[0].folder / "disk" / "disk").read_bytes()
    assert (made.hosts[1].folder / "disk" / "disk").read_bytes()
    made.hosts[0].disk("ok")


def test_pause_and_resume_are_for_the_whole_host(made):
    pid = made.events("daemon", 1)[-1].values["pid"]
    made.hosts[1].pause()
    made.wait(lambda: state_of(pid) == "T", PATIENCE_SECONDS, "stopped")
    made.hosts[1].resume()
    made.wait(lambda: state_of(pid) == "S", PATIENCE_SECONDS, "going on")


def test_a_daemon_dies_alone_and_a_crash_takes_all(made):
    made.hosts[0].signal_daemon(signal.SIGKILL)
    made.wait(lambda: len(made.events("daemon-ended", 0)) == 1, PATIENCE_SECONDS, "the daemon's end")
    made.hosts[0].crash()
    made.wait(lambda: len(made.events("down", 0)) == 1, PATIENCE_SECONDS, "the host's end")
    made.hosts[0].resume()
    made.hosts[0].power_on()
    made.wait(lambda: len(made.events("boot", 0)) == 2, PATIENCE_SECONDS, "another life")


def test_words_at_the_console(made):
    console = Console(made)
    assert console.obey("") == ""
    assert "Ctrl-C" in console.obey("help")
    assert "not understood: dance 1" in console.obey("dance 1")
    assert console.obey("crash 3") == "host '3': expected a number from 1 to 2"
    assert "expected ok | eio" in console.obey("disk 1 broken")
    assert console.obey("disk 1 write=eio") == ""
    assert (made.hosts[0].folder / "disk" / "mode").read_text() == "read=ok write=eio\n"
    assert console.obey("disk 1 ok") == ""
    for line in ("cut 2", "plug 2", "mute 2", "hear 2", "switch off", "switch on", "vms"):
        assert console.obey(line) == "", line
    assert "host-2  does not answer" in console.obey("status")


def test_vms_of_hosts_without_power_are_dead(made):
    for vm, boot in (("vm-a", 1), ("vm-b", 2)):
        made.history.add("vm", 0, boot, vm=vm, stamps=vm)
        Stamps(made.folder / "stamps" / vm).write(1, 2)
    assert made.homes() == {"vm-a": (0, False), "vm-b": (0, True)}
    assert Console(made).obey("vms") == "vm-a dead with host-1\nvm-b on host-1"


def test_what_happened_is_told_once(made):
    narrator = Narrator(made.history, {}, 0)
    told = "\n".join(narrator.news())
    assert "host-1   power on (life 1)" in told
    assert narrator.news() == ()
    made.hosts[0].disk("ok")
    assert [line.partition("s  ")[2] for line in narrator.news()] == ["host-1   FAULT: disk: ok"]


def test_what_does_not_come_is_said_with_what_every_host_is_at(made):
    with pytest.raises(RuntimeError, match=r"not seen within 0 s: a wonder\nhost-1: does not answer"):
        made.wait(lambda: False, 0, "a wonder")


def test_hosts_are_typed_by_number_or_name():
    assert [index_of(typed, 16) for typed in ("1", "16", "host-1", "host-16")] == [0, 15, 0, 15]
    for typed in ("0", "17", "host-17", "host-", "", "-1", "１", "01", "host-host-1"):
        with pytest.raises(ValueError, match="expected a number from 1 to 16"):
            index_of(typed, 16)


def test_lines_that_come_together_are_all_obeyed():
    reader, writer = os.pipe()
    typed = Typed(reader)
    assert typed.lines(0) == []
    os.write(writer, b"vms\ncrash 2\nsta")
    assert typed.lines(PATIENCE_SECONDS) == ["vms", "crash 2"]
    assert typed.lines(0) == []
    os.write(writer, b"tus\n")
    assert typed.lines(PATIENCE_SECONDS) == ["status"]
    os.close(writer)
    assert typed.lines(PATIENCE_SECONDS) == []
    assert typed.lines(0) == []
    os.close(reader)


def test_the_command_line_names_drills_and_refuses_others(capsys):
    assert main(["list"]) == 0
    assert "dead-switch" in capsys.readouterr().out
    with pytest.raises(SystemExit) as caught:
        main(["drill", "earthquake"])
    assert caught.value.code == 2


def test_without_root_it_says_what_it_needs():
    nobody = () if os.geteuid() else ("setpriv", "--reuid=65534", "--clear-groups")
    command = (*nobody, sys.executable, "-m", "lab.cluster", "drill", "form")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if "No such file" in done.stderr or "Permission denied" in done.stderr:
        pytest.skip("others may not read this tree")
    assert done.returncode == 2
    assert "it needs root" in done.stderr
    check = (*nobody, sys.executable, "-m", "lab.cluster.needs")
    env = {"PATH": "/usr/bin:/bin"}
    done = subprocess.run(check, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "it needs root" in done.stderr
    if not missing():
        assert "the program" not in done.stderr, "it is in /usr/sbin"


def test_administrators_programs_are_found_on_anybodys_path():
    assert search_path({"PATH": "/bin"}) == "/bin:/usr/local/sbin:/usr/sbin:/sbin"
    assert (
        search_path({"PATH": "/sbin:/bin:/usr/sbin:/usr/local/sbin"})
        == "/sbin:/bin:/usr/sbin:/usr/local/sbin"
    )


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("drill crash --timeout 1", "'1': expected a number from 2 on"),
        ("drill crash --timeout soon", "'soon': expected a number from 2 on"),
        ("soak --minutes nan", "'nan': expected a number from 0 on"),
        ("soak --hosts 2", "'2': expected 3 to 16 hosts"),
        ("run --hosts 99999999999", "'99999999999': expected 1 to 16 hosts"),
        ("drill nothing", "invalid choice: 'nothing'"),
        ("", "required: COMMAND"),
    ],
)
def test_a_slip_on_the_command_line_is_one_line(
    capsys: pytest.CaptureFixture[str], typed: str, said: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(typed.split())
    error = capsys.readouterr().err
    assert (ended.value.code, error.count("\n"), said in error) == (2, 1, True), error
