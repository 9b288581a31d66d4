"""Pages and documents for developers."""

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import get_conditional_response, patch_vary_headers
from django.utils.translation import gettext as _
from django.views.decorators.http import condition, require_safe

from core import problems
from core.problems import ValidationError
from developers import asyncapi as asyncapi_document
from developers import errors, event_types, openapi
from webhooks import catalogue


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Where to begin."""
    return render(request, "developers/home.html", {"base_url": settings.BASE_URL})


@require_safe
def guide(request: HttpRequest) -> HttpResponse:
    """What holds for every call."""
    return render(request, "developers/guide.html", {"base_url": settings.BASE_URL})


@require_safe
def oauth(request: HttpRequest) -> HttpResponse:
    """How applications get tokens."""
    return render(request, "developers/oauth.html", {"base_url": settings.BASE_URL})


@require_safe
def error_list(request: HttpRequest) -> HttpResponse:
    """Every code that an answer can have."""
    return render(request, "developers/errors.html", {"errors": errors.catalogue()})


@require_safe
def error_detail(request: HttpRequest, code: str) -> HttpResponse:
    """One code: what it means and what to do. Problem documents link here."""
    kind = problems.catalogue().get(code)
    if kind is None:
        raise Http404
    return render(request, "developers/error.html", {"error": errors.describe(kind)})


@require_safe
def event_list(request: HttpRequest) -> HttpResponse:
    """Every event type, by family; `?q=` and `?family=` narrow it."""
    asked, family = request.GET.get("q", "")[:80], request.GET.get("family", "")
    found = event_types.families(asked, family)
    names = [each.name for each in event_types.families()]
    return render(request, "developers/events.html", {"families": found, "names": names, "asked": asked, "family": family})


@require_safe
def event_detail(request: HttpRequest, name: str) -> HttpResponse:
    """One event type: what is sent, each field, all versions."""
    kind = catalogue.find(name)
    if kind is None:
        raise Http404
    return render(request, "developers/event.html", {"family": event_types.family_of(name), **event_types.page(kind)})


@require_safe
def asyncapi(request: HttpRequest) -> HttpResponse:
    """The AsyncAPI document of what webhooks tell."""
    found, etag = asyncapi_document.document()
    response: HttpResponse | None = get_conditional_response(request, etag=etag)
    response = response or HttpResponse(found, content_type="application/json")
    for header, value in {"ETag": etag, "Cache-Control": "no-cache", "Access-Control-Allow-Origin": "*"}.items():
        response.headers[header] = value
    return response


@require_safe
def reference(request: HttpRequest) -> HttpResponse:
    """Swagger UI over the OpenAPI document: partners' operations, or operators' with `?audience=operator`."""
    for_operators = request.GET.get("audience") == "operator"
    return render(request, "developers/reference.html", {"for_operators": for_operators, "for_partners": not for_operators})


def _etag(request: HttpRequest) -> str:
    return openapi.document(_version(request)).etag


@require_safe
@condition(etag_func=_etag)
def schema(request: HttpRequest) -> HttpResponse:
    """The OpenAPI document: `?version=3.1` (default) or `3.0`, `?format=json` (default) or `yaml`."""
    found = openapi.document(_version(request))
    if _format(request) == "yaml":
        response = HttpResponse(found.yaml, content_type="application/vnd.oai.openapi")
    else:
        response = HttpResponse(found.json, content_type="application/json")
    response.headers["Cache-Control"] = "no-cache"
    response.headers["Access-Control-Allow-Origin"] = "*"
    patch_vary_headers(response, ["Accept"])
    return response


def _version(request: HttpRequest) -> str:
    wanted = request.GET.get("version", openapi.NEWEST)
    if wanted not in openapi.VERSIONS:
        raise ValidationError({"version": [_("Known versions: 3.1 and 3.0.")]})
    return openapi.VERSIONS[wanted]


def _format(request: HttpRequest) -> str:
    wanted = request.GET.get("format") or ("yaml" if "openapi" in request.headers.get("Accept", "") else "json")
    if wanted not in {"json", "yaml"}:
        raise ValidationError({"format": [_("Known formats: json and yaml.")]})
    return wanted
