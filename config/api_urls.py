"""The API's part of the URL table, in its one canonical form; the gateway maps the short forms to it.

It stands by itself because the gateway reads this part alone: pages and the console's libraries stay out of its process.
"""

from django.urls import URLPattern, URLResolver, include, path

from apikeys.api import urls as apikeys
from billing.api import urls as billing
from core.api import urls as core
from marketplace.api import urls as marketplace
from partners.api import urls as partners
from portal.api import urls as portal
from products.requests.api import urls as requests
from usage.api import urls as usage
from webhooks.api import urls as webhooks

partner_api: list[URLPattern | URLResolver] = [
    path("", include("core.api.urls")),
    path("", include(partners.partner_urls)),
    path("", include(portal.partner_urls)),
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
    path("", include(partners.operator_urls)),
    path("", include(requests.operator_urls)),
    path("", include(billing.operator_urls)),
    path("", include(webhooks.operator_urls)),
    path("", include(marketplace.operator_urls)),
]

urlpatterns: list[URLPattern | URLResolver] = [
    path("api/partner/v1/", include(partner_api)),
    path("api/operator/v1/", include(operator_api)),
    path(".well-known/", include(apikeys.well_known_urls)),
]
