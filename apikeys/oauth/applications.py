"""The life of an application: issued, changed, its secret rotated, switched off and on, in the end revoked.

The text of a client secret is in the answer of `issue` and `rotate_secret` and nowhere else.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from apikeys import addresses
from apikeys.keys import EVERY, GraceTooLong, Rights, require_partner
from apikeys.oauth import event_types as types
from apikeys.oauth import redirects, tokens
from apikeys.oauth.models import AccessToken, Application, ClientSecret, Consent, GrantType
from core import clock, crypto, events, scopes, versions
from core.actors import Actor
from core.problems import Conflict, ValidationError
from core.states import StaleState, swap, transition
from partners.models import Partner

SECRET_PREFIX = "pcs_"  # noqa: S105  (what client secrets start with)
MOST_SECRETS = 2
MOST_APPLICATIONS = 100
"""Of one partner in one environment, those that were revoked left aside."""


class TooManySecrets(Conflict):
    """Two at a time."""

    detail = _("Two client secrets work already. Revoke one of them, or let all earlier ones stop at once.")


class TooManyApplications(Conflict):
    """So that nobody fills the tables."""

    detail = _("A partner can have {most} applications in each environment. Revoke those that you don't need.")


class NoSecret(Conflict):
    """RFC 6749, section 2.1."""

    detail = _("A public application has no client secret: whoever has the program could read it.")


@dataclass(frozen=True, slots=True)
class Issued:
    """An application and, this once, the text of its client secret; None for a public one."""

    application: Application
    secret: str | None


@transaction.atomic
def issue(
    *,
    partner: Partner,
    environment: str,
    name: str,
    grant_types: Sequence[str],
    scopes: Sequence[str],
    by: Actor,
    rights: Rights = EVERY,
    kind: str = Application.Kind.CONFIDENTIAL,
    redirect_uris: Sequence[str] = (),
    ip_allowlist: Sequence[str] = (),
    rate_limit_per_minute: int | None = None,
) -> Issued:
    """Make an application. Raises ValidationError for what can't be, ScopeNotHeld beyond `rights`, and PartnerNotActive."""
    require_partner(partner, environment)
    existing = Application.objects.for_caller(partner, environment).exclude(status=Application.Status.REVOKED)
    if existing.count() >= MOST_APPLICATIONS:
        raise TooManyApplications(most=MOST_APPLICATIONS)
    wanted = {
        "kind": kind,
        "grant_types": grant_types,
        "scopes": scopes,
        "redirect_uris": redirect_uris,
        "ip_allowlist": ip_allowlist,
        "rate_limit_per_minute": rate_limit_per_minute,
    }
    settings = _checked(partner, **wanted)
    rights.require(settings["scopes"])
    application = Application.objects.create(partner=partner, environment=environment, name=name, created_by=by.label, **settings)
    secret = None if application.is_public else _new_secret(application, by)[1]
    _emit(types.APPLICATION_ISSUED, application, by)
    return Issued(application, secret)


@transaction.atomic
def update(*, application: Application, by: Actor, rights: Rights = EVERY, **changes: Any) -> Application:
    """Change name, grant_types, scopes, redirect_uris, ip_allowlist or rate_limit_per_minute, from the next call on: what it has
    no more of these, tokens that were given out haven't either. Raises as `issue` does, and StaleState once it is revoked."""
    lock(application)
    names = ("kind", "grant_types", "scopes", "redirect_uris", "ip_allowlist", "rate_limit_per_minute")
    wanted = {name: changes.get(name, getattr(application, name)) for name in names}
    checked = _checked(application.partner, **wanted)
    checked |= {"name": changes["name"]} if "name" in changes else {}
    if set(checked["redirect_uris"]) <= set(application.redirect_uris):
        rights.require(set(checked["scopes"]) - set(application.scopes))
    else:  # whoever sends codes to another place may all that the application may
        rights.require(checked["scopes"])
    before = {name: getattr(application, name) for name in checked}
    checked = {name: value for name, value in checked.items() if before[name] != value}
    if not checked:
        return application
    swap(application, where={"status__in": [Application.Status.ACTIVE, Application.Status.DISABLED]}, **checked)
    _emit(types.APPLICATION_UPDATED, application, by, changes={name: [before[name], value] for name, value in checked.items()})
    return application


