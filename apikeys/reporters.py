"""Reports in the format of GitHub's secret scanning partner programme, and whether GitHub has signed them.

See "Secret scanning partner program" in GitHub's documentation: a JSON array of findings, whose bytes are signed with ECDSA over
P-256 and SHA-256; the header names the key. Anybody may send the same unsigned: it stops keys just the same, but within the limit
of its address.
"""

import base64
import binascii
import json
from functools import lru_cache
from pathlib import Path
from typing import Any

import structlog
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from django.conf import settings

from apikeys.leaks import Report

log = structlog.get_logger(__name__)

IDENTIFIER, SIGNATURE = "Github-Public-Key-Identifier", "Github-Public-Key-Signature"
LONGEST = 4_096


def is_signed(*, body: bytes, identifier: str, signature: str) -> bool:
    """Whether one of the keys of `PORTICO_LEAK_REPORTER_KEYS` has signed these bytes."""
    path = settings.LEAK_REPORTER_KEYS
    if not (path and identifier and signature):
        return False
    try:
        key = _keys(path, Path(path).stat().st_mtime_ns).get(identifier)
        if key is None:
            return False
        key.verify(base64.b64decode(signature, validate=True), body, ec.ECDSA(hashes.SHA256()))
    except (InvalidSignature, binascii.Error):
        return False
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        log.error("leak_reporter_keys_unreadable", path=path, error=str(error))
        return False
    return True


def findings(body: list[Any]) -> list[Report]:
    """What a batch reports; what is no finding in it is left out, so that one doesn't hold up the others."""
    return [
        Report(each["token"], each["url"] if isinstance(each.get("url"), str) else "")
        for each in body
        if isinstance(each, dict) and isinstance(each.get("token"), str) and len(each["token"]) <= LONGEST
    ]


@lru_cache(maxsize=2)
def _keys(path: str, changed: int) -> dict[str, Any]:
    """The keys of a file as https://api.github.com/meta/public_keys/secret_scanning gives it, by their identifier."""
    listed = json.loads(Path(path).read_text())["public_keys"]
    return {each["key_identifier"]: load_pem_public_key(each["key"].encode()) for each in listed}
