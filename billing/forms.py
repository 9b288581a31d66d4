"""Forms of the billing pages."""

from typing import Any

from django import forms
from django.core.validators import RegexValidator
from django.utils.translation import gettext_lazy as _

from billing import payouts
from billing.models import PayoutAccount
from core.problems import ValidationError
from partners.pages import PartnerRequest


class PayoutAccountForm(forms.Form):
    """The bank account that payouts go to. The number is asked for anew each time: it is never shown again."""

    holder = forms.CharField(label=_("Account holder"), max_length=140)
    account_number = forms.CharField(
        label=_("IBAN or account number"),
        min_length=4,
        max_length=42,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    bank_code = forms.CharField(label=_("BIC or routing number"), max_length=20, required=False)
    country = forms.CharField(
        label=_("Country of the bank"),
        max_length=2,
        help_text=_("Two letters, such as DE or US."),
        validators=[RegexValidator(r"^[A-Za-z]{2}\Z", _("Two letters, such as DE or US."))],
    )

    def clean_country(self) -> str:
        country: str = self.cleaned_data["country"]
        return country.upper()

    def save(self, request: PartnerRequest) -> PayoutAccount | None:
        """Set the account; None, with the error on its field, where the verb refuses it."""
        facts: dict[str, Any] = self.cleaned_data
        try:
            return payouts.set_account(partner=request.partner, environment=request.environment, **facts, by=request.actor)
        except ValidationError as error:
            for found in error.facts["errors"]:
                self.add_error(found["pointer"].removeprefix("/"), found["detail"])
            return None
