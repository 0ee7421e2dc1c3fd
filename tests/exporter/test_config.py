"""The configuration: what is accepted means what it says, what is not is refused with these very words."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from exporter.config import CONFIG_BYTES_MAX, Address, load_config, parse_address
from exporter.errors import ConfigError
from exporter.recovery import USUAL_RECOVERY, RecoverySettings
from planner.constraints.rules import NO_RULES, Rules
from planner.inventory.source import ApiSource, DemoSource, FileSource
from planner.schedule.pace import Pace

ROOT = Path(__file__).parents[2]
BAD = ROOT / "tests" / "data" / "config_bad"


def written(folder: Path, text: str) -> Path:
    path = folder / "xenha.toml"
    path.write_text(text)
    return path


@pytest.mark.parametrize("name", sorted(path.stem for path in BAD.glob("*.toml")))
def test_bad_configuration_is_refused_with_its_message(name: str) -> None:
    with pytest.raises(ConfigError) as refused:
        load_config(BAD / f"{name}.toml")
    told = str(refused.value).replace(f"{BAD}/", "").replace(str(BAD), ".")
    assert told + "\n" == (BAD / f"{name}.txt").read_text()


def test_every_message_belongs_to_a_file() -> None:
    assert {path.stem for path in BAD.glob("*.txt")} == {path.stem for path in BAD.glob("*.toml")}


def test_missing_file_and_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.toml: cannot be read: No such file or directory$"):
        load_config(tmp_path / "nowhere.toml")
    with pytest.raises(ConfigError, match=r"cannot be read: Is a directory$"):
        load_config(tmp_path)


def test_endless_file_is_refused() -> None:
    with pytest.raises(ConfigError, match=f"^/dev/zero: expected at most {CONFIG_BYTES_MAX} bytes of TOML$"):
        load_config(Path("/dev/zero"))


def test_deep_nesting_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="not TOML"):
        load_config(written(tmp_path, "pool = " + "[" * 100_000))


def test_everything_set(tmp_path: Path) -> None:
    (tmp_path / "p").write_text("correct horse\n")
    (tmp_path / "ca.pem").write_text("-----BEGIN CERTIFICATE-----\n")
    settings = load_config(
        written(
            tmp_path,
            'listen = "[::1]:0"\n'
            'daemons = ["/run/*.sock", "sockets/1", "/run/*.sock"]\n'
            "[[pool]]\n"
            'source = "https://master.example:8443"\nuser = "monitor"\npassword_file = "p"\n'
            'ca_file = "ca.pem"\nlimit_seconds = 2.5\n'
            '[[pool]]\nsource = "pools/one.json"\n'
            '[[pool]]\nsource = "demo:"\nlimit_seconds = 3\nrecovery_objective_seconds = 300\n'
            "boot_seconds = 90\nboot_slots = 8\ndetection_seconds = 0\n"
            'vcpus_per_core = 2.5\nmemory_policy = "dynamic-min"\nreserve = "4GiB"\n',
        )
    )
    assert settings.listen == Address("::1", 0)
    assert settings.daemons == ("/run/*.sock", str(tmp_path / "sockets" / "1")), "each once"
    api, file, demo = settings.pools
    assert api.source == ApiSource("https://master.example:8443")
    assert (api.credentials.user, api.credentials.password) == ("monitor", "correct horse")
    assert api.credentials.verify_tls
    assert api.credentials.ca_file == tmp_path / "ca.pem"
    assert api.limit_seconds == 2.5
    assert file.source == FileSource(str(tmp_path / "pools" / "one.json"))
    assert file.limit_seconds == 10
    assert demo.source == DemoSource()
    assert demo.recovery == RecoverySettings(Pace(90, 8, 0), 300)
    assert file.recovery == USUAL_RECOVERY
    assert demo.rules == Rules(Fraction(5, 2), "dynamic-min", 4 << 30)
    assert file.rules == NO_RULES


def test_password_of_the_environment_serves_pools_without_a_file(tmp_path: Path) -> None:
    path = written(tmp_path, '[[pool]]\nsource = "https://root@master.example"\ninsecure = true\n')
    (pool,) = load_config(path, password="hunter2").pools
    assert (pool.credentials.user, pool.credentials.password) == ("root", "hunter2")
    assert not pool.credentials.verify_tls


def test_no_password_is_ever_shown(tmp_path: Path) -> None:
    path = written(tmp_path, '[[pool]]\nsource = "https://root@master.example"\n')
    assert "hunter2" not in repr(load_config(path, password="hunter2"))


def test_example_is_accepted(tmp_path: Path) -> None:
    example = written(tmp_path, (ROOT / "docs" / "xenha.toml").read_text())
    for name in ("master.example", "xen2.example"):
        (tmp_path / f"{name}.password").write_text("secret\n")
    (tmp_path / "xen2.example.pem").write_text("-----BEGIN CERTIFICATE-----\n")
    assert len(load_config(example).pools) == 2


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("127.0.0.1:9877", Address("127.0.0.1", 9877)),
        ("localhost:0", Address("localhost", 0)),
        ("[::]:65535", Address("::", 65535)),
    ],
)
def test_address(text: str, address: Address) -> None:
    assert parse_address(text) == address


@pytest.mark.parametrize(
    "text", ["", ":", ":9877", "host", "host:", "host:-1", "host:１", "::1:80", "[::1]", "h:99999"]
)
def test_wrong_address(text: str) -> None:
    with pytest.raises(ValueError, match=r"^expected "):
        parse_address(text)
