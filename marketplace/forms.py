"""Forms of the marketplace's pages."""

from decimal import Decimal
from typing import Any, cast

from django import forms
from django.utils.translation import gettext_lazy as _

from core.scopes import SCOPES
from marketplace.models import Category, Integration, Pricing

TUNING = ("connect_timeout", "head_timeout", "idle_timeout", "stream_idle_timeout", "retries", "websocket")


class IntegrationForm(forms.Form):
    """What a partner says of its integration. Once it is published only `texts` can be changed."""

    name = forms.CharField(label=_("Name"), max_length=80)
    slug = forms.SlugField(label=_("Address"), max_length=60, help_text=_("Consumers call it under /apis/<address>/."))
    summary = forms.CharField(label=_("Summary"), max_length=160, help_text=_("One line, for lists."))
    description = forms.CharField(
        label=_("Description"), max_length=10_000, required=False, widget=forms.Textarea(attrs={"rows": 6})
    )
    category = forms.ModelChoiceField(Category.objects.all(), label=_("Category"), required=False, empty_label=_("None"))
    upstream_url = forms.CharField(
        label=_("Upstream"), max_length=500, help_text=_("Where calls are sent on to, such as https://api.example.com/v1.")
    )
    scopes = forms.MultipleChoiceField(
        label=_("Scopes"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("What a consumer agrees to. Ask for the least; most integrations need none."),
    )
    price = forms.DecimalField(
        label=_("Price a call"),
        min_value=0,
        max_digits=12,
        decimal_places=6,
        required=False,
        help_text=_("In whole units, such as 0.0025. Empty: calls are free."),
    )
    currency = forms.CharField(label=_("Currency"), max_length=3, min_length=3, initial="USD", required=False)

    connect_timeout, head_timeout, idle_timeout, stream_idle_timeout, retries, websocket = (
        cast(Any, Integration._meta.get_field(name)).formfield(required=False) for name in TUNING
    )

    TEXTS = ("name", "summary", "description", "category", *TUNING)

    def __init__(self, *args: Any, only_texts: bool = False, slug_fixed: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [(name, f"{name} · {SCOPES[name].description}") for name in sorted(SCOPES)]
        self.fields["scopes"].choices = choices  # type: ignore[attr-defined]  # fields are typed as their base
        for name in [name for name in self.fields if only_texts and name not in self.TEXTS]:
            del self.fields[name]
        if slug_fixed and "slug" in self.fields:
            del self.fields["slug"]

    @classmethod
    def of(cls, integration: Integration, data: Any = None) -> "IntegrationForm":
        """The form with what the integration has now."""
        initial = {name: getattr(integration, name) for name in cls.base_fields if name != "price"}
        initial["price"] = integration.price or None
        only_texts = integration.status == Integration.Status.PUBLISHED
        return cls(data, initial=initial, only_texts=only_texts, slug_fixed=integration.current_id is not None)

    def facts(self) -> dict[str, Any]:
        """What the verbs take."""
        given = {name: value for name, value in self.cleaned_data.items() if value is not None or name not in TUNING}
        if "price" in self.fields:
            price = given["price"] or Decimal(0)
            given |= {"price": price, "pricing": Pricing.PER_CALL if price else Pricing.FREE}
            given["currency"] = (given["currency"] or "USD").upper()
        return given


class SubmitForm(forms.Form):
    """What is handed in for review."""

    notes = forms.CharField(label=_("Release notes"), max_length=5_000, required=False, widget=forms.Textarea(attrs={"rows": 3}))


class ConsentForm(forms.Form):
    """A yes to what an integration asks for and costs."""

    agreed = forms.BooleanField(label=_("I agree to these terms for my organisation."))
