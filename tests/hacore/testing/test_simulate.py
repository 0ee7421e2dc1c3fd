"""The command line: seeds, replay, scenarios; the CI's share of all seeds."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from hacore.testing.simulate import Options, main, run_seed

DEFAULT = Options(range(2, 9), 20 * 10**9, 3.0, ("crash", "hang", "link", "stop", "write", "kill"))
FIGURES = {
    "seeds", "events", "simulated_seconds", "violations", "fences", "needless_fences",
    "max_detection_over_bound_seconds",
}  # fmt: skip


def simulate(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "hacore.testing.simulate", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_two_thousand_seeds_are_clean():
    done = simulate("--seeds", "0:2000")
    *failing, summary = done.stdout.splitlines()
    assert failing == []
    figures = json.loads(summary)
    assert (done.returncode, figures["seeds"], figures["violations"]) == (0, 2000, 0), done.stderr
    assert figures["fences"] > 1000, "the faults are too mild to prove anything"


@pytest.mark.slow
@pytest.mark.parametrize(
    "options", [("--hosts", "9-16", "--timeout", "60"), ("--hosts", "2-3", "--timeout", "60")]
)
def test_large_pools_and_the_usual_time_are_clean(options):
    done = simulate(*options, "--seeds", "0:16")
    assert done.returncode == 0, done.stdout
    assert json.loads(done.stdout)["fences"] > 0


@pytest.mark.parametrize("seed", [3, 4])
def test_a_seed_is_one_story(seed):
    first, again = (run_seed(DEFAULT, seed, told=True) for _ in range(2))
    assert first == again
    assert len(first.story) > 10
    assert first.story != run_seed(DEFAULT, seed + 2, told=True).story


def test_looking_on_changes_nothing():
    told, silent = run_seed(DEFAULT, 3, told=True), run_seed(DEFAULT, 3)
    assert (told.events, told.fences) == (silent.events, silent.fences)


def test_the_summary_is_one_object(capsys):
    assert main(["--seeds", "0:2", "--jobs", "1", "--json"]) == 0
    assert set(json.loads(capsys.readouterr().out)) == FIGURES


def test_a_failing_seed_prints_itself_and_the_exit_code_says_so(capsys):
    code = main(["--seeds", "0:1", "--jobs", "1", "--mutant", "member_by_index"])
    line, summary = capsys.readouterr().out.splitlines()
    assert code == 1
    assert line.startswith("seed 0: G4 at ")
    assert json.loads(summary)["violations"] > 0


def test_replay_tells_the_story(capsys):
    assert main(["--replay", "1", "--hosts", "2"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert any("host 0  boots" in line for line in lines)
    assert any("     *  " in line for line in lines), "faults are told in between"


def test_a_scenario_is_replayed_as_its_story(capsys):
    assert main(["--scenario", "tests/scenarios/two_link_lost.toml", "--replay"]) == 0
    story = capsys.readouterr().out.splitlines()
    assert any(line.endswith("host 0  network_degraded") for line in story)
    assert main(["--scenario", "tests/scenarios/two_link_lost.toml", "--replay", "1"]) == 0
    assert capsys.readouterr().out.splitlines() != story


def test_what_the_document_tells_to_type_works(capsys):
    text = Path("docs/scenarios.md").read_text(encoding="utf-8")
    commands = re.findall(r"^python -m hacore.testing.simulate (.+)$", text, re.MULTILINE)
    assert len(commands) > 1
    for command in commands:
        assert main(shlex.split(command)) == 0, command
    assert "network_degraded" in capsys.readouterr().out, "one of them tells a story"


def test_a_scenario_that_fails_is_told(tmp_path, capsys):
    path = tmp_path / "wrong.toml"
    path.write_text('about = "x"\nhosts = 2\n[[expect]]\nat = 20\nliveset = [1]\n', encoding="utf-8")
    assert main(["--scenario", str(path)]) == 1
    assert "liveset is [0, 1], expected [1]" in capsys.readouterr().out


def test_a_scenario_that_is_not_understood_is_refused(tmp_path, capsys):
    path = tmp_path / "odd.toml"
    path.write_text("hosts = 2\nodd = 1\n", encoding="utf-8")
    assert main(["--scenario", str(path)]) == 2
    assert str(path) in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        ["--hosts", "1"],
        ["--hosts", "5-3"],
        ["--seeds", "5:5"],
        ["--seeds", "a:b"],
        ["--faults", "fire"],
        ["--timeout", "0"],
    ],
)
def test_wrong_usage_is_told(arguments, capsys):
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert "expected" in capsys.readouterr().err
