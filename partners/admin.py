"""The operators' console for partners. Every change goes through a verb."""

from typing import Any

from django.contrib import admin
from django.db import models
from django.db.models import QuerySet
from django.http import FileResponse, Http404, HttpRequest
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin, StackedInline, TabularInline
from unfold.decorators import action, display

from core.console import Deed, NoteForm, ReadOnly, ReasonForm, each, operator_of
from core.models import User
from partners import documents, invitations, partners, tiers
from partners.models import ApiSetup, Company, Document, Partner, Review, Tier
from partners.permissions import Role
from partners.team_admin import InvitationInline, MemberInline, OwnerForm
from partners.terms_admin import AcceptanceInline

LABELS = {
    "active": "success",
    "approved": "success",
    "accepted": "success",
    "pending": "info",
    "waiting": "info",
    "suspended": "danger",
    "rejected": "danger",
    "changes_requested": "warning",
}


def deciding(row: Any, request: HttpRequest) -> dict[str, Any]:
    """What verbs take that write down who decided."""
    return {row._meta.model_name: row, "operator": request.user}


def deciding_review(row: Review, request: HttpRequest) -> dict[str, Any]:
    """The same of a review, which is about its partner."""
    return {"partner": row.partner, "operator": request.user}


GOES_LIVE = _("The partner goes live and is told by mail.")
MENDS_IT = _("The partner reads the reason, and can mend it and submit again.")


class CompanyInline(ReadOnly, StackedInline):
    model = Company
    tab = True


class ApiSetupInline(ReadOnly, StackedInline):
    model = ApiSetup
    fields = ["use_case", "expected_monthly_calls", "webhook_url", "oauth_callback_url"]
    tab = True


class ReviewInline(ReadOnly, TabularInline):
    model = Review
    fields = ["created_at", "decision", "reason", "decided_at", "decided_by"]
    tab = True


class DocumentInline(ReadOnly, TabularInline):
    model = Document
    fields = ["kind", "filename", "size", "state", "reason"]
    show_change_link = True
    tab = True


