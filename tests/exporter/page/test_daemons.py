"""The daemons on the page: nothing late, silent or unarmed is ever shown as fine, and everybody is shown."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace

import httpx
import pytest
from fastapi import FastAPI

from exporter.daemons.state import DaemonState, looked
from exporter.page.beats import DENSE_FROM_HOSTS
from exporter.page.daemons import alarms, daemons_views, of_pool
from exporter.page.routes import router
from exporter.state import PoolState
from hacore.status import Fences, Peer

NOW = 1_800_000_000.0
HOSTILE = """<script>alert(1)</script>"'>{{7777*7}}"""


def states_of(*statuses, seconds: float = NOW - 1) -> list[DaemonState]:
    return [looked(DaemonState(f"/run/{status.host.name}.sock"), status, seconds) for status in statuses]


@pytest.fixture
def three(make_status):
    return [make_status(i) for i in range(3)]


def view_of(*states: DaemonState):
    (view,) = daemons_views(states, NOW)
    return view


def cell(view, channel: int, row: int, column: int):
    return view.matrices[channel].rows[row].cells[column]


# The verdict


def test_all_is_well(three) -> None:
    view = view_of(*states_of(*three))
    assert (view.verdict.text, view.verdict.tone) == ("all members, all armed", "good")
    assert "Epoch 12, decided because a host joined: 3 of 3 hosts in the liveset, xen1 leads." in view.summary
    assert [member.state.text for member in view.members] == ["member"] * 3
    assert [matrix.name for matrix in view.matrices] == ["disk", "lan"]
    assert list(alarms([view])) == []


def near(status):
    return replace(status, watchdog=replace(status.watchdog, deadline_in_seconds=20.0))


TROUBLES = {
    "xen1 near to fencing": ("bad", near),
    "xen1 not armed": ("bad", lambda s: replace(s, armed=False)),
    "xen1 without storage": ("bad", lambda s: replace(s, storage=replace(s.storage, works=False))),
    "network degraded": ("unknown", lambda s: replace(s, network_degraded=True)),
    "1 host not in the liveset": ("unknown", lambda s: replace(s, epoch=13, liveset=("host-1", "host-2"))),
}


@pytest.mark.parametrize("text", TROUBLES)
def test_one_trouble_of_one_host_is_the_verdict(three, text: str) -> None:
    tone, trouble = TROUBLES[text]
    view = view_of(*states_of(trouble(three[0]), *three[1:]))
    assert (view.verdict.text, view.verdict.tone) == (text, tone)
    assert bool(list(alarms([view]))) == (tone == "bad")


def test_the_gravest_trouble_is_the_verdict(three) -> None:
    view = view_of(*states_of(replace(near(three[0]), network_degraded=True), *three[1:]))
    assert view.verdict.text == "xen1 near to fencing"


def test_late_news_end_the_good_verdict_for_a_while(three, make_late) -> None:
    late = looked(DaemonState("/run/1"), make_late(three[0], "host-2", "lan", 25), NOW - 20)
    view = view_of(looked(late, three[0], NOW - 1), *states_of(*three[1:]))
    assert (view.verdict.text, view.verdict.tone) == ("late heartbeats", "unknown")
    assert (cell(view, 1, 0, 1).text, cell(view, 1, 0, 1).tone) == ("5", "unknown")
    assert "more than 25 % of the timeout lately" in cell(view, 1, 0, 1).title


def test_a_silent_daemon_ends_the_good_verdict(three) -> None:
    states = states_of(*three)
    states[1] = looked(states[1], "Connection refused", NOW)
    view = view_of(*states)
    assert (view.verdict.text, view.verdict.tone) == ("1 daemon not asked or silent", "unknown")
    assert view.members[1].note == "Silent for 1 second: Connection refused."
    assert (view.members[1].state.text, view.members[1].state.tone) == ("member", "plain")
    assert {each.text for each in view.matrices[0].rows[1].cells} == {"", "?"}


def test_nobody_speaks(three) -> None:
    view = view_of(*[looked(state, "Connection refused", NOW) for state in states_of(*three)])
    assert (view.verdict.text, view.verdict.tone) == ("no daemon answers", "unknown")
    assert view.matrices == ()
    assert {member.state.tone for member in view.members} == {"unknown"}


