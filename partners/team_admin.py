"""The operators' console for people and invitations. Teams manage themselves; operators invite the first owner."""

from django import forms
from django.contrib import admin
from django.utils.translation import gettext_lazy as _
from unfold.admin import TabularInline
from unfold.forms import BaseDialogForm
from unfold.widgets import UnfoldAdminEmailInputWidget

from core.console import Deed, ReadOnly, Rows
from core.console_lists import ConsoleList
from partners import invitations
from partners.models import Invitation, Member


class OwnerForm(BaseDialogForm):
    """Asks whom to invite."""

    email = forms.EmailField(label=_("E-mail address"), max_length=254, widget=UnfoldAdminEmailInputWidget())


class MemberInline(ReadOnly, TabularInline):
    model = Member
    fields = ["user", "role", "joined_at"]
    tab = True


class InvitationInline(ReadOnly, TabularInline):
    model = Invitation
    fields = ["email", "role", "status", "sent_at", "expires_at"]
    show_change_link = True
    tab = True


@admin.register(Member)
class MemberAdmin(ReadOnly, ConsoleList):
    """Who is in which partner."""

    list_display = ["user", "partner", "role", "joined_at"]
    list_filter = ["role"]
    list_select_related = ["user", "partner"]
    search_fields = ["user__email", "user__name", "partner__name", "partner__slug"]
    ordering = ["-id"]


@admin.register(Invitation)
class InvitationAdmin(Rows):
    """Who is invited where. Its link is in the mail alone."""

    list_display = ["email", "partner", "role", "status", "sent_at", "expires_at"]
    list_filter = ["status", "role"]
    list_select_related = ["partner"]
    search_fields = ["email", "partner__name", "partner__slug"]
    fields = ["public_id", "email", "partner", "role", "status", "invited_by", "mails", "sent_at", "expires_at", "decided_at"]
    actions_detail = ["resend", "revoke"]

    resend = Deed(
        verb=invitations.resend,
        label=_("Send again"),
        icon="send",
        text=_("With a new link, for another seven days; the earlier link stops working."),
        states={Invitation.Status.PENDING},
    )
    revoke = Deed(
        verb=invitations.revoke,
        label=_("Revoke"),
        icon="cancel",
        text=_("Its link stops working."),
        states={Invitation.Status.PENDING},
    )
