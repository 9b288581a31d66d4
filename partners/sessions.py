"""Where a person is signed in, and how a sign-in elsewhere is ended."""

from collections.abc import Callable

from allauth.usersessions.adapter import get_adapter
from allauth.usersessions.models import UserSession
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.sessions.models import Session
from django.core.cache import caches
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from core import clock

SEEN_EVERY = 300


class SeenMiddleware:
    """Keeps when and from where a session was last used, at most every five minutes, so that a page costs no write."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        key = request.session.session_key
        if key and request.user.is_authenticated and caches["lossy"].add(f"seen:{key}", 1, SEEN_EVERY):
            UserSession.objects.create_from_request(request)
        return self.get_response(request)


@transaction.atomic
def forget_ended() -> None:
    """Delete sessions whose time is over, and where and when each was used."""
    Session.objects.filter(expire_date__lt=clock.now()).delete()
    UserSession.objects.exclude(session_key__in=Session.objects.values("session_key")).delete()


@login_required
@require_POST
def end(request: HttpRequest, pk: int) -> HttpResponse:
    """End one other session of the person's; the current one ends by signing out."""
    session = UserSession.objects.filter(user=request.user, pk=pk).first()
    if session is None or session.is_current():
        raise Http404
    get_adapter().end_sessions([session])
    messages.success(request, _("Signed out there."))
    return redirect("usersessions_list")
