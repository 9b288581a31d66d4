"""The way of a newcomer in five steps. How far it has come is read from what it has given, so it can stop anywhere and go on.

What a tier asks for before a partner goes live is the operator's policy, kept on the tier. Where it asks for no decision, a
partner that submits is live at once.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from allauth.account.models import EmailAddress
from django.db import models, transaction
from django.utils.functional import Promise
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from core import events
from core.actors import Actor
from core.problems import Conflict
from core.states import StaleState
from partners import event_types as types
from partners import partners, verification, webhook_check
from partners.models import ApiSetup, Company, DocumentKind, Member, Partner, Review
from partners.permissions import Role

BASIC_INFO, BUSINESS_DETAILS, API_SETUP, DOCUMENTS, ACTIVATION = (
    "basic-info",
    "business-details",
    "api-setup",
    "documents",
    "activation",
)

TITLES: dict[str, str | Promise] = {
    BASIC_INFO: _("Basic information"),
    BUSINESS_DETAILS: _("Business details"),
    API_SETUP: _("API setup"),
    DOCUMENTS: _("Documents"),
    ACTIVATION: _("Activation"),
}

# The fields of each step that is filled in, with the model that keeps them, and which of them may not stay empty.
FIELDS: dict[str, dict[type[models.Model], tuple[str, ...]]] = {
    BASIC_INFO: {
        Partner: ("name", "type", "website", "description"),
        Company: ("contact_name", "contact_email", "contact_phone"),
    },
    BUSINESS_DETAILS: {
        Company: (
            "legal_name",
            "registration_number",
            "tax_id",
            "street",
            "city",
            "postal_code",
            "country",
            "industry",
            "size",
        )
    },
    API_SETUP: {ApiSetup: ("use_case", "expected_monthly_calls", "webhook_url", "oauth_callback_url")},
}
REQUIRED: dict[str, tuple[str, ...]] = {
    BASIC_INFO: ("name", "type", "contact_name", "contact_email"),
    BUSINESS_DETAILS: ("legal_name", "street", "city", "country"),
    API_SETUP: ("use_case",),
}


# What is missing besides fields and documents, in words.
WORDS: dict[str, str | Promise] = {
    "confirmed_email": _("A confirmed e-mail address of an owner"),
    "submission": _("Submit it"),
    "review": _("Our decision"),
}


class Locked(Conflict):
    """What was submitted stays as it is while operators read it, and for good after a final rejection."""

    detail = _("The steps can't be changed now: they are in review, or were rejected for good. Wait for the decision.")


class NothingToSubmit(Conflict):
    """The partner is live and its documents are verified."""

    detail = _("There is nothing to submit: you are live, and your documents are verified.")


class Incomplete(Conflict):
    """Something is still missing."""

    detail = _("The onboarding isn't complete. Missing: {missing}.")


@dataclass(frozen=True, slots=True)
class Step:
    """One of the five. `state` is done, current, todo, waiting (for the operators) or not_required; `missing` names fields
    or what else is wanted."""

    name: str
    state: str
    missing: list[str] = field(default_factory=list)

    @property
    def title(self) -> str | Promise:
        return TITLES[self.name]

    @property
    def words(self) -> list[str | Promise]:
        """What is missing, as people read it."""
        return [in_words(self.name, each) for each in self.missing]


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a partner stands. `status` is in_progress, in_review, changes_requested, rejected or complete."""

    status: str
    current: str | None
    steps: list[Step]
    review: Review | None

    @property
    def locked(self) -> bool:
        """Whether nothing can be changed now."""
        return closed(self.review)

    @property
    def done(self) -> int:
        """How many of the five need nothing more."""
        return sum(step.state in {"done", "not_required"} for step in self.steps)


def progress(partner: Partner) -> Progress:
    """Where the partner stands now."""
    review = last_review(partner)
    lacking: dict[str, list[str]] = {name: _empty_fields(partner, name) for name in FIELDS}
    lacking[DOCUMENTS] = [kind.value for kind in verification.lacking(partner, verification.to_go_live(partner.tier))]
    lacking[ACTIVATION] = [] if partner.activated_at else list(_lacking_to_go_live(partner, review))
    current = next((name for name, missing in lacking.items() if missing), None)
    steps = [Step(name, _state(partner, review, name, missing, current), missing) for name, missing in lacking.items()]
    return Progress(_status(partner, review), current, steps, review)


def missing(partner: Partner, *, accepted: bool = False) -> list[str | Promise]:
    """What a submission still wants, in words; with `accepted`, what its approval wants, for which documents must be accepted.

    Before a partner is live that is what its tier asks for; afterwards, the documents that verify it.
    """
    live = partner.activated_at is not None
    found: list[str | Promise] = [] if live or _address_confirmed(partner) else [_("confirmed e-mail address of an owner")]
    if partner.tier.needs_information and not live:
        found += [TITLES[name] for name in FIELDS if _empty_fields(partner, name)]
    kinds = verification.wanted(partner) if live else verification.to_go_live(partner.tier)
    return found + [kind.label for kind in verification.lacking(partner, kinds, accepted=accepted)]


