"""Makes vectors.json: signatures of Standard Webhooks by the `openssl` program, with nothing of ours.

    python tests/webhooks/make_vectors.py > tests/webhooks/vectors.json

`keys` are what a receiver has; `signers` what made the signatures, where a sender would send just these; `valid` is what has
to come of verifying at `now`. Everything but the signatures is written down here, so each run gives the same file.
"""

import base64
import hashlib
import json
import subprocess
import sys
import tempfile
from pathlib import Path

AT = 1_769_860_800
ID = "evt_01jd3x8k5te9fr2m4n6p8q0s1v"
PLAIN = '{"id":"evt_01jd3x8k5te9fr2m4n6p8q0s1v","type":"course.completed","data":{"course_id":"c_1"}}'
UNICODE = '{"title":"Größe, 数学, алгоритмы, חשבון","mood":"🙂👩‍💻","name":"e\u0301 é\u0000"}'
LINES = '{\n  "a": 1,\r\n  "b": "\\n"\n}\n\n'
LONG = json.dumps({"text": "0123456789" * 300})
SEED = bytes.fromhex("302e020100300506032b657004220420")  # what stands before a seed in PKCS #8 (RFC 8410)


def seed(name: str) -> bytes:
    return hashlib.sha256(f"a key of the vectors: {name}".encode()).digest()


def text(prefix: str, key: bytes) -> str:
    return prefix + base64.b64encode(key).decode()


def openssl(*arguments: str, given: bytes = b"") -> bytes:
    return subprocess.run(["openssl", *arguments], input=given, capture_output=True, check=True).stdout


OLD, NEW, OTHER = (text("whsec_", seed(name)) for name in ("old secret", "new secret", "other secret"))
OLD_PRIVATE, NEW_PRIVATE, OTHER_PRIVATE = (text("whsk_", seed(name)) for name in ("old pair", "new pair", "other pair"))


def public(private: str) -> str:
    der = openssl("pkey", "-inform", "DER", "-pubout", "-outform", "DER", given=SEED + base64.b64decode(private[5:]))
    return text("whpk_", der[-32:])


OLD_PUBLIC, NEW_PUBLIC, OTHER_PUBLIC = map(public, (OLD_PRIVATE, NEW_PRIVATE, OTHER_PRIVATE))


def sign(key: str, id: str = ID, timestamp: int | str = AT, body: str = PLAIN) -> str:
    signed = f"{id}.{timestamp}.{body}".encode()
    if key.startswith("whsec_"):
        mac = f"hexkey:{base64.b64decode(key[6:]).hex()}"
        return (
            "v1," + base64.b64encode(openssl("dgst", "-sha256", "-mac", "HMAC", "-macopt", mac, "-binary", given=signed)).decode()
        )
    with tempfile.TemporaryDirectory() as folder:
        pem, message = Path(folder, "key"), Path(folder, "message")
        pem.write_bytes(openssl("pkey", "-inform", "DER", given=SEED + base64.b64decode(key[5:])))
        message.write_bytes(signed)
        made = openssl("pkeyutl", "-sign", "-rawin", "-inkey", str(pem), "-in", str(message))
    return "v1a," + base64.b64encode(made).decode()


def vector(
    name: str,
    keys: list[str],
    *,
    valid: bool,
    signers: list[str] | None = None,
    signature: str | None = None,
    id: str = ID,
    timestamp: int | str = AT,
    body: str = PLAIN,
    now: int = AT,
) -> dict[str, object]:
    if signature is None:
        signature = " ".join(sign(key, id, timestamp, body) for key in signers or [])
    return {
        "name": name,
        "keys": keys,
        "signers": signers or [],
        "id": id,
        "timestamp": str(timestamp),
        "body": body,
        "signature": signature,
        "now": now,
        "valid": valid,
    }


def flipped(signature: str) -> str:
    """One bit of it is another."""
    version, _, encoded = signature.partition(",")
    raw = bytearray(base64.b64decode(encoded))
    raw[7] ^= 1
    return f"{version},{base64.b64encode(raw).decode()}"


