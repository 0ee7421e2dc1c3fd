"""A real Chromium without a window, driven over its debugging pipe (DevTools protocol, fds 3 and 4)."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from hacore.clock import Deadline, SystemClock

ENOUGH_SECONDS = 120.0
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
    "--remote-debugging-pipe",
)
ABOVE_STANDARD = 10
"""The pipe's own ends stay clear of fds 3 and 4."""

CONTRASTS = """
(() => {
  const number = (text) => (text.match(/[\\d.]+/g) || []).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((c) => c / 255)
    .map((c) => (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = (node) => {
    for (let at = node; at; at = at.parentElement) {
      const colour = number(getComputedStyle(at).backgroundColor);
      if (colour.length === 3 || colour[3] === 1) return colour;
    }
    return [255, 255, 255];
  };
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !node.checkVisibility() || node.closest("svg, noscript")) continue;
    const pair = [light(number(getComputedStyle(node).color)), light(ground(node))].sort((a, b) => b - a);
    const ratio = (pair[0] + 0.05) / (pair[1] + 0.05);
    if (ratio < 4.5) found.push(`${ratio.toFixed(2)} ${node.className} ${walker.currentNode.data.trim()}`);
  }
  return found;
})()
"""
"""Texts whose contrast is below 4.5 : 1 (WCAG 2.1, 1.4.3)."""


class Tab:
    """A tab of the browser: calls go out over one pipe, answers and events come in over another."""

    def __init__(self, to_browser: int, from_browser: int) -> None:
        self._to, self._from = to_browser, from_browser
        self._arrived = threading.Condition()
        self._answers: dict[int, dict[str, Any]] = {}
        self.events: list[dict[str, Any]] = []
        self._session: dict[str, str] = {}
        self._last = 0
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self._session = {"sessionId": session}
        for domain in ("Page", "Runtime", "Log"):
            self.call(f"{domain}.enable")

    def _listen(self) -> None:
        rest = b""
        while chunk := os.read(self._from, 1 << 16):
            *messages, rest = (rest + chunk).split(b"\0")
            with self._arrived:
                for message in map(json.loads, messages):
                    if "id" in message:
                        self._answers[message["id"]] = message
                    else:
                        self.events.append(message)
                self._arrived.notify_all()

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Call a method of the protocol and return its result."""
        self._last += 1
        number = self._last
        message = {"id": number, "method": method, "params": parameters, **self._session}
        os.write(self._to, json.dumps(message).encode() + b"\0")
        self._await(lambda: number in self._answers, method)
        answer = self._answers.pop(number)
        assert "error" not in answer, f"{method}: {answer['error']}"
        return answer["result"]

    def _await(self, done: Callable[[], bool], what: str) -> None:
        with self._arrived:
            assert self._arrived.wait_for(done, ENOUGH_SECONDS), f"the browser never answered: {what}"

    def open(self, url: str) -> None:
        """Go to an address and wait until everything there is loaded."""
        seen = len(self.events)
        self.call("Page.navigate", url=url)
        self._await(lambda: any(e["method"] == "Page.loadEventFired" for e in self.events[seen:]), url)

    def run(self, script: str) -> Any:
        """Return the value of an expression; a promise is waited for."""
        result = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    def wait_for(self, script: str) -> Any:
        """Ask again and again until an expression is true, and return its value."""
        deadline, pause = Deadline.after(SystemClock(), ENOUGH_SECONDS), threading.Event()
        while not deadline.passed():
            if value := self.run(script):
                return value
            pause.wait(0.1)
        raise AssertionError(f"never true: {script}\n{self.run('document.body.innerText')[:2000]}")

    def look(self, *, width: int = 1200, height: int = 900, dark: bool = False) -> None:
        """Set the window's size and the reader's taste."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        self.call("Emulation.setDeviceMetricsOverride", **size)
        feature = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[feature])

    def complaints(self) -> list[str]:
        """Return what the browser complained about: errors, warnings, refused content, exceptions."""
        found = [e["params"]["entry"]["text"] for e in self.events if e["method"] == "Log.entryAdded"]
        found += [str(e["params"]) for e in self.events if e["method"] == "Runtime.exceptionThrown"]
        return found + [str(e["params"]) for e in self.events if e["method"] == "Runtime.consoleAPICalled"]

    def pale_texts(self) -> list[str]:
        """Return the texts that too little sets off against their ground."""
        return self.run(CONTRASTS)

    def close(self) -> None:
        """Say good-bye; the browser ends by itself."""
        os.write(self._to, json.dumps({"id": 0, "method": "Browser.close"}).encode() + b"\0")
        self._listener.join(timeout=10)
        os.close(self._to)
        os.close(self._from)


@pytest.fixture(scope="module")
def open_tab(start, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], Tab]]:
    """Return a function that opens a browser of its own."""
    if shutil.which("chromium") is None:
        pytest.skip("chromium is not installed")
    tabs: list[Tab] = []

    def opened() -> Tab:
        folder: Path = tmp_path_factory.mktemp("chromium")
        in_there, to_browser = _high_pipe()
        from_browser, out_there = _high_pipe()
        start(
            "chromium",
            *("bash", "-c", f'exec "$@" 3<&{in_there} 4>&{out_there}', "bash", "chromium"),
            *FLAGS,
            f"--user-data-dir={folder}",
            fds=(in_there, out_there),
        )
        os.close(in_there)
        os.close(out_there)
        tabs.append(Tab(to_browser, from_browser))
        return tabs[-1]

    yield opened
    for tab in tabs:
        tab.close()


def _high_pipe() -> tuple[int, int]:
    """Return a pipe's reading and writing end, both above the fds that the browser expects."""
    ends = os.pipe()
    high = tuple(fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, ABOVE_STANDARD) for end in ends)
    for end in ends:
        os.close(end)
    return high[0], high[1]


@pytest.fixture(scope="module")
def browser(open_tab: Callable[[], Tab]) -> Tab:
    """One browser for all tests of a file."""
    return open_tab()


@pytest.fixture
def tab(browser: Tab) -> Tab:
    """The browser, with nothing in it and nothing remembered."""
    browser.look()
    browser.open("about:blank")
    browser.events.clear()
    return browser
