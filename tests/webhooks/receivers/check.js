// As check.py, with the receiver whose file is named.
const { verify } = require(process.argv[2]);
for (const line of require("node:fs").readFileSync(0, "utf8").trimEnd().split("\n")) {
  const [keys, id, timestamp, signatures, body, now] = line.split("\t").map((field) => Buffer.from(field, "base64"));
  console.log(Number(verify(`${keys}`.split(" "), `${id}`, `${timestamp}`, `${signatures}`, body, Number(`${now}`))));
}