def in_words(step: str, missing: str) -> str | Promise:
    """A missing thing of a step, as `Step.missing` names it, in words."""
    if step == DOCUMENTS:
        return DocumentKind(missing).label
    if step == ACTIVATION:
        return WORDS[missing]
    return label(next(model for model, names in FIELDS[step].items() if missing in names), missing)


def label(model: type[models.Model], field: str) -> str:
    """A field of a step, as people read it."""
    return capfirst(str(getattr(model._meta.get_field(field), "verbose_name", field)))


def needs_decision(partner: Partner) -> bool:
    """Whether the tier lets nobody go live without an operator."""
    tier = partner.tier
    return tier.needs_application or tier.needs_documents or tier.needs_contract


@transaction.atomic
def save(*, partner: Partner, step: str, by: Actor, **values: Any) -> Progress:
    """Keep what was filled in at a step; fields that aren't given stay. Raises Locked while it is reviewed.

    A verified partner whose company facts change has to be verified again.
    """
    _lock(partner)
    before: dict[str, Any] = {}
    for model, names in FIELDS[step].items():
        row = _row(partner, model)
        given = {name: values[name] for name in names if name in values and getattr(row, name) != values[name]}
        before |= {name: getattr(row, name) for name in given}
        if "webhook_url" in given:
            given |= webhook_check.fresh(partner.api_setup)
        if given:
            model._base_manager.filter(pk=row.pk).update(**given)
            for name, value in given.items():
                setattr(row, name, value)
    if before:
        data = {"id": partner.public_id, "step": step, "fields": sorted(before)}
        events.emit(type=types.ONBOARDING_SAVED, partner=partner, subject=partner, actor=by, data=data)
    outdated = sorted(name for name, value in before.items() if value and name in verification.FACTS)
    if outdated:
        verification.expire(partner=partner, fields=outdated, by=by)
    return progress(partner)


@transaction.atomic
def submit(*, partner: Partner, by: Actor) -> Progress:
    """Go live, if that is all the tier asks for; otherwise, and whenever documents came with it, ask the operators to decide.

    Raises Incomplete, Locked while a submission waits, NothingToSubmit for a live partner that is verified.
    """
    _lock(partner)
    if partner.verified_at and partner.activated_at:
        raise NothingToSubmit()
    lacking = missing(partner)
    if lacking:
        raise Incomplete(missing=", ".join(str(each) for each in lacking))
    events.emit(type=types.PARTNER_SUBMITTED, partner=partner, subject=partner, actor=by, data=types.facts(partner))
    if partner.activated_at or needs_decision(partner) or _brought_documents(partner):
        Review.objects.create(partner=partner)
    if not partner.activated_at and not needs_decision(partner):
        partners.activate(partner=partner, by=by)
    return progress(partner)


def last_review(partner: Partner) -> Review | None:
    """The latest round, decided or not."""
    return Review.objects.filter(partner=partner).order_by("-id").first()


def closed(review: Review | None) -> bool:
    """Whether the latest round lets nothing be changed: it waits, or was a final no."""
    return review is not None and (review.decision == Review.Decision.WAITING or review.final)


def _lock(partner: Partner) -> None:
    """Let nobody else change the onboarding meanwhile. Raises Locked if its steps are closed, StaleState for a partner that
    is suspended or closed."""
    found = Partner.objects.select_for_update(of=("self",)).get(pk=partner.pk)
    if found.status not in {Partner.Status.PENDING, Partner.Status.ACTIVE}:
        raise StaleState()
    partner.status, partner.activated_at, partner.verified_at = found.status, found.activated_at, found.verified_at
    if closed(last_review(partner)):
        raise Locked()


def _brought_documents(partner: Partner) -> bool:
    """Whether there is what verifies the partner, once an operator has looked at it."""
    wanted = verification.wanted(partner)
    return bool(wanted) and not verification.lacking(partner, wanted)


def _row(partner: Partner, model: type[models.Model]) -> models.Model:
    return {Partner: partner, Company: partner.company, ApiSetup: partner.api_setup}[model]


def _empty_fields(partner: Partner, step: str) -> list[str]:
    values = {name: getattr(_row(partner, model), name) for model, names in FIELDS[step].items() for name in names}
    return [name for name in REQUIRED[step] if not values[name]]


def _address_confirmed(partner: Partner) -> bool:
    owners = Member.objects.filter(partner=partner, role=Role.OWNER).values("user")
    return bool(EmailAddress.objects.filter(user__in=owners, verified=True).exists())


def _lacking_to_go_live(partner: Partner, review: Review | None) -> Iterator[str]:
    if not _address_confirmed(partner):
        yield "confirmed_email"
    yield "review" if _in_review(review) else "submission"


def _in_review(review: Review | None) -> bool:
    return review is not None and review.decision == Review.Decision.WAITING


def _state(partner: Partner, review: Review | None, name: str, missing: list[str], current: str | None) -> str:
    if name == DOCUMENTS and not verification.to_go_live(partner.tier):
        return "not_required"
    if not missing:
        return "done"
    if name == ACTIVATION and _in_review(review):
        return "waiting"
    return "current" if name == current else "todo"


def _status(partner: Partner, review: Review | None) -> str:
    if partner.activated_at:
        return "complete"
    if review is None:
        return "in_progress"
    return {"waiting": "in_review", "approved": "complete"}.get(review.decision, review.decision)
