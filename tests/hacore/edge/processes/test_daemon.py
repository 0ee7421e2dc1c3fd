"""Real daemons: they form a liveset, notice a crash, leave, come back, are replaced, and are fenced."""

from __future__ import annotations

import json
import os
import signal

PATIENCE_SECONDS = 90


def test_two_hosts_form_a_liveset_and_the_survivor_notices_a_crash(pool):
    one, two = pool(2, lab=True).form()
    assert one.dog.opened.wait(PATIENCE_SECONDS)
    assert one.status().liveset == two.status().liveset
    two.signal(signal.SIGKILL)
    one.wait_for("dead", host="h2")
    status = one.status()
    assert status.dead == (status.peers[0].uuid,)
    assert status.armed
    assert status.leader == status.host.uuid
    assert two.dog.fired.wait(PATIENCE_SECONDS)


def test_three_hosts_survive_a_crash_and_take_the_host_back_after_its_reboot(pool):
    one, two, three = pool(3).form()
    epoch = one.status().epoch
    alive = one.xenhad("confirm-dead", "h3", "--force")
    assert (alive.returncode, alive.stderr[:37]) == (1, "xenhad: confirm-dead: h3 is a member;")
    three.signal(signal.SIGKILL)
    one.wait_for("epoch", cause="dead")
    two.wait_for("epoch", cause="dead")
    status = one.status()
    assert status.liveset == two.status().liveset == (status.host.uuid, two.status().host.uuid)
    assert status.dead == ()
    assert any("xenhad confirm-dead h3 --force" in warning for warning in status.warnings)
    assert one.xenhad("confirm-dead", "h3").returncode == 2
    assert one.xenhad("confirm-dead", "h3", "--force").returncode == 0
    one.wait_for("dead", host="h3")
    three.clear()
    three.start()
    three.wait_for("waiting")
    one.becomes(
        lambda status: any("h3 was declared dead and asks to join" in each for each in status.warnings)
    )
    text = three.config.read_text()
    three.config.write_text(text.replace('000000000001"\nno_f', '000000000002"\nno_f'))
    three.clear()
    three.start()
    three.wait_for("joined")
    one.wait_for("epoch", cause="joined")
    assert one.status().epoch >= epoch + 2
    assert len(one.status().liveset) == 3


def test_a_host_that_leaves_is_disarmed_and_waited_for_by_nobody(pool):
    one, two = pool(2, lab=True).form()
    done = two.xenhad("leave")
    assert (done.returncode, done.stderr) == (0, "")
    assert two.ended() == 0
    assert two.dog.closed.wait(PATIENCE_SECONDS)
    assert not two.dog.fired.is_set()
    one.wait_for("epoch", cause="left")
    assert one.status().liveset == (one.status().host.uuid,)


def test_leaving_and_coming_back_costs_no_copy_and_being_killed_costs_two(pool):
    (one,) = pool(1).form()
    left = [one.status().storage.copies_left]
    for _ in range(4):
        assert one.xenhad("leave").returncode == 0
        assert one.ended() == 0
        one.clear()
        one.start()
        one.wait_for("joined")
        left.append(one.status().storage.copies_left)
    assert left == [7] * 5
    one.clear()
    one.start()
    one.wait_for("state", state="member")
    assert one.status().storage.copies_left == 5


def test_a_start_that_wrote_nothing_passes_on_what_was_said_to_it(pool):
    (one,) = pool(1).form()
    volume, away = one.folder / "statefile", one.folder / "away"
    assert one.xenhad("leave").returncode == 0
    one.ended()
    volume.rename(away)
    one.clear()
    one.start()
    one.wait_for("problem", about="statefile")
    one.signal(signal.SIGTERM)
    assert one.ended() == 0
    away.rename(volume)
    one.clear()
    one.start()
    one.wait_for("joined")
    assert one.status().storage.copies_left == 7


def test_sigterm_leaves_too(pool):
    (one,) = pool(1, lab=True).form()
    one.signal(signal.SIGTERM)
    one.wait_for("signal", name="SIGTERM")
    assert one.ended() == 0
    assert one.dog.closed.wait(PATIENCE_SECONDS)
    assert not one.dog.fired.is_set()


