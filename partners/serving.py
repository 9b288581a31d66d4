"""How a document leaves the platform: never so that a browser would run it."""

from django.http import Http404, HttpResponse
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_GET

from core.problems import Problem
from partners import documents
from partners.models import Document
from partners.pages import PartnerRequest, partner_page

# Nothing in it may load, run, or be shown inside another page.
POLICY = "default-src 'none'; sandbox; frame-ancestors 'none'"


@require_GET
@partner_page("partner:write", hidden=True)
def own_document(request: PartnerRequest, public_id: str) -> HttpResponse:
    """A partner's own document, as a download, for those of its people who may change what it says of itself."""
    document = Document.objects.filter(partner=request.partner).public(public_id).first()
    if document is None:
        raise Http404
    return as_download(document)


def as_download(document: Document) -> HttpResponse:
    """The file as an attachment. Raises Http404 for one that can't be opened yet, or no more."""
    try:
        response = HttpResponse(documents.read(document), content_type=document.content_type)
    except Problem as problem:
        raise Http404 from problem
    response.headers["Content-Disposition"] = content_disposition_header(True, document.filename) or "attachment"
    return _guarded(response)


def as_picture(content: bytes) -> HttpResponse:
    """A PNG of our own making, to be looked at."""
    return _guarded(HttpResponse(content, content_type="image/png"))


def _guarded(response: HttpResponse) -> HttpResponse:
    response.headers["Content-Security-Policy"] = POLICY
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cache-Control"] = "no-store"
    return response
