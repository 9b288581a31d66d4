"""The pages of an operator who looks at a partner's portal: a second step before anything is changed, and the end."""

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin.views.decorators import staff_member_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from core.console import operator_of
from core.problems import Problem
from core.roles import has
from partners import impersonations


class ReasonForm(forms.Form):
    """Asks why."""

    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        max_length=2_000,
        help_text=gettext_lazy("The partner reads it."),
        widget=forms.Textarea(attrs={"rows": 3}),
    )


@require_http_methods(["GET", "POST"])
@staff_member_required
def act(request: HttpRequest) -> HttpResponse:
    """Ask for the reason, and let the operator change things for a while."""
    impersonation = impersonations.of_request(request)
    if impersonation is None:
        messages.info(request, _("You look at no partner's portal now."))
        return redirect("admin:partners_partner_changelist")
    form = ReasonForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            reason = form.cleaned_data["reason"]
            impersonations.let_act(impersonation=impersonation, reason=reason, by=operator_of(request))
        except Problem as problem:
            messages.error(request, problem.said)
        else:
            return redirect("portal:dashboard", slug=impersonation.partner.slug)
    context = {"form": form, "partner": impersonation.partner, "may_act": has(request.user, "partners:act")}
    return render(request, "partners/impersonation/act.html", context)


@require_POST
@staff_member_required
def end(request: HttpRequest) -> HttpResponse:
    """Back to the console."""
    impersonation = impersonations.of_request(request)
    request.session.pop(impersonations.KEY, None)
    if impersonation is None:
        return redirect("admin:partners_partner_changelist")
    impersonations.end(impersonation=impersonation, by=operator_of(request))
    messages.success(request, _("You left the portal of %(name)s.") % {"name": impersonation.partner.name})
    return redirect(reverse("admin:partners_partner_change", args=[impersonation.partner.pk]))


def refused(request: Any, *, why: str) -> HttpResponse:
    """403 with what to do about it. The page is the team's `own`, the operator only `looks`, or their `role` ends here."""
    context = {"why": why, "may_act": has(request.user, "partners:act")}
    return render(request, "partners/impersonation/refused.html", context, status=403)
