"""What is shown, exported and kept: never what looks like a credential, whoever put it into a payload or a body."""

import json
import re
from typing import Any

MASK = "•••"
# Names under which a secret might stand, as whole words: `client_secret`, `password`; not `token_id`, `key`, `secret_hint`.
_NAMES = re.compile(r"(?:^|_)(?:password|passwd|secret|token|credential|private_key|authorization|cookie)s?\Z", re.IGNORECASE)
# How our own credentials and webhook secrets are spelled: a prefix, then 40 and more letters and digits.
_TEXTS = re.compile(
    r"\b(?:[a-z]{2,8}_)+[A-Za-z0-9]{40,}\b|\bwh(?:sec|sk)_[A-Za-z0-9+/=]{20,}|\beyJ[\w-]{10,500}\.[\w-]{10,8000}\.[\w-]+"
)


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


# What is asked of bodies is more than of events: others named their fields. Everybody's calls wait while one is masked, so each
# pattern looks at a letter a bounded number of times.
_LONG = r"pass(?:word|wd|phrase|code)|secret|token|credential|api[-_]?key|private[-_]?key|authorization|card[-_]?(?:number|no)"
_SHORT = r"pwd|cookie|session|verifier|assertion|cvv2?|cvc|pin|otp|pan|iban|ssn|account[-_]?number"
_NAMED = re.compile(rf"(?:{_LONG}|(?:^|[-_.\[])(?:{_SHORT}))s?\]?\Z", re.IGNORECASE)
_IN_TEXT = re.compile(
    rf"""((?:{_LONG}|(?<![a-z0-9])(?:{_SHORT}))s?\]?["']?\s{{0,8}}(?:[:=]|%3D)\s{{0,8}})"""
    r"""(?:"(?:[^"\\]|\\.)*"?|'[^']*'?|(?:(?:Bearer|Basic)\s)?[^\s&,;}<"']+)"""
    rf"""|(<(?:\w{{1,40}}:)?\w{{0,40}}(?:{_LONG}|{_SHORT})(?:\s[^<>]{{0,200}})?>)[^<]*"""
    r"""|\b((?:Bearer|Basic)\s)[\w.~+/=-]{8,}""",
    re.IGNORECASE,
)
_DIGITS = re.compile(r"(?<![\w.])\d(?:[ -]?\d){12,18}(?!\w|\.\d)")
LARGEST_BODY = 16 * 1024
"""Bytes that are kept of a body."""
_EDGE = 256


def redacted_body(body: bytes) -> tuple[str, bool]:
    """What may be kept of a request's or answer's body, as text, and whether it was longer. Binary ones and forms with files
    are left out."""
    is_cut = len(body) > LARGEST_BODY
    if b"\x00" in body or body.lstrip()[:2] == b"--":
        return "", False
    text = body[:LARGEST_BODY].decode("utf-8", errors="ignore" if is_cut else "replace")
    if "\ufffd" in text:
        return "", False
    try:
        text = json.dumps(_without_secrets(json.loads(text)), ensure_ascii=False, indent=2)
    except (ValueError, RecursionError):
        text = _IN_TEXT.sub(_masked, text)
    text = _DIGITS.sub(_without_card, _TEXTS.sub(MASK, text))
    # A secret that the cut has shortened is nothing that anybody recognises.
    return (text[:-_EDGE], True) if is_cut else (text, False)


def _without_secrets(value: Any, name: str = "") -> Any:
    match value:
        case dict():
            return {key: _without_secrets(inner, str(key)) for key, inner in value.items()}
        case list():
            return [_without_secrets(inner, name) for inner in value]
        case None | bool():
            return value
    if _NAMED.search(name):
        return MASK
    return _IN_TEXT.sub(_masked, value) if isinstance(value, str) else value


def _masked(found: re.Match[str]) -> str:
    return f"{found[1] or found[2] or found[3]}{MASK}"


def _without_card(found: re.Match[str]) -> str:
    """A mask for what may be the number of a card (ISO/IEC 7812: its check digit by Luhn)."""
    digits = [int(letter) for letter in found[0] if letter.isdigit()]
    odd = sum(digits[-1::-2])
    even = sum(sum(divmod(2 * digit, 10)) for digit in digits[-2::-2])
    return MASK if (odd + even) % 10 == 0 else found[0]
