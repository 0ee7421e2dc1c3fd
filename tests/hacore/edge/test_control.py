"""The control socket: good and bad requests, and clients that are slow, silent, dead or too many."""

from __future__ import annotations

import json
import os
import selectors
import socket
import stat
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from hacore.edge.control import (
    CLIENTS_MAX,
    IDLE_NS,
    REQUEST_BYTES_MAX,
    ControlServer,
    encoded,
    listen,
    lock_of,
)
from hacore.errors import DeviceUnreachable, InputError, Refused


class Hand:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.now_ns = 1

    def monotonic_ns(self) -> int:
        return self.now_ns

    def wall_seconds(self) -> float:
        return 0.0


class Served:
    """A control server and what it needs; `turn` is one turn of the daemon's loop."""

    def __init__(self, path: Path) -> None:
        self.path = str(path)
        self.clock = Hand()
        self.selector = selectors.DefaultSelector()
        self.asked: list[Mapping[str, Any]] = []
        self.answer: Callable[[Mapping[str, Any]], bytes] = lambda _request: encoded({"done": True})
        self.server = ControlServer(listen(self.path), self.selector, self.clock, self._answer)

    def _answer(self, request: Mapping[str, Any]) -> bytes:
        self.asked.append(request)
        return self.answer(request)

    def turn(self, seconds: float = 60.0) -> None:
        for key, events in self.selector.select(seconds):
            key.data(events)

    def client(self) -> socket.socket:
        client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        client.settimeout(60)
        client.connect(self.path)
        self.turn()
        return client

    def ask(self, client: socket.socket, data: bytes) -> dict[str, Any]:
        client.sendall(data)
        self.turn()
        answer: dict[str, Any] = json.loads(client.recv(65_536))
        return answer


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    found = Served(tmp_path / "sock")
    yield found
    found.server.close()
    found.selector.close()


def test_requests_are_answered_one_after_the_other(served: Served) -> None:
    with served.client() as client:
        assert served.ask(client, b'{"request": "arm"}\n') == {"done": True}
        assert served.ask(client, b'{"request": "join", "force": true}\n') == {"done": True}
    assert served.asked == [{"request": "arm"}, {"request": "join", "force": True}]


def test_several_requests_in_one_go_get_several_answers(served: Served) -> None:
    with served.client() as client:
        client.sendall(b'{"request": "arm"}\n{"request": "disarm"}\n{"request": "le')
        served.turn()
        assert client.recv(1000) == b'{"done": true}\n' * 2
        assert served.ask(client, b'ave"}\n') == {"done": True}


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b"status\n", "one line of JSON"),
        (b"\n", "one line of JSON"),
        (b"[]\n", 'an object with a "request"'),
        (b'{"request": 3}\n', 'an object with a "request"'),
        (b'{"ask": "status"}\n', 'an object with a "request"'),
        (b"\xff\xfe\n", "one line of JSON"),
        (b"[" * 2000 + b"\n", "one line of JSON"),
    ],
)
def test_bad_requests_get_one_line_and_may_try_again(line: bytes, said: str, served: Served) -> None:
    with served.client() as client:
        assert said in served.ask(client, line)["error"]
        assert served.ask(client, b'{"request": "arm"}\n') == {"done": True}


def test_what_is_wrong_with_a_request_is_told(served: Served) -> None:
    def refuse(_request: Mapping[str, Any]) -> bytes:
        raise InputError("weight: expected less")

    served.answer = refuse
    with served.client() as client:
        told = {"error": "weight: expected less", "code": 2}
        assert served.ask(client, b'{"request": "set-weight"}\n') == told


def test_a_no_is_told_apart_from_a_wrong_request(served: Served) -> None:
    def refuse(_request: Mapping[str, Any]) -> bytes:
        raise Refused("not now")

    served.answer = refuse
    with served.client() as client:
        assert served.ask(client, b'{"request": "arm"}\n') == {"error": "not now", "code": 1}


def test_a_line_without_end_is_cut_off(served: Served) -> None:
    with served.client() as client:
        client.sendall(b"x" * (REQUEST_BYTES_MAX + 1))
        served.turn()
        served.turn(0)
        assert client.recv(10) == b""


def test_a_client_that_does_not_read_holds_nobody_up(served: Served) -> None:
    served.answer = lambda _request: b"x" * (1 << 20) + b"\n"
    with served.client() as deaf, served.client() as other:
        deaf.sendall(b'{"request": "status"}\n' * 100)
        served.turn()
        served.turn(0)
        assert len(served.asked) == 1  # the rest waits until the first answer is gone
        served.answer = lambda _request: encoded({"done": True})
        assert served.ask(other, b'{"request": "arm"}\n') == {"done": True}
        served.clock.now_ns += IDLE_NS + 1
        served.server.cut_off_idle()
        got = 0
        while data := deaf.recv(1 << 16):
            got += len(data)
        assert got < 1 << 20


def test_a_slow_reader_gets_all_of_its_answers(served: Served) -> None:
    served.answer = lambda _request: b"x" * (1 << 20) + b"\n"
    with served.client() as slow:
        slow.sendall(b'{"request": "status"}\n' * 3)
        got = 0
        while got < 3 * ((1 << 20) + 1):
            served.turn(0)
            got += len(slow.recv(1 << 15))
    assert len(served.asked) == 3


def test_a_client_that_goes_is_forgotten(served: Served) -> None:
    client = served.client()
    client.close()
    served.turn()
    assert len(served.selector.get_map()) == 1


def test_a_client_that_goes_before_its_answer_does_no_harm(served: Served) -> None:
    client = served.client()
    client.sendall(b'{"request": "status"}\n')
    client.close()
    served.turn()
    served.turn(0)
    assert len(served.selector.get_map()) == 1


def test_too_many_clients_cost_the_longest_silent(served: Served) -> None:
    clients = []
    for _ in range(CLIENTS_MAX + 1):
        served.clock.now_ns += 1
        clients.append(served.client())
    assert clients[0].recv(10) == b""
    assert served.ask(clients[1], b'{"request": "arm"}\n') == {"done": True}
    for client in clients:
        client.close()


def test_the_socket_is_the_owners_alone(served: Served) -> None:
    mode = stat.S_IMODE(Path(served.path).stat().st_mode)
    assert mode == 0o600


def test_a_stale_socket_file_is_replaced(tmp_path: Path) -> None:
    listen(str(tmp_path / "sock")).close()
    assert (tmp_path / "sock").exists()
    listen(str(tmp_path / "sock")).close()


def test_a_path_that_cannot_be_listened_on_is_named(tmp_path: Path) -> None:
    with pytest.raises(DeviceUnreachable, match="sock: cannot listen there"):
        listen(str(tmp_path / "nowhere" / "sock"))


@pytest.mark.parametrize("make", [Path.mkdir, Path.touch, lambda path: path.symlink_to("key")])
def test_nothing_but_a_socket_is_removed_for_a_socket(make: Callable[[Path], None], tmp_path: Path) -> None:
    path = tmp_path / "sock"
    make(path)
    with pytest.raises(InputError, match="sock: is there and no socket"):
        listen(str(path))
    assert os.path.lexists(path)


def test_only_one_daemon_holds_the_lock(tmp_path: Path) -> None:
    path = str(tmp_path / "run" / "sock")
    lock_of(path)
    with pytest.raises(Refused, match="another xenhad runs here already"):
        lock_of(path)


def test_a_lock_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "sock.lock").mkdir()
    with pytest.raises(DeviceUnreachable, match=r"sock\.lock: cannot be made: Is a directory"):
        lock_of(str(tmp_path / "sock"))
