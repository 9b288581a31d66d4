"""Scopes of this product."""

from django.utils.translation import gettext_lazy as _

from core.scopes import Scope, register

register(
    Scope("requests:read", _("See your requests and their results")),
    Scope("requests:write", _("Submit requests")),
    group=_("Requests"),
)
