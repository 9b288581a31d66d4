"""Forms of the partner's own pages."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from core.problems import ValidationError
from partners import countries, documents, logos
from partners.models import ApiSetup, Company, Document, Industry, Network, Partner, TierRequest
from partners.models.partners import MOST_INDUSTRIES
from partners.permissions import DESCRIPTIONS, GIVABLE


class AddressField(forms.URLField):
    """An address on the web; `acme.example` means https."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(assume_scheme="https", **kwargs)


class PartnerForm(forms.ModelForm):
    """A further partner of a person who has an account."""

    class Meta:
        model = Partner
        fields = ["name", "type"]


class ProfileForm(forms.ModelForm):
    """What a partner shows of itself. Its pages elsewhere are a field for each network."""

    industries = forms.MultipleChoiceField(
        label=_("Industries"),
        choices=Industry.choices,
        required=False,
        widget=forms.CheckboxSelectMultiple(attrs={"class": "choices-columns"}),
        help_text=_("The ones that you work for, at most five."),
    )
    countries = forms.MultipleChoiceField(
        label=_("Countries"),
        required=False,
        widget=forms.CheckboxSelectMultiple(attrs={"class": "choices-many"}),
        help_text=_("Where you serve customers."),
    )

    class Meta:
        model = Partner
        fields = ["name", "type", "summary", "description", "website", "public_email", "listed"]
        field_classes = {"website": AddressField}
        labels = {"listed": _("Show this profile to everybody")}
        help_texts = {
            "summary": _("One line, shown in every list. At most 160 characters."),
            "description": _("What you do and for whom. Markdown: **bold**, lists, tables, links, ## headings."),
            "public_email": _("Everybody can read it."),
            "listed": _("It stands on the list of partners once you are live. Without it nobody but your team sees it."),
        }
        widgets = {"description": forms.Textarea(attrs={"rows": 10}), "summary": forms.TextInput(attrs={"maxlength": 160})}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        partner: Partner = self.instance
        self.initial.update(industries=partner.industries, countries=partner.countries)
        chosen = sorted(countries.names().items(), key=lambda entry: entry[0] not in partner.countries)  # these first
        self.fields["countries"].choices = chosen  # type: ignore[attr-defined]  # fields are typed as their base
        for network in Network:
            self.fields[network.value] = AddressField(
                label=network.label, required=False, max_length=200, initial=partner.links.get(network.value, "")
            )

    @property
    def network_fields(self) -> list[forms.BoundField]:
        """The fields of pages elsewhere."""
        return [self[network.value] for network in Network]

    def clean_industries(self) -> list[str]:
        chosen = self.cleaned_data["industries"]
        if len(chosen) > MOST_INDUSTRIES:
            raise forms.ValidationError(_("Choose at most five, the ones that matter most."))
        return list(chosen)

    def clean(self) -> dict[str, Any]:
        given = super().clean() or self.cleaned_data
        for network in Network:
            address = given.get(network.value)
            if address and not network.owns(address):
                text = _("This is no page of %(network)s. Copy the address from your page there.")
                self.add_error(network.value, forms.ValidationError(text, params={"network": network.label}))
        for name, value in self._lists().items():  # for whoever shows the partner as it is typed
            setattr(self.instance, name, value)
        return given

    def facts(self) -> dict[str, Any]:
        """What the verb takes."""
        return {name: self.cleaned_data[name] for name in self.Meta.fields} | self._lists()

    def _lists(self) -> dict[str, Any]:
        """What of the form is several values."""
        given = self.cleaned_data
        links = {each.value: given[each.value] for each in Network if given.get(each.value)}
        return {
            "industries": sorted(given.get("industries", [])),
            "countries": sorted(given.get("countries", [])),
            "links": links,
        }

    def wrong(self) -> list[tuple[str, str]]:
        """The fields that can't be taken, each with what is wrong with it."""
        return [(str(self[name].label), " ".join(map(str, errors))) for name, errors in self.errors.items()]


class LogoForm(forms.Form):
    """A picture for the logo."""

    file = forms.FileField(
        label=_("Picture"),
        help_text=_("PNG, JPEG or WebP, at most 4 MiB, best square and at least 256 pixels wide."),
        widget=forms.ClearableFileInput(attrs={"accept": "image/png,image/jpeg,image/webp"}),
    )

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if file.size > logos.LARGEST:
            raise forms.ValidationError(_("The picture is larger than 4 MiB."))
        return file


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


class AskForTierForm(forms.ModelForm):
    """A word to the operators, if any."""

    class Meta:
        model = TierRequest
        fields = ["note"]
        labels = {"note": _("Note")}
        widgets = {"note": forms.Textarea(attrs={"rows": 3})}


def show_problem(form: forms.BaseForm, problem: ValidationError) -> None:
    """Put what a verb found wrong beside the fields it is about, or above the form where it has no such field."""
    for error in problem.facts["errors"]:
        name = error["pointer"].strip("/").partition("/")[0]
        form.add_error(name if name in form.fields else None, error["detail"])
