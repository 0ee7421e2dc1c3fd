"""`xenha serve` and `xenha lab xapi` as real processes: the URL first, and a clean end."""

from __future__ import annotations

import json
import signal
import socket
import urllib.request

import pytest

ENDINGS = [signal.SIGTERM, signal.SIGINT]


def unordered(value: object) -> object:
    """An answer without the order of what it lists."""
    if isinstance(value, dict):
        return {key: unordered(each) for key, each in value.items()}
    return sorted(value) if isinstance(value, list) else value


def get(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=60) as answer:
        return answer.read()


@pytest.mark.parametrize("ending", ENDINGS)
def test_the_demo_is_served_until_a_signal(process, ending):
    running = process("serve", "demo:", "--listen", "127.0.0.1:0")
    url = running.stdout.readline().strip()
    assert url.startswith("http://127.0.0.1:")
    assert get(f"{url}-/healthy").startswith(b"xenha is healthy")
    running.send_signal(ending)
    out, err = running.communicate(timeout=60)
    assert (running.returncode, out, err) == (0, "", "")


def test_pools_come_from_a_config_file(process, file_of, pool, tmp_path):
    file_of(pool)
    config = tmp_path / "xenha.toml"
    config.write_text('listen = "127.0.0.1:1"\n[[pool]]\nsource = "pool.json"\n')
    running = process("serve", "--config", str(config), "--listen", "127.0.0.1:0")
    url = running.stdout.readline().strip()
    (served,) = json.loads(get(f"{url}api/v1/pools"))["pools"]
    assert served["source"] == str(tmp_path / "pool.json")
    running.terminate()
    assert running.wait(60) == 0


@pytest.mark.parametrize("ending", ENDINGS)
def test_the_simulated_xapi_says_where_it_is(process, xenha, tmp_path, ending):
    secret = tmp_path / "secret"
    secret.write_text("swordfish\n")
    running = process("lab", "xapi", "--listen", "127.0.0.1:0", "--password-file", str(secret))
    url = running.stdout.readline().strip()
    source = url.replace("http://", "http://root@")
    assert xenha("check", source, "--password-file", str(secret)).code == 0
    secret.write_text("wrong\n")
    assert xenha("check", source, "--password-file", str(secret)).code == 3
    running.send_signal(ending)
    out, err = running.communicate(timeout=60)
    assert (running.returncode, out, err) == (0, "", "")


def test_the_api_shows_the_same_pool_as_the_demo(process, xenha, tmp_path, monkeypatch):
    monkeypatch.setenv("XENHA_PASSWORD", "xenha")
    running = process("lab", "xapi", "--listen", "127.0.0.1:0")
    source = running.stdout.readline().strip().replace("http://", "http://root@")
    direct = xenha("tolerance", "demo:", "--json").json[0]
    through_api = xenha("tolerance", source, "--json").json[0]
    xenha("inventory", source, "-o", str(tmp_path / "pool.json"))
    through_file = xenha("tolerance", str(tmp_path / "pool.json"), "--json").json[0]
    for answer in (direct, through_api, through_file):
        del answer["elapsed_seconds"]
    assert through_api == through_file
    assert unordered(direct) == unordered(through_api), "an API has an order of its own"


def test_a_port_that_is_taken_is_said_in_one_line(xenha):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        for command in (("serve", "demo:"), ("lab", "xapi")):
            done = xenha(*command, "--listen", f"127.0.0.1:{port}")
            assert (done.code, done.out) == (2, "")
            assert f"127.0.0.1:{port}" in done.err
            assert done.err.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "expected a SOURCE or --config FILE"),
        (("demo:", "--config", "xenha.toml"), "not both"),
        (("demo:", "--listen", "9877"), "expected HOST:PORT"),
        (("--config", "gone.toml"), "gone.toml: cannot be read"),
        (("https://root@x",), "needs a password"),
    ],
)
def test_wrong_usage_is_refused_before_anything_starts(xenha, monkeypatch, arguments, said):
    monkeypatch.delenv("XENHA_PASSWORD", raising=False)
    done = xenha("serve", *arguments)
    assert (done.code, done.out) == (2, "")
    assert said in done.err
    assert done.err.count("\n") == 1


def test_every_problem_of_a_config_file_has_its_line(xenha, tmp_path):
    config = tmp_path / "xenha.toml"
    config.write_text('listen = "nowhere"\n[[pool]]\nsource = "ftp://x"\n')
    done = xenha("serve", "--config", str(config))
    assert done.code == 2
    assert [line.startswith(f"xenha: {config}: ") for line in done.err.splitlines()] == [True, True]
