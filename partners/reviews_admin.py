"""The operators' console for reviews: the queue with everything that is decided about on one page, and documents."""

from typing import Any

from django import forms
from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget, UnfoldBooleanSwitchWidget

from core.console import Deed, NoteForm, ReadOnly, ReasonForm
from core.console_lists import ConsoleList
from core.models import User
from core.problems import Problem
from partners import countries, documents, inspection, onboarding, reviews, standing
from partners.models import Document, Review
from partners.serving import as_download, as_picture

LABELS = {
    "active": "success",
    "approved": "success",
    "accepted": "success",
    "pending": "info",
    "scanning": "info",
    "waiting": "info",
    "suspended": "danger",
    "rejected": "danger",
    "infected": "danger",
    "outdated": "warning",
    "changes_requested": "warning",
}

GOES_LIVE = _("The partner goes live, is verified if its documents were accepted, and is told by mail.")
MENDS_IT = _("The partner reads by mail and in the portal what to change, and can submit again.")
REFUSES = _("The partner reads why. It can submit again, unless you say that this is final.")


class ApprovalForm(NoteForm):
    """Asks what was looked at, besides a note; approving without having looked at all of it is asking for changes."""

    checklist = forms.MultipleChoiceField(
        label=_("I have checked"), choices=reviews.CHECKLIST.items(), widget=UnfoldAdminCheckboxSelectMultipleWidget
    )

    def clean_checklist(self) -> list[str]:
        ticked: list[str] = self.cleaned_data["checklist"]
        if set(ticked) != set(reviews.CHECKLIST):
            raise forms.ValidationError(_("Tick each once you have checked it, or ask the partner for changes."))
        return ticked


class RejectionForm(ReasonForm):
    """Asks why, and whether for good."""

    final = forms.BooleanField(label=_("Final: the partner can't submit again"), required=False, widget=UnfoldBooleanSwitchWidget)


def operator_behind(request: HttpRequest) -> User:
    """The operator as a row."""
    user: Any = request.user
    return user  # type: ignore[no-any-return]  # the console's user is ours


def deciding(row: Any, request: HttpRequest) -> dict[str, Any]:
    """What verbs take that write down who decided."""
    return {row._meta.model_name: row, "operator": request.user}


def deciding_review(row: Review, request: HttpRequest) -> dict[str, Any]:
    """The same of a review, which is about its partner."""
    return {"partner": row.partner, "operator": request.user}


