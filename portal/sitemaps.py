"""What search engines are told: the pages that are for everybody, and what they needn't ask for."""

from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.sitemaps import Sitemap
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_GET

from marketplace.models import Integration
from partners.models import Partner

PAGES = (
    "portal:landing",
    "portal:showcase",
    "marketplace:home",
    "developers:home",
    "developers:guide",
    "developers:errors",
    "developers:events",
)
CLOSED = ("/accounts/", "/admin/", "/api/", "/apis/", "/invitations/", "/p/")


class _Here(Sitemap):  # type: ignore[type-arg]  # generic in the stubs alone
    """Addresses of this installation, whatever host the request named."""

    limit = 5_000

    def get_protocol(self, protocol: str | None = None) -> str:
        return urlsplit(settings.BASE_URL).scheme

    def get_domain(self, site: object = None) -> str:
        return urlsplit(settings.BASE_URL).netloc


class Pages(_Here):
    def items(self) -> tuple[str, ...]:
        return PAGES

    def location(self, item: str) -> str:
        return reverse(item)


class Profiles(_Here):
    def items(self) -> QuerySet[Partner]:
        return Partner.objects.public_profiles().order_by("id")

    def location(self, item: Partner) -> str:
        return reverse("portal:profile", kwargs={"slug": item.slug})


class Integrations(_Here):
    def items(self) -> QuerySet[Integration]:
        return Integration.objects.listed().order_by("id")

    def location(self, item: Integration) -> str:
        return reverse("marketplace:integration", kwargs={"integration": item.slug})


SITEMAPS = {"pages": Pages, "partners": Profiles, "integrations": Integrations}


@require_GET
def robots(request: HttpRequest) -> HttpResponse:
    """What robots needn't ask for, and where the sitemap is."""
    lines = ["User-agent: *", *(f"Disallow: {path}" for path in CLOSED), f"Sitemap: {settings.BASE_URL}/sitemap.xml"]
    return HttpResponse("\n".join([*lines, ""]), content_type="text/plain")
