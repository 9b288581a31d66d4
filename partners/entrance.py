"""A partner's own way in, `/p/<slug>/login`: the sign-in with its name on it, and from there into its portal."""

from typing import Any

from allauth.account.views import LoginView
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.html import format_html
from django.utils.http import url_has_allowed_host_and_scheme, urlencode

from partners.models import Member, Partner


class Entrance(LoginView):  # type: ignore[misc]
    """Signs in as everywhere else, with the same limits and second factors, and comes back here to see who it was.

    A name is shown only of partners that everybody may see anyway; for all others, and for slugs that nobody has, the page is
    the same, so that it answers no guess.
    """

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.user.is_authenticated:
            return arrive(request, self.kwargs["slug"])
        return super().dispatch(request, *args, **kwargs)  # type: ignore[no-any-return]

    def get_default_success_url(self) -> str:
        """Here, with the page that was wanted."""
        wanted = self.request.GET.get(REDIRECT_FIELD_NAME)
        return f"{self.request.path}?{urlencode({REDIRECT_FIELD_NAME: wanted})}" if wanted else self.request.path

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        back = self.request.POST.get(REDIRECT_FIELD_NAME) or self.get_default_success_url()
        context: dict[str, Any] = super().get_context_data(**kwargs)
        return context | {
            "entrance": Partner.objects.public_profiles().filter(slug=self.kwargs["slug"]).first(),
            "login_action": self.request.path,
            "redirect_field": format_html('<input type="hidden" name="{}" value="{}">', REDIRECT_FIELD_NAME, back),
        }


def arrive(request: HttpRequest, slug: str) -> HttpResponse:
    """On to the page of this partner that was wanted; whoever doesn't belong to it learns that, and nothing of the partner."""
    if not Member.objects.filter(user=request.user, partner__slug=slug, partner__deleted_at=None).exists():  # type: ignore[misc]
        return render(request, "partners/not_yours.html", {"slug": slug}, status=404)
    start = reverse("portal:dashboard", kwargs={"slug": slug})
    wanted = request.GET.get(REDIRECT_FIELD_NAME, "")
    safe = url_has_allowed_host_and_scheme(wanted, allowed_hosts=None) and wanted.startswith(start)
    return redirect(wanted if safe else start)
