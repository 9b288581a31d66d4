"""The URL table: the API (`config.api_urls`), the console, and the pages."""

from django.conf import settings
from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

from core.api import health
from portal.console_timeline import timeline

urlpatterns: list[URLPattern | URLResolver] = [
    path("healthz", health.process_is_up),
    path("readyz", health.engines_are_reachable),
    path("metrics", health.metrics),
    path("", include("config.api_urls")),
    path("admin/partners/partner/<uuid:pk>/timeline", admin.site.admin_view(timeline), name="console_timeline"),
    path("admin/", admin.site.urls),
    path("", include("partners.urls")),
    path("", include("apikeys.urls")),
    path("", include("abuse.urls")),
    path("", include("apikeys.oauth.urls")),
    path("accounts/", include("allauth.urls")),
    path("", include("billing.urls")),
    path("", include("developers.urls")),
    path("", include("marketplace.urls")),
    path("", include("portal.urls")),
    path("", include("usage.urls")),
    path("", include("webhooks.urls")),
]

if settings.DEMO:
    urlpatterns.append(path("demo/", include("local.urls")))

handler400 = "portal.views.bad_request"
handler403 = "portal.views.forbidden"
handler404 = "portal.views.not_found"
handler429 = "portal.views.too_many"
handler500 = "portal.views.broken"
