Promise.all(["/data.json", "/moved", "/missing"].map((path) => fetch(path)))
  .then((responses) => fetch("/form", { method: "POST", body: `statuses=${responses.map((r) => r.status)}` }))
  .then((response) => response.text())
  .then((text) => { document.getElementById("answer").textContent = text; });
