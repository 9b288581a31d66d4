"""The way into the operators' console: one sign-in for everybody, a second factor, and a content security policy of its own."""

import re
from collections.abc import Callable
from urllib.parse import urlencode

from allauth.account.adapter import get_adapter
from allauth.account.authentication import get_authentication_records
from allauth.mfa.utils import is_mfa_enabled
from csp.constants import UNSAFE_EVAL, UNSAFE_INLINE
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _

ROOT = "/admin/"

# The console's scripts (Alpine in Unfold) evaluate expressions, its scrollbars set style attributes. No other page may.
POLICY = {"script-src": [UNSAFE_EVAL], "style-src-attr": [UNSAFE_INLINE]}


# Who may not see a document isn't told by the way of the refusal that there is one, and a picture can't sign in.
DOCUMENTS = re.compile(r"/admin/partners/document/[^/]+/(content|pages/\d+)\Z")


class ConsoleMiddleware:
    """Guards everything under /admin/; stands after authentication and messages, before the policy is written."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not request.path_info.startswith(ROOT):
            return self.get_response(request)
        response = self._refuse(request)
        if response is not None and DOCUMENTS.match(request.path_info):
            raise Http404
        response = response or self.get_response(request)
        response._csp_update = POLICY  # type: ignore[attr-defined]  # django-csp's hook
        return response

    def _refuse(self, request: HttpRequest) -> HttpResponseBase | None:
        """Where a visitor goes who may not enter yet; Django's own sign-in form is never shown."""
        if not request.user.is_authenticated:
            sent_from = request.get_full_path() if request.path_info != reverse("admin:login") else request.GET.get("next", ROOT)
            return redirect(f"{reverse(settings.LOGIN_URL)}?{urlencode({'next': sent_from})}")
        if not (request.user.is_staff and request.user.is_active):
            raise Http404 if DOCUMENTS.match(request.path_info) else PermissionDenied
        if settings.OPERATOR_MFA_REQUIRED and not is_mfa_enabled(request.user):
            messages.warning(
                request, _("Operators sign in with a second factor. Add a passkey or an authenticator app to go on.")
            )
            return redirect("mfa_index")
        if settings.OPERATOR_MFA_REQUIRED and not _has_shown_second_factor(request):
            methods = get_adapter().get_reauthentication_methods(request.user)
            ask = next(method["url"] for method in methods if method["id"].startswith("mfa_"))
            return redirect(f"{ask}?{urlencode({'next': request.get_full_path()})}")
        return None


def _has_shown_second_factor(request: HttpRequest) -> bool:
    """Whether this very session has: one that is older than the second factor was begun by a password alone."""
    return any(record["method"] == "mfa" for record in get_authentication_records(request, request.user))