def of_either(kind: str, key: str, verifier: str, other: str) -> list[dict[str, object]]:
    """What holds for both kinds of key."""
    good, version = sign(key), "v1" if kind == "hmac" else "v1a"
    return [
        vector(f"{kind}: plain", [verifier], signers=[key], valid=True),
        vector(f"{kind}: empty body", [verifier], signers=[key], body="", valid=True),
        vector(f"{kind}: unicode body", [verifier], signers=[key], body=UNICODE, valid=True),
        vector(f"{kind}: body with line ends", [verifier], signers=[key], body=LINES, valid=True),
        vector(f"{kind}: 300 s old", [verifier], signers=[key], now=AT + 300, valid=True),
        vector(f"{kind}: 301 s old", [verifier], signers=[key], now=AT + 301, valid=False),
        vector(f"{kind}: 300 s ahead", [verifier], signers=[key], now=AT - 300, valid=True),
        vector(f"{kind}: 301 s ahead", [verifier], signers=[key], now=AT - 301, valid=False),
        vector(f"{kind}: tampered body", [verifier], signature=good, body=PLAIN.replace("c_1", "c_2"), valid=False),
        vector(f"{kind}: a blank more", [verifier], signature=good, body=PLAIN + " ", valid=False),
        vector(f"{kind}: body left out", [verifier], signature=good, body="", valid=False),
        vector(f"{kind}: tampered id", [verifier], signature=good, id=ID[:-1] + "w", valid=False),
        vector(f"{kind}: tampered timestamp", [verifier], signature=good, timestamp=AT + 1, valid=False),
        vector(f"{kind}: tampered signature", [verifier], signature=flipped(good), valid=False),
        vector(
            f"{kind}: half a signature", [verifier], signature=good[: len(good) // 2 // 4 * 4 + len(version) + 1], valid=False
        ),
        vector(f"{kind}: empty signature", [verifier], signature=f"{version},", valid=False),
        vector(f"{kind}: not base64", [verifier], signature=f"{version},****", valid=False),
        vector(f"{kind}: not base64 beside a good one", [verifier], signature=f"{version},**** {good}", valid=True),
        vector(f"{kind}: another's key", [other], signature=good, valid=False),
        vector(f"{kind}: version of the future", [verifier], signature=f"v7,{good.partition(',')[2]}", valid=False),
        vector(f"{kind}: version of the future beside a good one", [verifier], signature=f"v7,abcd {good}", valid=True),
    ]


VECTORS = [
    *of_either("hmac", NEW, NEW, OTHER),
    *of_either("ed25519", NEW_PRIVATE, NEW_PUBLIC, OTHER_PUBLIC),
    vector("hmac: long body", [NEW], signers=[NEW], body=LONG, valid=True),
    vector("hmac: rotation, receiver has the new", [NEW], signers=[NEW, OLD], valid=True),
    vector("hmac: rotation, receiver has the old", [OLD], signers=[NEW, OLD], valid=True),
    vector("hmac: rotation, receiver has both", [NEW, OLD], signers=[NEW], valid=True),
    vector("hmac: rotation is over", [OLD], signers=[NEW], valid=False),
    vector("ed25519: rotation, receiver has the old", [OLD_PUBLIC], signers=[NEW_PRIVATE, OLD_PRIVATE], valid=True),
    vector("ed25519: rotation, receiver has both", [OLD_PUBLIC, NEW_PUBLIC], signers=[NEW_PRIVATE], valid=True),
    vector("ed25519: rotation is over", [OLD_PUBLIC], signers=[NEW_PRIVATE], valid=False),
    vector("hmac to ed25519, receiver has the old", [OLD], signers=[NEW_PRIVATE, OLD], valid=True),
    vector("hmac to ed25519, receiver has the new", [NEW_PUBLIC], signers=[NEW_PRIVATE, OLD], valid=True),
    vector("ed25519 to hmac, receiver has the new", [NEW], signers=[NEW, OLD_PRIVATE], valid=True),
    vector("a v1 that calls itself v1a", [NEW], signature=sign(NEW).replace("v1,", "v1a,"), valid=False),
    vector("a v1a that calls itself v1", [NEW_PUBLIC], signature=sign(NEW_PRIVATE).replace("v1a,", "v1,"), valid=False),
    vector("an HMAC keyed with the public key", [NEW_PUBLIC], signature=sign("whsec_" + NEW_PUBLIC[5:]), valid=False),
    vector("no signature", [NEW, NEW_PUBLIC], signature="", valid=False),
    vector("no number for a timestamp", [NEW], signature=sign(NEW, timestamp="soon"), timestamp="soon", valid=False),
    vector("a timestamp beyond all time", [NEW], signature=sign(NEW, timestamp=10**20), timestamp=10**20, valid=False),
]  # fmt: skip

if __name__ == "__main__":
    json.dump(VECTORS, sys.stdout, ensure_ascii=True, indent=1)
    print()