@admin.register(Partner)
class PartnerAdmin(ModelAdmin):
    """Partners: look, change, decide."""

    list_display = ["name", "slug", "type", "shown_status", "tier", "created_at", "activated_at"]
    list_filter = ["status", "type", "tier", ("deleted_at", admin.EmptyFieldListFilter)]
    list_select_related = ["tier"]
    search_fields = ["name", "slug", "members__user__email"]
    search_help_text = _("Name, slug, id, or the address of somebody in the team.")
    ordering = ["-id"]
    show_full_result_count = False
    formfield_overrides = {models.URLField: {"assume_scheme": "https"}}
    actions = ["approve_selected", "reactivate_selected"]
    actions_detail = ["approve", "reject", "suspend", "reactivate", "close", "delete_softly", "restore", "invite_owner"]
    inlines = [CompanyInline, ApiSetupInline, ReviewInline, DocumentInline, MemberInline, InvitationInline, AcceptanceInline]
    fields = ["name", "type", "tier", "website", "description", "listed"]
    readonly_fields = ["public_id", "slug", "status", "status_reason", "created_at", "activated_at", "deleted_at"]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # deleting is a verb with a way back

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ["name", "type"] if obj is None else [*self.fields, *self.readonly_fields]

    def get_inlines(self, request: HttpRequest, obj: Any) -> Any:
        return self.inlines if obj else []

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[Any, bool]:
        found = Partner.objects.public(search_term.strip())
        return (found, False) if found.exists() else super().get_search_results(request, queryset, search_term)

    def save_model(self, request: HttpRequest, obj: Partner, form: Any, change: bool) -> None:
        by = operator_of(request)
        if not change:
            made = partners.create(name=obj.name, type=obj.type, by=by, active=True)
            obj.__dict__.update(made.__dict__)
            return
        given = {name: form.cleaned_data[name] for name in form.changed_data}
        tier = given.pop("tier", None)
        obj.refresh_from_db()
        if tier is not None:
            partners.change_tier(partner=obj, tier=tier, by=by)
        partners.update(partner=obj, by=by, **given)

    @display(description=_("status"), ordering="status", label=LABELS)
    def shown_status(self, obj: Partner) -> tuple[str, str]:
        return obj.status, obj.get_status_display()

    @display(description=_("id"))
    def public_id(self, obj: Partner) -> str:
        return obj.public_id

    @action(description=_("Approve those that wait for review"), permissions=["change"])
    def approve_selected(self, request: HttpRequest, queryset: QuerySet[Partner]) -> None:
        by, operator = operator_of(request), _user(request)
        each(request, queryset, lambda row: partners.approve(partner=row, by=by, operator=operator))

    @action(description=_("Reactivate suspended ones"), permissions=["change"])
    def reactivate_selected(self, request: HttpRequest, queryset: QuerySet[Partner]) -> None:
        by = operator_of(request)
        each(request, queryset, lambda row: partners.reactivate(partner=row, by=by))

    invite_owner = Deed(
        verb=invitations.invite,
        label=_("Invite the owner"),
        icon="person_add",
        text=_("A partner that an operator made has nobody who signs in for it. They get a mail with a link."),
        asks=OwnerForm,
        takes=lambda row, request: {"partner": row, "role": Role.OWNER},
        states={False},
        field="has_owner",
    )
    approve = Deed(
        verb=partners.approve,
        states={Partner.Status.PENDING},
        label=_("Approve"),
        icon="check_circle",
        text=GOES_LIVE,
        asks=NoteForm,
        takes=deciding,
    )
    reject = Deed(
        verb=partners.reject,
        states={Partner.Status.PENDING},
        label=_("Reject"),
        icon="cancel",
        text=MENDS_IT,
        asks=ReasonForm,
        takes=deciding,
    )
    suspend = Deed(
        verb=partners.suspend,
        states={Partner.Status.ACTIVE},
        label=_("Suspend"),
        icon="block",
        text=_("Its calls are refused from the next one on. The team is told by mail."),
        asks=ReasonForm,
    )
    reactivate = Deed(
        verb=partners.reactivate,
        states={Partner.Status.SUSPENDED},
        label=_("Reactivate"),
        icon="play_circle",
        text=_("Its calls are let through again."),
    )
    close = Deed(
        verb=partners.close,
        states=set(Partner.Status) - {Partner.Status.CLOSED},
        label=_("Close"),
        icon="lock",
        text=_("Its credentials stop working. It can be restored."),
        asks=ReasonForm,
    )
    delete_softly = Deed(
        verb=partners.delete,
        label=_("Delete"),
        icon="delete",
        text=_("It is closed and leaves every list. It can be restored."),
    )
    restore = Deed(
        verb=partners.restore,
        states={Partner.Status.CLOSED},
        label=_("Restore"),
        icon="restore",
        text=_("It comes back in the state that it had before it was closed."),
    )


@admin.register(Review)
class ReviewAdmin(ReadOnly, ModelAdmin):
    """The queue of partners that submitted, oldest first, and every decision of the past."""

    list_display = ["partner", "shown_decision", "created_at", "decided_at", "decided_by"]
    list_filter = ["decision"]
    list_select_related = ["partner", "decided_by"]
    search_fields = ["partner__name", "partner__slug"]
    ordering = ["id"]
    show_full_result_count = False
    actions = ["approve_selected"]
    actions_detail = ["approve", "reject"]
    fields = ["partner", "decision", "reason", "created_at", "decided_at", "decided_by"]

    @display(description=_("decision"), ordering="decision", label=LABELS)
    def shown_decision(self, obj: Review) -> tuple[str, str]:
        return obj.decision, obj.get_decision_display()

    @action(description=_("Approve these partners"), permissions=["act"])
    def approve_selected(self, request: HttpRequest, queryset: QuerySet[Review]) -> None:
        by, operator = operator_of(request), _user(request)
        rows = queryset.filter(decision=Review.Decision.WAITING).select_related("partner__tier")
        each(request, rows, lambda row: partners.approve(partner=row.partner, by=by, operator=operator))

    approve = Deed(
        verb=partners.approve,
        states={Review.Decision.WAITING},
        field="decision",
        label=_("Approve"),
        icon="check_circle",
        text=GOES_LIVE,
        asks=NoteForm,
        takes=deciding_review,
    )
    reject = Deed(
        verb=partners.reject,
        states={Review.Decision.WAITING},
        field="decision",
        label=_("Reject"),
        icon="cancel",
        text=MENDS_IT,
        asks=ReasonForm,
        takes=deciding_review,
    )