def test_a_daemon_that_is_killed_leaves_the_watchdog_armed(pool):
    (one,) = pool(1, lab=True).form()
    assert one.dog.opened.wait(PATIENCE_SECONDS)
    one.signal(signal.SIGKILL)
    assert one.dog.fired.wait(PATIENCE_SECONDS)


def test_a_paused_daemon_is_fenced(pool):
    (one,) = pool(1, lab=True).form()
    assert one.dog.opened.wait(PATIENCE_SECONDS)
    one.signal(signal.SIGSTOP)
    assert one.dog.fired.wait(PATIENCE_SECONDS)
    one.ended()


def test_a_restart_hands_the_watchdog_over(pool):
    one, two = pool(2, lab=True, timeout_seconds=20.0).form()
    epoch = one.status().epoch
    stranger = one.xenhad(
        "restart", "--lab", "-c", str(two.config), "-s", str(one.config.with_suffix(".sock"))
    )
    assert stranger.returncode == 2
    assert "is for h2; the daemon at" in stranger.stderr
    done = one.xenhad("restart", "--lab")
    assert (done.returncode, done.stderr) == (0, "")
    one.wait_for("start", restarted="yes")
    one.wait_for("state", state="member")
    pings = len(one.dog.said)
    status = one.becomes(lambda _: len(one.dog.said) > pings + 1)
    assert (status.state, status.armed, status.epoch) == ("member", True, epoch)
    assert len(two.status().liveset) == 2
    assert not one.dog.closed.is_set()
    assert b"V" not in one.dog.said
    assert not one.dog.fired.is_set()
    assert os.sched_getscheduler(one.process.pid) == os.SCHED_OTHER, "still in a hurry"


def test_a_signal_in_the_middle_of_a_restart_is_for_the_successor(pool):
    (one,) = pool(1, lab=True, timeout_seconds=10.0).form()
    assert one.dog.opened.wait(PATIENCE_SECONDS)
    restart = one.begin("restart", "--lab")
    one.wait_for("restart")
    one.signal(signal.SIGTERM)
    assert one.ended() == 0, "it leaves, whoever hears it"
    restart.kill()
    restart.communicate()
    assert one.dog.closed.wait(PATIENCE_SECONDS)
    assert not one.dog.fired.is_set()


def test_emergency_disable_disarms_without_asking_anybody(pool):
    one, two = pool(2, lab=True).form()
    assert one.xenhad("emergency-disable").returncode == 2
    done = one.xenhad("emergency-disable", "--force")
    assert (done.returncode, done.stderr) == (0, "")
    assert one.ended() == 0
    assert one.dog.closed.wait(PATIENCE_SECONDS)
    assert not one.dog.fired.is_set()
    two.becomes(lambda status: len(status.liveset) == 1)


def test_a_second_daemon_is_refused(pool):
    (one,) = pool(1).form()
    done = one.xenhad("run")
    assert done.returncode == 1
    assert "another xenhad runs here already" in done.stderr


def test_a_second_daemon_is_refused_whatever_its_socket_is_called(pool):
    (one,) = pool(1).form()
    copied = one.config.with_name("copied.toml")
    copied.write_text(one.config.read_text().replace("h1.sock", "other.sock"))
    done = one.xenhad("run", "-c", str(copied))
    assert done.returncode == 1
    assert "another daemon on this machine writes the slot of h1" in done.stderr
    assert one.process.poll() is None


def test_a_journal_that_cannot_be_written_is_refused(pool):
    one = pool(1).hosts[0]
    broken = one.config.with_name("broken.toml")
    broken.write_text(f'journal = "/nowhere/journal"\n{one.config.read_text()}')
    done = one.xenhad("run", "-c", str(broken))
    assert done.returncode == 2
    assert "journal = '/nowhere/journal': there is no folder /nowhere; expected a file" in done.stderr


