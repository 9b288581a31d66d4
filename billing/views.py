"""A partner's money on pages: this month so far, invoices, earnings, payouts, and where payouts go."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from billing import charges, ledger, processors
from billing.charges import Charge
from billing.forms import PayoutAccountForm
from billing.models import Earning, Invoice, Payout, PayoutAccount, Price
from core import clock
from core.models import Environment
from core.money import Money
from core.problems import NotFound
from core.tables import listing
from partners.pages import PartnerRequest, partner_page
from usage.periods import Period

LATEST = 5


@require_GET
@partner_page("billing:read")
def overview(request: PartnerRequest) -> HttpResponse:
    """Where the partner stands, what this month costs so far, and the latest of everything."""
    live = request.environment == Environment.LIVE
    so_far = _so_far(request) if live else []
    context = {
        "balances": ledger.balances(request.partner) if live else ledger.nothing(),
        "charges": so_far,
        "totals": _totals(so_far),
        "month": Period.this_month(),
        "invoices": _rows(request, Invoice.objects.issued())[:LATEST],
        "earnings": _rows(request, Earning.objects.all())[:LATEST],
        "payouts": _rows(request, Payout.objects.all())[:LATEST],
        "prices": Price.objects.current(),
        "account": _account(request),
        "slug": request.partner.slug,
    }
    return render(request, "billing/overview.html", context)


@require_GET
@partner_page("billing:read")
def invoice_list(request: PartnerRequest) -> HttpResponse:
    """Every issued invoice."""
    found = listing(request, _rows(request, Invoice.objects.issued()), sortable=("due_at",))
    return render(request, "billing/invoices.html", {"invoices": found, "slug": request.partner.slug})


@require_GET
@partner_page("billing:read")
def invoice_detail(request: PartnerRequest, public_id: str) -> HttpResponse:
    """One invoice with its lines, and how to pay it."""
    invoice = _one(_rows(request, Invoice.objects.issued()), public_id)
    is_unpaid = invoice.status in {Invoice.Status.OPEN, Invoice.Status.OVERDUE}
    context = {
        "invoice": invoice,
        "lines": invoice.lines.select_related("invoice"),
        "how_to_pay": processors.MANUAL.collect(invoice) if is_unpaid else "",
        "slug": request.partner.slug,
    }
    return render(request, "billing/invoice.html", context)


@require_GET
@partner_page("billing:read")
def earning_list(request: PartnerRequest) -> HttpResponse:
    """What was earned, sale by sale."""
    found = listing(request, _rows(request, Earning.objects.all()), sortable=("available_at",))
    return render(request, "billing/earnings.html", {"earnings": found, "slug": request.partner.slug})


@require_GET
@partner_page("billing:read")
def payout_list(request: PartnerRequest) -> HttpResponse:
    """Every payout."""
    found = listing(request, _rows(request, Payout.objects.all()))
    context = {"payouts": found, "account": _account(request), "slug": request.partner.slug}
    return render(request, "billing/payouts.html", context)


@require_GET
@partner_page("billing:read")
def payout_detail(request: PartnerRequest, public_id: str) -> HttpResponse:
    """One payout with the earnings in it."""
    payout = _one(_rows(request, Payout.objects.all()), public_id)
    earnings = Earning.objects.filter(payout_items__payout=payout).order_by("-pk")
    context = {"payout": payout, "earnings": earnings, "slug": request.partner.slug}
    return render(request, "billing/payout.html", context)


@require_http_methods(["GET", "POST"])
@partner_page("billing:write")
def payout_account(request: PartnerRequest) -> HttpResponse:
    """Set or replace the account that payouts go to."""
    account = _account(request)
    first = {"holder": account.holder, "bank_code": account.bank_code, "country": account.country} if account else None
    form = PayoutAccountForm(request.POST or None, initial=first)
    if request.method == "POST" and form.is_valid() and (saved := form.save(request)):
        messages.success(request, _("Payouts go to {account} from now on.").format(account=saved))
        return redirect("billing:overview", slug=request.partner.slug)
    context = {"form": form, "account": account, "slug": request.partner.slug}
    return render(request, "billing/payout_account.html", context, status=422 if form.errors else 200)


def _so_far(request: PartnerRequest) -> list[Charge]:
    now = clock.now()
    return charges.outstanding(partner=request.partner, month=now.date(), until=now)


def _totals(so_far: list[Charge]) -> list[Money]:
    """A sum for each currency; of nothing, nothing in dollars."""
    sums: dict[str, Money] = {}
    for charge in so_far:
        sums[charge.amount.currency] = sums.get(charge.amount.currency, Money(0, charge.amount.currency)) + charge.amount
    return [sums[currency] for currency in sorted(sums)] or [Money(0, "USD")]


def _rows(request: PartnerRequest, queryset: Any) -> Any:
    return queryset.for_caller(request.partner, request.environment).select_related("partner").order_by("-id")


def _one(rows: Any, public_id: str) -> Any:
    found = rows.public(public_id).first()
    if found is None:
        raise NotFound()
    return found


def _account(request: PartnerRequest) -> PayoutAccount | None:
    return PayoutAccount.objects.for_caller(request.partner, request.environment).first()
