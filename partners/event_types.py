"""What happens to partners and the people in them."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from core.events import EventType, register
from partners.models import Invitation, Member, Partner, Terms, TierRequest

TEXT = {"type": "string"}
LIST = {"type": "array", "items": TEXT}
PARTNER_ID = "ptn_01jd3x8q4vf2r9kq6m5t7w8y9z"
MEMBER_ID = "mem_01jd3x8q4vf2r9kq6m5t7w8y9z"


def facts(partner: Partner) -> dict[str, Any]:
    """What an event says of a partner."""
    return {
        "id": partner.public_id,
        "slug": partner.slug,
        "name": partner.name,
        "type": str(partner.type),
        "status": str(partner.status),
        "tier": partner.tier.slug,
    }


def member_facts(member: Member) -> dict[str, Any]:
    """What an event says of a member: no name and no address, since events stay."""
    return {"id": member.public_id, "role": str(member.role)}


def terms_facts(terms: Terms) -> dict[str, Any]:
    """What an event says of a version of the terms."""
    return {"id": terms.public_id, "version": terms.version, "effective_on": terms.effective_on.isoformat()}


def invitation_facts(invitation: Invitation) -> dict[str, Any]:
    """What an event says of an invitation: not to whom, since events stay."""
    return {
        "id": invitation.public_id,
        "role": str(invitation.role),
        "expires_at": invitation.expires_at.isoformat(timespec="seconds"),
    }


def _schema(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "required": list(properties), "properties": properties}


PARTNER_SCHEMA = _schema(id=TEXT, slug=TEXT, name=TEXT, type=TEXT, status=TEXT, tier=TEXT)
PARTNER_EXAMPLE = {
    "id": PARTNER_ID,
    "slug": "acme",
    "name": "Acme",
    "type": "technology",
    "status": "active",
    "tier": "developer",
}
REASON_SCHEMA = {**PARTNER_SCHEMA, "properties": {**PARTNER_SCHEMA["properties"], "reason": TEXT}}
REASON_EXAMPLE = {**PARTNER_EXAMPLE, "status": "suspended", "reason": "Unpaid invoices"}
MEMBER_SCHEMA = _schema(id=TEXT, role=TEXT)
MEMBER_EXAMPLE = {"id": MEMBER_ID, "role": "developer"}
INVITATION_SCHEMA = _schema(id=TEXT, role=TEXT, expires_at=TEXT)
INVITATION_EXAMPLE = {
    "id": "ivt_01jd3x8q4vf2r9kq6m5t7w8y9z",
    "role": "developer",
    "expires_at": "2026-11-30T09:30:00+00:00",
}


def _about_partner(name: str, description: Any) -> EventType:
    return EventType(name, description, PARTNER_SCHEMA, PARTNER_EXAMPLE)


def _with_reason(name: str, description: Any) -> EventType:
    return EventType(name, description, REASON_SCHEMA, REASON_EXAMPLE)


def _about_invitation(name: str, description: Any) -> EventType:
    return EventType(name, description, INVITATION_SCHEMA, INVITATION_EXAMPLE)


def _about_member(name: str, description: Any) -> EventType:
    return EventType(name, description, MEMBER_SCHEMA, MEMBER_EXAMPLE)


PARTNER_CREATED = _about_partner("partner.created", _("A partner registered, or an operator created it."))
PARTNER_UPDATED = EventType(
    "partner.updated",
    _("A partner's profile or company facts changed; `changes` has the value before and after of each field."),
    _schema(id=TEXT, changes={"type": "object"}),
    {"id": PARTNER_ID, "changes": {"website": ["", "https://acme.example"]}},
)
PARTNER_SUBMITTED = _about_partner("partner.submitted", _("A partner finished its onboarding and waits for review."))
PARTNER_VERIFIED = _about_partner("partner.verified", _("Operators reviewed a partner and approved it."))
PARTNER_ACTIVATED = _about_partner("partner.activated", _("A partner went live."))
PARTNER_REJECTED = _with_reason("partner.rejected", _("Operators reviewed a partner and did not approve it."))
PARTNER_CHANGES_REQUESTED = _with_reason(
    "partner.changes_requested", _("Operators reviewed a partner and asked for changes; `reason` says which.")
)
PARTNER_VERIFICATION_EXPIRED = EventType(
    "partner.verification_expired",
    _("Facts of the company changed after its documents were verified; it has to be verified again."),
    {**PARTNER_SCHEMA, "properties": {**PARTNER_SCHEMA["properties"], "fields": LIST}},
    {**PARTNER_EXAMPLE, "fields": ["legal_name"]},
)
PARTNER_SUSPENDED = _with_reason("partner.suspended", _("A partner was suspended: its calls are refused."))
PARTNER_REACTIVATED = _with_reason("partner.reactivated", _("A suspended partner is live again."))
PARTNER_LOGO_TAKEN_DOWN = _with_reason("partner.logo_taken_down", _("Operators took a partner's logo away; `reason` says why."))
PARTNER_CLOSED = EventType(
    "partner.closed",
    _("A partner was closed: its credentials no longer work, and its personal data can be erased from `erasable_on` on."),
    {**REASON_SCHEMA, "properties": {**REASON_SCHEMA["properties"], "erasable_on": TEXT}},
    {**REASON_EXAMPLE, "status": "closed", "erasable_on": "2026-12-31"},
)
PARTNER_DELETED = _about_partner("partner.deleted", _("A closed partner was deleted; operators can restore it."))
PARTNER_RESTORED = _with_reason("partner.restored", _("A closed or deleted partner is back in the state it had."))
PARTNER_ERASED = EventType(
    "partner.erased",
    _("The personal data of a closed partner was erased, what its earlier events said among it."),
    _schema(id=TEXT),
    {"id": PARTNER_ID},
)
PARTNER_TIER_CHANGED = EventType(
    "partner.tier_changed",
    _("A partner moved to another tier."),
    _schema(id=TEXT, tier=TEXT, previous=TEXT),
    {"id": PARTNER_ID, "tier": "professional", "previous": "basic"},
)


def tier_request_facts(request: TierRequest) -> dict[str, Any]:
    """What an event says of a request for another tier; `effective_at` and `effective_on` are empty until it was approved."""
    at = request.effective_at
    return {
        "id": request.public_id,
        "tier": request.tier.slug,
        "tier_name": request.tier.name,
        "previous": request.previous.slug,
        "status": str(request.status),
        "reason": request.reason,
        "effective_at": at.isoformat() if at else "",
        "effective_on": at.date().isoformat() if at else "",
    }


def _about_tier_request(name: str, description: Any) -> EventType:
    schema = _schema(**dict.fromkeys(TIER_REQUEST_EXAMPLE, TEXT))
    return EventType(name, description, schema, TIER_REQUEST_EXAMPLE)


TIER_REQUEST_EXAMPLE = {
    "id": "trq_01jd3x8q4vf2r9kq6m5t7w8y9z",
    "tier": "professional",
    "tier_name": "Professional",
    "previous": "basic",
    "status": "approved",
    "reason": "",
    "effective_at": "2026-11-23T10:00:00+00:00",
    "effective_on": "2026-11-23",
}
TIER_REQUESTED = _about_tier_request("partner.tier_requested", _("A partner asked for another tier."))
TIER_REQUEST_APPROVED = _about_tier_request(
    "partner.tier_request_approved", _("Operators granted another tier; it is in effect from `effective_at` on.")
)
TIER_REQUEST_DECLINED = _about_tier_request(
    "partner.tier_request_declined", _("Operators declined another tier; `reason` says why.")
)
TIER_REQUEST_WITHDRAWN = _about_tier_request(
    "partner.tier_request_withdrawn", _("A request for another tier was taken back, or lapsed: the tier changed otherwise.")
)
ONBOARDING_SAVED = EventType(
    "partner.onboarding_saved",
    _("A step of the onboarding was filled in; `fields` names what changed, not to what."),
    _schema(id=TEXT, step=TEXT, fields=LIST),
    {"id": PARTNER_ID, "step": "basic-info", "fields": ["contact_email", "contact_name"]},
)
TERMS_PUBLISHED = EventType("terms.published", _("Operators published a version of the terms of service."), internal=True)
PARTNER_TERMS_ACCEPTED = EventType(
    "partner.terms_accepted",
    _("A partner accepted a version of the terms of service."),
    _schema(id=TEXT, version=TEXT),
    {"id": PARTNER_ID, "version": "2026-11"},
)
MEMBER_ADDED = _about_member("member.added", _("A person joined the team."))
MEMBER_INVITED = _about_invitation("member.invited", _("Somebody was invited into the team."))
MEMBER_INVITED_AGAIN = _about_invitation("member.invited_again", _("An invitation into the team was sent again."))
MEMBER_INVITATION_REVOKED = _about_invitation("member.invitation_revoked", _("An invitation into the team was taken back."))
MEMBER_EMAIL_CONFIRMED = _about_member("member.email_confirmed", _("A person of the team confirmed the e-mail address."))
MEMBER_SIGNED_IN = EventType(
    "member.signed_in", _("A person of the team signed in."), MEMBER_SCHEMA, MEMBER_EXAMPLE, internal=True
)
MEMBER_SECURITY_CHANGED = EventType(
    "member.security_changed",
    _("A person of the team changed how they sign in."),
    _schema(id=TEXT, role=TEXT, change=TEXT),
    {**MEMBER_EXAMPLE, "change": "webauthn_added"},
    internal=True,
)
MEMBER_ROLE_CHANGED = EventType(
    "member.role_changed",
    _("A person of the team has another role."),
    _schema(id=TEXT, role=TEXT, previous=TEXT),
    {**MEMBER_EXAMPLE, "previous": "viewer"},
)
PARTNER_OWNER_CHANGED = EventType(
    "partner.owner_changed",
    _("The owner handed the partner over to another person of the team."),
    _schema(id=TEXT, owner=TEXT, previous=TEXT),
    {"id": PARTNER_ID, "owner": MEMBER_ID, "previous": "mem_01jd3x8q4vf2r9kq6m5t7w8y9a"},
)
MEMBER_REMOVED = _about_member("member.removed", _("A person left the team, or was taken out of it."))

MEMBER_NOTIFICATIONS_CHANGED = EventType(
    "member.notifications_changed",
    _("A person of the team chose other notifications; `changes` has the value before and after of each choice."),
    _schema(id=TEXT, role=TEXT, changes={"type": "object"}),
    {**MEMBER_EXAMPLE, "changes": {"partner_activated.mail": [True, False]}},
    internal=True,
)


def _about_impersonation(name: str, description: Any, **facts: Any) -> EventType:
    example = {"id": PARTNER_ID, "impersonation": "imp_01jd3x8q4vf2r9kq6m5t7w8y9z", **dict.fromkeys(facts, "…")}
    return EventType(name, description, _schema(id=TEXT, impersonation=TEXT, **facts), example, internal=True)


PARTNER_ENTERED = _about_impersonation(
    "partner.entered", _("An operator looks at the portal as the team does, without changing anything."), until=TEXT, note=TEXT
)
PARTNER_ENTERED_TO_ACT = _about_impersonation(
    "partner.entered_to_act", _("An operator who looks at the portal may change things for a while."), until=TEXT, reason=TEXT
)
PARTNER_ACTED_AS = _about_impersonation(
    "partner.acted_as", _("An operator changed something in the partner's portal."), method=TEXT, path=TEXT, reason=TEXT
)
PARTNER_LEFT = _about_impersonation("partner.left", _("An operator left the portal."), over={"type": "boolean"})

PARTNER_MESSAGED = EventType(
    "partner.messaged",
    _("Operators wrote to the team."),
    _schema(id=TEXT, subject=TEXT, text=TEXT),
    {"id": PARTNER_ID, "subject": "Planned work", "text": "On Sunday …"},
    internal=True,
)
PARTNER_NOTED = EventType(
    "operator.noted", _("An operator noted something about a partner."), _schema(id=TEXT, partner=TEXT), internal=True
)


def _about_document(name: str, description: Any, **more: Any) -> EventType:
    required = _schema(id=TEXT, kind=TEXT, state=TEXT)
    return EventType(name, description, {**required, "properties": {**required["properties"], **more}}, DOCUMENT_EXAMPLE)


DOCUMENT_EXAMPLE = {"id": "doc_01jd3x8q4vf2r9kq6m5t7w8y9z", "kind": "registration", "state": "waiting"}
DOCUMENT_UPLOADED = _about_document("document.uploaded", _("A partner uploaded a document."))
DOCUMENT_REMOVED = _about_document("document.removed", _("A partner took a document back."))
DOCUMENT_ACCEPTED = _about_document("document.accepted", _("Operators accepted a document."), reason=TEXT)
DOCUMENT_REJECTED = _about_document("document.rejected", _("Operators rejected a document; `reason` says why."), reason=TEXT)
DOCUMENT_INFECTED = _about_document(
    "document.infected", _("The virus scanner found something in a document; its content was deleted."), reason=TEXT
)

register(
    DOCUMENT_INFECTED,
    PARTNER_CHANGES_REQUESTED,
    PARTNER_VERIFICATION_EXPIRED,
    DOCUMENT_UPLOADED,
    DOCUMENT_REMOVED,
    DOCUMENT_ACCEPTED,
    DOCUMENT_REJECTED,
    PARTNER_CREATED,
    PARTNER_UPDATED,
    PARTNER_SUBMITTED,
    PARTNER_VERIFIED,
    PARTNER_ACTIVATED,
    PARTNER_REJECTED,
    PARTNER_SUSPENDED,
    PARTNER_REACTIVATED,
    PARTNER_LOGO_TAKEN_DOWN,
    PARTNER_CLOSED,
    PARTNER_DELETED,
    PARTNER_RESTORED,
    PARTNER_ERASED,
    PARTNER_TIER_CHANGED,
    PARTNER_OWNER_CHANGED,
    TIER_REQUESTED,
    TIER_REQUEST_APPROVED,
    TIER_REQUEST_DECLINED,
    TIER_REQUEST_WITHDRAWN,
    ONBOARDING_SAVED,
    PARTNER_TERMS_ACCEPTED,
    TERMS_PUBLISHED,
    MEMBER_ADDED,
    MEMBER_INVITED,
    MEMBER_INVITED_AGAIN,
    MEMBER_INVITATION_REVOKED,
    MEMBER_EMAIL_CONFIRMED,
    MEMBER_SIGNED_IN,
    MEMBER_SECURITY_CHANGED,
    MEMBER_ROLE_CHANGED,
    MEMBER_REMOVED,
    MEMBER_NOTIFICATIONS_CHANGED,
    PARTNER_ENTERED,
    PARTNER_ENTERED_TO_ACT,
    PARTNER_ACTED_AS,
    PARTNER_LEFT,
    PARTNER_MESSAGED,
    PARTNER_NOTED,
)
