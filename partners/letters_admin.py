"""What the console does to partners one by one or many at once, besides deciding about them: their tier, letters, notes."""

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action
from unfold.forms import BaseDialogForm
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from core.console import Deed
from partners import letters, partners
from partners.models import Partner, Tier

OPEN = set(Partner.Status) - {Partner.Status.CLOSED}


class TierForm(BaseDialogForm):
    """Asks for a tier."""

    tier = forms.ModelChoiceField(label=_("Tier"), queryset=Tier.objects.order_by("rank"), widget=UnfoldAdminSelectWidget)


class LetterForm(BaseDialogForm):
    """Asks what to write."""

    subject = forms.CharField(label=_("Subject"), max_length=120, widget=UnfoldAdminTextInputWidget)
    text = forms.CharField(label=_("Text"), max_length=4_000, widget=UnfoldAdminTextareaWidget(attrs={"rows": 6}))


class NoteTextForm(BaseDialogForm):
    """Asks what to note."""

    text = forms.CharField(label=_("Note"), max_length=4_000, widget=UnfoldAdminTextareaWidget(attrs={"rows": 4}))


class Written:
    """Mixed into the admin class of partners."""

    change_tier = Deed(
        verb=partners.change_tier,
        states=OPEN,
        label=_("Change the tier"),
        icon="stairs",
        text=_("The limits of the tier hold from the next call on."),
        asks=TierForm,
        chosen=_("Change the tier of the chosen partners"),
    )
    message = Deed(
        verb=letters.send,
        states=OPEN,
        label=_("Write"),
        title=_("Write to the team"),
        icon="outgoing_mail",
        text=_("Owners and admins read it in the portal and get it by mail."),
        said=_("Written."),
        asks=LetterForm,
        chosen=_("Write to the teams of the chosen partners"),
    )
    note = Deed(
        verb=letters.note,
        label=_("Note"),
        icon="sticky_note_2",
        text=_("For operators; the partner doesn't see it. It stands in the timeline."),
        said=_("Noted."),
        asks=NoteTextForm,
        takes=lambda row, request: {"partner": row, "operator": request.user},
    )

    @action(description=_("Timeline"), url_path="all", permissions=["view"], icon="timeline")
    def timeline(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        """Everything that happened, on one page; it is made of more apps than this one knows."""
        return redirect("console_timeline", pk=object_id)