def test_sockets_that_never_answered_are_listed(three) -> None:
    never = DaemonState("/run/9.sock", problem="No such file or directory")
    view, other = daemons_views([*states_of(*three), never], NOW)
    assert view.silent == ()
    assert other.silent == (("/run/9.sock", "No such file or directory"),)
    assert other.verdict.tone == "unknown"


# Hosts


def test_one_daemon_is_enough_to_show_all_hosts(three) -> None:
    view = view_of(*states_of(three[1]))
    assert [member.name for member in view.members] == ["xen1", "xen2", "xen3"]
    assert [member.state.tone for member in view.members] == ["plain", "good", "plain"]
    assert view.members[0].badges == (("leader", "plain"),)


def test_the_newest_epoch_is_believed(three) -> None:
    newer = replace(three[1], epoch=13, liveset=("host-1", "host-2"), dead=("host-3",), leader="host-2")
    view = view_of(*states_of(three[0], newer))
    assert "Epoch 13" in view.summary
    assert (view.members[2].state.text, view.members[2].state.tone) == ("dead", "bad")


def test_a_member_that_was_left_out_is_no_member(three) -> None:
    newer = replace(three[1], epoch=13, liveset=("host-2", "host-3"))
    view = view_of(*states_of(three[0], newer, three[2]))
    assert (view.members[0].state.text, view.members[0].state.tone) == ("left out", "bad")


@pytest.mark.parametrize(
    ("left_seconds", "armed", "text", "tone", "percent"),
    [
        (57.5, True, "57.5 s left", "good", 95.8),
        (40.0, True, "40.0 s left", "unknown", 66.7),
        (30.0, True, "30.0 s left", "bad", 50.0),
        (-1.5, True, "passed 1.5 s ago", "bad", 0),
        (None, True, "no lease", "bad", 0),
        (57.5, False, "none: not armed", "plain", 0),
    ],
)
def test_the_time_that_is_left(three, left_seconds, armed, text, tone, percent) -> None:
    watchdog = replace(three[0].watchdog, deadline_in_seconds=left_seconds)
    (member, *_) = view_of(*states_of(replace(three[0], watchdog=watchdog, armed=armed))).members
    assert (member.deadline.text, member.deadline.tone, member.left_percent) == (text, tone, percent)


def test_storage_says_how_fast_it_is_and_what_is_left(three) -> None:
    def storage(**changes):
        status = replace(three[0], storage=replace(three[0].storage, **changes))
        told = view_of(*states_of(status)).members[0].storage
        return told.text, told.tone

    assert storage() == ("works, 99 % within 5 ms", "good")
    assert storage(copies_left=3) == ("works, 3 copies of its slot left", "unknown")
    assert storage(works=False, running_io_age_seconds=31.2) == ("lost, I/O out for 31 s", "bad")


def test_what_it_waits_for_and_why_it_fenced_is_said(three) -> None:
    fences = Fences("storage_lost", NOW - 7_200, {"storage_lost": 1})
    status = replace(three[0], waiting="storage", fences=fences)
    note = view_of(*states_of(status)).members[0].note
    assert note == "Waits for storage. Fenced itself 2 hours ago: its storage was lost."
    joining = replace(three[0], waiting="to be admitted by the members: red")
    assert view_of(*states_of(joining)).members[0].note == "Waits to be admitted by the members: red."


# Who hears whom


def test_a_cell_is_the_share_of_the_timeout(three, make_late) -> None:
    view = view_of(*states_of(make_late(three[0], "host-2", "lan", 50), *three[1:]))
    assert (cell(view, 1, 0, 1).text, cell(view, 1, 0, 1).tone) == ("55", "bad")
    assert cell(view, 1, 0, 1).title == "xen1 hears xen2 at 192.0.2.2:694: 16.5 s ago"
    assert (cell(view, 0, 0, 1).text, cell(view, 0, 0, 1).tone) == ("3", "good")
    assert cell(view, 0, 0, 1).title == "xen1 reads xen2: 2.0 s ago"
    assert cell(view, 1, 0, 0).text == ""


def test_a_host_outside_the_liveset_alarms_nobody(three, make_late) -> None:
    status = replace(three[0], epoch=13, liveset=("host-1", "host-2"))
    late = make_late(status, "host-3", "lan", 50)
    cells = [cell(view_of(*states_of(each)), 1, 0, 2) for each in (late, _older(late, "host-3", 99.0))]
    assert [(each.text, each.tone) for each in cells] == [("55", "plain"), ("out", "plain")]


