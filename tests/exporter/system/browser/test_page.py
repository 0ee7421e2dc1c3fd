"""The page in a real browser: it lives, it bears hostile names, and everybody can read it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from lab.demo import demo_pool
from planner.inventory.poolfile import dump_pool
from tests.held import held_address

pytestmark = pytest.mark.system

HOSTILE = """<script>document.title='owned'</script>"'><img src=x onerror="document.title='owned'">{{7*7}}"""
LONG = "anamewithoutanyplacetobreakit" * 6
FIGURE = "document.querySelector('.figure').textContent.trim()"
ROWS = "[...document.querySelectorAll('.vms tbody th')].map((cell) => cell.textContent.trim())"
PLACE = "q.getBoundingClientRect().top"


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_the_demo_is_shown_without_any_complaint_and_can_be_read(tab, xenha, dark: bool) -> None:
    tab.look(dark=dark)
    tab.open(xenha.url)
    assert tab.run(FIGURE) == "2"
    assert tab.run("document.title") == "2 · target met · demo"
    assert tab.run("document.querySelectorAll('.hosts tbody tr').length") == 5
    assert tab.pale_texts() == []
    assert tab.complaints() == []


@pytest.mark.parametrize("width", [320, 800])
def test_nothing_sticks_out_on_a_narrow_screen(tab, start_xenha, tmp_path: Path, width: int) -> None:
    pool = demo_pool()
    named = replace(
        pool,
        name=LONG,
        hosts=tuple(replace(host, name=LONG + host.name) for host in pool.hosts),
        vms=tuple(replace(vm, name=LONG + vm.name) for vm in pool.vms),
    )
    (tmp_path / "pool.json").write_text(dump_pool(named))
    xenha = start_xenha(str(tmp_path / "pool.json"))
    tab.look(width=width)
    for address in ("/", f"/ask?kind=plan&host={pool.hosts[0].uuid}"):
        tab.open(f"{str(xenha.url).rstrip('/')}{address}")
        assert tab.run("document.documentElement.scrollWidth") <= width, address
    assert tab.complaints() == []


def test_heartbeats_can_be_read_and_stick_out_nowhere(
    tab, start_xenha, tmp_path: Path, daemon_at, make_status, make_late
) -> None:
    """Everything that can be late, lost, left out or unarmed at once, with names as long as they get."""
    late = make_late(make_late(make_status(), "host-2", "lan", 25), "host-2", "disk", 50)
    told = replace(late, liveset=("host-1", "host-2"), condemned=("host-3",), warnings=(LONG, HOSTILE))
    named = replace(told, peers=tuple(replace(peer, name=LONG + peer.name) for peer in told.peers))
    daemon_at(tmp_path / "1.sock", named)
    daemon_at(tmp_path / "2.sock", make_status(1, armed=False, network_degraded=True))
    (tmp_path / "pool.json").write_text(dump_pool(demo_pool()))
    xenha = start_xenha(
        str(tmp_path / "pool.json"), more=("--daemon", f"{tmp_path}/?.sock", "--daemon", "/none")
    )
    tab.open(xenha.url)
    tab.wait_for("document.querySelectorAll('.beats').length === 2")
    tab.wait_for("document.querySelectorAll('.silent').length === 1")
    assert tab.run("document.querySelector('#part-banners b').textContent").endswith("xen2 not armed.")
    for dark, width in ((False, 1200), (True, 1200), (False, 320)):
        tab.look(width=width, dark=dark)
        assert tab.pale_texts() == []
        assert tab.run("document.documentElement.scrollWidth") <= width
    assert tab.complaints() == []


