"use strict";
const search = document.getElementById("search");
const rows = [...document.querySelectorAll("#flows tbody tr")];
const shown = document.getElementById("shown");
if (search) {
  search.addEventListener("input", () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    let count = 0;
    for (const row of rows) {
      const text = row.textContent.toLowerCase();
      const is = words.every((word) => text.includes(word));
      row.hidden = !is;
      count += is ? 1 : 0;
    }
    shown.textContent = count + " of " + rows.length + " shown";
  });
}
for (const svg of document.querySelectorAll("svg[data-zoom]")) {
  const [, , width, height] = svg.getAttribute("viewBox").split(" ").map(Number);
  let from = 0;
  let size = width;
  const show = () => svg.setAttribute("viewBox", [from, 0, size, height].join(" "));
  const zoom = (factor, at) => {
    const next = Math.min(width, Math.max(width / 200, size * factor));
    from = Math.min(width - next, Math.max(0, from + (size - next) * at));
    size = next;
    show();
  };
  svg.addEventListener("wheel", (event) => {
    event.preventDefault();
    const box = svg.getBoundingClientRect();
    zoom(event.deltaY < 0 ? 0.8 : 1.25, (event.clientX - box.left) / box.width);
  }, { passive: false });
  svg.addEventListener("dblclick", () => zoom(1000, 0));
  svg.addEventListener("keydown", (event) => {
    const step = size / 10;
    if (event.key === "+") zoom(0.8, 0.5);
    else if (event.key === "-") zoom(1.25, 0.5);
    else if (event.key === "0") zoom(1000, 0);
    else if (event.key === "ArrowLeft") { from = Math.max(0, from - step); show(); }
    else if (event.key === "ArrowRight") { from = Math.min(width - size, from + step); show(); }
    else return;
    event.preventDefault();
  });
}
