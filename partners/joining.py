"""The page behind an invitation's link: for the person who is signed in, who has to sign in, or who is new here."""

from allauth.account.utils import perform_login
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from core.actors import Actor
from core.problems import Problem, ValidationError
from partners import invitations
from partners.forms import JoinForm, show_problem
from partners.models import Invitation


@never_cache
@require_http_methods(["GET", "POST"])
def join(request: HttpRequest, token: str) -> HttpResponse:
    """Look at an invitation, and accept it. Programs that read mail follow links, so nothing happens before the POST."""
    try:
        invitation = invitations.find(token)
        if not request.user.is_authenticated:
            return _as_newcomer(request, invitation)
        if not invitations.is_for(invitation, request.user):
            return render(request, "partners/join.html", {"invitation": invitation, "stranger": True})
        if request.method == "POST":
            invitations.accept(invitation=invitation, user=request.user, by=_public(request))
            return _welcome(request, invitation)
    except Problem as problem:
        return render(request, "partners/join.html", {"problem": problem}, status=problem.status)
    return render(request, "partners/join.html", {"invitation": invitation})


def _as_newcomer(request: HttpRequest, invitation: Invitation) -> HttpResponse:
    """The link shows that the address is theirs: whoever has no account makes one for it here, the others sign in."""
    if invitations.has_account(invitation):
        sign_in = f"{reverse(settings.LOGIN_URL)}?next={request.path}"
        return render(request, "partners/join.html", {"invitation": invitation, "sign_in": sign_in})
    form = JoinForm(request.POST or None)
    if form.is_valid():
        try:
            member = invitations.join(invitation=invitation, by=_public(request), **form.cleaned_data)
        except ValidationError as problem:
            show_problem(form, problem)
        else:
            perform_login(request, member.user, email_verification="none")
            return _welcome(request, invitation)
    return render(request, "partners/join.html", {"invitation": invitation, "form": form})


def _welcome(request: HttpRequest, invitation: Invitation) -> HttpResponse:
    messages.success(request, _("Welcome to the team of %(partner)s.") % {"partner": invitation.partner})
    return redirect("portal:dashboard", slug=invitation.partner.slug)


def _public(request: HttpRequest) -> Actor:
    call = request.call  # type: ignore[attr-defined]  # by core.middleware
    return Actor("public", address=call.address, request_id=call.id)
