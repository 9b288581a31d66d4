"""Idempotency-Key for calls to integrations: a row before anything is sent, the answer in it once all of it has come.

A row without an answer belongs to a call in flight, or to one that broke off: then nobody knows what the upstream did, and
the call is never sent again by itself. Rows are those of `core.idempotency`, which keeps Django's own answers there.
"""

import base64
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from core import clock
from core.idempotency import KEPT
from core.models import StoredAnswer
from core.problems import IdempotencyInFlight, IdempotencyMismatch, OutcomeUnknown
from gateway.exchanges import Headers

LARGEST = 1 << 20
NOT_STORED = (b"idempotent-stored", b"false")
REPLAYED = (b"idempotent-replayed", b"true")


@dataclass(frozen=True, slots=True)
class Stored:
    """An answer that was given before."""

    status: int
    headers: Headers
    body: bytes


@dataclass(frozen=True, slots=True)
class Waiting:
    """A row without an answer; `epoch` is the gateway process that sent the call."""

    epoch: str


@transaction.atomic
def claim(*, caller: str, key: str, fingerprint: bytes, epoch: str) -> Stored | Waiting | None:
    """None if this call may be sent now, and its row is written; else what the earlier one came to.

    Raises IdempotencyMismatch if the earlier one was another request, OutcomeUnknown if its answer wasn't kept, and
    IdempotencyInFlight if it was released at this very moment.
    """
    now = clock.now()
    rows = StoredAnswer.objects.filter(caller=caller, key=key)
    rows.filter(created_at__lte=now - KEPT).delete()
    row = StoredAnswer(caller=caller, key=key, fingerprint=fingerprint, headers={"epoch": epoch}, created_at=now)
    StoredAnswer.objects.bulk_create([row], ignore_conflicts=True)
    found = rows.select_for_update().first()
    if found is None:
        raise IdempotencyInFlight()
    if bytes(found.fingerprint) != fingerprint:
        raise IdempotencyMismatch()
    if found.status is None:
        if found.created_at == now and found.headers.get("epoch") == epoch:
            return None
        return Waiting(found.headers.get("epoch", ""))
    if found.body is None:
        raise OutcomeUnknown(_not_kept(found.status))
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in found.headers["sent"]]
    return Stored(found.status, headers, base64.b64decode(found.body))


def finish(*, caller: str, key: str, status: int, headers: Headers, body: bytes | None) -> None:
    """The upstream's answer has come; None for a body that isn't kept."""
    kept: dict[str, Any] = {"sent": [[name.decode("latin-1"), value.decode("latin-1")] for name, value in headers]}
    text = None if body is None else base64.b64encode(body).decode()  # base85 costs a hundred times as much
    StoredAnswer.objects.filter(caller=caller, key=key).update(status=status, headers=kept, body=text)


def release(*, caller: str, key: str) -> None:
    """Nothing was sent: the key is free again."""
    StoredAnswer.objects.filter(caller=caller, key=key, status=None).delete()


def give_up(*, caller: str, key: str) -> None:
    """The call broke off after it was sent: from now on its outcome is unknown."""
    StoredAnswer.objects.filter(caller=caller, key=key, status=None).update(headers={})


def _not_kept(status: int) -> str:
    return f"The earlier request was answered with status {status}, but that answer was too large to keep. Look at the upstream."
