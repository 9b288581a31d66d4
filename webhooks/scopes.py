"""What a credential may do with webhooks."""

from django.utils.translation import gettext_lazy as _

from core.scopes import Scope, register

register(
    Scope("webhooks:read", _("See webhook endpoints, deliveries and events")),
    Scope("webhooks:write", _("Create and change webhook endpoints, resend and replay deliveries"), delegable=False),
    group=_("Webhooks"),
)
