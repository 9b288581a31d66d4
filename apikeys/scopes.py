"""Scopes of what this app offers."""

from django.utils.translation import gettext_lazy as _

from core.scopes import Scope, register

register(
    Scope("keys:read", _("See API keys and applications, without the keys themselves")),
    Scope("keys:write", _("Create, change, rotate and revoke API keys and applications"), delegable=False),
    group=_("API keys"),
)
