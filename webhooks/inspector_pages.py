"""Inspectors on pages, and the address where they receive."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_http_methods

from core.tables import listing
from partners.pages import PartnerRequest, partner_page
from webhooks import inspectors
from webhooks.inspector_models import InspectedRequest, Inspector
from webhooks.page_parts import endpoints_of, found, frame

SHOWN = 50
"""Requests on an inspector's page, the newest."""


class AnswerForm(forms.Form):
    """What an inspector answers."""

    answer_status = forms.TypedChoiceField(
        label=gettext_lazy("It answers"),
        choices=Inspector.Answer.choices,
        coerce=int,
        help_text=gettext_lazy("Choose a failure to see how deliveries are explained, tried again and replayed."),
    )


@csrf_exempt
def receive(request: HttpRequest, token: str) -> HttpResponse:
    """Whatever anybody sends to the address of an inspector."""
    body = request.body
    reply = inspectors.receive(token, method=request.method or "", headers=request.headers, body=body, limited=True)
    if reply is None:
        return HttpResponse(_("There is no inspector at this address."), status=404, content_type="text/plain; charset=utf-8")
    answer = HttpResponse(reply.text, status=reply.status, content_type="text/plain; charset=utf-8")
    answer.headers["Cache-Control"] = "no-store"
    if reply.status == 429:
        answer.headers["Retry-After"] = "60"
    return answer


@require_GET
@partner_page("webhooks:read")
def inspector_list(request: PartnerRequest) -> HttpResponse:
    """The open inspectors of this environment."""
    rows = listing(request, _mine(request), sortable=())
    return render(request, "webhooks/inspectors.html", {"inspectors": rows, **frame(request)})


@require_http_methods(["GET", "POST"])
@partner_page("webhooks:read", post="webhooks:write")
def inspector_new(request: PartnerRequest) -> HttpResponse:
    """Open one. By GET it leads to the list, which is where a refused POST returns to."""
    if request.method == "POST":
        return _to(request, inspectors.open_new(partner=request.partner, environment=request.environment, by=request.actor))
    return redirect("webhooks:inspectors", slug=request.partner.slug)


@require_http_methods(["GET", "POST"])
@partner_page("webhooks:read", post="webhooks:write")
def inspector_detail(request: PartnerRequest, public_id: str) -> HttpResponse:
    """One inspector and what arrives, followed; by POST, what it answers."""
    inspector = the_inspector(request, public_id)
    form = AnswerForm(request.POST or None, initial={"answer_status": inspector.answer_status})
    if request.method == "POST" and form.is_valid():
        inspectors.answer_with(inspector=inspector, status=form.cleaned_data["answer_status"])
        messages.success(request, _("From now on it answers {status}.").format(status=inspector.answer_status))
        return _to(request, inspector)
    context = {
        "inspector": inspector,
        "form": form,
        "arrived": _arrived(inspector).defer("content")[:SHOWN],
        "endpoints": [each for each in endpoints_of(request) if inspectors.token_of(each.url) == inspector.token],
        "kept": inspectors.KEPT,
    }
    return render(request, "webhooks/inspector.html", {**context, **frame(request)}, status=422 if form.errors else 200)


@require_GET
@partner_page("webhooks:read")
def inspected_detail(request: PartnerRequest, public_id: str, request_id: str) -> HttpResponse:
    """One request that arrived, as it came."""
    inspector = the_inspector(request, public_id)
    arrived: InspectedRequest = found(_arrived(inspector), request_id)
    return render(request, "webhooks/inspected.html", {"inspector": inspector, "arrived": arrived, **frame(request)})


@require_http_methods(["GET", "POST"])
@partner_page("webhooks:read", post="webhooks:write")
def inspector_extend(request: PartnerRequest, public_id: str) -> HttpResponse:
    """Keep it open for longer. By GET it leads back."""
    inspector = the_inspector(request, public_id)
    if request.method == "POST":
        inspectors.extend(inspector=inspector)
        messages.success(request, _("The inspector stays open for a week from now."))
    return _to(request, inspector)


@require_http_methods(["GET", "POST"])
@partner_page("webhooks:read", post="webhooks:write")
def inspector_close(request: PartnerRequest, public_id: str) -> HttpResponse:
    """Take it away. By GET it leads back."""
    inspector = the_inspector(request, public_id)
    if request.method == "POST":
        inspectors.close(inspector=inspector, by=request.actor)
        messages.success(request, _("The inspector is closed, and what arrived there is deleted."))
        return redirect("webhooks:inspectors", slug=request.partner.slug)
    return _to(request, inspector)


def the_inspector(request: PartnerRequest, public_id: str) -> Inspector:
    """One of the partner's. Raises NotFound."""
    inspector: Inspector = found(_mine(request), public_id)
    return inspector


def _mine(request: PartnerRequest) -> Any:
    return Inspector.objects.for_caller(request.partner, request.environment).open().select_related("partner")


def _arrived(inspector: Inspector) -> Any:
    return InspectedRequest.objects.filter(inspector=inspector).select_related("endpoint", "inspector__partner").order_by("-id")


def _to(request: PartnerRequest, inspector: Inspector) -> HttpResponse:
    return redirect("webhooks:inspector", slug=request.partner.slug, public_id=inspector.public_id)
