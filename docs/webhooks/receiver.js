/* A receiver of webhooks: verifies what arrives, keeps it once in a folder, and answers at once.
 *
 *     WEBHOOK_KEYS="whsec_…" PORT=8000 INBOX=inbox node receiver.js
 *
 * Node 18 or newer, and nothing else. A key is a shared secret (`whsec_…`) or a public key (`whpk_…`).
 */
"use strict";
const crypto = require("node:crypto");
const fs = require("node:fs");
const http = require("node:http");
const path = require("node:path");

const TOLERANCE = 300; // seconds
const LARGEST = 1024 * 1024;

/** Whether one of the keys fits one of the signatures, and the message is neither old nor from the future. */
function verify(keys, id, timestamp, signatures, body, now) {
  if (!/^[0-9]{1,12}$/.test(timestamp) || Math.abs(now - Number(timestamp)) > TOLERANCE) return false;
  const signed = Buffer.concat([Buffer.from(`${id}.${timestamp}.`), body]);
  return keys.some((key) => signatures.split(" ").some((signature) => fits(key, signed, signature)));
}

/** `v1` is HMAC-SHA-256 with a shared secret, `v1a` Ed25519 with a public key; others are of versions to come. */
function fits(key, signed, signature) {
  const [prefix, encoded] = split(key, "_");
  const [version, given] = split(signature, ",");
  if (prefix === "whsec" && version === "v1") {
    const expected = crypto.createHmac("sha256", Buffer.from(encoded, "base64")).update(signed).digest("base64");
    return expected.length === given.length && crypto.timingSafeEqual(Buffer.from(expected), Buffer.from(given, "latin1"));
  }
  if (prefix === "whpk" && version === "v1a") {
    const x = Buffer.from(encoded, "base64").toString("base64url");
    const publicKey = crypto.createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x }, format: "jwk" });
    const bytes = Buffer.from(given, "base64");
    return bytes.toString("base64") === given && crypto.verify(null, signed, publicKey, bytes);
  }
  return false;
}

function split(text, mark) {
  const at = text.indexOf(mark);
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + 1)];
}

/** Put it into the inbox, whole or not at all; false if it has been there. What does the work takes it from there. */
function keep(inbox, id, body) {
  const part = path.join(inbox, `.${crypto.randomUUID()}`);
  fs.writeFileSync(part, body, { flag: "wx", flush: true });
  try {
    fs.linkSync(part, path.join(inbox, `${id}.json`));
    return true;
  } catch (error) {
    if (error.code === "EEXIST") return false;
    throw error;
  } finally {
    fs.unlinkSync(part);
  }
}

function receiver(keys, inbox) {
  return http.createServer({ requestTimeout: 10_000 }, async (request, response) => {
    const answer = (status) => response.writeHead(status).end();
    if (request.method !== "POST") return answer(405);
    const parts = [];
    let size = 0;
    try {
      for await (const part of request) {
        size += part.length;
        if (size > LARGEST) return answer(413);
        parts.push(part);
      }
      const body = Buffer.concat(parts); // as it came: not parsed, not decoded
      const [id, timestamp, signatures] = ["id", "timestamp", "signature"].map((name) => request.headers[`webhook-${name}`] ?? "");
      if (!verify(keys, id, timestamp, signatures, body, Date.now() / 1000)) return answer(400);
      if (!/^[A-Za-z0-9_-]{1,100}$/.test(id)) return answer(400); // it becomes the name of a file
      if (keep(inbox, id, body)) console.log("received", id);
      return answer(204);
    } catch (error) {
      console.error(error);
      return answer(500); // it is sent again
    }
  });
}

if (require.main === module) {
  const inbox = process.env.INBOX ?? "inbox";
  fs.mkdirSync(inbox, { recursive: true });
  const keys = (process.env.WEBHOOK_KEYS ?? "").split(/\s+/).filter(Boolean);
  receiver(keys, inbox).listen(Number(process.env.PORT ?? 8000), "127.0.0.1");
}

module.exports = { verify };
