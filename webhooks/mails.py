"""What partners are told of their endpoints, by portal and mail: those of the team who can change them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _

from partners.notices import Kind, register
from partners.permissions import PERMISSIONS

ROLES = PERMISSIONS["webhooks:write"]
PAGE = "/p/{slug}/webhooks/{endpoint_id}/?environment={environment}"


def _moments(payload: Mapping[str, Any]) -> Mapping[str, str]:
    """Instants as people write them."""
    found = {name: payload[name] for name in ("failing_since", "disabled_from") if name in payload}
    return {name: date_format(datetime.fromisoformat(value), "j M Y, H:i") + " UTC" for name, value in found.items()}


register(
    Kind(
        "webhook_failing",
        _("{partner}: your webhook endpoint fails"),
        (
            _("{url} has failed since {failing_since}. The last attempt: {reason}"),
            _("Nothing is lost: events wait, and are sent once your server takes them again. We go on trying by ourselves."),
        ),
        _("See what was sent and what came back"),
        PAGE,
        title=_("A webhook endpoint fails: {url}"),
        event="webhook.endpoint_failing",
        about=_("A webhook endpoint begins to fail"),
        roles=ROLES,
        more=_moments,
    ),
    Kind(
        "webhook_recovered",
        _("{partner}: your webhook endpoint works again"),
        (_("{url} takes events again; it had failed since {failing_since}. What waited is on its way."),),
        _("See the endpoint"),
        PAGE,
        title=_("A webhook endpoint works again: {url}"),
        event="webhook.endpoint_recovered",
        about=_("A webhook endpoint works again"),
        roles=ROLES,
        more=_moments,
    ),
    Kind(
        "webhook_disable_announced",
        _("{partner}: your webhook endpoint will be switched off"),
        (
            _("{url} has failed since {failing_since}. The last attempt: {reason}"),
            _("Unless an attempt succeeds before {disabled_from}, we switch it off. Its events are kept for you."),
        ),
        _("See what was sent and what came back"),
        PAGE,
        title=_("A webhook endpoint will be switched off: {url}"),
        event="webhook.disable_announced",
        about=_("A webhook endpoint will be switched off"),
        roles=ROLES,
        more=_moments,
    ),
    Kind(
        "webhook_disabled",
        _("{partner}: your webhook endpoint was switched off"),
        (
            _("We switched {url} off. {reason}"),
            _("Its events are kept. Enable it once your server takes them again, and they are sent, oldest first."),
        ),
        _("Look at it and enable it"),
        PAGE,
        title=_("A webhook endpoint was switched off: {url}"),
        event="webhook.disabled",
        about=_("A webhook endpoint is switched off"),
        roles=ROLES,
    ),
    Kind(
        "webhooks_all_paused",
        _("{partner}: we paused your webhooks"),
        (
            _("Nothing is sent to the webhook endpoints of {partner} for now. The reason:"),
            "{reason}",
            _("What happens is held, and sent once we let them go on. Answer our mail to talk to us."),
        ),
        _("See your endpoints"),
        "/p/{slug}/webhooks/",
        title=_("We paused your webhooks"),
        event="webhook.all_paused",
        about=_("We pause your webhooks"),
        roles=ROLES,
    ),
    Kind(
        "webhooks_all_resumed",
        _("{partner}: your webhooks go on"),
        (_("The webhook endpoints of {partner} that we had paused are active again; what was held is on its way."),),
        _("See your endpoints"),
        "/p/{slug}/webhooks/",
        title=_("Your webhooks go on"),
        event="webhook.all_resumed",
        about=_("Your webhooks go on after we paused them"),
        roles=ROLES,
    ),
)
