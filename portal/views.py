"""Pages that belong to no one app: the front page, the way into the portal, the theme, and errors."""

import sys

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET, require_POST

from core.middleware import AWAY
from portal.context import THEMES, Site

YEAR = 365 * 24 * 3600

FEATURES = (
    {
        "icon": "key-round",
        "title": _("Keys in a minute"),
        "text": _("Live and test keys with scopes, IP allowlists, rotation with a grace period, and a stop that holds at once."),
    },
    {
        "icon": "webhook",
        "title": _("Webhooks that arrive"),
        "text": _("Signed by an open standard, retried with back-off, every attempt on record, and replayed at a click."),
    },
    {
        "icon": "chart-line",
        "title": _("Usage to the call"),
        "text": _("Every request with its status and latency, live within seconds; quotas and limits that say where you stand."),
    },
    {
        "icon": "store",
        "title": _("A marketplace"),
        "text": _(
            "Publish your integration behind our gateway, with its own plans and reviews, and be found by every other partner."
        ),
    },
    {
        "icon": "landmark",
        "title": _("Revenue, traceable"),
        "text": _("Every cent you earn leads back to the call or order behind it, in a ledger that always balances."),
    },
    {
        "icon": "shield-check",
        "title": _("Safe by default"),
        "text": _("Passkeys and two-factor sign-in, roles for your team, secrets shown once, and a log that can’t be rewritten."),
    },
)


@require_GET
def landing(request: HttpRequest) -> HttpResponse:
    """The front page; whoever is signed in goes on to the portal."""
    if request.user.is_authenticated:
        return redirect("portal:home")
    return render(request, "portal/landing.html", {"features": FEATURES, "base_url": settings.BASE_URL})


@require_GET
@login_required
def home(request: HttpRequest) -> HttpResponse:
    """The way in: to the partner one was at last or the only one there is, otherwise a choice of them (always so with `?all`);
    operators without one go to their console."""
    memberships = Site(request).memberships
    there = next((each for each in memberships if each.chosen), memberships[0] if len(memberships) == 1 else None)
    if there and "all" not in request.GET:
        return redirect(there.url)
    if not memberships and request.user.is_staff:
        return redirect("admin:index")
    return render(request, "portal/home.html")


@require_POST
def theme(request: HttpRequest) -> HttpResponse:
    """Remember light or dark in a cookie. It is a preference, not a secret, so that scripts may read it."""
    response = back(request)
    chosen = request.POST.get("theme", "")
    if chosen in THEMES:
        name = f"portico_theme{settings.COOKIE_SUFFIX}"
        response.set_cookie(name, chosen, max_age=YEAR, samesite="Lax", secure=settings.SESSION_COOKIE_SECURE)
    return response


def back(request: HttpRequest) -> HttpResponse:
    """A redirect to the page of this site that the form came from."""
    target = request.POST.get("next", "")
    safe = url_has_allowed_host_and_scheme(target, allowed_hosts={request.get_host()}, require_https=request.is_secure())
    return redirect(target if safe else "/")


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return render(request, "errors/400.html", status=400)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    return render(request, "errors/403.html", status=403)


def stale(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form whose CSRF token doesn't count: usually one that was open while its reader signed in or out elsewhere."""
    page = request.headers.get("Referer", "")
    safe = url_has_allowed_host_and_scheme(page, allowed_hosts={request.get_host()}, require_https=request.is_secure())
    return render(request, "errors/stale.html", {"page": page if safe else "/"}, status=403)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return render(request, "errors/404.html", status=404)


def too_many(request: HttpRequest) -> HttpResponse:
    """Attempts to sign in, sign up or guess a code went beyond what is allowed (`ACCOUNT_RATE_LIMITS`)."""
    response = render(request, "errors/429.html", status=429)
    response["Retry-After"] = "60"
    return response


def broken(request: HttpRequest) -> HttpResponse:
    """Needs nothing that may be what is broken: no database, no session, no context processors.

    It is 503 while PostgreSQL or Redis can't be reached, which Django has in hand when it asks for this page.
    """
    if isinstance(sys.exception(), AWAY):
        response = HttpResponse(render_to_string("errors/503.html"), status=503)
        response["Retry-After"] = "10"
        return response
    return HttpResponse(
        render_to_string("errors/500.html", {"request_id": request.META.get("HTTP_X_REQUEST_ID", "")}), status=500
    )
