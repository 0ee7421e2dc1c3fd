// Keeps the page fresh: fetches its own address again and swaps the parts that changed.
// Everything is rendered by the server; without this script the page works, it only stands still.
"use strict";

(() => {
  const refreshMs = Number(document.body.dataset.refreshSeconds) * 1000;
  const lostAfterMs = 4 * refreshMs;
  let answeredMs = performance.now();
  let asking = null;

  // The server's clock at the time of rendering; the reader's own clock may be wrong.
  let renderedMs = performance.now();

  function swap(next) {
    for (const fresh of next.querySelectorAll("[data-live]")) {
      const shown = document.getElementById(fresh.id);
      if (!shown || shown.innerHTML === fresh.innerHTML || isBeingRead(shown)) continue;
      const focus = shown.contains(document.activeElement) ? document.activeElement.dataset.swap : null;
      const scroll = [...shown.querySelectorAll(".scroll")].map((box) => box.scrollLeft);
      shown.replaceChildren(...fresh.childNodes);
      shown.querySelectorAll(".scroll").forEach((box, i) => { box.scrollLeft = scroll[i] || 0; });
      if (focus) shown.querySelector(`[data-swap="${focus}"]`)?.focus({ preventScroll: true });
    }
    for (const id of ["connection"]) document.getElementById(id).replaceChildren(...next.getElementById(id).childNodes);
    for (const name of ["sort"]) {
      const field = document.querySelector(`[data-filter] [name=${name}]`);
      const fresh = next.querySelector(`[data-filter] [name=${name}]`);
      if (field && fresh) field.value = fresh.value;
    }
    document.title = next.title;
    const icon = document.getElementById("icon");
    const freshIcon = next.getElementById("icon").getAttribute("href");
    if (icon.getAttribute("href") !== freshIcon) icon.setAttribute("href", freshIcon);
    // A pool seen for the first time brings parts that this page does not have yet.
    if (!!document.querySelector("[data-filter]") !== !!next.querySelector("[data-filter]")) location.reload();
    renderedMs = performance.now();
  }

  // Text that somebody is selecting stays where it is until the next time.
  function isBeingRead(part) {
    const selection = document.getSelection();
    return selection && !selection.isCollapsed && part.contains(selection.anchorNode);
  }

  async function ask(address) {
    asking?.abort();
    const mine = (asking = new AbortController());
    const timer = setTimeout(() => mine.abort(), lostAfterMs);
    try {
      const answer = await fetch(address, { signal: mine.signal, headers: { Accept: "text/html" } });
      if (!answer.ok && answer.status !== 404) throw new Error(String(answer.status));
      const text = await answer.text();
      if (mine.signal.aborted) return;
      answeredMs = performance.now();
      swap(new DOMParser().parseFromString(text, "text/html"));
    } catch {
      // Said by tell(), once it lasts.
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
    const lost = now - answeredMs > lostAfterMs;
    document.getElementById("lost").hidden = !lost;
    document.documentElement.classList.toggle("lost", lost);
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

  // Somebody who comes back to the tab sees the present, not what was when they left.
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) return;
    answeredMs = performance.now();
    ask(location.href);
  });

  setInterval(() => { if (!document.hidden && !asking) ask(location.href); }, refreshMs);
  setInterval(tell, 1000);
})();
