"""What tests make of secrets, and where it must not get: into logs, events and mail. Every test is watched (see conftest).

What other processes make isn't known here; what they leave, in their logs, mail folders and databases, is searched for whatever
is spelled like a credential, which its checksum tells from the examples of documentation.
"""

import json
import logging
import re
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

# Credentials, webhook secrets and passwords made in this process.
SECRETS: set[str] = set()
PASSWORDS: set[str] = set()
# What only the mail to one person may have: the tokens of invitations.
LINKS: set[str] = set()
# Values of headers that servers outside are sent, as they stand in encrypted fields.
HEADERS: set[str] = set()
# What has no spelling of its own: seeds of authenticator apps, recovery codes, sessions; and the codes of mails.
TOKENS: set[str] = set()
CODES: set[str] = set()
# Where one of them was seen, since the last look.
SEEN: list[str] = []

SHORTEST_PASSWORD = 10
SHORTEST_HEADER = 8
# The spelling of webhook secrets has more letters than a run of them that is long enough for another credential.
_CANDIDATE = re.compile(r"wh(?:sec|sk)_[\w+/=]+|\w{40,}|eyJ[\w-]{20,}\.[\w-]{40,}\.[\w-]+")
_PREFIXES = frozenset({"pk_live_", "pk_test_", "ps_", "po_", "pcs_", "prt_", "pac_"})
_SPELLED = r"(pk_live|pk_test|ps|po|pcs|prt|pac)_[0-9A-Za-z]{49}|eyJ[\w-]{20,}\.[\w-]{40,}\.|wh(sec|sk)_[A-Za-z0-9+/=]{20,}|%PDF-"
_WORD = re.compile(r"[\w-]{6,}")
# How the content of documents begins, as it is and in base64.
_CONTENT = ("%PDF-", "\\x89PNG", "\x89PNG", "JFIF", "JVBERi0", "iVBORw0KGgo", "/9j/4AAQ")


def within(text: str, *, links: bool = True) -> str:
    """The secret in a text, or nothing; tokens of `links`, and codes, are none in a mail."""
    whole = TOKENS | CODES if links else TOKENS
    if whole and (found := whole.intersection(_WORD.findall(text))):
        return found.pop()
    unfit = SECRETS | LINKS if links else SECRETS
    for candidate in _CANDIDATE.findall(text):
        if candidate in unfit or _is_credential(candidate):
            return str(candidate)
    return next((secret for secret in (*PASSWORDS, *HEADERS, *_CONTENT) if secret in text), "")


def _is_credential(candidate: str) -> bool:
    from core import crypto

    if candidate.startswith("eyJ") and "." in candidate:
        return True  # an access token
    if candidate.startswith(("whsec_", "whsk_")):
        return len(candidate.partition("_")[2]) == 44  # base64 of 256 bits
    prefix = f"{candidate.rpartition('_')[0]}_"
    return prefix in _PREFIXES and crypto.well_formed(candidate, prefix)


def look(place: str, text: str, *, links: bool = True) -> None:
    """Note it if there is a secret in what was written to this place."""
    if secret := within(text, links=links):
        found = text.index(secret)
        SEEN.append(f"{place} has {secret[:12]}…: {text[max(found - 200, 0) : found + 200]}")


def look_at_files(*paths: Path, links: bool = True) -> int:
    """Look at what other processes wrote, to these files or into these folders; returns how many bytes there were."""
    files = [file for path in paths for file in ([path] if path.is_file() else path.rglob("*")) if file.is_file()]
    for file in files:
        look(f"the file {file.name}", file.read_text(errors="replace"), links=links)
    return sum(file.stat().st_size for file in files)


def look_at_database(cursor: Any) -> int:
    """Look at every row of every table for what is spelled like a credential; returns how many rows there were."""
    cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")
    rows = 0
    for (table,) in cursor.fetchall():
        cursor.execute(f'SELECT count(*) FROM "{table}"')
        rows += cursor.fetchone()[0]
        cursor.execute(f'SELECT t::text FROM "{table}" t WHERE t::text ~ %s', [_SPELLED])
        for (row,) in cursor.fetchall():
            look(f"the table {table}", row)
    return rows


