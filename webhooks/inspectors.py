"""What can happen to an inspector, and what it makes of a request.

The guarded client goes to no inner address, and a self-hosted platform may well have one; so the courier hands what it
sends to an inspector over in process (`webhooks.handover`). The address from outside leads to the same `receive`.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from yarl import URL

from core import clock, events, ids
from core.actors import Actor
from core.problems import Conflict
from partners.models import Partner
from webhooks import signing
from webhooks.event_types import WEBHOOK_INSPECTOR_CLOSED, WEBHOOK_INSPECTOR_OPENED
from webhooks.inspector_models import PATH, InspectedRequest, Inspector, sealed
from webhooks.models import Endpoint

LIFETIME = timedelta(days=7)
MOST_OPEN = 5
KEPT = 200
"""Requests of one inspector, the newest; also the most that it takes in one minute."""
LARGEST = 512 * 1024
"""More than any event has."""
KEPT_BYTES = 8 * 1024 * 1024
LONGEST_HEADER = 4_000
# Of whoever looks with a browser, and what the platform's own processes tell each other.
UNSHOWN = re.compile(r"cookie|forwarded|x-forwarded-.*|x-real-ip|x-portico-.*|x-request-id|traceparent|tracestate|connection")
_TOKEN = re.compile(re.escape(PATH) + r"([\w-]{32})", re.ASCII)

Verdict = InspectedRequest.Verdict


class TooManyInspectors(Conflict):
    detail = gettext_lazy("A partner may have {most} inspectors open in each environment. Close one that isn't needed.")


@dataclass(frozen=True, slots=True)
class Reply:
    """What an inspector answers."""

    status: int
    text: str


@transaction.atomic
def open_new(*, partner: Partner, environment: str, by: Actor) -> Inspector:
    """A new address, for a week. Raises TooManyInspectors."""
    Partner.objects.select_for_update(no_key=True).values_list("pk").get(pk=partner.pk)  # so that they are counted right
    if Inspector.objects.for_caller(partner, environment).open().count() >= MOST_OPEN:
        raise TooManyInspectors(most=MOST_OPEN)
    made: Inspector = Inspector.objects.create(partner=partner, environment=environment, expires_at=clock.now() + LIFETIME)
    events.emit(type=WEBHOOK_INSPECTOR_OPENED, partner=partner, environment=environment, subject=made, actor=by)
    return made


def extend(*, inspector: Inspector) -> None:
    """Keep it open for a week from now."""
    inspector.expires_at = clock.now() + LIFETIME
    inspector.save(update_fields=["expires_at"])


def answer_with(*, inspector: Inspector, status: int) -> None:
    """What it answers from now on."""
    inspector.answer_status = status
    inspector.save(update_fields=["answer_status"])


@transaction.atomic
def close(*, inspector: Inspector, by: Actor) -> None:
    """Take it away, with all that arrived."""
    partner, environment, public_id = inspector.partner_id, inspector.environment, inspector.public_id
    inspector.delete()
    events.emit(type=WEBHOOK_INSPECTOR_CLOSED, partner=partner, environment=environment, subject=public_id, actor=by)


def forget_old() -> int:
    """Delete inspectors whose time is over, with what arrived there; returns how many."""
    over = Inspector.objects.filter(expires_at__lte=clock.now())
    return int(over.delete()[1].get(Inspector._meta.label, 0))


def token_of(url: str) -> str | None:
    """The token in an address of ours that is an inspector's by its form; None for any other."""
    try:
        read = URL(url)
        if read.origin() != URL(settings.BASE_URL).origin() or read.user or read.password:
            return None
    except ValueError:
        return None
    found = _TOKEN.fullmatch(read.raw_path)
    return found[1] if found else None


def is_of(owner: Any, environment: str, token: str) -> bool:
    """Whether this is an open inspector of this partner, in this environment."""
    return bool(Inspector.objects.for_caller(owner, environment).open().filter(token=token).exists())