def test_hostile_names_are_shown_and_do_nothing(tab, start_xenha, tmp_path: Path) -> None:
    pool = demo_pool()
    named = replace(
        pool,
        name=HOSTILE,
        hosts=tuple(replace(host, name=f"{HOSTILE} {host.name}") for host in pool.hosts),
        vms=tuple(replace(vm, name=f"{HOSTILE} {vm.name}") for vm in pool.vms),
    )
    (tmp_path / "pool.json").write_text(dump_pool(named))
    tab.open(start_xenha(str(tmp_path / "pool.json")).url)
    assert tab.run("document.querySelector('h1').textContent") == HOSTILE
    assert tab.run(f"{ROWS}[0]").startswith(HOSTILE)
    assert tab.run("document.title").endswith(HOSTILE)
    assert tab.run("document.querySelectorAll('img, script:not([src])').length") == 0
    assert tab.complaints() == []


def test_the_table_is_searched_and_sorted_without_leaving_the_page(tab, xenha) -> None:
    tab.open(xenha.url)
    tab.run("window.here = true")
    tab.run("q.focus(); q.value = 'k8s-worker'; q.dispatchEvent(new Event('input', {bubbles: true}))")
    tab.wait_for(f"{ROWS}.length === 4")
    tab.run("document.querySelector('[data-swap=name]').focus()")
    tab.run("document.activeElement.click()")
    tab.wait_for("!!document.querySelector('.col-name[aria-sort=ascending]')")
    tab.run("document.activeElement.click()")
    tab.wait_for(f"{ROWS}[0] === 'k8s-worker-4'")
    assert tab.run("document.activeElement.dataset.swap") == "name"
    assert "q=k8s-worker" in tab.run("location.search")
    assert "sort=-name" in tab.run("location.search")
    assert tab.run("window.here")
    assert tab.complaints() == []


def test_a_search_survives_the_next_refresh(tab, xenha) -> None:
    tab.open(f"{xenha.url}/?q=k8s-worker")
    tab.run("seen = document.getElementById('age')")
    tab.wait_for("document.getElementById('age') !== seen")
    assert tab.run(f"{ROWS}.length") == 4
    assert tab.run("q.value") == "k8s-worker"


def test_the_page_follows_the_pool_in_place(tab, xenha, operator) -> None:
    tab.look(height=500)
    tab.open(xenha.url)
    tab.run("window.here = true; q.focus(); q.value = 'half a wor'")
    place = tab.run(PLACE)
    assert tab.run("scrollY") > 0
    [vm] = operator.VM.get_by_name_label("reporting-db")

    operator.VM.start(vm, False, False)

    tab.wait_for("document.title === '1 · overcommitted · demo'")
    assert tab.run(FIGURE) == "1"
    assert "icon-bad" in tab.run("icon.getAttribute('href')")
    assert tab.run("window.here"), "the page was loaded anew"
    assert tab.run(PLACE) == pytest.approx(place, abs=2), "what one looks at moved away"
    assert tab.run("document.activeElement.id + ' ' + q.value") == "q half a wor"
    for dark in (False, True):
        tab.look(height=500, dark=dark)
        assert tab.pale_texts() == []

    operator.VM.hard_shutdown(vm)

    tab.wait_for("document.title === '2 · target met · demo'")
    assert tab.complaints() == []


@pytest.fixture
def address() -> Iterator[str]:
    with held_address() as held:
        yield held


def test_a_page_whose_xenha_is_gone_says_so_is_not_green_and_recovers(
    tab, start_xenha, pool_api, address: str
) -> None:
    xenha = start_xenha(pool_api.url, listen=address)
    tab.open(xenha.url)
    green = tab.run("getComputedStyle(document.querySelector('.figure')).color")
    assert tab.run("lost.hidden")

    xenha.program.stop()

    tab.wait_for("!document.getElementById('lost').hidden")
    assert tab.run("getComputedStyle(document.querySelector('.figure')).color") != green
    assert tab.run("document.title") == "? 2 · target met · demo"
    for dark in (True, False):
        tab.look(dark=dark)
        assert tab.pale_texts() == []
    assert "icon-unknown" in tab.run("icon.getAttribute('href')")

    start_xenha(pool_api.url, listen=address)

    tab.wait_for("document.getElementById('lost').hidden")
    tab.wait_for("document.title === '2 · target met · demo'")
    assert tab.run("getComputedStyle(document.querySelector('.figure')).color") == green