@admin.register(Document)
class DocumentAdmin(ReadOnly, ModelAdmin):
    """Documents to check, oldest first."""

    list_display = ["partner", "kind", "filename", "size", "shown_state", "created_at"]
    list_filter = ["state", "kind"]
    list_select_related = ["partner"]
    search_fields = ["partner__name", "partner__slug", "filename"]
    ordering = ["id"]
    show_full_result_count = False
    actions = ["accept_selected"]
    actions_detail = ["accept", "reject"]
    fields = ["partner", "kind", "content", "content_type", "size", "state", "reason", "created_at", "decided_at", "decided_by"]
    readonly_fields = ["content"]

    def get_urls(self) -> Any:
        serve = self.admin_site.admin_view(self.serve)
        return [path("<uuid:pk>/content", serve, name="partners_document_content"), *super().get_urls()]

    def serve(self, request: HttpRequest, pk: Any) -> FileResponse:
        """The file, as a download that no browser tries to run."""
        document = Document.objects.filter(pk=pk).first() if self.has_view_permission(request) else None
        if document is None:
            raise Http404
        response = FileResponse(document.file.open("rb"), as_attachment=True, filename=document.filename)
        response["Content-Type"] = document.content_type
        response["Cache-Control"] = "no-store"
        return response

    @display(description=_("file"))
    def content(self, obj: Document) -> str:
        url = reverse("admin:partners_document_content", kwargs={"pk": obj.pk})
        return format_html('<a href="{}" class="text-primary-600 underline">{}</a>', url, obj.filename)

    @display(description=_("state"), ordering="state", label=LABELS)
    def shown_state(self, obj: Document) -> tuple[str, str]:
        return obj.state, obj.get_state_display()

    @action(description=_("Accept these documents"), permissions=["act"])
    def accept_selected(self, request: HttpRequest, queryset: QuerySet[Document]) -> None:
        by, operator = operator_of(request), _user(request)
        each(request, queryset, lambda row: documents.accept(document=row, by=by, operator=operator))

    accept = Deed(
        verb=documents.accept,
        states={Document.State.WAITING},
        field="state",
        label=_("Accept"),
        icon="check_circle",
        text=_("The document shows what it should."),
        takes=deciding,
    )
    reject = Deed(
        verb=documents.reject,
        states={Document.State.WAITING},
        field="state",
        label=_("Reject"),
        icon="cancel",
        text=_("The partner reads the reason."),
        asks=ReasonForm,
        takes=deciding,
    )


@admin.register(Tier)
class TierAdmin(ModelAdmin):
    """The ladder. A change of limits holds for every partner of the tier from its next call on."""

    list_display = ["name", "rank", "price_minor", "currency", "monthly_quota", "commission_rate", "marketplace_fee"]
    ordering = ["rank"]
    fieldsets = [
        (None, {"fields": ["name", "slug", "rank"]}),
        (_("Price and shares"), {"fields": ["price_minor", "currency", "commission_rate", "marketplace_fee"]}),
        (_("Limits"), {"fields": ["monthly_quota", "over_quota", "key_rate", "partner_rate", "longest_grace"]}),
        (_("What comes with it"), {"fields": ["servers", "support"]}),
        (_("To go live on it"), {"fields": ["needs_documents", "needs_application", "needs_contract"]}),
    ]

    def save_model(self, request: HttpRequest, obj: Tier, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        tiers.changed(obj)


def _user(request: HttpRequest) -> User:
    user: Any = request.user
    return user  # type: ignore[no-any-return]  # the console's user is ours