@transaction.atomic
def receive(token: str, *, method: str, headers: Mapping[str, str], body: bytes, limited: bool = False) -> Reply | None:
    """Keep a request to an address of ours and answer as its owner wants it; None if there is no such address (any more).

    `limited` for what comes from outside: no more a minute than are kept.
    """
    # One after another, so that they are counted right.
    inspector = Inspector.objects.open().select_for_update(no_key=True).filter(token=token).first()
    if inspector is None:
        return None
    if len(body) > LARGEST:
        return Reply(413, _("The inspector takes at most {most} KiB.").format(most=LARGEST // 1024))
    arrived = InspectedRequest.objects.filter(inspector=inspector)
    if limited and arrived.filter(id__gte=ids.earliest(clock.now() - timedelta(minutes=1))).count() >= KEPT:
        return Reply(429, _("The inspector takes at most {most} requests a minute.").format(most=KEPT))
    shown = {name.lower(): value[:LONGEST_HEADER] for name, value in headers.items() if not UNSHOWN.fullmatch(name.lower())}
    found = judge(inspector, shown, body)
    InspectedRequest.objects.create(
        inspector=inspector,
        method=method[:16],
        size=len(body),
        answered=inspector.answer_status,
        content=sealed(shown, body),
        endpoint=found.endpoint,
        verdict=found.verdict,
        explanation=found.why[:300],
        event_type=_type_of(body) if found.verdict == Verdict.VERIFIED else "",
    )
    _drop_oldest(arrived)
    return Reply(inspector.answer_status, _("The inspector has it, and answers as it was told to."))


def _drop_oldest(arrived: QuerySet[InspectedRequest]) -> None:
    """Keep the newest, within their number and their size; the very newest whatever its size."""
    together = 0
    for place, (pk, size) in enumerate(arrived.order_by("-id").values_list("id", "size")[: KEPT + 1]):
        together += size
        if place >= KEPT or (place and together > KEPT_BYTES):
            arrived.filter(id__lte=pk).delete()
            break


@dataclass(frozen=True, slots=True)
class Finding:
    """What a request's signature was found to be, and why, in words."""

    verdict: InspectedRequest.Verdict
    why: str
    endpoint: Endpoint | None = None


def judge(inspector: Inspector, headers: Mapping[str, str], body: bytes) -> Finding:
    """Verify a request as the partner's server would, with the secrets of its endpoints at this address."""
    message_id, timestamp, signatures = (headers.get(f"webhook-{part}", "") for part in ("id", "timestamp", "signature"))
    if not signatures:
        return Finding(Verdict.UNSIGNED, _("It has no webhook-signature. Whatever we send has one; so this came from elsewhere."))
    if not message_id or not timestamp:
        why = _("It has a signature, but no webhook-id or no webhook-timestamp, which the signature covers.")
        return Finding(Verdict.WRONG, why)
    endpoints = list(_pointing_at(inspector))
    if not endpoints:
        why = _("No endpoint has this address, so there is no secret to verify with. Make one, and send it a test.")
        return Finding(Verdict.UNKNOWN, why)
    facts: dict[str, Any] = {"message_id": message_id, "timestamp": timestamp, "body": body, "signatures": signatures}
    now = int(clock.now().timestamp())
    for endpoint in endpoints:
        for key, is_old in _keys(endpoint):
            if signing.verify(key, now=now, **facts):
                return Finding(Verdict.VERIFIED, str(_OLD if is_old else _FITS), endpoint)
            if timestamp.isdecimal() and signing.verify(key, now=int(timestamp), **facts):
                why = _("The signature fits, but its time is more than five minutes off: it was sent again, or a clock is wrong.")
                return Finding(Verdict.WRONG, why, endpoint)
    why = _("The signature fits no secret of your endpoints at this address: another secret, or a body changed on the way.")
    return Finding(Verdict.WRONG, why)


_FITS = gettext_lazy("Signed by the endpoint's key over id, time and body, at most five minutes ago: your server can take it.")
_OLD = gettext_lazy("Signed by the key of before only, which is still valid during its overlap.")


def _pointing_at(inspector: Inspector) -> Any:
    mine = Endpoint.objects.for_caller(inspector.partner_id, inspector.environment).present()
    return [endpoint for endpoint in mine.filter(url__contains=inspector.token) if token_of(endpoint.url) == inspector.token]


def _keys(endpoint: Endpoint) -> list[tuple[str, bool]]:
    keys = [(endpoint.public_key or str(endpoint.secret), False)]
    if endpoint.overlaps_until and endpoint.previous_secret:
        keys.append((endpoint.previous_public_key or str(endpoint.previous_secret), True))
    return keys


def _type_of(body: bytes) -> str:
    try:
        event = json.loads(body)
    except ValueError:
        return ""
    return str(event.get("type", ""))[:80] if isinstance(event, dict) else ""
