"""xenhad as typed: exit codes, one line a problem, and what is printed."""

from __future__ import annotations

import errno
import json
import re
import stat
from pathlib import Path

import pytest

from hacore import VERSION
from hacore.commands import main
from hacore.commands.parser import COMMANDS, parsed
from hacore.commands.volumes import unusable
from hacore.configfile import load_config
from hacore.edge.slotdevice import header_of
from hacore.statefile import STATEFILE_BYTES, slot_offset

ROOT = Path(__file__).parents[3]


def uuid(i: int) -> str:
    return f"00000000-0000-0000-0000-{i:012}"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A pool of two hosts with a blank statefile; T is short, so that looking twice is quick."""
    (tmp_path / "statefile").write_bytes(bytes(STATEFILE_BYTES))
    assert main(["keygen", str(tmp_path / "key")]) == 0
    path = tmp_path / "xenhad.toml"
    path.write_text(
        f'host = "{uuid(1)}"\ngeneration = "{uuid(99)}"\nstatefile = "statefile"\nkey_file = "key"\n'
        'control_socket = "sock"\ntimeout_seconds = 2\nlab = true\nno_fencing = true\n'
        '[[networks]]\nname = "net"\n'
        f'[[hosts]]\nuuid = "{uuid(1)}"\nname = "one"\naddresses = ["127.0.0.1"]\n'
        f'[[hosts]]\nuuid = "{uuid(2)}"\nname = "two"\naddresses = ["127.0.0.2"]\n'
    )
    return path


Captured = pytest.CaptureFixture[str]


def test_init_formats_once(config: Path, capsys: Captured) -> None:
    assert main(["init", "-c", str(config)]) == 0
    assert f"formatted for 2 hosts, generation {uuid(99)}" in capsys.readouterr().out
    assert main(["init", "-c", str(config)]) == 1
    assert "is a statefile of 2 hosts" in capsys.readouterr().err
    assert main(["init", "-c", str(config), "--force"]) == 0


def test_init_never_overwrites_what_it_does_not_know(config: Path, capsys: Captured) -> None:
    (config.parent / "statefile").write_bytes(b"precious".ljust(STATEFILE_BYTES))
    assert main(["init", "-c", str(config)]) == 1
    assert "holds something already; --force to overwrite it" in capsys.readouterr().err
    assert (config.parent / "statefile").read_bytes().startswith(b"precious")


def test_init_names_a_volume_that_is_not_there(config: Path, capsys: Captured) -> None:
    path = config.parent / "statefile"
    path.unlink()
    expected = "No such file or directory; expected a block device or file of a shared volume"
    for typed in (["init", "-c"], ["dump", "-c"]):
        assert main([*typed, str(config)]) == 2
        assert capsys.readouterr().err == f"xenhad: {path}: {expected}\n"
    assert main(["dump", str(path)]) == 2
    assert capsys.readouterr().err == f"xenhad: {path}: {expected}\n"


def test_what_is_no_volume_is_bad_input(config: Path, capsys: Captured) -> None:
    assert main(["dump", "/dev/null"]) == 2
    assert capsys.readouterr().err.startswith("xenhad: /dev/null: no volume; expected a block device")
    assert main(["dump", str(config.parent)]) == 2


@pytest.mark.parametrize(
    ("number", "code", "told"),
    [
        (errno.EACCES, 2, "v: Permission denied; expected to be run as root"),
        (errno.ENOTDIR, 2, "v: Not a directory; expected a block device or file of a shared volume"),
        (errno.EIO, 3, "v: Input/output error"),
    ],
)
def test_a_wrong_path_is_told_apart_from_a_volume_that_fails(number: int, code: int, told: str) -> None:
    found = unusable("v", OSError(number, ""))
    assert (found.exit_code, str(found)) == (code, told)


def test_init_refuses_a_volume_that_is_too_small(config: Path, capsys: Captured) -> None:
    (config.parent / "statefile").write_bytes(bytes(4096))
    assert main(["init", "-c", str(config)]) == 2
    told = "has 4096 bytes; expected at least 4194304 bytes (4 MiB)"
    assert capsys.readouterr().err == f"xenhad: {config.parent}/statefile: {told}\n"
    (config.parent / "statefile").write_bytes(bytes(3 << 20))
    assert main(["init", "-c", str(config)]) == 2
    assert "3145728 bytes (3 MiB); expected at least 4194304 bytes (4 MiB)" in capsys.readouterr().err


def test_dump_shows_what_is_believed_and_what_is_not(config: Path, capsys: Captured) -> None:
    main(["init", "-c", str(config)])
    image = config.parent / "statefile"
    data = bytearray(image.read_bytes())
    data[slot_offset(1, 3) + 100] ^= 1
    image.write_bytes(data)
    capsys.readouterr()
    assert main(["dump", "-c", str(config)]) == 0
    told = capsys.readouterr().out
    assert "header 0: valid" in told
    assert "slot 0 one: sequence 8 (as it was formatted)" in told
    assert "ages: a slot bears no time; --watch SECONDS shows" in told
    assert "  copy 3: torn or damaged: the checksum is wrong" in told
    assert told.count("  copy ") == 1
    assert main(["dump", "-c", str(config), "--copies"]) == 0
    assert capsys.readouterr().out.count("  copy ") == 16


def test_dump_of_a_copy_needs_neither_configuration_nor_key(config: Path, capsys: Captured) -> None:
    main(["init", "-c", str(config)])
    capsys.readouterr()
    assert main(["dump", str(config.parent / "statefile")]) == 0
    told = capsys.readouterr().out
    assert "MACs were not" in told
    assert f"slot 1 {uuid(2)}" in told
    assert (
        main(["dump", "--key-file", str(config.parent / "key"), "--json", str(config.parent / "statefile")])
        == 0
    )
    found = json.loads(capsys.readouterr().out)
    assert found["authenticated"]
    assert [slot["host"] for slot in found["slots"]] == [uuid(1), uuid(2)]
    assert found["slots"][0]["body"]["decided"]["epoch"] == 1


def test_dump_with_another_key_believes_nothing(config: Path, capsys: Captured) -> None:
    main(["init", "-c", str(config)])
    other = config.parent / "other"
    main(["keygen", str(other)])
    capsys.readouterr()
    image = str(config.parent / "statefile")
    assert main(["dump", "--key-file", str(other), image]) == 1
    told = capsys.readouterr()
    assert "header 0: forged, or sealed with another key" in told.out
    expected = "its header is sealed with another key, or forged: nothing in it is believed"
    assert told.err == f"xenhad: {image}: {expected}\n"
    assert main(["dump", "-c", str(config), "--key-file", str(other), "--json"]) == 1
    told = capsys.readouterr()
    assert told.err == f"xenhad: {image}: {expected}\n"
    assert {slot["newest"] for slot in json.loads(told.out)["slots"]} == {-1}


def test_dump_says_that_it_is_another_generation(config: Path, capsys: Captured) -> None:
    main(["init", "-c", str(config)])
    config.write_text(config.read_text().replace(uuid(99), uuid(98)))
    capsys.readouterr()
    assert main(["dump", "-c", str(config)]) == 1
    expected = f"is of generation {uuid(99)}; expected {uuid(98)}"
    assert capsys.readouterr().err == f"xenhad: {config.parent}/statefile: {expected}\n"


@pytest.mark.parametrize("hosts", [1, 3])
def test_dump_says_that_it_has_another_host_table(hosts: int, config: Path, capsys: Captured) -> None:
    main(["init", "-c", str(config)])
    text = config.read_text()
    third = f'[[hosts]]\nuuid = "{uuid(3)}"\naddresses = ["127.0.0.3"]\n'
    config.write_text(text + third if hosts == 3 else text[: text.rindex("[[hosts]]")])
    capsys.readouterr()
    assert main(["dump", "-c", str(config)]) == 1
    told = capsys.readouterr()
    assert "slot 0 one: " in told.out
    assert f"slot 1 {'two' if hosts == 3 else uuid(2)}: " in told.out
    assert "has another host table" in told.err


def test_dump_of_something_else_says_so(config: Path, capsys: Captured) -> None:
    assert main(["dump", str(config.parent / "statefile")]) == 1
    assert "no header is believed: blank" in capsys.readouterr().err


def test_dump_believes_no_slot_of_another_pool(config: Path, capsys: Captured) -> None:
    """As where somebody formatted the volume anew, and only the headers were put back."""
    main(["init", "-c", str(config)])
    image = config.parent / "statefile"
    data = bytearray(image.read_bytes())
    data[slot_offset(0, 0) : slot_offset(2, 0)] = b"\1" * (slot_offset(2, 0) - slot_offset(0, 0))
    image.write_bytes(data)
    capsys.readouterr()
    assert main(["dump", "-c", str(config)]) == 1
    told = capsys.readouterr()
    assert "not one slot is believed" in told.err
    assert "slot 1 two: no copy is believed" in told.out


def test_dump_watches_who_writes(config: Path, capsys: Captured) -> None:
    main(["init", "-c", str(config)])
    capsys.readouterr()
    assert main(["dump", "-c", str(config), "--watch", "0.3", "--json"]) == 0
    ages = [slot["age_seconds"] for slot in json.loads(capsys.readouterr().out)["slots"]]
    assert [age["at_most"] for age in ages] == [None, None]
    assert all(age["at_least"] > 0.2 for age in ages)
    assert main(["dump", "-c", str(config), "--watch", "0.3"]) == 0
    assert re.search(r"\(as it was formatted\), not written for \d+\.\d s", capsys.readouterr().out)


def test_dump_with_a_bad_key_file_says_so(config: Path, capsys: Captured) -> None:
    (config.parent / "bad").write_text("x")
    (config.parent / "bad").chmod(0o600)
    assert main(["dump", "--key-file", str(config.parent / "bad"), str(config.parent / "statefile")]) == 2
    assert "expected one line of 64 hex digits" in capsys.readouterr().err


def test_keys_are_the_owners_alone_and_never_overwritten(tmp_path: Path, capsys: Captured) -> None:
    path = tmp_path / "key"
    assert main(["keygen", str(path)]) == 0
    assert capsys.readouterr().out == f"{path}: made; copy it to every host of the pool\n"
    first = path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(first) == 65
    assert main(["keygen", str(path)]) == 2
    assert "File exists" in capsys.readouterr().err
    assert path.read_text() == first


def test_check_config_shows_the_intervals(config: Path, capsys: Captured) -> None:
    main(["init", "-c", str(config)])
    capsys.readouterr()
    assert main(["check-config", str(config)]) == 0
    told = capsys.readouterr().out
    assert "can be used. This is one, host 0 of 2." in told
    assert "watchdog" in told
    assert f"  statefile    {config.parent}/statefile: of this pool\n" in told
    config.write_text(config.read_text().replace("timeout_seconds = 2", "timeout_seconds = 1"))
    assert main(["check-config", str(config)]) == 2
    assert "timeout_seconds: " in capsys.readouterr().err


def test_check_config_takes_its_file_either_way(config: Path, capsys: Captured) -> None:
    main(["init", "-c", str(config)])
    capsys.readouterr()
    assert main(["check-config", str(config)]) == 0
    told = capsys.readouterr().out
    assert main(["check-config", "--config", str(config)]) == 0
    assert capsys.readouterr().out == told


def test_check_config_tells_what_is_behind_its_paths(config: Path, capsys: Captured) -> None:
    main(["init", "-c", str(config)])
    metadata = 'metadata = "statefile"\n[watchdog]\ndriver = "lab"\npath = "dog"\n'
    fenced = config.read_text().replace("no_fencing = true\n", metadata)
    config.write_text(fenced)
    capsys.readouterr()
    assert main(["check-config", str(config)]) == 3
    told = capsys.readouterr().out
    here = config.parent
    assert f"  statefile    {here}/statefile: of this pool\n" in told
    assert f"  metadata     {here}/statefile: has 4194304 bytes (4 MiB); expected at least" in told
    assert f"  watchdog     {here}/dog: no lab watchdog listens there; `run` would refuse\n" in told
    (here / "statefile").unlink()
    config.write_text(fenced.replace(metadata, "no_fencing = true\n"))
    assert main(["check-config", str(config)]) == 0
    assert "statefile: heartbeat disk not accessible: No such file or directory; `run` would wait\n" in (
        capsys.readouterr().out
    )


@pytest.mark.parametrize(
    ("was", "becomes", "told"),
    [
        ("", "", "  network      net: 127.0.0.1 is of this host\n"),
        ('"net"', '"net"\ninterface = "no-such"', "net: there is no interface no-such; nobody would hear"),
        ("127.0.0.1", "203.0.113.9", "net: 203.0.113.9 is no address of this host; nobody would hear"),
        ("lab = true", 'lab = true\narbiters = ["192.0.2.1"]', "  arbiters     192.0.2.1\n"),
        ("lab = true", "lab = true\narbiters = []", "  arbiters     none: only carrier tells"),
    ],
)
def test_check_config_tells_what_this_host_lacks(
    was: str, becomes: str, told: str, config: Path, capsys: Captured
) -> None:
    main(["init", "-c", str(config)])
    config.write_text(config.read_text().replace(was, becomes, 1))
    assert main(["check-config", str(config)]) == 0
    assert told in capsys.readouterr().out


@pytest.mark.parametrize(
    ("was", "becomes", "code", "told"),
    [
        ("lab = true", 'lab = true\njournal = "/nowhere/log"', 2, "there is no folder /nowhere; expected a"),
        ("lab = true", 'lab = true\njournal = "."', 2, "is a folder; expected a file that can be written"),
        ('"sock"', '"key"', 2, "key: is there and no socket; expected the path of a control socket"),
        ('"sock"', '"key/sock"', 3, "key/sock: cannot be made in "),
        ("no_fencing = true", '[watchdog]\ndriver = "lab"\npath = "dog"', 3, "dog: no lab watchdog listens"),
        (uuid(99), uuid(98), 2, f"is of generation {uuid(99)}; expected {uuid(98)}"),
        ("timeout_seconds = 2", "timeout_seconds = 4", 2, "is for a time-out of 2 s; expected 4 s"),
        ('statefile = "statefile"', 'statefile = "."', 2, "is neither a block device nor a file"),
    ],
)
def test_check_config_ends_with_what_run_would_refuse(
    was: str, becomes: str, code: int, told: str, config: Path, capsys: Captured
) -> None:
    main(["init", "-c", str(config)])
    config.write_text(config.read_text().replace(was, becomes, 1))
    capsys.readouterr()
    assert main(["check-config", str(config)]) == code
    looked = capsys.readouterr()
    assert looked.err.startswith("xenhad: ")
    assert told in looked.err
    assert looked.err[8:].strip() + "; `run` would refuse\n" in looked.out
    assert main(["run", "-c", str(config)]) == code
    assert looked.err in capsys.readouterr().err


def test_a_daemon_that_is_not_there_is_code_3(config: Path, capsys: Captured) -> None:
    for command in ("status", "arm", "disarm", "leave", "join", "restart"):
        assert main([command, "-c", str(config)]) == 3, command
        assert "the daemon cannot be reached: No such file or directory" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("statefile", "Connection refused (nobody listens there)"),
        ("nobody", "No such file or directory (none runs, or it listens elsewhere)"),
        ("n" * 200, "AF_UNIX path too long"),
    ],
)
def test_a_wrong_socket_is_told_in_words(name: str, told: str, config: Path, capsys: Captured) -> None:
    path = config.with_name(name)
    assert main(["status", "--socket", str(path)]) == 3
    assert capsys.readouterr().err == f"xenhad: {path}: the daemon cannot be reached: {told}\n"


def test_emergency_disable_says_what_is_left_where_nobody_answers(config: Path, capsys: Captured) -> None:
    assert main(["emergency-disable", "-c", str(config)]) == 2
    assert "expected --force" in capsys.readouterr().err
    assert main(["emergency-disable", "--force", "-c", str(config)]) == 3
    assert "only the daemon can disarm its watchdog" in capsys.readouterr().err


def test_confirm_dead_says_what_it_risks_before_it_asks_anybody(config: Path, capsys: Captured) -> None:
    assert main(["confirm-dead", "two", "-c", str(config)]) == 2
    assert "if that host still runs VMs, they will run twice" in capsys.readouterr().err
    assert main(["confirm-dead", "two", "--force", "-c", str(config)]) == 3
    with pytest.raises(SystemExit):
        main(["confirm-dead", "--help"])
    assert "two copies of a VM write to one disk" in capsys.readouterr().out


def test_run_refuses_what_is_no_statefile_of_its_pool(config: Path, capsys: Captured) -> None:
    assert main(["run", "-c", str(config)]) == 2
    assert "no statefile of this pool: blank" in capsys.readouterr().err
    main(["init", "-c", str(config)])
    config.write_text(config.read_text().replace(uuid(99), uuid(98)))
    capsys.readouterr()
    assert main(["run", "-c", str(config)]) == 2
    assert f"is of generation {uuid(99)}; expected {uuid(98)}" in capsys.readouterr().err


def test_a_bad_configuration_is_told_line_by_line(tmp_path: Path, capsys: Captured) -> None:
    path = tmp_path / "x.toml"
    path.write_text("")
    assert main(["run", "-c", str(path)]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) > 3
    assert all(line.startswith(f"xenhad: {path}: ") for line in lines)


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ([], "xenhad: the following arguments are required: COMMAND; see xenhad --help"),
        (["nonsense"], "xenhad: argument COMMAND: invalid choice: 'nonsense'"),
        (["run", "--nonsense"], "xenhad: unrecognized arguments: --nonsense; see xenhad --help"),
        (["run", "--conf", "x"], "xenhad: unrecognized arguments: --conf x; see xenhad --help"),
        (
            ["set-weight", "much"],
            "xenhad set-weight: argument weight: 'much': expected a whole number of 0 to 65535; "
            "see xenhad set-weight --help",
        ),
        (["set-weight", "70000"], "xenhad set-weight: argument weight: '70000': expected a whole number"),
        (["set-weight", "-1"], "xenhad set-weight: "),
        (["leave", "--wait", "nan"], "xenhad leave: argument --wait: 'nan': expected a number of seconds"),
        (["dump", "--watch", "-3"], "xenhad dump: argument --watch: "),
        (["confirm-dead"], "xenhad confirm-dead: the following arguments are required: host; see"),
    ],
)
def test_wrong_usage_is_one_line_and_code_2(typed: list[str], told: str, capsys: Captured) -> None:
    with pytest.raises(SystemExit) as ended:
        main(typed)
    assert ended.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(told)
    assert line.endswith("--help")


@pytest.mark.parametrize("command", [command.name for command in COMMANDS])
def test_every_command_has_help_with_examples_that_can_be_typed(command: str, capsys: Captured) -> None:
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    assert ended.value.code == 0
    told = capsys.readouterr().out
    examples = [line.strip() for line in told.split("examples:")[1].splitlines() if line.strip()]
    assert examples
    for example in examples:
        words = example.split("|")[0].split()
        assert words[:2] == ["xenhad", command]
        parsed(words[1:])


def test_the_version_is_that_of_the_project(capsys: Captured) -> None:
    with pytest.raises(SystemExit):
        main(["--version"])
    assert capsys.readouterr().out == f"xenhad {VERSION}\n"
    assert f'\nversion = "{VERSION}"\n' in (ROOT / "pyproject.toml").read_text()


def test_the_header_of_a_configuration_is_what_init_writes(config: Path) -> None:
    header = header_of(load_config(str(config)))
    assert (header.generation, header.hosts) == (uuid(99), (uuid(1), uuid(2)))
    assert header.timeout_ns == 2 * 10**9
