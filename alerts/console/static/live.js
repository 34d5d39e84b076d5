// New tasks appear without a reload. The page is complete without this file; it only fetches the same page again.
"use strict";

(() => {
  const inbox = document.getElementById("inbox");
  if (!inbox || !window.EventSource) return;
  const liveState = document.getElementById("live-state");
  const away = document.getElementById("away");
  const freshCount = document.getElementById("fresh-count");
  let fetching = false;
  let again = false;

  const tasksIn = (root) => new Set([...root.querySelectorAll("[data-task]")].map((row) => row.dataset.task));

  function focusedTask() {
    const row = document.activeElement && document.activeElement.closest("[data-task]");
    return row ? { task: row.dataset.task, tag: document.activeElement.tagName } : null;
  }

  function show(page) {
    const next = page.getElementById("inbox");
    if (!next) return;
    const known = tasksIn(inbox);
    const focused = focusedTask();
    const picked = new Set([...inbox.querySelectorAll("input.pick:checked")].map((box) => box.name));
    inbox.replaceChildren(...document.importNode(next, true).childNodes);
    inbox.querySelectorAll("input.pick").forEach((box) => { box.checked = picked.has(box.name); });
    const fresh = [...inbox.querySelectorAll("[data-task]")].filter((row) => !known.has(row.dataset.task));
    fresh.forEach((row) => row.classList.add("fresh"));
    if (fresh.length && freshCount) freshCount.textContent = freshCount.dataset.words.replace("#", String(fresh.length));
    const total = page.getElementById("open-total");
    if (total) document.getElementById("open-total").textContent = total.textContent;
    document.title = page.title;
    if (focused) {
      const row = inbox.querySelector(`[data-task="${CSS.escape(focused.task)}"]`);
      const target = row && (row.querySelector(focused.tag.toLowerCase()) || row.querySelector("a"));
      if (target) target.focus({ preventScroll: true });
    }
  }

  async function refresh() {
    if (fetching) {
      again = true;
      return;
    }
    fetching = true;
    try {
      do {
        again = false;
        const answer = await fetch(window.location.href, { credentials: "same-origin" });
        if (answer.ok) show(new DOMParser().parseFromString(await answer.text(), "text/html"));
      } while (again);
    } catch {
      // The stream tells when the console is back, and then this runs again.
    } finally {
      fetching = false;
    }
  }

  const stream = new EventSource(inbox.dataset.live);
  stream.addEventListener("open", () => { liveState.hidden = false; });
  stream.addEventListener("error", () => { liveState.hidden = true; });
  stream.addEventListener("changed", refresh);
  stream.addEventListener("away", () => { away.hidden = false; });
  stream.addEventListener("back", () => { away.hidden = true; refresh(); });
  window.addEventListener("pagehide", () => stream.close());
})();