def test_a_daemon_says_at_once_that_it_waits_for_the_statefile(pool):
    (one,) = pool(1).hosts
    volume = one.folder / "statefile"
    assert one.xenhad("init").returncode == 0
    volume.rename(one.folder / "away")
    one.start()
    one.wait_for("start")
    problem = "heartbeat disk not accessible: No such file or directory"
    assert one.said.startswith(f"xenhad: waits for the statefile: {volume}: {problem}\n")
    (one.folder / "away").rename(volume)
    one.wait_for("joined")


def test_the_journal_says_why_a_daemon_stopped_that_found_another_statefile(pool):
    (one,) = pool(1).hosts
    one.start()
    stop = one.wait_for("stop")
    assert (
        stop["reason"]
        == f"{one.folder}/statefile: no statefile of this pool: blank: nothing was ever written here"
    )
    assert one.ended() == 2


def test_a_live_statefile_is_never_formatted(pool):
    (one,) = pool(1).form()
    for arguments in (("init",), ("init", "--force")):
        done = one.xenhad(*arguments)
        assert done.returncode == 1
        assert "in use by h1" in done.stderr


def test_status_is_shown_as_a_table_and_as_json(pool):
    one, two = pool(2).form()
    table = one.xenhad("status")
    assert table.returncode == 0
    assert "liveset" not in table.stderr
    assert "h2" in table.stdout
    line = one.xenhad("status", "--json")
    assert json.loads(line.stdout)["state"] == "member"
    two.xenhad("leave")
    two.ended()
    assert two.xenhad("status").returncode == 3


def test_a_dump_beside_a_daemon_shows_how_long_ago_it_wrote(pool):
    one, two = pool(2).form()
    two.xenhad("leave")
    two.ended()
    for _ in range(10):  # a daemon that stands still writes nothing
        done = one.xenhad("dump", "--watch", "1.5", "--json")
        young, old = (slot["age_seconds"] for slot in json.loads(done.stdout)["slots"])
        if young["at_most"] is not None:
            break
    assert 0 <= young["at_least"] <= young["at_most"]
    assert (old["at_most"], old["at_least"] > 1) == (None, True)
    assert "(numbered from 20" in one.xenhad("dump").stdout


def test_the_leader_can_be_proposed(pool):
    one, two = pool(2).form()
    other = two if one.status().leader == one.status().host.uuid else one
    done = one.xenhad("propose-leader", other.name)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{other.name} leads\n", "")
    assert one.status().leader == other.status().host.uuid


def test_weight_is_set_and_published(pool):
    (one,) = pool(1).form()
    done = one.xenhad("set-weight", "7")
    assert (done.returncode, done.stdout) == (0, "weight of h1 is 7 now, until it boots anew\n")
    assert one.status().weight == 7


def test_wrong_input_that_only_the_daemon_can_know_is_code_2_and_a_no_is_1(pool):
    (one,) = pool(1).form()
    wrong = one.xenhad("propose-leader", "h7")
    expected = "host: 'h7': expected the UUID or the name of a configured host: h1"
    assert (wrong.returncode, wrong.stderr) == (2, f"xenhad: {expected}\n")
    assert one.xenhad("confirm-dead", "h7", "--force").returncode == 2
    refused = one.xenhad("arm")
    assert (refused.returncode, refused.stderr) == (
        1,
        "xenhad: arm: this daemon was started without fencing\n",
    )


def test_disarm_and_arm(pool):
    (one,) = pool(1, lab=True).form()
    assert one.dog.opened.wait(PATIENCE_SECONDS)
    done = one.xenhad("disarm")
    assert (done.returncode, done.stdout.split(":")[0]) == (0, "h1 is not armed")
    assert one.dog.closed.wait(PATIENCE_SECONDS)
    assert not one.status().armed
    one.dog.opened.clear()
    done = one.xenhad("arm")
    assert (done.returncode, done.stdout) == (0, "h1 is armed\n")
    assert one.dog.opened.wait(PATIENCE_SECONDS)
    assert one.status().armed
    assert not one.dog.fired.is_set()
