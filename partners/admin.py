"""The operators' console for partners. Every change goes through a verb."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db import models
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.admin import StackedInline, TabularInline
from unfold.decorators import display
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget, UnfoldBooleanWidget

from core.console import Deed, NoteForm, ReadOnly, ReasonForm, SureForm, operator_of
from core.console_lists import ConsoleList
from partners import (
    accounts_admin,  # noqa: F401  (registers)
    erasure,
    invitations,
    logos,
    partners,
    reviews,
    tiers,
    tiers_admin,  # noqa: F401  (registers)
)
from partners.impersonations_admin import Enterable
from partners.letters_admin import Written
from partners.models import ApiSetup, Company, Document, DocumentKind, Partner, Review, Tier
from partners.permissions import Role
from partners.reviews_admin import GOES_LIVE, LABELS, MENDS_IT, REFUSES, ApprovalForm, RejectionForm, deciding
from partners.team_admin import InvitationInline, MemberInline, OwnerForm
from partners.terms_admin import AcceptanceInline


class ForGoodForm(SureForm):
    """Asks twice."""

    _sure = forms.BooleanField(label=_("I know that nothing can bring it back."), widget=UnfoldBooleanWidget)


class CompanyInline(ReadOnly, StackedInline):
    model = Company
    tab = True


class ApiSetupInline(ReadOnly, StackedInline):
    model = ApiSetup
    verbose_name = verbose_name_plural = _("API setup")
    fields = ["use_case", "expected_monthly_calls", "webhook_url", "webhook_finding", "oauth_callback_url"]
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
class PartnerAdmin(Enterable, Written, ConsoleList):
    """Partners: look, change, decide."""

    list_display = ["name", "slug", "type", "shown_status", "tier", "created_at", "activated_at"]
    list_filter = ["status", "type", "tier", ("deleted_at", admin.EmptyFieldListFilter)]
    list_select_related = ["tier"]
    search_fields = ["name", "slug", "members__user__email"]
    search_help_text = _("Name, slug, id, or the address of somebody in the team.")
    ordering = ["-id"]
    sortable_by = ["name"]
    formfield_overrides = {models.URLField: {"assume_scheme": "https"}}
    actions = [
        "approve_selected",
        "suspend_selected",
        "reactivate_selected",
        "change_tier_selected",
        "message_selected",
        "close_selected",
    ]
    list_disable_select_all = False
    actions_detail = [
        "timeline",
        "enter",
        "approve",
        "request_changes",
        "reject",
        "suspend",
        "reactivate",
        "close",
        "delete_softly",
        "restore",
        "erase",
        "invite_owner",
        "remove_logo",
        "message",
        "note",
    ]
    actions_detail_hide_default = True  # the timeline tells more than Django's history, and there are many buttons
    inlines = [CompanyInline, ApiSetupInline, ReviewInline, DocumentInline, MemberInline, InvitationInline, AcceptanceInline]
    fields = ["name", "type", "tier", "website", "summary", "description", "public_email", "listed"]
    heading_fields = ["status", "status_reason"]
    readonly_fields = [
        *heading_fields,
        "shown_logo",
        "public_id",
        "slug",
        "created_at",
        "activated_at",
        "verified_at",
        "closed_at",
        "deleted_at",
        "erased_at",
    ]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # deleting is a verb with a way back

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return ["name", "type"]
        first = self.heading_fields if obj.status_reason else self.heading_fields[:1]
        return [*first, *self.fields, *self.readonly_fields[len(self.heading_fields) :]]

    def get_inlines(self, request: HttpRequest, obj: Any) -> Any:
        return self.inlines if obj else []

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], **given: Any) -> Any:
        """One doesn't make partners by the dozen."""
        return super().render_change_form(request, context | {"show_save_and_add_another": False}, **given)

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

    @display(description=_("logo"))
    def shown_logo(self, obj: Partner) -> SafeString | str:
        return format_html('<img src="{}" alt="" width="64" height="64">', obj.logo_small) if obj.logo else "–"

    @display(description=_("id"))
    def public_id(self, obj: Partner) -> str:
        return obj.public_id

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
    remove_logo = Deed(
        verb=logos.take_down,
        label=_("Remove the logo"),
        icon="hide_image",
        text=_("Its initials stand in its place, everywhere and at once. The team is told by mail, and can upload another one."),
        asks=ReasonForm,
        states={True},
        field="has_logo",
    )
    approve = Deed(
        verb=reviews.approve,
        states={Partner.Status.PENDING},
        label=_("Approve"),
        icon="check_circle",
        text=GOES_LIVE,
        asks=ApprovalForm,
        takes=deciding,
        permission="partners.change_review",
        chosen=_("Approve the chosen partners"),
    )
    request_changes = Deed(
        verb=reviews.request_changes,
        states={Partner.Status.PENDING},
        label=_("Ask for changes"),
        icon="edit_note",
        text=MENDS_IT,
        asks=ReasonForm,
        takes=deciding,
        permission="partners.change_review",
    )
    reject = Deed(
        verb=reviews.reject,
        states={Partner.Status.PENDING},
        label=_("Reject"),
        icon="cancel",
        text=REFUSES,
        asks=RejectionForm,
        takes=deciding,
        permission="partners.change_review",
    )
    suspend = Deed(
        verb=partners.suspend,
        states={Partner.Status.ACTIVE},
        label=_("Suspend"),
        icon="block",
        text=_("Its calls are refused from the next one on. The team is told by mail."),
        asks=ReasonForm,
        chosen=_("Suspend the chosen partners"),
    )
    reactivate = Deed(
        verb=partners.reactivate,
        states={Partner.Status.SUSPENDED},
        label=_("Reactivate"),
        icon="play_circle",
        text=_("Its calls are let through again. The team is told by mail."),
        asks=NoteForm,
        chosen=_("Reactivate the chosen partners"),
    )
    close = Deed(
        verb=partners.close,
        states=set(Partner.Status) - {Partner.Status.CLOSED},
        label=_("Close"),
        icon="lock",
        text=_("Its credentials stop working. It can be restored until its personal data is erased."),
        asks=ReasonForm,
        permission="partners.delete_partner",
        chosen=_("Close the chosen partners"),
    )
    delete_softly = Deed(
        verb=partners.delete,
        label=_("Delete"),
        icon="delete",
        text=_("It is closed and leaves every list. It can be restored until its personal data is erased."),
        asks=NoteForm,
        permission="partners.delete_partner",
    )
    restore = Deed(
        verb=partners.restore,
        states={Partner.Status.CLOSED},
        label=_("Restore"),
        icon="restore",
        text=_("It comes back in the state that it had before it was closed."),
        asks=NoteForm,
        permission="partners.delete_partner",
    )
    erase = Deed(
        verb=erasure.erase,
        states={Partner.Status.CLOSED},
        label=_("Erase personal data"),
        icon="delete_forever",
        text=_("People, documents, contacts and what its events said are erased for good. Records of money stay."),
        said=_("Its personal data is erased."),
        asks=ForGoodForm,
        permission="partners.delete_partner",
    )


@admin.register(Tier)
class TierAdmin(ConsoleList):
    """The ladder. A change of limits holds for every partner of the tier from its next call on."""

    list_display = ["name", "rank", "price_minor", "currency", "monthly_quota", "commission_rate", "marketplace_fee"]
    ordering = ["rank"]
    fieldsets = [
        (None, {"fields": ["name", "slug", "rank"]}),
        (_("Price and shares"), {"fields": ["price_minor", "currency", "commission_rate", "marketplace_fee"]}),
        (_("Limits"), {"fields": ["monthly_quota", "over_quota", "key_rate", "partner_rate", "calls_at_once", "longest_grace"]}),
        (_("What comes with it"), {"fields": ["servers", "support"]}),
        (
            _("To go live on it"),
            {"fields": ["needs_information", "needs_application", "needs_documents", "needs_contract", "document_kinds"]},
        ),
    ]

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "document_kinds":
            return forms.MultipleChoiceField(
                label=db_field.verbose_name,
                help_text=db_field.help_text,
                choices=DocumentKind.choices,
                required=False,
                widget=UnfoldAdminCheckboxSelectMultipleWidget,
            )
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def save_model(self, request: HttpRequest, obj: Tier, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        tiers.changed(obj)
