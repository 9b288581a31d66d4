"""Consents: a partner lets another's application act for it, and takes that back."""

from datetime import timedelta

from django.conf import settings
from django.db import transaction

from apikeys.keys import Rights, require_partner
from apikeys.oauth import event_types as types
from apikeys.oauth import tokens
from apikeys.oauth.models import Application, Authorization, Consent
from core import clock, crypto, events, versions
from core.actors import SYSTEM, Actor
from core.problems import NotFound
from core.states import swap, transition
from partners.models import Member, Partner

CODE_PREFIX = "pac_"
CODE_LIFETIME = timedelta(seconds=60)


@transaction.atomic
def give(
    *,
    application: Application,
    partner: Partner,
    member: Member,
    scopes: list[str],
    code_challenge: str,
    redirect_uri: str,
    by: Actor,
    rights: Rights,
) -> str:
    """The partner's yes; returns the code that the application turns into tokens, within a minute, once.

    A partner that has consented before lets the application do what it asks for now besides. Raises ScopeNotHeld if the member
    may less, PartnerNotActive and PartnerSuspended as keys do, NotFound for an application that was ended meanwhile.
    """
    require_room(partner=partner, application=application)
    rights.require(scopes)
    locked = Application.objects.select_for_update(of=("self",)).select_related("partner")
    current = locked.filter(pk=application.pk).usable().first()
    if current is None or not tokens.may_serve(current):
        raise NotFound()
    consent = _consent(current, partner, member, scopes, by)
    text = crypto.generate(CODE_PREFIX)
    now = clock.now()
    Authorization.objects.create(
        application=current,
        consent=consent,
        digest=crypto.digest(text),
        scopes=sorted(scopes),
        redirect_uri=redirect_uri,
        code_challenge=code_challenge,
        code_expires_at=now + CODE_LIFETIME,
        ends_at=now + settings.REFRESH_TOKEN_LIFETIME,
    )
    return text


def require_room(*, partner: Partner, application: Application) -> None:
    """Whether the partner may have anything of the application's environment. Raises PartnerNotActive, PartnerSuspended."""
    require_partner(partner, application.environment)


@transaction.atomic
def revoke(*, consent: Consent, by: Actor) -> None:
    """The application may act for the partner no more, from the next call on. Raises StaleState if it may not already."""
    transition(consent, Consent.Status.REVOKED)
    _tell(consent, types.CONSENT_REVOKED, types.APPLICATION_DISCONNECTED, by)


@transaction.atomic
def end_reused(*, authorization: Authorization) -> None:
    """A code or refresh token came a second time: one of the two who have it copied it, and nobody knows which. All that came of
    the same yes ends (RFC 9700, section 4.14.2), and both partners are told, once."""
    if tokens.end_family(authorization=authorization):
        consent = authorization.consent
        for partner in {consent.partner_id, consent.application.partner_id}:
            events.emit(
                type=types.REUSE_DETECTED,
                partner=partner,
                environment=consent.environment,
                subject=consent,
                actor=SYSTEM,
                data=types.consent_facts(consent),
            )


def _consent(application: Application, partner: Partner, member: Member, scopes: list[str], by: Actor) -> Consent:
    """The partner's consent with these scopes among what it has, new or widened; both sides are told of what changes."""
    consent = (
        Consent.objects.select_for_update(of=("self",))
        .for_caller(partner, application.environment)
        .filter(application=application)
        .active()
        .first()
    )
    stored = getattr(member, "pk", None) and Member.objects.filter(pk=member.pk).first()
    if consent is None:
        consent = Consent.objects.create(
            partner=partner, environment=application.environment, application=application, member=stored, scopes=sorted(scopes)
        )
    elif set(scopes) <= set(consent.scopes):
        return consent
    else:
        swap(consent, where={"status": Consent.Status.ACTIVE}, scopes=sorted({*consent.scopes, *scopes}), member=stored)
    consent.application, consent.partner = application, partner
    _tell(consent, types.CONSENT_GIVEN, types.APPLICATION_CONNECTED, by)
    return consent


def _tell(consent: Consent, own: events.EventType, makers: events.EventType, by: Actor) -> None:
    """Both sides; the maker isn't told who of the other's people did it."""
    data = types.consent_facts(consent)
    where = consent.environment
    events.emit(type=own, partner=consent.partner_id, environment=where, subject=consent, actor=by, data=data)
    maker = consent.application.partner_id
    events.emit(type=makers, partner=maker, environment=where, subject=consent.application, actor=SYSTEM, data=data)
    versions.bump(consent)