@transaction.atomic
def withdraw(*, application: Application, gone: Collection[str], by: Actor) -> None:
    """Take scopes from an application, and from consents to it, that nobody declares any more. Raises StaleState once it is
    revoked."""
    lock(application)
    before, left = application.scopes, [name for name in application.scopes if name not in gone]
    swap(application, where={"status__in": [Application.Status.ACTIVE, Application.Status.DISABLED]}, scopes=left)
    for consent in Consent.objects.active().filter(application=application, scopes__overlap=list(gone)):
        swap(consent, where={}, scopes=[name for name in consent.scopes if name not in gone])
        versions.bump(consent)
    _emit(types.APPLICATION_UPDATED, application, by, changes={"scopes": [before, left]})


@transaction.atomic
def rotate_secret(*, application: Application, grace: timedelta, by: Actor, rights: Rights = EVERY) -> Issued:
    """A new client secret, which works at once; earlier ones work on for `grace`.

    Raises NoSecret for a public application, TooManySecrets if two work and are to work on, GraceTooLong, StaleState unless it is
    active, ScopeNotHeld if the application may more than `rights`: with the secret goes all that it may.
    """
    lock(application)
    if application.is_public:
        raise NoSecret()
    if application.status != Application.Status.ACTIVE:
        raise StaleState()
    if grace > application.partner.tier.longest_grace:
        raise GraceTooLong(application.partner.tier.longest_grace)
    rights.require(application.scopes)
    now = clock.now()
    earlier = list(ClientSecret.objects.filter(application=application).usable())
    if grace and len(earlier) >= MOST_SECRETS:
        raise TooManySecrets()
    ends_at = now + grace
    for each in earlier:
        swap(each, where={"revoked_at": None}, expires_at=min(filter(None, [ends_at, each.expires_at])))
    secret, text = _new_secret(application, by)
    _emit(types.SECRET_ROTATED, application, by, hint=secret.hint, earlier_end_at=ends_at.isoformat())
    return Issued(application, text)


@transaction.atomic
def revoke_secret(*, secret: ClientSecret, by: Actor) -> None:
    """End a client secret at once, and the tokens that the application has for its own partner: whoever else had the secret may
    have got them. Raises StaleState if it was revoked before."""
    lock(secret.application)
    swap(secret, where={"revoked_at": None}, revoked_at=clock.now())
    tokens.end_own(application=secret.application)
    _emit(types.SECRET_REVOKED, secret.application, by, hint=secret.hint)


@transaction.atomic
def disable(*, application: Application, by: Actor) -> None:
    """Refuse its calls and give it no tokens until `enable`. Raises StaleState unless it is active."""
    transition(application, Application.Status.DISABLED)
    _emit(types.APPLICATION_DISABLED, application, by)


@transaction.atomic
def enable(*, application: Application, by: Actor) -> None:
    """Let a disabled application work again. Raises StaleState for any other."""
    transition(application, Application.Status.ACTIVE)
    _emit(types.APPLICATION_ENABLED, application, by)


@transaction.atomic
def revoke(*, application: Application, by: Actor, reason: str = "") -> None:
    """End an application for good, with all that partners consented to; each of them is told. Raises StaleState if it was."""
    transition(application, Application.Status.REVOKED)
    ClientSecret.objects.filter(application=application, revoked_at=None).update(revoked_at=clock.now())
    for consent in Consent.objects.filter(application=application).active().select_related("application__partner", "partner"):
        transition(consent, Consent.Status.REVOKED)
        events.emit(
            type=types.CONSENT_REVOKED,
            partner=consent.partner_id,
            environment=consent.environment,
            subject=consent,
            actor=by,
            data=types.consent_facts(consent),
        )
        versions.bump(consent)
    _emit(types.APPLICATION_REVOKED, application, by, reason=reason)


def authenticated(*, application: Application, text: str) -> bool:
    """Whether this is a client secret of the application that works now; that it was used is noted, to the minute."""
    if not crypto.well_formed(text, SECRET_PREFIX):
        return False
    secret = ClientSecret.objects.filter(application=application, digest=crypto.digest(text)).usable().first()
    if secret is None:
        return False
    now = clock.now()
    if secret.last_used_at is None or now - secret.last_used_at > timedelta(minutes=1):
        # Not while other rows are locked: verbs lock the application before its secrets.
        transaction.on_commit(lambda: ClientSecret.objects.filter(pk=secret.pk).update(last_used_at=now))
    return True


