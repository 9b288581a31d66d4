"""What partners are told of their integrations."""

from django.utils.translation import gettext_lazy as _

from partners.notices import Kind, register
from partners.permissions import BUILDERS

register(
    Kind(
        "upstream_down",
        _("{name}: your API doesn’t answer"),
        (
            _("Most calls to {name} fail, so the gateway leaves your API alone for a while and refuses calls to it with 503."),
            _("The last error: {error}"),
            _("It goes on trying by itself. As soon as your API answers, calls are let through again, and we tell you."),
        ),
        _("Look at the integration"),
        "/p/{slug}/integrations/{integration_id}/",
        title=_("An integration’s API doesn’t answer"),
        event="integration.upstream_down",
        about=_("The API behind an integration of yours stops answering"),
        roles=BUILDERS,
    ),
    Kind(
        "upstream_restored",
        _("{name}: your API answers again"),
        (_("Calls to {name} are let through again."),),
        _("Look at the integration"),
        "/p/{slug}/integrations/{integration_id}/",
        title=_("An integration’s API answers again"),
        event="integration.upstream_restored",
        about=_("The API behind an integration of yours answers again"),
        roles=BUILDERS,
    ),
)
