"""What is shown and exported of events: never what looks like a credential, whoever put it into a payload."""

import re
from typing import Any

MASK = "•••"
# Names under which a secret might stand, as whole words: `client_secret`, `password`; not `token_id`, `key`, `secret_hint`.
_NAMES = re.compile(r"(?:^|_)(?:password|passwd|secret|token|credential|private_key|authorization|cookie)s?\Z", re.IGNORECASE)
# How our own credentials and webhook secrets are spelled: a prefix, then 40 and more letters and digits.
_TEXTS = re.compile(r"\b(?:[a-z]{2,8}_)+[A-Za-z0-9]{40,}\b|\bwhsec_[A-Za-z0-9+/=]{20,}|\beyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]+")


def redacted(value: Any, name: str = "") -> Any:
    """The value with a mask in the place of each secret."""
    match value:
        case dict():
            return {key: redacted(inner, key) for key, inner in value.items()}
        case list():
            return [redacted(inner, name) for inner in value]
        case str():
            return MASK if value and _NAMES.search(name) else _TEXTS.sub(MASK, value)
    return value
