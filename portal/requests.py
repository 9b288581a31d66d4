"""A partner's requests, as its people see them."""

import json
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from core.problems import NotFound
from core.tables import listing
from partners.pages import PartnerRequest, partner_page
from products.requests.handlers import shown
from products.requests.models import Request


@require_GET
@partner_page("requests:read")
def request_list(request: PartnerRequest) -> HttpResponse:
    """Requests of this environment, newest first; `?status=` narrows them."""
    found = Request.objects.for_caller(request.partner, request.environment).select_related("partner")
    status = request.GET.get("status", "")
    status = status if status in Request.Status.values else ""
    if status:
        found = found.filter(status=status)
    context = {
        "requests": listing(request, found, sortable=("due_at",)),
        "chosen": status,
        "tabs": [
            {"label": label, "url": f"?status={value}" if value else "?", "current": value == status}
            for value, label in [("", _("All")), *Request.Status.choices]
        ],
        "partner": request.partner,
    }
    return render(request, "portal/requests.html", context)


@require_GET
@partner_page("requests:read")
def request_detail(request: PartnerRequest, public_id: str) -> HttpResponse:
    """One request with what was sent and what came of it."""
    row = Request.objects.for_caller(request.partner, request.environment).public(public_id).first()
    if row is None:
        raise NotFound()
    result = shown(row.type, row.result, request.member.may)
    bodies = {name: _as_text(value) for name, value in (("payload", row.payload), ("result", result), ("error", row.error))}
    return render(request, "portal/request.html", {"row": row, "bodies": bodies, "partner": request.partner})


def _as_text(value: Any) -> str:
    return "" if value is None else json.dumps(value, indent=2, ensure_ascii=False)
