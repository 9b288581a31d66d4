"""The way of a newcomer in five steps. How far it has come is read from what it has given, so it can stop anywhere and go on.

What a tier asks for before a partner goes live is the operator's policy, kept on the tier.
"""

from dataclasses import dataclass, field
from typing import Any

from allauth.account.models import EmailAddress
from django.db import IntegrityError, models, transaction
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from core import events
from core.actors import Actor
from core.problems import Conflict
from partners import event_types as types
from partners.models import ApiSetup, Company, Document, Member, Partner, Review
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


class Locked(Conflict):
    """What was submitted stays as it is while operators read it, and after they approved it."""

    detail = _("The onboarding was submitted, so its steps can't be changed. Wait for the decision.")


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


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a partner stands. `status` is in_progress, in_review, changes_requested, rejected or complete."""

    status: str
    current: str | None
    steps: list[Step]
    review: Review | None

    @property
    def done(self) -> int:
        """How many of the five need nothing more."""
        return sum(step.state in {"done", "not_required"} for step in self.steps)


def progress(partner: Partner) -> Progress:
    """Where the partner stands now."""
    review = Review.objects.filter(partner=partner).order_by("-id").first()
    lacking: dict[str, list[str]] = {name: _empty_fields(partner, name) for name in FIELDS}
    lacking[DOCUMENTS] = [kind.value for kind in _documents_missing(partner)]
    lacking[ACTIVATION] = [] if partner.activated_at else ["submission" if not _in_review(review) else "review"]
    if not _address_confirmed(partner):
        lacking[ACTIVATION].insert(0, "confirmed_email")
    current = next((name for name, missing in lacking.items() if missing), None)
    steps = [Step(name, _state(partner, review, name, missing, current), missing) for name, missing in lacking.items()]
    return Progress(_status(partner, review), current, steps, review)


def missing(partner: Partner, *, accepted: bool = False) -> list[str | Promise]:
    """What the partner's tier still asks for, in words; the decision aside. `accepted`: documents count once accepted."""
    found: list[str | Promise] = [] if _address_confirmed(partner) else [_("confirmed e-mail address of an owner")]
    found += [TITLES[name] for name in FIELDS if _empty_fields(partner, name)]
    return found + [kind.label for kind in _documents_missing(partner, accepted=accepted)]


@transaction.atomic
def save(*, partner: Partner, step: str, by: Actor, **values: Any) -> Progress:
    """Keep what was filled in at a step; fields that aren't given stay. Raises Locked once it was submitted."""
    _lock(partner)
    changed = []
    for model, names in FIELDS[step].items():
        row = _row(partner, model)
        given = {name: values[name] for name in names if name in values and getattr(row, name) != values[name]}
        if given:
            model._base_manager.filter(pk=row.pk).update(**given)
            for name, value in given.items():
                setattr(row, name, value)
            changed += list(given)
    if changed:
        data = {"id": partner.public_id, "step": step, "fields": sorted(changed)}
        events.emit(type=types.ONBOARDING_SAVED, partner=partner, subject=partner, actor=by, data=data)
    return progress(partner)


@transaction.atomic
def submit(*, partner: Partner, by: Actor) -> Review:
    """Ask the operators to decide. Raises Incomplete, or Locked if it was submitted before."""
    _lock(partner)
    lacking = missing(partner)
    if lacking:
        raise Incomplete(missing=", ".join(str(each) for each in lacking))
    try:
        with transaction.atomic():
            review = Review.objects.create(partner=partner)
    except IntegrityError as error:
        raise Locked() from error
    events.emit(type=types.PARTNER_SUBMITTED, partner=partner, subject=partner, actor=by, data=types.facts(partner))
    return review


def _lock(partner: Partner) -> None:
    """Let nobody else change the onboarding meanwhile. Raises Locked if its steps are closed."""
    Partner.objects.select_for_update().get(pk=partner.pk)
    last = Review.objects.filter(partner=partner).order_by("-id").first()
    if partner.status != Partner.Status.PENDING or (last and last.decision in {"waiting", "rejected", "approved"}):
        raise Locked()


def _row(partner: Partner, model: type[models.Model]) -> models.Model:
    return {Partner: partner, Company: partner.company, ApiSetup: partner.api_setup}[model]


def _empty_fields(partner: Partner, step: str) -> list[str]:
    values = {name: getattr(_row(partner, model), name) for model, names in FIELDS[step].items() for name in names}
    return [name for name in REQUIRED[step] if not values[name]]


def _documents_missing(partner: Partner, *, accepted: bool = False) -> list[Document.Kind]:
    wanted = [Document.Kind.REGISTRATION] if partner.tier.needs_documents else []
    wanted += [Document.Kind.CONTRACT] if partner.tier.needs_contract else []
    if not wanted:
        return []
    good = {Document.State.ACCEPTED} | (set() if accepted else {Document.State.WAITING})
    present = set(Document.objects.filter(partner=partner, state__in=good).values_list("kind", flat=True))
    return [kind for kind in wanted if kind not in present]


def _address_confirmed(partner: Partner) -> bool:
    owners = Member.objects.filter(partner=partner, role=Role.OWNER).values("user")
    return bool(EmailAddress.objects.filter(user__in=owners, verified=True).exists())


def _in_review(review: Review | None) -> bool:
    return review is not None and review.decision == Review.Decision.WAITING


def _state(partner: Partner, review: Review | None, name: str, missing: list[str], current: str | None) -> str:
    if name == DOCUMENTS and not (partner.tier.needs_documents or partner.tier.needs_contract):
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