def report_leak(*, text: str, by: Actor) -> None:
    """A client secret or token that was found in the open stops at once, and its owner is told. Ignores anything else."""
    digest = crypto.digest(text)
    secret = ClientSecret.objects.filter(digest=digest).usable().select_related("application__partner").first()
    if secret is not None:
        lock(secret.application)
        if ClientSecret.objects.filter(pk=secret.pk, revoked_at=None).update(revoked_at=clock.now()):
            tokens.end_own(application=secret.application)
            _emit(types.CREDENTIAL_LEAKED, secret.application, by, credential="client_secret")
        return
    found = tokens.find(text)
    if found is not None and tokens.end(token=found):
        kind = "access_token" if isinstance(found, AccessToken) else "refresh_token"
        _emit(types.CREDENTIAL_LEAKED, found.application, by, credential=kind)


def lock(application: Application) -> None:
    """The row as it is now, until the transaction ends."""
    locked = Application.objects.select_for_update(of=("self",)).select_related("partner__tier")
    application.refresh_from_db(from_queryset=locked)


def _new_secret(application: Application, by: Actor) -> tuple[ClientSecret, str]:
    text = crypto.generate(SECRET_PREFIX)
    secret = ClientSecret.objects.create(
        application=application, digest=crypto.digest(text), hint=crypto.hint(text, SECRET_PREFIX), created_by=by.label
    )
    return secret, text


def _checked(partner: Partner, **settings: Any) -> dict[str, Any]:
    """The settings as they are kept; raises ValidationError that names every mistake."""
    errors: dict[str, Any] = {}
    grants = settings["grant_types"] = sorted(set(settings["grant_types"]))
    settings["scopes"] = sorted(set(settings["scopes"]))
    settings["redirect_uris"] = list(settings["redirect_uris"])
    errors |= _grant_mistakes(grants, settings["kind"]) | _scope_mistakes(settings["scopes"], grants)
    wrong = redirects.mistakes(settings["redirect_uris"])
    if not wrong and GrantType.AUTHORIZATION_CODE in grants and not settings["redirect_uris"]:
        wrong = [str(_("Name at least one: where people come back to after they consented."))]
    errors |= {"redirect_uris": wrong} if wrong else {}
    settings["ip_allowlist"], mistakes = addresses.parse(settings["ip_allowlist"])
    errors |= {"ip_allowlist": mistakes} if mistakes else {}
    limit = settings["rate_limit_per_minute"]
    if limit is not None and not 1 <= limit <= partner.tier.key_rate:
        errors["rate_limit_per_minute"] = [str(_("From 1 to {most} on this tier.")).format(most=partner.tier.key_rate)]
    if errors:
        raise ValidationError(errors)
    return settings


def _grant_mistakes(grants: Collection[str], kind: str) -> dict[str, list[str]]:
    if not grants or set(grants) - set(GrantType):
        return {"grant_types": [str(_("Choose among {names}.")).format(names=", ".join(GrantType))]}
    if kind == Application.Kind.PUBLIC and GrantType.CLIENT_CREDENTIALS in grants:
        return {"grant_types": [str(_("A public application has no secret, so it can't use client_credentials."))]}
    if GrantType.REFRESH_TOKEN in grants and GrantType.AUTHORIZATION_CODE not in grants:
        return {"grant_types": [str(_("refresh_token goes with authorization_code; client_credentials needs none."))]}
    return {}


def _scope_mistakes(names: list[str], grants: Collection[str]) -> dict[str, list[str]]:
    unknown = sorted({*scopes.unknown(names), *({"*"} & set(names))})
    if unknown:
        return {"scopes": [str(_("Name scopes one by one. Unknown here: {names}.")).format(names=", ".join(unknown))]}
    if not names:
        return {"scopes": [str(_("Choose at least one scope."))]}
    if GrantType.AUTHORIZATION_CODE in grants and not scopes.delegable(names):
        return {"scopes": [str(_("None of these can be given to another partner's application."))]}
    return {}


def _emit(type: events.EventType, application: Application, by: Actor, **more: Any) -> None:
    data = {**types.facts(application), **more}
    events.emit(
        type=type,
        partner=application.partner_id,
        environment=application.environment,
        subject=application,
        actor=by,
        data=data,
    )
    versions.bump(application)
