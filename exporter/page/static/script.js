// Keeps the page fresh: fetches its own address again and swaps the parts that changed.
// Everything is rendered by the server; without this script the page works, it only stands still.
"use strict";

(() => {
  const refreshMs = Number(document.body.dataset.refreshSeconds) * 1000;
  const patienceMs = 2 * refreshMs;
  let failingSinceMs = null;
  let asking = null;

  // The server's clock at the time of rendering; the reader's own clock may be wrong.
  let renderedMs = performance.now();

  function swap(next) {
    // Another page stands at this address now: a pool's, or the list of pools.
    if (next.body.dataset.page !== document.body.dataset.page) return location.reload();
    for (const fresh of next.querySelectorAll("[data-live]")) {
      const shown = document.getElementById(fresh.id);
      if (!shown || shown.innerHTML === fresh.innerHTML || isBeingRead(shown)) continue;
      const focus = shown.contains(document.activeElement) ? document.activeElement.dataset.swap : null;
      const scroll = [...shown.querySelectorAll(".scroll")].map((box) => box.scrollLeft);
      shown.replaceChildren(...fresh.childNodes);
      shown.querySelectorAll(".scroll").forEach((box, i) => { box.scrollLeft = scroll[i] || 0; });
      if (focus) shown.querySelector(`[data-swap="${focus}"]`)?.focus({ preventScroll: true });
    }
    const vms = document.getElementById("vms");
    if (vms) vms.hidden = next.getElementById("vms").hidden;
    document.getElementById("connection").replaceChildren(...next.getElementById("connection").childNodes);
    const [sort, freshSort] = [document, next].map((page) => page.querySelector("[data-filter] [name=sort]"));
    if (sort && freshSort) sort.value = freshSort.value;
    document.title = next.title;
    const icon = document.getElementById("icon");
    const freshIcon = next.getElementById("icon").getAttribute("href");
    if (icon.getAttribute("href") !== freshIcon) icon.setAttribute("href", freshIcon);
    renderedMs = performance.now();
  }

  // Text that somebody is selecting stays where it is until the next time.
  function isBeingRead(part) {
    const selection = document.getSelection();
    return selection && !selection.isCollapsed && part.contains(selection.anchorNode);
  }

  async function ask(address) {
    asking?.abort("another question");
    const mine = (asking = new AbortController());
    const timer = setTimeout(() => mine.abort("too late"), patienceMs);
    try {
      const answer = await fetch(address, { signal: mine.signal, headers: { Accept: "text/html" } });
      if (!answer.ok && answer.status !== 404) throw new Error(String(answer.status));
      const text = await answer.text();
      if (mine.signal.aborted) return;
      failingSinceMs = null;
      swap(new DOMParser().parseFromString(text, "text/html"));
      tell();
    } catch {
      if (mine.signal.reason !== "another question") failingSinceMs ??= performance.now();
    } finally {
      clearTimeout(timer);
      if (asking === mine) asking = null;
    }
  }

  function spoken(seconds) {
    for (const [unit, length] of [["day", 86400], ["hour", 3600], ["minute", 60]]) {
      if (seconds >= length * 1.5) return `${Math.round(seconds / length)} ${unit}s`;
    }
    const whole = Math.max(0, Math.round(seconds));
    return `${whole} second${whole === 1 ? "" : "s"}`;
  }

  function tell() {
    const now = performance.now();
    const age = document.getElementById("age");
    if (age) {
      const server = Number(age.dataset.nowSeconds) + (now - renderedMs) / 1000;
      age.textContent = `${spoken(server - Number(age.dataset.seenSeconds))} ago`;
    }
    const lost = failingSinceMs !== null && now - failingSinceMs > patienceMs;
    document.getElementById("lost").hidden = !lost;
    document.documentElement.classList.toggle("lost", lost);
    // A tab in the background must not look well either.
    if (lost && !document.title.startsWith("? ")) {
      document.title = `? ${document.title}`;
      document.getElementById("icon").setAttribute("href", document.body.dataset.lostIcon);
    }
  }

  function go(address) {
    history.replaceState(null, "", address);
    return ask(address);
  }

  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-swap]");
    if (!link || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    go(link.href);
  });

  const form = document.querySelector("[data-filter]");
  if (form) {
    form.classList.add("live");
    const search = () => {
      const asked = new URLSearchParams(new FormData(form));
      for (const [name, usual] of [["q", ""], ["show", "all"], ["sort", "priority"]]) {
        if (asked.get(name) === usual) asked.delete(name);
      }
      go(`/?${asked}`);
    };
    let typing = 0;
    form.addEventListener("input", () => { clearTimeout(typing); typing = setTimeout(search, 150); });
    form.addEventListener("submit", (event) => { event.preventDefault(); clearTimeout(typing); search(); });
  }

  // Browsers slow the timers of a hidden tab down; somebody who comes back sees the present.
  document.addEventListener("visibilitychange", () => { if (!document.hidden) ask(location.href); });

  setInterval(() => { if (!asking) ask(location.href); }, refreshMs);
  setInterval(tell, 1000);
})();
