"""What waits for an operator. Each line is one question to an app's own QuerySet, and where to act on it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from django.db.models import Model, QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from abuse.models import Incident
from billing.models import Invoice, Payout
from core import clock
from marketplace.models import Integration
from partners.models import Document, Partner, Review, TierRequest
from portal import navigation
from products.external.models import Product
from products.requests.models import Request
from webhooks.models import Endpoint

Tone = Literal["info", "warn", "bad"]


@dataclass(frozen=True, slots=True)
class Matter:
    """A kind of thing that waits: what it is called, which rows are meant, the console's list of them with its filter.

    `info` is ordinary work, `warn` is getting late, `bad` hurts somebody now.
    """

    label: str | Promise
    icon: str
    waiting: "Callable[[], QuerySet[Any]]"
    view: str
    query: str = ""
    tone: Tone = "info"


@dataclass(frozen=True, slots=True)
class Waiting:
    """A matter as it stands now."""

    label: str | Promise
    icon: str
    count: int
    url: str
    tone: Tone


MATTERS: list[Matter] = [
    Matter(
        _("Partners to review"),
        "how_to_reg",
        lambda: Review.objects.filter(decision=Review.Decision.WAITING),
        "admin:partners_review_changelist",
        "decision__exact=waiting",
    ),
    Matter(
        _("Documents to check"),
        "description",
        lambda: Document.objects.filter(state=Document.State.WAITING),
        "admin:partners_document_changelist",
        "state__exact=waiting",
    ),
    Matter(
        _("Tier requests"),
        "trending_up",
        lambda: TierRequest.objects.waiting(),
        "admin:partners_tierrequest_changelist",
        "status__exact=waiting",
    ),
    Matter(
        _("Integrations to review"),
        "extension",
        lambda: Integration.objects.waiting(),
        "admin:marketplace_integration_changelist",
        "status__exact=in_review",
    ),
    Matter(
        _("Suspended keys"),
        "key_off",
        lambda: Incident.objects.open(),
        "admin:abuse_incident_changelist",
        "open=yes",
        tone="warn",
    ),
    Matter(
        _("Suspended partners"),
        "block",
        lambda: Partner.objects.present().filter(status=Partner.Status.SUSPENDED),
        "admin:partners_partner_changelist",
        "status__exact=suspended",
        tone="warn",
    ),
    Matter(
        _("Requests past their SLA"),
        "timer_off",
        lambda: Request.objects.unfinished().filter(due_at__lt=clock.now()),
        "admin:requests_request_changelist",
        tone="bad",
    ),
    Matter(
        _("API products whose upstream is down"),
        "cloud_off",
        lambda: Product.objects.exclude(down_since=None),
        "admin:external_product_changelist",
        "down_since__isempty=0",
        tone="bad",
    ),
    Matter(
        _("Webhook endpoints that fail"),
        "heart_broken",
        lambda: Endpoint.objects.filter(status=Endpoint.Status.ACTIVE, health__opened_at__isnull=False),
        "admin:webhooks_endpoint_queue",
        tone="warn",
    ),
    Matter(
        _("Disabled webhook endpoints"),
        "webhook",
        lambda: Endpoint.objects.filter(status=Endpoint.Status.DISABLED),
        "admin:webhooks_endpoint_changelist",
        "status__exact=disabled",
        tone="warn",
    ),
    Matter(
        _("Overdue invoices"),
        "receipt_long",
        lambda: Invoice.objects.filter(status=Invoice.Status.OVERDUE),
        "admin:billing_invoice_changelist",
        "status__exact=overdue",
        tone="warn",
    ),
    Matter(
        _("Payouts to approve"),
        "account_balance",
        lambda: Payout.objects.filter(status=Payout.Status.PENDING),
        "admin:billing_payout_changelist",
        "status__exact=pending",
    ),
    Matter(
        _("Payouts on hold"),
        "front_hand",
        lambda: Payout.objects.filter(status=Payout.Status.HELD),
        "admin:billing_payout_changelist",
        "status__exact=held",
        tone="warn",
    ),
]


def waiting(may_see: Callable[[type[Model]], bool]) -> Iterator[Waiting]:
    """Every matter that this operator may see, with its count; those of a list that this console doesn't have lead nowhere."""
    for matter in MATTERS:
        rows = matter.waiting()
        if not may_see(rows.model):
            continue
        url = navigation.find(matter.view)
        if url and matter.query:
            url = f"{url}?{matter.query}"
        yield Waiting(matter.label, matter.icon, rows.count(), url, matter.tone)
