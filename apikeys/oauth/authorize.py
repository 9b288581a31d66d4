"""The authorization endpoint (RFC 6749, section 3.1): from an application's request to a partner's yes or no.

Two pages: one for anybody who is sent here, where the request is looked at and the partner chosen, and the partner's own, which
asks. The request stands in the URL of both and is looked at by both. What is wrong with the application or the address to send
people back to is said here; never is anybody sent to an address that isn't registered.
"""

from typing import Any

from authlib.oauth2.rfc6749 import errors
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from apikeys.forms import rights_of
from apikeys.oauth import consents, redirects, server
from apikeys.oauth.models import Application
from core import scopes
from core.models import Environment
from core.problems import Problem
from partners.models import Member, Partner
from partners.pages import PartnerRequest, partner_page

PERMISSION = "keys:write"
LONGEST_STATE = 2_000


class Asked:
    """A sound request: by which application, for which scopes, and where its answer goes."""

    def __init__(self, request: HttpRequest) -> None:
        """Raises OAuth2Error; with a `redirect_uri`, where it may be told to the application."""
        sent = server.Request(request, request.GET)
        grant = server.SERVER.get_consent_grant(sent)
        if any(len(values) > 1 for values in sent.payload.datalist.values()):
            raise errors.InvalidRequestError("A parameter was sent twice.", redirect_uri=grant.redirect_uri)
        self.application: Application = grant.client.application
        self.scopes = sorted(set(sent.scope.split()))
        self.answer_to = str(grant.redirect_uri)
        self.redirect_uri = sent.payload.redirect_uri or ""
        self.state = sent.payload.state or ""
        self.code_challenge = sent.payload.data["code_challenge"]


@never_cache
@require_safe
@login_required
def authorize(request: HttpRequest) -> HttpResponse:
    """Look at the request, and find out for which partner it is asked."""
    try:
        asked = Asked(request)
    except errors.OAuth2Error as error:
        return _refuse(request, error)
    members = _members(request, asked.application)
    if len(members) == 1:
        return redirect(_page_of(request, members[0].partner))
    choices = [(member.partner, _page_of(request, member.partner)) for member in members]
    return render(request, "oauth/choose.html", {"asked": asked, "choices": choices})


@never_cache
@require_http_methods(["GET", "POST"])
@partner_page(PERMISSION, operators="never")
def consent(request: PartnerRequest) -> HttpResponse:
    """Ask this partner, and send the answer to the application."""
    try:
        asked = Asked(request)
        request.environment = asked.application.environment
        if request.method == "POST":
            if request.POST.get("decision") != "allow":
                raise errors.AccessDeniedError(redirect_uri=asked.answer_to, state=asked.state)
            return _away(server.redirect_with(asked.answer_to, code=_code(request, asked), state=asked.state))
    except errors.OAuth2Error as error:
        return _refuse(request, error)
    problem = _hindrance(request, asked)
    context = {
        "asked": asked,
        "partner": request.partner,
        "maker": asked.application.partner,
        "scopes": list(scopes.find(asked.scopes).values()),
        "problem": problem,
        "back": redirects.source(asked.answer_to),
        "others": len(_members(request, asked.application)) > 1,
        "chooser": f"{reverse('oauth:authorize')}?{request.GET.urlencode()}",
        "is_live": asked.application.environment == Environment.LIVE,
    }
    response = render(request, "oauth/consent.html", context)
    # The form's answer is a redirect to the application, which browsers hold to form-action too.
    response._csp_update = {"form-action": [redirects.source(asked.answer_to)]}  # type: ignore[attr-defined]  # as `csp_update` sets it
    return response


def _code(request: PartnerRequest, asked: Asked) -> str:
    return consents.give(
        application=asked.application,
        partner=request.partner,
        member=request.member,
        scopes=asked.scopes,
        code_challenge=asked.code_challenge,
        redirect_uri=asked.redirect_uri,
        by=request.actor,
        rights=rights_of(request.member),
    )


def _hindrance(request: PartnerRequest, asked: Asked) -> Problem | None:
    """Why this member's yes wouldn't be taken, to be said before it is asked for."""
    try:
        consents.require_room(partner=request.partner, application=asked.application)
        rights_of(request.member).require(asked.scopes)
    except Problem as problem:
        return problem
    return None


def _members(request: HttpRequest, application: Application) -> list[Member]:
    """What the person is in the partners that could consent."""
    found = Member.objects.filter(user=request.user, partner__deleted_at=None).select_related("partner")  # type: ignore[misc]  # signed in
    usable = {Partner.Status.ACTIVE}
    if application.environment == Environment.TEST:
        usable |= {Partner.Status.PENDING}
    able = [member for member in found if member.may(PERMISSION) and member.partner.status in usable]
    return sorted(able, key=lambda member: member.partner.name.casefold())


def _page_of(request: HttpRequest, partner: Partner) -> str:
    return f"{reverse('oauth:consent', kwargs={'slug': partner.slug})}?{request.GET.urlencode()}"


def _refuse(request: HttpRequest, error: errors.OAuth2Error) -> HttpResponse:
    """Tell the application where it can be told safely, else whoever was sent here (RFC 6749, section 4.1.2.1)."""
    said: dict[str, Any] = {
        "error": error.error,
        "error_description": error.description or str(error.get_error_description() or ""),
    }
    if error.redirect_uri:
        state = request.GET.get("state", "")[:LONGEST_STATE]
        return _away(server.redirect_with(error.redirect_uri, **said, state=state))
    return render(request, "oauth/refused.html", {"refusal": said}, status=400)


def _away(address: str) -> HttpResponse:
    """303, so that nothing of a form is sent on (RFC 9700, section 4.12)."""
    return HttpResponseRedirect(address, status=303)
