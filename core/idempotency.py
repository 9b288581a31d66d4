"""Idempotency-Key for Django's own operations: the stored answer commits together with the effect.

A transaction-level advisory lock on caller and key is the claim while the request is worked on: it ends with the
transaction, however that ends, so a process that dies leaves neither an effect nor a claim. Refusals aren't stored:
nothing happened, so repeating them is safe.
"""

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db import connection, transaction
from django.utils.translation import gettext_lazy as _

from core import clock
from core.models import StoredAnswer
from core.problems import IdempotencyInFlight, IdempotencyMismatch, OutcomeUnknown, ValidationError

KEPT = timedelta(hours=24)
LARGEST = 1 << 20
LONGEST_KEY = 255
_TOO_LARGE = _("The earlier request was done, but its answer was too large to keep. Look for what it made before you send anew.")


@dataclass(frozen=True, slots=True)
class Answer:
    """What is sent: status, headers that matter, body. `storable` is the body without secrets that are shown once."""

    status: int
    headers: dict[str, str]
    body: bytes
    storable: bytes
    replayed: bool = False

    @property
    def told(self) -> dict[str, str]:
        """The headers, with what is to be said of its being stored."""
        if self.replayed:
            return self.headers | {"Idempotent-Replayed": "true"}
        return self.headers if len(self.storable) <= LARGEST else self.headers | {"Idempotent-Stored": "false"}


def fingerprint(method: str, path: str, body: bytes) -> bytes:
    """What makes two requests the same; keyed, so that nobody can try out what was in a body."""
    return hmac.digest(settings.HASH_KEY.encode(), b"\0".join([method.encode(), path.encode(), body]), "sha256")


def check_key(key: str) -> None:
    """Raises ValidationError for a key that isn't 1 to 255 printable ASCII characters."""
    if not (0 < len(key) <= LONGEST_KEY and key.isascii() and key.isprintable()):
        raise ValidationError(
            [
                {
                    "pointer": "",
                    "code": "invalid_header",
                    "detail": str(_("Idempotency-Key must be 1 to 255 printable ASCII characters.")),
                }
            ]
        )


@transaction.atomic
def once(*, caller: str, key: str, request: bytes, work: Callable[[], Answer]) -> Answer:
    """The answer of `work`, done at most once for this caller and key within 24 hours.

    `request` is its `fingerprint`. Raises IdempotencyInFlight, IdempotencyMismatch, OutcomeUnknown if the answer was too large to
    keep, and whatever `work` raises, in which case nothing is stored.
    """
    check_key(key)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))", [f"{caller}\0{key}".replace("\0", "\x1f")])
        if not cursor.fetchone()[0]:
            raise IdempotencyInFlight()
    stored = StoredAnswer.objects.filter(caller=caller, key=key).first()
    if stored and stored.created_at > clock.now() - KEPT:
        if bytes(stored.fingerprint) != request:
            raise IdempotencyMismatch()
        if stored.body is None:
            raise OutcomeUnknown(_TOO_LARGE)
        body = stored.body.encode()
        return Answer(stored.status or 200, stored.headers, body, body, replayed=True)
    answer = work()
    if answer.status < 400:
        is_kept = len(answer.storable) <= LARGEST
        StoredAnswer.objects.update_or_create(
            caller=caller,
            key=key,
            defaults={
                "fingerprint": request,
                "status": answer.status,
                "headers": answer.headers,
                "body": answer.storable.decode() if is_kept else None,
                "created_at": clock.now(),
            },
        )
    return answer


def forget_old() -> int:
    """Delete answers older than 24 hours; returns how many."""
    return StoredAnswer.objects.filter(created_at__lt=clock.now() - KEPT).delete()[0]
