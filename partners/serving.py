"""How a file leaves the platform: never so that a browser would run it."""

from django.http import Http404, HttpRequest, HttpResponse
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_GET, require_safe

from core.problems import Problem
from partners import documents
from partners.models import Document, Logo
from partners.pages import PartnerRequest, partner_page

# Nothing in it may load, run, or be shown inside another page.
POLICY = "default-src 'none'; sandbox; frame-ancestors 'none'"


@require_GET
@partner_page("partner:write", hidden=True, operators="never")
def own_document(request: PartnerRequest, public_id: str) -> HttpResponse:
    """A partner's own document, as a download, for those of its people who may change what it says of itself."""
    document = Document.objects.filter(partner=request.partner).public(public_id).first()
    if document is None:
        raise Http404
    return as_download(document)


@require_safe
def logo(request: HttpRequest, name: str, size: int) -> HttpResponse:
    """A partner's logo, to everybody. Its address changes with it, so that caches may keep it for ever."""
    found = Logo.objects.shown().filter(name=name).first()
    if found is None or size not in (Logo.SMALL, Logo.LARGE):
        raise Http404
    with found.file(size).open("rb") as file:
        response = _guarded(HttpResponse(file.read(), content_type="image/png"))
    response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    return response


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