def take() -> list[str]:
    """What was seen since the last call; mail that was sent in this process is looked at now."""
    from django.core import mail

    for message in getattr(mail, "outbox", ()):
        parts = [part for part, _type in getattr(message, "alternatives", ())]
        look("a mail", "\n".join([message.subject, message.body, *map(str, parts)]), links=False)
    seen, SEEN[:] = list(SEEN), []
    return seen


@contextmanager
def watching() -> Iterator[None]:
    """Remember what is made, and look at what is written, until the end."""
    from allauth.account.adapter import DefaultAccountAdapter
    from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
    from allauth.mfa.totp.internal.auth import TOTP
    from django.contrib.auth.base_user import AbstractBaseUser
    from django.contrib.sessions.backends.base import SessionBase
    from django.db.models.signals import post_save

    from core import crypto
    from core.models import Event, Payload
    from partners import members
    from webhooks import signing

    post_save.connect(_payload, sender=Payload)
    post_save.connect(_event, sender=Event)
    undo = [
        _remember(crypto, "generate", _credential),
        _remember(crypto, "derive", _link),
        _remember(signing, "new_secret", _credential),
        _remember(signing, "new_private_key", _credential),
        _remember(AbstractBaseUser, "set_password", _password),
        _remember(DefaultAccountAdapter, "generate_email_verification_code", _code),
        _remember(DefaultAccountAdapter, "generate_password_reset_code", _code),
        _remember(members, "confirmation", _signed),
        _remember(RecoveryCodes, "generate_codes", _recovery_codes),
        _remember(SessionBase, "_get_new_session_key", _token),
        _remember(TOTP, "activate", _seed),
        _remember(crypto.EncryptedField, "get_db_prep_value", _header),
        _remember(logging.Logger, "handle", _record),  # a handler would go when logging is set up anew
    ]
    yield
    for back in undo:
        back()
    post_save.disconnect(_event, sender=Event)
    post_save.disconnect(_payload, sender=Payload)


def _remember(owner: Any, name: str, note: Callable[..., None]) -> Callable[[], None]:
    """Have `note` see the arguments and the result of each call."""
    real = getattr(owner, name)

    def remembering(*args: Any, **kwargs: Any) -> Any:
        result = real(*args, **kwargs)
        note(result, *args)
        return result

    setattr(owner, name, remembering)
    return lambda: setattr(owner, name, real)


def _credential(made: str, *args: Any) -> None:
    SECRETS.add(made)


def _link(made: str, *args: Any) -> None:
    LINKS.add(made)


def _code(made: str, *args: Any) -> None:
    CODES.add(made)


def _signed(made: str, *args: Any) -> None:
    CODES.add(made.rpartition(":")[2])


def _token(made: str, *args: Any) -> None:
    TOKENS.add(made)


def _recovery_codes(made: list[str], *args: Any) -> None:
    TOKENS.update(made)


def _seed(made: object, user: Any, secret: str) -> None:
    TOKENS.add(secret)


def _password(made: None, user: Any, raw: str | None = None) -> None:
    if raw and len(raw) >= SHORTEST_PASSWORD:
        PASSWORDS.add(raw)


def _header(made: object, field: Any, value: object, *args: Any) -> None:
    """Of a field of `headers`: an object of JSON, or a header a line."""
    if field.name == "headers" and isinstance(value, str):
        texts = json.loads(value).values() if value.startswith("{") else [line.partition(": ")[2] for line in value.splitlines()]
        HEADERS.update(str(text) for text in texts if len(str(text)) >= SHORTEST_HEADER)


def _payload(instance: Any, **kwargs: Any) -> None:
    look("an event", json.dumps(instance.data, ensure_ascii=False))


def _event(instance: Any, **kwargs: Any) -> None:
    look("an event", f"{instance.type} {instance.subject} {instance.actor_label}")


def _record(result: None, logger: logging.Logger, record: logging.LogRecord) -> None:
    error = "".join(traceback.format_exception(*record.exc_info)) if record.exc_info and record.exc_info[0] else ""
    look("the log", f"{record.getMessage() if isinstance(record.msg, str) else record.msg} {error}")
