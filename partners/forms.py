"""Forms of the partner's own pages."""

from typing import Any

from allauth.account.forms import SignupForm as AccountForm
from django import forms
from django.db import transaction
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from core.actors import Actor
from core.models import User
from core.problems import ValidationError
from partners import documents, partners
from partners.models import ApiSetup, Company, Document, Partner
from partners.permissions import DESCRIPTIONS, GIVABLE


class AddressField(forms.URLField):
    """An address on the web; `acme.example` means https."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(assume_scheme="https", **kwargs)


class SignupForm(AccountForm):
    """A person and the organisation that they sign up."""

    company_name = forms.CharField(
        label=_("Organisation"), max_length=120, widget=forms.TextInput(attrs={"autocomplete": "organization"})
    )
    type = forms.ChoiceField(label=_("Type"), choices=Partner.Type.choices)
    field_order = ("email", "password1", "company_name", "type")

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


class PartnerForm(forms.ModelForm):
    """A further partner of a person who has an account."""

    class Meta:
        model = Partner
        fields = ["name", "type"]


class SettingsForm(forms.ModelForm):
    """What a partner may change of itself."""

    class Meta:
        model = Partner
        fields = ["name", "type", "website", "description", "listed"]
        field_classes = {"website": AddressField}
        widgets = {"description": forms.Textarea(attrs={"rows": 4})}


def _givable() -> list[tuple[str, str]]:
    return [(role.value, f"{role.label}: {DESCRIPTIONS[role]}") for role in GIVABLE]


class RoleForm(forms.Form):
    """A member's role; ownership is handed over on a page of its own."""

    role = forms.ChoiceField(label=_("Role"), choices=_givable, widget=forms.RadioSelect)


class InvitationForm(RoleForm):
    """Whom to invite, and as what."""

    email = forms.EmailField(label=_("E-mail address"), max_length=254, help_text=_("The invitation is for this address alone."))
    field_order = ("email", "role")


class JoinForm(forms.Form):
    """A newcomer whose address is known from the invitation."""

    name = forms.CharField(label=_("Your name"), max_length=120, widget=forms.TextInput(attrs={"autocomplete": "name"}))
    password = forms.CharField(
        label=_("Password"),
        max_length=200,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=_("At least ten characters."),
    )


class BasicInfoForm(forms.ModelForm):
    """The first step of the onboarding."""

    contact_name = forms.CharField(
        label=_("Contact person"), max_length=120, widget=forms.TextInput(attrs={"autocomplete": "name"})
    )
    contact_email = forms.EmailField(label=_("Contact e-mail"), help_text=_("For questions about your application."))
    contact_phone = forms.CharField(
        label=_("Contact phone"), max_length=40, required=False, widget=forms.TextInput(attrs={"autocomplete": "tel"})
    )

    class Meta:
        model = Partner
        fields = ["name", "type", "website", "description"]
        field_classes = {"website": AddressField}
        widgets = {"description": forms.Textarea(attrs={"rows": 3})}


class BusinessDetailsForm(forms.ModelForm):
    """The second step."""

    class Meta:
        model = Company
        fields = ["legal_name", "registration_number", "tax_id", "street", "postal_code", "city", "country", "industry", "size"]
        help_texts = {"country": _("Two letters, as in GB or DE.")}
        widgets = {
            "street": forms.TextInput(attrs={"autocomplete": "street-address"}),
            "postal_code": forms.TextInput(attrs={"autocomplete": "postal-code"}),
            "city": forms.TextInput(attrs={"autocomplete": "address-level2"}),
            "country": forms.TextInput(attrs={"autocomplete": "country", "maxlength": 2}),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("legal_name", "street", "city", "country"):
            self.fields[name].required = True

    def clean_country(self) -> str:
        return str(self.cleaned_data["country"]).upper()


class ApiSetupForm(forms.ModelForm):
    """The third step."""

    class Meta:
        model = ApiSetup
        fields = ["use_case", "expected_monthly_calls", "webhook_url", "oauth_callback_url"]
        field_classes = {"webhook_url": AddressField, "oauth_callback_url": AddressField}
        help_texts = {
            "use_case": _("What will your program do with the API?"),
            "webhook_url": _("Where we may tell your program what happened. You can add it later."),
            "oauth_callback_url": _("Where people come back to after they connect your application. You can add it later."),
        }
        widgets = {"use_case": forms.Textarea(attrs={"rows": 4})}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["use_case"].required = True


class DocumentForm(forms.Form):
    """A document to upload."""

    kind = forms.ChoiceField(label=_("Kind"), choices=Document.Kind.choices)
    file = forms.FileField(label=_("File"), help_text=_("PDF, PNG or JPEG, at most 20 MiB."))

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if file.size > documents.LARGEST:
            raise forms.ValidationError(_("The file is larger than 20 MiB."))
        return file


def show_problem(form: forms.BaseForm, problem: ValidationError) -> None:
    """Put what a verb found wrong beside the fields it is about, or above the form where it has no such field."""
    for error in problem.facts["errors"]:
        name = error["pointer"].strip("/").partition("/")[0]
        form.add_error(name if name in form.fields else None, error["detail"])
