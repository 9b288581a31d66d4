"""What a partner's credential may be allowed to do with its money."""

from django.utils.translation import gettext_lazy as _

from core.scopes import Scope, register

register(
    Scope("billing:read", _("See prices, invoices, earnings and payouts")),
    Scope("billing:write", _("Change the account that payouts go to"), delegable=False),
    group=_("Billing"),
)
