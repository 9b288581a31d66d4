"""The operators' console for people's accounts: what allauth registers shows raw rows to be typed into; these are looked at.

What an operator may do is help somebody who is locked out: confirm an address, take a lost second factor away, end a session.
"""

from typing import Any

import allauth.account.admin
import allauth.mfa.admin
import allauth.usersessions.admin  # noqa: F401  (all three register what is taken back below)
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from core.console import Deed, ReadOnly
from core.console_lists import ConsoleList
from partners import security

admin.site.unregister([EmailAddress, Authenticator, UserSession])


class OfPeople(ReadOnly, ConsoleList):
    """Rows about how people sign in. Those of operators are for superusers: whoever can change them could become one."""

    def get_queryset(self, request: HttpRequest) -> Any:
        rows = super().get_queryset(request)
        return rows if request.user.is_superuser else rows.filter(user__is_staff=False)


@admin.register(EmailAddress)
class EmailAddressAdmin(OfPeople):
    """Addresses, and whether they are known to be the person's."""

    list_display = ["email", "user", "verified"]
    list_filter = ["verified"]
    list_select_related = ["user"]
    search_fields = ["=email", "user__email"]
    fields = ["email", "user", "primary", "verified"]
    actions_detail = ["confirm"]

    confirm = Deed(
        verb=security.confirm_address,
        label=_("Confirm"),
        icon="mark_email_read",
        text=_("The person can sign in with it. Do this only if you know that the address is theirs."),
        takes=lambda row, request: {"address": row},
    )


@admin.register(Authenticator)
class AuthenticatorAdmin(OfPeople):
    """Second factors. Their secrets are shown nowhere."""

    list_display = ["user", "type", "created_at", "last_used_at"]
    list_filter = ["type"]
    list_select_related = ["user"]
    search_fields = ["user__email", "user__name"]
    fields = ["user", "type", "created_at", "last_used_at"]
    actions_detail = ["take_away"]

    take_away = Deed(
        verb=security.take_factor_away,
        label=_("Take away"),
        icon="phonelink_erase",
        text=_("The person signs in without it, and gets a mail. Do this only if you know who asks for it."),
        takes=lambda row, request: {"factor": row},
    )


@admin.register(UserSession)
class UserSessionAdmin(OfPeople):
    """Where people are signed in."""

    list_display = ["user", "ip", "user_agent", "created_at", "last_seen_at"]
    list_select_related = ["user"]
    search_fields = ["user__email", "user__name"]
    fields = ["user", "ip", "user_agent", "created_at", "last_seen_at"]
    actions_detail = ["end"]

    end = Deed(
        verb=security.end_session,
        label=_("Sign out"),
        icon="logout",
        text=_("The person has to sign in again there."),
        takes=lambda row, request: {"session": row},
    )
