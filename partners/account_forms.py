"""allauth's forms in the words of this site: each label once, and what a password takes in one sentence."""

from typing import Any

from allauth.account import forms as allauth
from django import forms
from django.conf import settings
from django.db import transaction
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from core.actors import Actor
from core.models import User
from partners import partners
from partners.models import Partner

LABELS = {
    "login": _("E-mail address"),
    "email": _("E-mail address"),
    "remember": _("Stay signed in"),
    "oldpassword": _("Current password"),
    "password1": _("New password"),
    "password2": _("New password, once more"),
}
TAKES = _("At least {shortest} characters. No common password, and nothing like your name or address.")


class Worded(forms.Form):
    """Before a form of allauth's."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            field.label = LABELS.get(name, field.label)
            field.widget.attrs.pop("placeholder", None)
        if "password1" in self.fields:
            self.fields["password1"].help_text = TAKES.format(shortest=settings.SHORTEST_PASSWORD)


class LoginForm(Worded, allauth.LoginForm):
    """Signing in."""


class AddEmailForm(Worded, allauth.AddEmailForm):
    """Another address."""


class ChangePasswordForm(Worded, allauth.ChangePasswordForm):
    """Another password, by somebody who knows the old one."""


class SetPasswordForm(Worded, allauth.SetPasswordForm):
    """A first password."""


class ResetPasswordForm(Worded, allauth.ResetPasswordForm):
    """A code for somebody who forgot the password."""


class ResetPasswordKeyForm(Worded, allauth.ResetPasswordKeyForm):
    """Another password, by somebody who had that code."""


class ReauthenticateForm(Worded, allauth.ReauthenticateForm):
    """The password once more."""


class SignupForm(Worded, allauth.SignupForm):
    """A person and the organisation that they sign up."""

    company_name = forms.CharField(
        label=_("Organisation’s name"), max_length=120, widget=forms.TextInput(attrs={"autocomplete": "organization"})
    )
    type = forms.ChoiceField(label=_("Kind of partner"), choices=Partner.Type.choices)
    field_order = ("company_name", "type", "email", "password1")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["password1"].label = _("Password")

    @transaction.atomic
    def save(self, request: HttpRequest) -> User:
        user: User = super().save(request)
        call = request.call  # type: ignore[attr-defined]  # by core.middleware
        partners.create(
            name=self.cleaned_data["company_name"],
            type=self.cleaned_data["type"],
            owner=user,
            by=Actor("public", address=call.address, request_id=call.id),
        )
        return user
