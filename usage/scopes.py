"""Scopes of usage."""

from django.utils.translation import gettext_lazy as _

from core.scopes import Scope, register

register(Scope("usage:read", _("See usage, limits and the log of calls")), group=_("Usage"))
