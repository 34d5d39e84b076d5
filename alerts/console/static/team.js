// On the team's board a task can be dragged onto whoever shall have it: that fills in the row's own form and sends it.
// Without this file, and by keyboard, the form does the same.
"use strict";

(() => {
  const rows = [...document.querySelectorAll("[data-move]")];
  const owners = [...document.querySelectorAll("[data-owner]")];
  if (!rows.length || !owners.length) return;
  const hint = document.getElementById("drag-hint");
  if (hint) hint.hidden = false;
  let dragged = null;

  for (const row of rows) {
    row.draggable = true;
    row.addEventListener("dragstart", (event) => {
      dragged = row;
      row.classList.add("dragged");
      event.dataTransfer.effectAllowed = "move";
      event.dataTransfer.setData("text/plain", row.dataset.move);
    });
    row.addEventListener("dragend", () => {
      dragged = null;
      row.classList.remove("dragged");
      owners.forEach((owner) => owner.classList.remove("over"));
    });
  }
  for (const owner of owners) {
    owner.addEventListener("dragover", (event) => {
      if (!dragged) return;
      event.preventDefault();
      event.dataTransfer.dropEffect = "move";
      owner.classList.add("over");
    });
    owner.addEventListener("dragleave", () => owner.classList.remove("over"));
    owner.addEventListener("drop", (event) => {
      if (!dragged) return;
      event.preventDefault();
      const form = dragged.querySelector("form.give");
      form.elements.owner.value = owner.dataset.owner;
      form.requestSubmit();
    });
  }
})();
