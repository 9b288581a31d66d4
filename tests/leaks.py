"""What tests make of secrets, and where it must not get: into logs, events and mail. Every test is watched (see conftest)."""

import json
import logging
import re
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

# Credentials, webhook secrets and passwords made in this process.
SECRETS: set[str] = set()
PASSWORDS: set[str] = set()
# Where one of them was seen, since the last look.
SEEN: list[str] = []

SHORTEST_PASSWORD = 10
# A run of letters long enough for a credential; the spelling of webhook secrets has more letters.
_CANDIDATE = re.compile(r"\w{40,}|whsec_[\w+/=]+")
# How the content of documents begins.
_CONTENT = ("%PDF-", "\\x89PNG", "\x89PNG", "JFIF")


def within(text: str) -> str:
    """The secret in a text, or nothing."""
    for candidate in _CANDIDATE.findall(text):
        if candidate in SECRETS:
            return str(candidate)
    return next((secret for secret in (*PASSWORDS, *_CONTENT) if secret in text), "")


def look(place: str, text: str) -> None:
    """Note it if there is a secret in what was written to this place."""
    if secret := within(text):
        SEEN.append(f"{place} has {secret[:12]}…: {text[:400]}")


def take() -> list[str]:
    """What was seen since the last call; mail that was sent in this process is looked at now."""
    from django.core import mail

    for message in getattr(mail, "outbox", ()):
        parts = [part for part, _type in getattr(message, "alternatives", ())]
        look("a mail", "\n".join([message.subject, message.body, *map(str, parts)]))
    seen, SEEN[:] = list(SEEN), []
    return seen


@contextmanager
def watching() -> Iterator[None]:
    """Remember what is made, and look at what is written, until the end."""
    from django.contrib.auth.base_user import AbstractBaseUser
    from django.db.models.signals import post_save

    from core import crypto
    from core.models import Event, Payload
    from webhooks import signing

    handler = _Handler()
    logging.getLogger().addHandler(handler)
    post_save.connect(_payload, sender=Payload)
    post_save.connect(_event, sender=Event)
    undo = [
        _remember(crypto, "generate", _credential),
        _remember(signing, "new_secret", _credential),
        _remember(AbstractBaseUser, "set_password", _password),
    ]
    yield
    for back in undo:
        back()
    post_save.disconnect(_event, sender=Event)
    post_save.disconnect(_payload, sender=Payload)
    logging.getLogger().removeHandler(handler)


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


def _password(made: None, user: Any, raw: str | None = None) -> None:
    if raw and len(raw) >= SHORTEST_PASSWORD:
        PASSWORDS.add(raw)


def _payload(instance: Any, **kwargs: Any) -> None:
    look("an event", json.dumps(instance.data, ensure_ascii=False))


def _event(instance: Any, **kwargs: Any) -> None:
    look("an event", f"{instance.type} {instance.subject} {instance.actor_label}")


class _Handler(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        error = "".join(traceback.format_exception(*record.exc_info)) if record.exc_info and record.exc_info[0] else ""
        look("the log", f"{record.getMessage() if isinstance(record.msg, str) else record.msg} {error}")
