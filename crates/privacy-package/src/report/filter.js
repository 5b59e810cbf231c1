// Shows only the events of one name. Without it, all of them are shown.
"use strict";
for (const box of document.querySelectorAll(".filter")) {
  const rows = document.querySelectorAll("tr[data-event]");
  box.hidden = false;
  box.querySelector("select").addEventListener("change", (change) => {
    const wanted = change.target.value;
    for (const row of rows) row.hidden = wanted !== "" && row.dataset.event !== wanted;
  });
}
