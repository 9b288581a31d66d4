"""Tokens: given out, found again by their keyed hash, ended.

An access token is a JWT (RFC 9068) and a row: the signature lets others verify it, the row lets it end at once. What ends it
bumps the version of its consent, or of its application where there is none: so gateways need keep no version of each token.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from joserfc import jwt

from apikeys.oauth import signing_keys
from apikeys.oauth.models import AccessToken, Application, Authorization, Consent, RefreshToken
from core import clock, crypto, ids, versions
from core.models import Environment
from partners.models import Partner

REFRESH_PREFIX = "prt_"
JWT_PREFIX = "eyJ"
"""How every JWT begins: the base64url of `{"`."""
TYPE = "at+jwt"
LONGEST = 4_096
FORGOTTEN_AFTER = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Given:
    """What the token endpoint answers with (RFC 6749, section 5.1)."""

    access_token: str
    expires_in: int
    scopes: list[str]
    refresh_token: str | None


def issuer() -> str:
    """Who signs (RFC 8414, section 2)."""
    return str(settings.BASE_URL)


def audience() -> str:
    """What tokens are for."""
    return f"{settings.BASE_URL}/api"


@transaction.atomic
def give(
    *, application: Application, scopes: list[str], authorization: Authorization | None = None, renewable: bool = False
) -> Given:
    """An access token for the application's own partner or for the one that consented; a `renewable` one can be refreshed."""
    now = clock.now()
    lifetime = settings.ACCESS_TOKEN_LIFETIME
    token = AccessToken(application=application, authorization=authorization, scopes=sorted(scopes), expires_at=now + lifetime)
    text = _sign(token, application, authorization, now)
    token.digest = crypto.digest(text)
    token.save(force_insert=True)
    refresh = None
    if authorization is not None and renewable:
        refresh = crypto.generate(REFRESH_PREFIX)
        RefreshToken.objects.create(
            application=application,
            authorization=authorization,
            digest=crypto.digest(refresh),
            expires_at=min(now + settings.REFRESH_TOKEN_IDLE, authorization.ends_at),
        )
    return Given(text, int(lifetime.total_seconds()), token.scopes, refresh)


def find(text: str) -> AccessToken | RefreshToken | None:
    """The token of this text, whatever its state."""
    if text.startswith(REFRESH_PREFIX):
        refresh = RefreshToken.objects.filter(digest=crypto.digest(text))
        found: RefreshToken | None = refresh.select_related(*_RELATED, "authorization__consent__partner").first()
        return found
    if text.startswith(JWT_PREFIX) and len(text) <= LONGEST:
        return find_access(crypto.digest(text))
    return None


def find_access(digest: bytes) -> AccessToken | None:
    """The access token of this keyed hash, with all that `effective` and gateways look at, in one query."""
    found: AccessToken | None = (
        AccessToken.objects.select_related(*_RELATED, "authorization__consent__partner__tier").filter(digest=digest).first()
    )
    return found


_RELATED = ("application__partner__tier",)


def acts_for(token: AccessToken | RefreshToken) -> Partner:
    """The partner whose limits and bill its calls are on."""
    partner: Partner = token.authorization.consent.partner if token.authorization else token.application.partner
    return partner


def effective(token: AccessToken | RefreshToken) -> list[str]:
    """What it may do now: its scopes, as far as application and consent still have them."""
    authorization, application = token.authorization, token.application
    given = token.scopes if isinstance(token, AccessToken) else token.authorization.scopes
    scopes = set(given) & set(application.scopes)
    return sorted(scopes & set(authorization.consent.scopes) if authorization else scopes)


def has_ended(token: AccessToken | RefreshToken) -> bool:
    """Whether it, or what it came of, was ended or used; its time is another matter."""
    application, authorization = token.application, token.authorization
    if application.status != Application.Status.ACTIVE or not may_serve(application):
        return True
    if (token.revoked_at if isinstance(token, AccessToken) else token.used_at) is not None:
        return True
    if authorization is None:
        return False
    return authorization.revoked_at is not None or authorization.consent.status != Consent.Status.ACTIVE


def is_live(token: AccessToken | RefreshToken) -> bool:
    """Whether it works at this moment (RFC 7662, section 2.2)."""
    partner = acts_for(token)
    usable = {Partner.Status.ACTIVE, Partner.Status.PENDING}
    if token.application.environment == Environment.LIVE:
        usable = {Partner.Status.ACTIVE}
    return token.expires_at > clock.now() and not has_ended(token) and partner.status in usable


def may_serve(application: Application) -> bool:
    """Whether the maker of an application is in good standing; a pending one may try with test data."""
    status = application.partner.status
    tries = status == Partner.Status.PENDING and application.environment == Environment.TEST
    return bool(status == Partner.Status.ACTIVE or tries)


@transaction.atomic
def end(*, token: AccessToken | RefreshToken) -> bool:
    """End it from the next call on; a refresh token with all that came of the same consent page (RFC 7009, section 2.1).
    Returns whether there was anything to end."""
    if isinstance(token, RefreshToken):
        return end_family(authorization=token.authorization)
    ended = AccessToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=clock.now())
    if ended:
        versions.bump(token.authorization.consent if token.authorization else token.application)
    return bool(ended)


@transaction.atomic
def end_family(*, authorization: Authorization) -> bool:
    """End everything that came of one yes. Returns whether there was anything to end."""
    ended = Authorization.objects.filter(pk=authorization.pk, revoked_at=None).update(revoked_at=clock.now())
    if ended:
        versions.bump(authorization.consent)
    return bool(ended)


@transaction.atomic
def end_own(*, application: Application) -> None:
    """End what the application was given for its own partner."""
    AccessToken.objects.filter(application=application, authorization=None, revoked_at=None).update(revoked_at=clock.now())
    versions.bump(application)


def forget_old() -> int:
    """Delete tokens whose time is over, and families that ended; used refresh tokens stay as long as their family, so that
    reuse is noticed. Returns how many access tokens went."""
    before = clock.now() - FORGOTTEN_AFTER
    gone, _ = AccessToken.objects.filter(expires_at__lt=before).delete()
    Authorization.objects.filter(ends_at__lt=before).delete()
    Authorization.objects.filter(redeemed_at=None, code_expires_at__lt=before).delete()
    return gone


def _sign(token: AccessToken, application: Application, authorization: Authorization | None, now: Any) -> str:
    """RFC 9068, section 2. `sub` is the partner that consented; without one, the application itself."""
    partner = authorization.consent.partner if authorization else application.partner
    claims = {
        "iss": issuer(),
        "aud": audience(),
        "sub": partner.public_id if authorization else application.public_id,
        "client_id": application.public_id,
        "jti": ids.encode(AccessToken.id_prefix, token.pk),
        "scope": " ".join(token.scopes),
        "iat": int(now.timestamp()),
        "exp": int(token.expires_at.timestamp()),
        "partner_id": partner.public_id,
        "environment": str(application.environment),
    }
    key = signing_keys.current()
    header = {"alg": signing_keys.ALGORITHM, "typ": TYPE, "kid": key.public_id}
    return jwt.encode(header, claims, signing_keys.load(key))
