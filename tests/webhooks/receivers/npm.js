// As check.py, with `standardwebhooks` of npm and a clock that stands where the vector says. It takes one shared secret.
const { Webhook } = require("standardwebhooks");
for (const line of require("node:fs").readFileSync(0, "utf8").trimEnd().split("\n")) {
  const [keys, id, timestamp, signatures, body, now] = line.split("\t").map((field) => Buffer.from(field, "base64").toString());
  Date.now = () => Number(now) * 1000;
  const headers = { "webhook-id": id, "webhook-timestamp": timestamp, "webhook-signature": signatures };
  const fits = (key) => {
    try {
      new Webhook(key).verify(body, headers, { jsonParse: false });
      return true;
    } catch {
      return false;
    }
  };
  console.log(Number(keys.split(" ").some(fits)));
}
