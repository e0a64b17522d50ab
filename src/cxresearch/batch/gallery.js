"use strict";
// Filters the cards; the page is complete without it.
const cards = [...document.querySelectorAll("#reports > .card")];
const byId = (id) => document.getElementById(id);

function filter() {
  const words = byId("search").value.toLowerCase().split(/\s+/).filter(Boolean);
  const notebook = byId("notebook").value;
  const language = byId("language").value;
  let shown = 0;
  for (const card of cards) {
    const data = card.dataset;
    const fits =
      (!notebook || data.notebook === notebook) &&
      (!language || data.language === language) &&
      words.every((word) => data.words.includes(word));
    card.hidden = !fits;
    shown += fits;
  }
  byId("nothing").hidden = shown > 0;
  byId("count").textContent = `${shown} of ${cards.length} reports`;
}

byId("controls").addEventListener("input", filter);
byId("controls").addEventListener("submit", (event) => event.preventDefault());
