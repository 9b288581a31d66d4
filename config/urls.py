"""The URL table. Paths under `/api` stand in their one canonical form; the gateway maps the short forms to it."""

from django.conf import settings
from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

from apikeys.api import urls as apikeys
from billing.api import urls as billing
from core.api import health
from core.api import urls as core
from marketplace.api import urls as marketplace
from partners.api import urls as partners
from products.requests.api import urls as requests
from usage.api import urls as usage
from webhooks.api import urls as webhooks

partner_api: list[URLPattern | URLResolver] = [
    path("", include("core.api.urls")),
    path("", include(partners.partner_urls)),
    path("", include(apikeys.partner_urls)),
    path("", include(requests.partner_urls)),
    path("", include(billing.partner_urls)),
    path("", include(webhooks.partner_urls)),
    path("", include(marketplace.partner_urls)),
    path("", include(usage.partner_urls)),
]
operator_api: list[URLPattern | URLResolver] = [
    path("", include(core.operator_urls)),
    path("", include(apikeys.operator_urls)),
    path("", include(requests.operator_urls)),
    path("", include(billing.operator_urls)),
    path("", include(webhooks.operator_urls)),
    path("", include(marketplace.operator_urls)),
]

urlpatterns: list[URLPattern | URLResolver] = [
    path("healthz", health.process_is_up),
    path("readyz", health.engines_are_reachable),
    path("metrics", health.metrics),
    path("api/partner/v1/", include(partner_api)),
    path("api/operator/v1/", include(operator_api)),
    path("admin/", admin.site.urls),
    path("", include("partners.urls")),
    path("", include("apikeys.urls")),
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
handler500 = "portal.views.broken"
