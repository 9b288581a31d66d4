"""The operators' console for the marketplace: the queue of reviews, categories, installations."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin, TabularInline
from unfold.decorators import action
from unfold.forms import BaseDialogForm
from unfold.widgets import UnfoldAdminTextareaWidget

from core.actors import Actor
from core.console import NothingToSave
from core.problems import Problem
from marketplace import integrations
from marketplace.models import Category, Installation, Integration, Version

Status = Integration.Status


class ReasonForm(BaseDialogForm):  # type: ignore[misc]
    reason = forms.CharField(label=_("Reason, told to the partner"), max_length=2_000, widget=UnfoldAdminTextareaWidget)


class SureForm(BaseDialogForm):  # type: ignore[misc]
    """Asks for nothing but the yes."""


class ReadOnly(NothingToSave, ModelAdmin):  # type: ignore[misc]
    """Rows are looked at; what happens to them are verbs."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return ["public_id", *(field.name for field in self.opts.fields if not field.primary_key)]

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return self.get_readonly_fields(request, obj)

    @admin.display(description=_("id"), ordering="id")
    def public_id(self, obj: Any) -> str:
        return str(obj.public_id)


class VersionInline(TabularInline):  # type: ignore[misc]
    model = Version
    fields = readonly_fields = ("number", "upstream_url", "scopes", "price", "currency", "notes", "released_at")
    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Category)
class CategoryAdmin(ModelAdmin):  # type: ignore[misc]
    list_display = ("name", "slug", "parent", "position")
    search_fields = ("name", "slug")
    prepopulated_fields = {"slug": ("name",)}


@admin.register(Integration)
class IntegrationAdmin(ReadOnly):
    """Every integration; filter by `In review` for the queue."""

    list_display = ("name", "slug", "partner", "environment", "status", "submitted_at", "published_at")
    list_filter = ("status", "environment", "category")
    list_select_related = ("partner",)
    search_fields = ("name", "slug", "partner__name")
    ordering = ("-submitted_at",)
    inlines = (VersionInline,)
    exclude = ("signing_secret", "version")
    actions_detail = ("approve", "request_changes", "reject", "suspend", "reinstate")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return [name for name in super().get_readonly_fields(request, obj) if name not in self.exclude]

    @action(
        description=_("Approve"),
        permissions=["review"],
        icon="check",
        dialog={"title": _("Approve it?"), "description": _("Its partner can publish it then."), "form_class": SureForm},
    )
    def approve(self, request: HttpRequest, form: BaseDialogForm, object_id: str) -> HttpResponse:
        return self._do(request, object_id, integrations.approve, _("Approved: its partner can publish it."))

    @action(
        description=_("Ask for changes"),
        permissions=["review"],
        icon="edit",
        dialog={"title": _("Ask for changes"), "description": _("It goes back as a draft."), "form_class": ReasonForm},
    )
    def request_changes(self, request: HttpRequest, form: BaseDialogForm, object_id: str) -> HttpResponse:
        return self._do(request, object_id, integrations.request_changes, _("Sent back."), reason=form.cleaned_data["reason"])

    @action(
        description=_("Reject"),
        permissions=["review"],
        icon="block",
        dialog={"title": _("Reject it?"), "description": _("For good."), "form_class": ReasonForm},
    )
    def reject(self, request: HttpRequest, form: BaseDialogForm, object_id: str) -> HttpResponse:
        return self._do(request, object_id, integrations.reject, _("Rejected."), reason=form.cleaned_data["reason"])

    @action(
        description=_("Suspend"),
        permissions=["suspend"],
        icon="pause",
        dialog={"title": _("Suspend it?"), "description": _("Calls to it are refused at once."), "form_class": ReasonForm},
    )
    def suspend(self, request: HttpRequest, form: BaseDialogForm, object_id: str) -> HttpResponse:
        return self._do(
            request, object_id, integrations.suspend, _("Suspended: its calls are refused."), reason=form.cleaned_data["reason"]
        )

    @action(
        description=_("Lift the suspension"),
        permissions=["reinstate"],
        icon="play_arrow",
        dialog={
            "title": _("Lift the suspension?"),
            "description": _("Who has installed it can call it again."),
            "form_class": SureForm,
        },
    )
    def reinstate(self, request: HttpRequest, form: BaseDialogForm, object_id: str) -> HttpResponse:
        return self._do(request, object_id, integrations.reinstate, _("It can be called again."))

    def has_review_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return self._may(request, object_id, {Status.IN_REVIEW})

    def has_suspend_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return self._may(request, object_id, set(Status) - {Status.SUSPENDED, Status.REJECTED})

    def has_reinstate_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return self._may(request, object_id, {Status.SUSPENDED})

    def _may(self, request: HttpRequest, object_id: Any, states: set[Status]) -> bool:
        if not request.user.has_perm("marketplace.change_integration"):
            return False
        row = self.get_object(request, str(object_id)) if object_id else None
        return row is None or row.status in states

    def _do(self, request: HttpRequest, object_id: str, verb: Callable[..., None], said: Any, **facts: Any) -> HttpResponse:
        row: Any = self.get_object(request, object_id)
        user: Any = request.user
        call: Any = request.call  # type: ignore[attr-defined]
        try:
            verb(integration=row, by=Actor("operator", user.pk, user.email, call.address, call.id), **facts)
        except Problem as problem:
            messages.error(request, problem.said)
        else:
            messages.success(request, said)
        # The dialog's answer: htmx loads the row's page anew.
        return HttpResponse(headers={"HX-Redirect": reverse("admin:marketplace_integration_change", args=[object_id])})


@admin.register(Installation)
class InstallationAdmin(ReadOnly):
    """Who has installed what, on which terms."""

    list_display = ("integration", "partner", "environment", "status", "price", "currency", "installed_at", "uninstalled_at")
    list_filter = ("status", "environment")
    list_select_related = ("integration", "partner")
    search_fields = ("integration__name", "integration__slug", "partner__name")
