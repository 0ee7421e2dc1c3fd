"""Exit codes and errors (DESIGN §5.6): one line on stderr, no traceback unless `--debug`."""

from __future__ import annotations

import os
import shlex
import signal
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from exporter.cli.exits import Exit, code_of, sentence
from planner.errors import InputError, PlanRejected, PoolUnreachable


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "Missing command"),
        (("tolerate",), "No such command 'tolerate'"),
        (("tolerance",), "Missing argument 'SOURCE'"),
        (("tolerance", "--bogus", "x"), "No such option"),
        (("tolerance", "x", "--target", "-1"), "--target"),
        (("tolerance", "x", "--target", "two"), "--target"),
        (("plan", "pool.json"), "Missing option '--fail'"),
        (("check", "a", "b"), "unexpected extra argument"),
        (("inventory",), "expected a SOURCE, or --schema"),
        (("lab",), "Missing command"),
        (("lab", "xapi", "surplus"), "unexpected extra argument"),
        (("tolerance", "demo:x"), "demo: takes nothing behind the colon"),
        (("tolerance", "ftp://x"), "no way to reach a pool"),
        (("tolerance", "https://root:pw@x"), "a password in a URL"),
        (("tolerance", "https://root@x"), "needs a password: set XENHA_PASSWORD"),
        (("tolerance", "https://root@x", "--password-file", "/no/such"), "--password-file /no/such: No such"),
    ],
)
def test_wrong_usage_is_one_line_and_two(xenha, monkeypatch, arguments, said):
    monkeypatch.delenv("XENHA_PASSWORD", raising=False)
    done = xenha(*arguments)
    assert (done.code, done.out) == (2, "")
    assert said in done.err
    assert done.err.startswith("xenha: ")
    assert done.err.count("\n") == 1


@pytest.mark.parametrize("content", ["", "\n", "two\nlines\n"])
def test_a_password_file_holds_one_line(xenha, tmp_path, content):
    file = tmp_path / "password"
    file.write_text(content)
    done = xenha("tolerance", "https://root@x", "--password-file", str(file))
    assert done.code == 2
    assert "expected one line, the password" in done.err


def test_names_from_the_pool_cannot_act_on_the_terminal(xenha, file_of, pool):
    hostile = replace(pool.hosts[0], name="\x1b[31mred\nline [bold]x[/]")
    evil = replace(pool, name="\x07bell", hosts=(hostile, *pool.hosts[1:]))
    done = xenha("inventory", file_of(evil))
    assert done.code == 0
    assert "\x1b" not in done.out
    assert "\x07" not in done.out
    assert "\\x1b[31mred\\nline [bold]x[/]" in done.out
    done = xenha("plan", file_of(evil), "--fail", "no\nsuch")
    assert done.err.count("\n") == 1


def test_debug_adds_the_traceback_wherever_it_stands(xenha):
    for arguments in (("--debug", "inventory", "gone.json"), ("inventory", "gone.json", "--debug")):
        done = xenha(*arguments)
        assert done.code == 2
        assert "Traceback (most recent call last)" in done.err
        assert done.err.splitlines()[-1].startswith("xenha: gone.json: ")
    assert "Traceback" not in xenha("inventory", "gone.json").err


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (InputError("x"), 2),
        (FileNotFoundError(2, "No such file", "x"), 2),
        (PoolUnreachable("https://x", "refused"), 3),
        (PlanRejected(("too full",)), 70),
        (ZeroDivisionError("x"), 70),
        (BrokenPipeError(), 141),
        (KeyboardInterrupt(), 130),
    ],
)
def test_every_error_has_its_code(error, code):
    assert code_of(error) is Exit(code)


def test_a_bug_is_never_mistaken_for_an_answer():
    said = sentence(ZeroDivisionError("division by zero"))
    assert said == "internal error: ZeroDivisionError: division by zero; run again with --debug to see where"


def test_version_and_help(xenha):
    assert xenha("--version").out.startswith("xenha ")
    assert xenha("--help").code == 0
    assert "Examples:" in xenha("tolerance", "-h").out


def test_standard_input_is_a_source(process, file_of, pool):
    done = process("check", "-", stdin=subprocess.PIPE)
    out, err = done.communicate(Path(file_of(pool)).read_text(), timeout=60)
    assert (done.returncode, err) == (0, "")
    assert out.startswith("OK: ")


def test_a_reader_that_goes_away_is_no_error(process, file_of, pool):
    """What is written does not fit into the pipe, and nobody reads it."""
    many = replace(pool.hosts[0], tags=tuple(f"tag-{i}" for i in range(20_000)))
    running = process("inventory", file_of(replace(pool, hosts=(many, *pool.hosts[1:]))), "--json")
    running.stdout.read(1)
    running.stdout.close()
    assert running.wait(60) == 141
    assert running.stderr.read() == ""


def test_ctrl_c_ends_in_silence(process, monkeypatch):
    """A pool's API that accepts and says nothing: the command is then in the middle of its work."""
    monkeypatch.setenv("XENHA_PASSWORD", "secret")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(60)
        running = process("tolerance", f"http://root@127.0.0.1:{silent.getsockname()[1]}")
        connection, _ = silent.accept()
        with connection:
            connection.settimeout(60)
            assert connection.recv(1), "it has begun to ask"
            running.send_signal(signal.SIGINT)
            out, err = running.communicate(timeout=60)
    assert (running.returncode, out, err) == (130, "", "")


def test_a_name_that_the_terminal_cannot_show_is_escaped(process, file_of, pool):
    strange = file_of(replace(pool, name="pâté"))
    environment = os.environ | {"PYTHONIOENCODING": "ascii"}
    out, err = process("check", strange, env=environment).communicate(timeout=60)
    assert err == ""
    assert "pool p\\xe2t\\xe9" in out
    out, err = process("inventory", strange, "--json", env=environment, encoding="utf-8").communicate(
        timeout=60
    )
    assert (out, err) == (Path(strange).read_text(encoding="utf-8"), "")


@pytest.mark.parametrize("closed", ["<&- >&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_closed_streams_do_not_change_the_answer(closed):
    program = "import sys; from exporter.cli import main; sys.exit(main())"
    command = shlex.join([sys.executable, "-c", program, "check", "demo:", "--target", "3"])
    shell = ["sh", "-c", f"exec {command} {closed}"]
    done = subprocess.run(shell, check=False, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "")