def _older(status, peer: str, age_seconds: float):
    def older(each: Peer) -> Peer:
        channels = tuple(replace(channel, age_seconds=age_seconds) for channel in each.channels)
        return replace(each, channels=channels) if each.uuid == peer else each

    return replace(status, peers=tuple(map(older, status.peers)))


def test_past_the_timeout_is_bad_whatever_the_warning_says(three) -> None:
    view = view_of(*states_of(_older(three[0], "host-2", 5_000.0)))
    assert (cell(view, 1, 0, 1).text, cell(view, 1, 0, 1).tone) == (">999", "bad")


def test_never_heard_is_not_fine(three) -> None:
    view = view_of(*states_of(_older(three[0], "host-2", None)))
    assert (cell(view, 1, 0, 1).text, cell(view, 1, 0, 1).tone) == ("–", "unknown")


def test_many_hosts_get_numbers_for_names(make_status) -> None:
    status = make_status()
    some = status.peers[0]
    peers = tuple(replace(some, uuid=f"u{i}", name=f"n{i}", index=i) for i in range(1, DENSE_FROM_HOSTS))
    view = view_of(*states_of(replace(status, peers=peers, liveset=("host-1",))))
    assert view.matrices[0].dense
    assert view.matrices[0].columns[1] == ("2", "n1")
    assert view.matrices[0].rows[1].name == "2 n1"


# The page


@pytest.fixture
def ask(shown):
    def asked(states, sockets, address: str = "/") -> str:
        app = FastAPI(openapi_url=None)
        app.include_router(router(shown(states, sockets=sockets)))

        async def get() -> httpx.Response:
            transport = httpx.ASGITransport(app)
            async with httpx.AsyncClient(transport=transport, base_url="http://xenha") as client:
                return await client.get(address)

        answer = asyncio.run(get())
        assert answer.status_code == 200
        return answer.text

    return asked


def test_the_page_shows_heartbeats_and_says_first_what_is_bad(
    ask, pool, make_figures, make_state, three
) -> None:
    page = ask([make_state(pool, make_figures(pool))], states_of(near(three[0]), *three[1:]))
    assert page.index("Heartbeats: xen1 near to fencing.") < page.index('class="figure"')
    assert '<td class="beat-good" title="xen1 hears xen2 at 192.0.2.2:694: 1.5 s ago">5</td>' in page
    assert "20.0 s left" in page


def test_the_page_without_daemons_says_nothing_of_them(ask, pool, make_state) -> None:
    page = ask([make_state(pool)], [])
    assert re.search(r'<div id="part-daemons" data-live>\s*</div>', page)


def test_no_name_of_a_daemon_gets_through_unescaped(ask, pool, make_state, three) -> None:
    hostile = replace(
        three[0],
        host=replace(three[0].host, name=HOSTILE),
        waiting=HOSTILE,
        warnings=(HOSTILE,),
        peers=tuple(replace(peer, name=HOSTILE) for peer in three[0].peers),
    )
    page = ask([make_state(pool)], [*states_of(hostile), DaemonState(HOSTILE, problem=HOSTILE)])
    assert "<script>alert" not in page
    assert "54439" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_daemons_stand_with_the_pool_of_their_host(ask, pool, make_state, three) -> None:
    hosts = tuple(replace(host, uuid=f"host-{i}") for i, host in enumerate(pool.hosts, 1))
    theirs = make_state(replace(pool, hosts=hosts, vms=()))
    other = make_state(replace(pool, uuid="p2", name="Other"), source="other")
    never_seen = PoolState("never")
    daemons = states_of(*three)
    states = [theirs, other]
    assert of_pool(daemons, theirs, states) == daemons
    assert of_pool(daemons, other, states) == []
    assert of_pool(daemons, None, states) == []
    assert of_pool(daemons, other, [other]) == daemons, "daemons of no watched pool are shown everywhere"
    assert "Heartbeats" in ask(states, daemons, "/?pool=p1")
    assert "Heartbeats" not in ask(states, daemons, "/?pool=p2")
    assert "Heartbeats" not in ask(states, daemons, "/")
    alone = ask([other, never_seen], daemons, "/")
    assert "These hosts are in no watched pool." in alone
    assert "no watched pool" not in ask(states, daemons, "/?pool=p1")
