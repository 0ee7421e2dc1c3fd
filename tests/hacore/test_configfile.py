"""xenhad's configuration: what is accepted means what it says, what is not is refused in these very words."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from hacore.configfile import control_socket_of, incarnation_of, load_config
from hacore.core.timing import NS
from hacore.errors import ConfigError
from hacore.toml import CONFIG_BYTES_MAX, shown

ROOT = Path(__file__).parents[2]
BAD = ROOT / "tests" / "data" / "config_bad_xenhad"
ONE = "00000000-0000-0000-0000-000000000001"
TWO = "00000000-0000-0000-0000-000000000002"
GENERATION = "11111111-2222-3333-4444-555555555555"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bad files beside keys with the modes that matter, which no repository keeps."""
    copy = tmp_path_factory.mktemp("bad")
    for path in BAD.iterdir():
        shutil.copyfile(path, copy / path.name)
    shutil.copyfile(BAD / "good.key", copy / "readable.key")
    for name, mode in (("good", 0o600), ("short", 0o600), ("readable", 0o644)):
        (copy / f"{name}.key").chmod(mode)
    return copy


@pytest.mark.parametrize("name", sorted(path.stem for path in BAD.glob("*.toml")))
def test_a_bad_configuration_is_refused_with_its_message(name: str, folder: Path) -> None:
    with pytest.raises(ConfigError) as refused:
        load_config(str(folder / f"{name}.toml"))
    told = str(refused.value).replace(f"{folder}/", "").replace(str(folder), ".")
    assert told + "\n" == (BAD / f"{name}.txt").read_text()


def test_every_message_belongs_to_a_file() -> None:
    assert {path.stem for path in BAD.glob("*.txt")} == {path.stem for path in BAD.glob("*.toml")}


def written(folder: Path, text: str) -> str:
    key = folder / "key"
    key.write_text("5A" * 32)
    key.chmod(0o600)
    path = folder / "xenhad.toml"
    path.write_text(text)
    return str(path)


LEAST = (
    f'host = "{TWO}"\ngeneration = "{GENERATION}"\nstatefile = "statefile"\nkey_file = "key"\n'
    f'[[networks]]\nname = "net"\n[[hosts]]\nuuid = "{TWO}"\naddresses = ["192.0.2.2"]\n'
    f'[[hosts]]\nuuid = "{ONE}"\naddresses = ["192.0.2.1"]\n'
)


def test_the_least_there_can_be(tmp_path: Path) -> None:
    config = load_config(written(tmp_path, LEAST))
    assert [host.uuid for host in config.hosts] == [ONE, TWO]
    assert (config.host, config.me.uuid, config.me.name) == (1, TWO, TWO)
    assert config.timing.timeout_ns == 60 * NS
    assert (config.networks[0].port, config.networks[0].family, config.networks[0].interface) == (
        694,
        "inet",
        "",
    )
    assert config.statefile == str(tmp_path / "statefile")
    assert config.control_socket == "/run/xenha/xenhad.sock"
    assert (config.metadata, config.journal, config.arbiters) == ("", "", None)
    assert (config.isolation, config.quorum) == ("evidence", "disk")
    assert (config.watchdog.driver, config.watchdog.path) == ("device", "/dev/watchdog")
    assert config.watchdog.granularity_ns == NS
    assert config.fencing
    assert not config.lab
    assert config.incarnation == incarnation_of(Path("/proc/sys/kernel/random/boot_id").read_text().strip())


def test_the_key_is_not_shown(tmp_path: Path) -> None:
    config = load_config(written(tmp_path, LEAST))
    assert config.key == b"\x5a" * 32
    assert "ZZZZ" not in repr(config)


def test_the_documented_example_says_everything(tmp_path: Path) -> None:
    config = load_config(written(tmp_path, (ROOT / "docs" / "xenhad.toml").read_text()))
    assert (config.host, config.me.name, config.me.weight) == (0, "host1", 1)
    assert (config.statefile, config.metadata) == ("/dev/xenha/statefile", "/dev/xenha/metadata")
    assert (config.isolation, config.quorum) == ("evidence", "disk")
    assert config.arbiters == ("192.0.2.254",)
    first, second = config.networks
    assert (first.interface, first.port, first.links) == ("xenbr0", 694, ("eth0", "eth1"))
    assert (second.name, second.family, second.interface) == ("storage", "inet6", "")
    assert [host.addresses for host in config.hosts] == [
        ("192.0.2.1", "2001:db8::1"),
        ("192.0.2.2", "2001:db8::2"),
    ]


def test_a_lab_may_be_fast_and_reboot_at_will(tmp_path: Path) -> None:
    lab = 'lab = true\ntimeout_seconds = 2.5\nboot_id = "01000000-0000-0000-0000-000000000000"\n'
    dog = '[watchdog]\ndriver = "lab"\npath = "dog"\ngranularity_seconds = 0.05\n'
    paths = 'control_socket = "sock"\njournal = "log"\narbiters = []\n'
    config = load_config(
        written(tmp_path, LEAST.replace("[[networks]]", f"{lab}{paths}{dog}[[networks]]", 1))
    )
    assert (config.incarnation, config.timing.timeout_ns) == (1, 2_500_000_000)
    assert (config.watchdog.driver, config.watchdog.path) == ("lab", str(tmp_path / "dog"))
    assert (config.watchdog.granularity_ns, config.timing.watchdog_ns) == (50_000_000, 250_000_000)
    assert (config.control_socket, config.journal) == (str(tmp_path / "sock"), str(tmp_path / "log"))
    assert config.arbiters == ()


def test_flags_of_the_command_line_add_to_the_file(tmp_path: Path) -> None:
    path = written(tmp_path, LEAST.replace("[[networks]]", "timeout_seconds = 3\n[[networks]]", 1))
    with pytest.raises(ConfigError):
        load_config(path)
    config = load_config(path, lab=True, no_fencing=True)
    assert config.lab
    assert not config.fencing
    assert config.watchdog.driver == "null"


def test_missing_files_and_folders_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.toml: cannot be read: No such file or directory$"):
        load_config(str(tmp_path / "nowhere.toml"))
    with pytest.raises(ConfigError, match=r"cannot be read: Is a directory$"):
        load_config(str(tmp_path))


def test_endless_and_binary_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=f"^/dev/zero: expected at most {CONFIG_BYTES_MAX} bytes of TOML$"):
        load_config("/dev/zero")
    path = tmp_path / "binary"
    path.write_bytes(b"host = \xff")
    with pytest.raises(ConfigError, match="expected UTF-8 text; byte 7 is none"):
        load_config(str(path))


def test_deep_nesting_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="not TOML"):
        load_config(written(tmp_path, "hosts = " + "[" * 100_000))


def test_the_control_socket_is_found_in_a_configuration_that_is_refused(tmp_path: Path) -> None:
    assert control_socket_of(written(tmp_path, 'control_socket = "s"\nhosts = 3\n')) == str(tmp_path / "s")
    assert control_socket_of(written(tmp_path, "")) == "/run/xenha/xenhad.sock"
    with pytest.raises(ConfigError, match="control_socket: 3: expected a path"):
        control_socket_of(written(tmp_path, "control_socket = 3\n"))


def test_an_incarnation_is_never_0() -> None:
    assert incarnation_of("00000000-0000-0000-0000-000000000001") == 1
    assert incarnation_of("ffffffff-ffff-ffff-0000-000000000001") == 2**64 - 1


def test_values_are_shown_as_they_were_written() -> None:
    assert [shown(each) for each in (True, "a\n", 3, "x" * 100)] == ["true", '"a\\n"', "3", f'"{"x" * 56}…']
