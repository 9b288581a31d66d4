"""The keys that sign access tokens: rows, so that all processes have the same, changed by the clock and by command.

A new key is published for a day before it signs, and an old one for as long as tokens of it may be about: whoever verifies by
the JWKS (RFC 7517) never meets a token whose key it can't know. RS256, which RFC 9068 (section 2.1) wants of everyone.
"""

import json
from datetime import timedelta
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.utils.translation import gettext_lazy as _
from joserfc.jwk import RSAKey

from apikeys.oauth.event_types import SIGNING_KEY_ROTATED
from apikeys.oauth.models import SigningKey
from core import clock, events
from core.actors import SYSTEM, Actor
from core.problems import Conflict

ALGORITHM = "RS256"
BITS = 2_048
AHEAD = timedelta(days=1)
"""For how long a key is published before it signs."""
KEPT = timedelta(seconds=3_600)
"""For how long the JWKS may be cached: a key that signs no more is published for that much longer than its tokens live."""

_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('apikeys.signing_keys', 0))"


class AlreadyComing(Conflict):
    """Keys follow one another."""

    detail = _("The next signing key is published already and begins soon. In an emergency let one begin at once.")


def current() -> SigningKey:
    """The key that signs now; the first one is made when it is asked for."""
    return _current() or _first()


def load(key: SigningKey) -> RSAKey:
    """Its private half, for signing."""
    return _loaded(key.pk, str(key.private_key))


def published() -> list[dict[str, Any]]:
    """The public halves, as the JWKS has them (RFC 7517, section 5)."""
    return [_published(key) for key in SigningKey.objects.published().defer("private_key").order_by("signs_from")]


@transaction.atomic
def rotate(*, by: Actor = SYSTEM, at_once: bool = False) -> SigningKey:
    """Publish the next key, which begins to sign in a day. `at_once`: it signs now, and no other key is believed from now on.

    Raises AlreadyComing if the next one stands there.
    """
    with connection.cursor() as cursor:
        cursor.execute(_LOCK)
    now = clock.now()
    if not at_once and SigningKey.objects.published().filter(signs_from__gt=now).exists():
        raise AlreadyComing()
    begins = now if at_once or _current() is None else now + AHEAD
    others = SigningKey.objects.published()
    if at_once:
        others.update(removed_at=now, private_key=None)
    else:
        others.filter(removed_at=None).update(removed_at=begins + settings.ACCESS_TOKEN_LIFETIME + KEPT)
    key = _create(begins)
    events.emit(
        type=SIGNING_KEY_ROTATED,
        subject=key,
        actor=by,
        data={"signs_from": begins.isoformat(), "at_once": at_once},
    )
    return key


def rotate_due() -> bool:
    """What is done by the clock: let a key follow that has signed for long enough, and forget private halves that sign no more.
    Returns whether a key was made."""
    now = clock.now()
    SigningKey.objects.filter(removed_at__lte=now).update(private_key=None)
    newest = SigningKey.objects.published().defer("private_key").order_by("-signs_from").first()
    if newest is not None and newest.signs_from > now - settings.SIGNING_KEY_LIFETIME:
        return False
    rotate()
    return True


def _current() -> SigningKey | None:
    signing = SigningKey.objects.published().filter(signs_from__lte=clock.now(), private_key__isnull=False)
    found: SigningKey | None = signing.order_by("-signs_from", "-id").first()
    return found


@transaction.atomic
def _first() -> SigningKey:
    with connection.cursor() as cursor:
        cursor.execute(_LOCK)
    return _current() or _create(clock.now())


def _create(begins: Any) -> SigningKey:
    key = SigningKey(signs_from=begins)
    made = RSAKey.generate_key(BITS, private=True)
    key.private_key = json.dumps(made.as_dict(private=True))
    key.public_key = made.as_dict(private=False)
    key.save(force_insert=True)
    return key


def _published(key: SigningKey) -> dict[str, Any]:
    return {**key.public_key, "kid": key.public_id, "use": "sig", "alg": ALGORITHM}


@lru_cache(maxsize=8)
def _loaded(pk: object, jwk: str) -> RSAKey:
    return RSAKey.import_key(json.loads(jwk))
