"""The console's way into a partner's portal, and the record of who was there."""

from typing import Any

from django.contrib import admin, messages
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action

from core.console import NoteForm, Rows, operator_of
from core.problems import Problem
from core.roles import has
from partners import impersonations
from partners.models import Impersonation


class Enterable:
    """Mixed into the admin class of partners."""

    def has_enter_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return has(request.user, "partners:enter")

    @action(
        description=_("Portal"),
        url_path="enter",
        permissions=["enter"],
        icon="visibility",
        dialog={
            "title": _("Look at the portal as this partner does?"),
            "description": _(
                "For half an hour, to look only. The partner sees in its log that you were there, and this note. Passwords,"
                " second factors, secrets and payout accounts stay out of reach."
            ),
            "form_class": NoteForm,
            "form_submit_text": _("Look at the portal"),
        },
    )
    def enter(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        """Begin, and go there."""
        partner = self.get_object(request, str(object_id))  # type: ignore[attr-defined]  # mixed into an admin class
        if partner is None:
            raise Http404
        operator: Any = request.user
        reason = form.cleaned_data["reason"]
        try:
            made = impersonations.begin(partner=partner, operator=operator, by=operator_of(request), reason=reason)
        except Problem as problem:
            messages.error(request, problem.said)
            return HttpResponse(headers={"HX-Redirect": reverse("admin:partners_partner_change", args=[object_id])})
        request.session[impersonations.KEY] = made.public_id
        return HttpResponse(headers={"HX-Redirect": reverse("portal:dashboard", kwargs={"slug": partner.slug})})


@admin.register(Impersonation)
class ImpersonationAdmin(Rows):
    """Which operators looked at which portal, until when, and why they changed things there."""

    list_display = ["operator", "partner", "created_at", "expires_at", "acts_until", "ended_at"]
    list_select_related = ["operator", "partner"]
    search_fields = ["operator__email", "partner__name", "partner__slug"]
    fields = ["public_id", "operator", "partner", "note", "created_at", "expires_at", "acts_until", "reason", "ended_at"]
