"""Scopes of what this app offers."""

from django.utils.translation import gettext_lazy as _

from core.scopes import Scope, register

register(
    Scope("partner:read", _("See your organisation's profile, onboarding and activity")),
    Scope("partner:write", _("Change your organisation's profile and onboarding")),
    Scope("audit:read", _("Read and export the audit log")),
    group=_("Organisation"),
)
register(
    Scope("members:read", _("See who is in the team")),
    Scope(
        "members:write",
        _("Change who is in the team, and their roles: as strong as the role of an admin"),
        delegable=False,
    ),
    group=_("Team"),
)
