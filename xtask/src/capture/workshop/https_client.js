// Three requests over one kept connection.
const fs = require("fs");
const https = require("https");

const agent = new https.Agent({ keepAlive: true, maxSockets: 1, ca: fs.readFileSync("ca.pem") });

const ask = (path) =>
  new Promise((resolve, reject) => {
    https
      .get({ agent, host: "server.example", path }, (response) => {
        response.resume();
        response.on("end", resolve);
      })
      .on("error", reject);
  });

["/", "/data.json", "/missing"]
  .reduce((before, path) => before.then(() => ask(path)), Promise.resolve())
  .then(() => agent.destroy());
