// Keys in an inbox: j and k go down and up, Enter opens, a accepts, / searches. Every page works without them.
"use strict";

(() => {
  const inbox = document.getElementById("inbox");
  if (!inbox) return;
  const hint = document.querySelector(".keys");
  if (hint) hint.hidden = false;

  const links = () => [...inbox.querySelectorAll("[data-task] .person a")];
  const typing = (element) => element && /^(INPUT|TEXTAREA|SELECT)$/.test(element.tagName);

  function step(by) {
    const all = links();
    if (!all.length) return;
    const row = document.activeElement && document.activeElement.closest("[data-task]");
    const now = row ? all.findIndex((link) => row.contains(link)) : by > 0 ? -1 : all.length;
    all[Math.min(Math.max(now + by, 0), all.length - 1)].focus();
  }

  function accept() {
    const row = document.activeElement && document.activeElement.closest("[data-task]");
    const button = row && row.querySelector(".do button");
    if (button) button.click();
  }

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
    const keys = { j: () => step(1), k: () => step(-1), a: accept, "/": () => document.getElementById("search").focus() };
    const act = keys[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  });
})();