@admin.register(Review)
class ReviewAdmin(ReadOnly, ConsoleList):
    """The queue of partners that submitted, oldest first, and every decision of the past."""

    list_display = ["partner", "shown_decision", "created_at", "decided_at", "decided_by"]
    list_filter = ["decision"]
    list_select_related = ["partner", "decided_by"]
    search_fields = ["partner__name", "partner__slug"]
    ordering = ["id"]
    actions = ["approve_selected"]
    actions_detail = ["approve", "request_changes", "reject"]
    fields = ["partner", "decision", "reason", "final", "checked", "created_at", "decided_at", "decided_by"]
    change_form_after_template = "admin/partners/dossier.html"

    def get_fields(self, request: HttpRequest, obj: Review | None = None) -> list[str]:
        """Without what only a decision fills in, while there is none."""
        waiting = obj is not None and obj.decision == Review.Decision.WAITING
        return ["partner", "decision", "created_at"] if waiting else self.fields

    def change_view(self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """With the dossier: what the partner says of itself, and its documents to look at."""
        review = self.get_object(request, object_id)
        context = {"dossier": dossier(review)} if review else {}
        answer: HttpResponse = super().change_view(request, object_id, form_url, {**context, **(extra_context or {})})
        return answer

    @display(description=_("decision"), ordering="decision", label=LABELS)
    def shown_decision(self, obj: Review) -> tuple[str, str]:
        return obj.decision, obj.get_decision_display()

    @display(description=_("checked"))
    def checked(self, obj: Review) -> str:
        return " ".join(str(reviews.CHECKLIST.get(name, name)) for name in obj.checklist) or "–"

    approve = Deed(
        verb=reviews.approve,
        states={Review.Decision.WAITING},
        field="decision",
        label=_("Approve"),
        icon="check_circle",
        text=GOES_LIVE,
        asks=ApprovalForm,
        takes=deciding_review,
        chosen=_("Approve these partners"),
    )
    request_changes = Deed(
        verb=reviews.request_changes,
        states={Review.Decision.WAITING},
        field="decision",
        label=_("Ask for changes"),
        icon="edit_note",
        text=MENDS_IT,
        asks=ReasonForm,
        takes=deciding_review,
    )
    reject = Deed(
        verb=reviews.reject,
        states={Review.Decision.WAITING},
        field="decision",
        label=_("Reject"),
        icon="cancel",
        text=REFUSES,
        asks=RejectionForm,
        takes=deciding_review,
    )


@admin.register(Document)
class DocumentAdmin(ReadOnly, ConsoleList):
    """Documents to check, oldest first."""

    list_display = ["partner", "kind", "filename", "size", "shown_state", "created_at"]
    list_filter = ["state", "kind"]
    list_select_related = ["partner"]
    search_fields = ["partner__name", "partner__slug"]
    ordering = ["id"]
    actions = ["accept_selected"]
    actions_detail = ["accept", "reject"]
    fields = [
        "partner",
        "kind",
        "content",
        "content_type",
        "size",
        "pages",
        "state",
        "reason",
        "created_at",
        "decided_at",
        "decided_by",
    ]
    readonly_fields = ["content"]
    change_form_after_template = "admin/partners/preview.html"

    def get_urls(self) -> Any:
        guarded = self.admin_site.admin_view
        return [
            path("<uuid:pk>/content", guarded(self.serve), name="partners_document_content"),
            path("<uuid:pk>/pages/<int:number>", guarded(self.draw), name="partners_document_page"),
            *super().get_urls(),
        ]

    def serve(self, request: HttpRequest, pk: Any) -> HttpResponse:
        """The file, as a download that no browser tries to run."""
        return as_download(self._found(request, pk))

    def draw(self, request: HttpRequest, pk: Any, number: int) -> HttpResponse:
        """A picture of one page: an operator's browser never opens what a stranger sent."""
        try:
            return as_picture(inspection.draw(documents.read(self._found(request, pk)), number))
        except Problem as problem:
            raise Http404 from problem

    def _found(self, request: HttpRequest, pk: Any) -> Document:
        document = Document.objects.filter(pk=pk).first() if self.has_view_permission(request) else None
        if document is None:
            raise Http404
        return document

    @display(description=_("file"))
    def content(self, obj: Document) -> str:
        if not obj.can_be_opened:
            return obj.filename
        url = reverse("admin:partners_document_content", kwargs={"pk": obj.pk})
        return format_html('<a href="{}" class="text-primary-600 underline">{}</a>', url, obj.filename)

    @display(description=_("state"), ordering="state", label=LABELS)
    def shown_state(self, obj: Document) -> tuple[str, str]:
        return obj.state, obj.get_state_display()

    accept = Deed(
        verb=documents.accept,
        states={Document.State.WAITING},
        field="state",
        label=_("Accept"),
        icon="check_circle",
        text=_("The document shows what it should."),
        takes=deciding,
        chosen=_("Accept these documents"),
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


def dossier(review: Review) -> dict[str, Any]:
    """What is decided about, for the review's page."""
    partner = review.partner
    company, setup = partner.company, partner.api_setup
    facts = [
        (onboarding.label(model, name), _shown(row, name))
        for row in (partner, company, setup)
        for model, names in ((model, names) for step in onboarding.FIELDS.values() for model, names in step.items())
        if isinstance(row, model)
        for name in names
    ]
    return {
        "facts": [*facts, (_("What the webhook address answered"), setup.webhook_finding)],
        "missing": onboarding.missing(partner, accepted=True),
        "documents": Document.objects.filter(partner=partner).order_by("-id")[:20],
        "rounds": standing.of(partner).rounds,
        "checklist": reviews.CHECKLIST.values(),
    }


def _shown(row: Any, name: str) -> Any:
    """A field as people read it: choices and countries by their names."""
    value = getattr(row, name)
    if name == "country":
        return countries.name(value) if value else ""
    named = getattr(row, f"get_{name}_display", None)
    return named() if named else value
