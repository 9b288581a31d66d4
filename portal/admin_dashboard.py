"""The operators' console: its first page, its sidebar, its badge. Django admin, themed with Unfold."""

from functools import cache
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.urls import reverse
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from core.models import Event
from partners.models import Partner
from portal import attention as matters
from portal.happenings import Happening, told

# The sidebar as data: a heading, then models by their label, each with a Material symbol. A model shows once it is registered;
# one that isn't named here stands in the last group.
GROUPS: tuple[tuple[Any, dict[str, str]], ...] = (
    (
        _("Partners"),
        {
            "partners.Partner": "domain",
            "partners.Review": "how_to_reg",
            "partners.Document": "description",
            "partners.Member": "group",
            "partners.Invitation": "mail",
            "partners.Tier": "stairs",
            "partners.Terms": "gavel",
            "partners.Acceptance": "handshake",
            "partners.Impersonation": "visibility",
            "partners.TierRequest": "trending_up",
        },
    ),
    (
        _("Access"),
        {
            "apikeys.Key": "key",
            "apikeys.Application": "apps",
            "apikeys.Consent": "handshake",
            "apikeys.SigningKey": "signature",
            "abuse.Incident": "gpp_maybe",
            "abuse.Rule": "policy",
            "core.Block": "block",
            "core.OperatorToken": "badge",
            "core.User": "person",
            "auth.Group": "admin_panel_settings",
            "account.EmailAddress": "mail",
            "mfa.Authenticator": "phonelink_lock",
            "usersessions.UserSession": "devices",
        },
    ),
    (_("Log"), {"core.Event": "history"}),
    (
        _("Traffic"),
        {
            "usage.Call": "swap_vert",
            "usage.HourRollup": "monitoring",
            "requests.Request": "outbox",
            "requests.RequestType": "rule",
        },
    ),
    (
        _("Marketplace"),
        {
            "marketplace.Integration": "extension",
            "marketplace.Version": "history",
            "marketplace.Installation": "download",
            "marketplace.Category": "category",
            "external.Product": "hub",
        },
    ),
    (
        _("Webhooks"),
        {
            "webhooks.Endpoint": "webhook",
            "webhooks.Delivery": "local_shipping",
            "webhooks.Replay": "replay",
            "webhooks.EventType": "sell",
        },
    ),
    (
        _("Money"),
        {
            "billing.Invoice": "receipt_long",
            "billing.Earning": "savings",
            "billing.Payout": "account_balance",
            "billing.Price": "price_change",
            "billing.Subscription": "autorenew",
            "billing.Account": "account_balance_wallet",
            "billing.Transaction": "menu_book",
            "billing.Entry": "format_list_bulleted",
        },
    ),
    (_("Support"), {"support.Ticket": "support", "support.Topic": "forum", "support.Post": "article"}),
)
LATEST = 10


def environment_badge(request: HttpRequest) -> list[Any]:
    """The badge beside the console's title: which installation this is."""
    return {"production": [_("Production"), "danger"], "test": [_("Test"), "info"]}.get(
        settings.MODE, [_("Demo") if settings.DEMO else _("Development"), "warning"]
    )


def attention(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """What needs an operator's attention, for the console's first page."""
    found = list(matters.waiting(lambda model: admin.site._registry[model].has_view_permission(request)))
    sees_events = request.user.has_perm("core.view_event")
    return {
        **context,
        "open_matters": [matter for matter in found if matter.count],
        "quiet_matters": [matter for matter in found if not matter.count],
        "happenings": _latest() if sees_events else [],
    }


def _latest() -> list[tuple[Happening, str]]:
    """What happened last, each with the name of the partner that it happened to."""
    events = list(Event.objects.order_by("-id")[:LATEST])
    partners = Partner.objects.in_bulk({event.partner_id for event in events if event.partner_id})
    names = [partners[event.partner_id].name if event.partner_id in partners else "" for event in events]
    return list(zip(told(events), names, strict=True))


def console(request: HttpRequest) -> dict[str, Any]:
    """Unfold writes its palette as an inline style, which the policy forbids; ours lies in static/css/console.css."""
    return {"colors": {}}


def sidebar(request: HttpRequest) -> list[dict[str, Any]]:
    """The registered models that this operator may see, in groups; what no group names comes last."""
    models = {model._meta.label: model for model in admin.site._registry if _visible(request, model)}
    path, first = request.path, reverse("admin:index")
    groups = [_group("", [{"title": _("Attention"), "icon": "notifications", "link": first, "active": path == first}])]
    for title, icons in GROUPS:
        items = [_item(models.pop(label), icon, path) for label, icon in icons.items() if label in models]
        if items:
            groups.append(_group(title, items))
    if models:
        groups.append(_group(_("System"), [_item(model, "table_rows", path) for model in models.values()], collapsible=True))
    return groups


def _visible(request: HttpRequest, model: type[Model]) -> bool:
    return admin.site._registry[model].has_view_permission(request)


def _group(title: Any, items: list[dict[str, Any]], *, collapsible: bool = False) -> dict[str, Any]:
    return {"title": title, "items": items, "collapsible": collapsible, "active": any(item["active"] for item in items)}


def _item(model: type[Model], icon: str, path: str) -> dict[str, Any]:
    link = _list_of(model)
    return {"title": capfirst(str(model._meta.verbose_name_plural)), "icon": icon, "link": link, "active": path.startswith(link)}


@cache
def _list_of(model: type[Model]) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
