"""A partner's documents on its pages: what is there, a form for more, and where the verification stands."""

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from core.problems import NotFound, ValidationError
from core.tables import listing
from partners import documents, onboarding, standing, verification
from partners.forms import DocumentForm, show_problem
from partners.models import Document, Partner
from partners.pages import PartnerRequest, partner_page


@dataclass(frozen=True, slots=True)
class Paper:
    """What a page of documents shows; `uploaded` says that this request has brought one."""

    uploaded: bool
    context: dict[str, Any]


def of(request: PartnerRequest) -> Paper:
    """Take the document that a POST brings, if it is one; list those that are there."""
    form = DocumentForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid() and _upload(request, form):
        messages.success(request, _("Uploaded."))
        return Paper(True, {})
    found = listing(request, Document.objects.filter(partner=request.partner))
    may_write = request.member.may("partner:write")
    for document in found:
        document.page_of = request.partner if may_write else None
        document.may_go = may_write and document.state in documents.UNDECIDED
    kinds = {*verification.to_go_live(request.partner.tier), *verification.wanted(request.partner)}
    wanted = [kind.label for kind in verification.lacking(request.partner, sorted(kinds))]
    return Paper(False, {"form": form, "documents": found, "wanted": wanted})


@partner_page("partner:read", post="partner:write")
def verify(request: PartnerRequest) -> HttpResponse:
    """Where the verification stands, every round of it, and what to do next."""
    partner = request.partner
    if request.method == "POST" and "submit" in request.POST:
        onboarding.submit(partner=partner, by=request.actor)
        messages.success(request, _("Submitted. We will mail you our decision."))
        return redirect(request.path)
    paper = of(request)
    if paper.uploaded:
        return redirect(request.path)
    stands = standing.of(partner)
    open_to_changes = not onboarding.closed(stands.rounds[0] if stands.rounds else None)
    context = {
        **paper.context,
        "stands": stands,
        "may_write": request.member.may("partner:write"),
        "locked": not open_to_changes or partner.status not in {Partner.Status.PENDING, Partner.Status.ACTIVE},
        "may_submit": bool(open_to_changes and partner.activated_at and not partner.verified_at and not paper.context["wanted"]),
    }
    return render(request, "partners/verification.html", context)


@partner_page("partner:write")
def remove(request: PartnerRequest, public_id: str) -> HttpResponse:
    """Take a document back, after asking."""
    document = Document.objects.filter(partner=request.partner).public(public_id).first()
    if document is None:
        raise NotFound()
    if request.method == "POST":
        documents.remove(document=document, by=request.actor)
        messages.success(request, _("The document was taken back and deleted."))
        return redirect("partners:verification", slug=request.partner.slug)
    return render(request, "partners/document_remove.html", {"document": document})


def _upload(request: PartnerRequest, form: DocumentForm) -> bool:
    """Whether it was taken; what is wrong with it stands beside the field."""
    file = form.cleaned_data["file"]
    try:
        facts = {"kind": form.cleaned_data["kind"], "filename": file.name, "content": file.read()}
        documents.upload(partner=request.partner, by=request.actor, **facts)
    except ValidationError as problem:
        show_problem(form, problem)
        return False
    return True
