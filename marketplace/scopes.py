"""Scopes of the marketplace."""

from django.utils.translation import gettext_lazy as _

from core.scopes import Scope, register

register(
    Scope("marketplace:read", _("See what you have installed from the marketplace")),
    Scope("marketplace:write", _("Install and uninstall integrations")),
    group=_("Marketplace"),
)
register(
    Scope("integrations:read", _("See your own integrations")),
    Scope("integrations:write", _("Create, edit, submit and publish your own integrations")),
    group=_("Your integrations"),
)
