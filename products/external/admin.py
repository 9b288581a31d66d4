"""The operators' console for API products."""

from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError as Invalid
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget

from core.console import Deed, may_change, operator_of
from core.console_lists import ConsoleList
from core.models import Environment
from core.problems import ValidationError
from products.external import products, rules
from products.external.models import Product

Status = Product.Status
TEXTS = ("name", "description", "upstream_url", "test_upstream_url", "least_tier", "scopes", "operations")
TUNING = ("connect_timeout", "head_timeout", "idle_timeout", "stream_idle_timeout", "retries", "websocket")
OVERLAPS = (
    (0, _("Not at all: the one before ends at once")),
    (3_600, _("One hour")),
    (86_400, _("One day")),
    (7 * 86_400, _("Seven days")),
)


def _lines(rows: int, example: str) -> UnfoldAdminTextareaWidget:
    return UnfoldAdminTextareaWidget(attrs={"rows": rows, "spellcheck": "false", "placeholder": example})


class WebAddress(forms.URLField):
    """`api.example` is `https://api.example`."""

    def __init__(self, **options: Any) -> None:
        super().__init__(assume_scheme="https", **options)


class ProductForm(forms.ModelForm):
    """A product. What speaks against it is said beside the field, from the verbs."""

    request: Any
    header_lines = forms.CharField(
        label=_("Headers"),
        required=False,
        help_text=_(
            "One a line, “X-Api-Key: value”, sent to the upstream with each call. Values are kept encrypted and not shown "
            "again: a line with dots keeps the value it has."
        ),
        widget=_lines(3, "X-Api-Key: …"),
    )

    class Meta:
        model = Product
        fields = ["slug", *TEXTS, *TUNING]
        field_classes = {"upstream_url": WebAddress, "test_upstream_url": WebAddress}
        widgets = {
            "scopes": _lines(4, "orders:read See orders"),
            "operations": _lines(6, "GET /orders orders:read\nGET /orders/{id} orders:read\nPOST /orders orders:write"),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["header_lines"] = hidden(self.instance)

    def _post_clean(self) -> None:
        """Do it: whoever reads the form's mistakes reads the verb's."""
        super()._post_clean()  # type: ignore[misc]  # Django's own hook, which the stubs leave out
        if self.errors:
            return
        given = {name: self.cleaned_data[name] for name in (*TEXTS, *TUNING)} | {"headers": self.cleaned_data["header_lines"]}
        try:
            self.made = self._do(given)
        except ValidationError as problem:
            for error in problem.facts["errors"]:
                field = error["pointer"].split("/")[1]
                self.add_error("header_lines" if field == "headers" else field, error["detail"])
        except Invalid as error:
            self.add_error(None, error)

    def _do(self, given: dict[str, Any]) -> Product:
        by = operator_of(self.request)
        if not self.instance._state.adding:
            return products.update(product=self.instance, changes=given, by=by)
        made = products.create(slug=self.cleaned_data["slug"], by=by, **given)
        self.secret = made.signing_secret
        return made.product


class OverlapForm(forms.Form):
    """How long the secret before goes on."""

    overlap = forms.TypedChoiceField(
        label=_("The secret before holds on for"), choices=OVERLAPS, coerce=int, initial=86_400, widget=UnfoldAdminSelectWidget
    )


@admin.register(Product)
class ProductAdmin(ConsoleList):
    """APIs of the operator's own that run elsewhere; partners call them under /apis/."""

    list_display = ["name", "slug", "shown_status", "least_tier", "upstream_url", "shown_health"]
    list_filter = ["status", ("down_since", admin.EmptyFieldListFilter)]
    list_select_related = ["least_tier"]
    search_fields = ["name", "slug"]
    ordering = ["slug"]
    actions_detail = ["enable", "disable", "rotate"]
    readonly_fields = ["status", "called_at", "live_health", "test_health", "previous_until", "enabled_at", "public_id"]

    enable = Deed(
        verb=products.enable,
        states={Status.DISABLED},
        label=_("Switch on"),
        icon="play_arrow",
        text=_("Partners see it in their portal, and can call it from the next call on."),
        said=_("It can be called now."),
    )
    disable = Deed(
        verb=products.disable,
        states={Status.ENABLED},
        label=_("Switch off"),
        icon="pause",
        text=_("Calls to it are refused with 404 from the next one on. Keys keep its scopes."),
        said=_("Its calls are refused now."),
    )

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        about = ["slug", "name", "description"] if obj is None else ["status", "called_at", "name", "description"]
        kept = [] if obj is None else [(_("As it stands"), {"fields": [*self.readonly_fields[2:]]})]
        return [
            (None, {"fields": about}),
            (_("Where it runs"), {"fields": ["upstream_url", "test_upstream_url", "header_lines"]}),
            (_("Who may call what"), {"fields": ["least_tier", "scopes", "operations"]}),
            (_("How patiently"), {"fields": [TUNING[:2], TUNING[2:4], TUNING[4:]]}),
            *kept,
        ]

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        own = type("OwnProductForm", (ProductForm,), {"request": request})
        return super().get_form(request, obj, change, form=own, **kwargs)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """One that was never switched on."""
        return obj is not None and obj.enabled_at is None and super().has_delete_permission(request, obj)

    def has_rotate_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return may_change(request, Product)

    def save_model(self, request: HttpRequest, obj: Product, form: Any, change: bool) -> None:
        """The form's verb has done it."""
        obj.__dict__.update(form.made.__dict__)

    def delete_model(self, request: HttpRequest, obj: Product) -> None:
        products.delete(product=obj, by=operator_of(request))

    def response_add(self, request: HttpRequest, obj: Product, post_url_continue: str | None = None) -> HttpResponse:
        """Show the secret in the answer itself, so that it is kept nowhere on its way."""
        return self._show_secret(request, obj, str(obj.signing_secret))

    @action(description=_("New signing secret"), url_path="rotate", permissions=["rotate"], icon="key")
    def rotate(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Asks for how long both secrets hold, and shows the new one."""
        row = self.get_object(request, str(object_id))
        if row is None:
            raise Http404
        form = OverlapForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            overlap = timedelta(seconds=form.cleaned_data["overlap"])
            made = products.rotate_secret(product=row, overlap=overlap, by=operator_of(request))
            return self._show_secret(request, made.product, made.signing_secret)
        context = {**self.admin_site.each_context(request), "title": _("New signing secret"), "row": row, "form": form}
        return TemplateResponse(request, "admin/external/product/rotate.html", context)

    def _show_secret(self, request: HttpRequest, row: Product, secret: str) -> HttpResponse:
        context = {**self.admin_site.each_context(request), "title": _("Signing secret"), "row": row, "secret": secret}
        response = TemplateResponse(request, "admin/external/product/secret.html", context)
        response["Cache-Control"] = "no-store"
        return response

    @display(description=_("state"), label={"enabled": "success", "disabled": "info"})
    def shown_status(self, obj: Product) -> tuple[str, str]:
        return obj.status, obj.get_status_display()

    @display(description=_("upstream"), label={"open": "danger", "half_open": "warning", "closed": "success", "unknown": "info"})
    def shown_health(self, obj: Product) -> tuple[str, Any]:
        words = {"open": _("Left alone"), "half_open": _("Being tried"), "closed": _("Works"), "unknown": _("Not called yet")}
        state = obj.health_in(Environment.LIVE).state
        return state, words[state]

    @admin.display(description=_("address"))
    def called_at(self, obj: Product) -> SafeString:
        return format_html("<code>{}</code>", obj.base_url)

    @admin.display(description=_("upstream, live"))
    def live_health(self, obj: Product) -> str:
        return _said(obj, Environment.LIVE)

    @admin.display(description=_("upstream, test"))
    def test_health(self, obj: Product) -> str:
        return _said(obj, Environment.TEST) if obj.test_upstream_url else gettext("There is none.")

    @admin.display(description=_("headers"))
    def header_lines(self, obj: Product) -> SafeString:
        """For those who may only look."""
        return format_html("<pre>{}</pre>", hidden(obj))

    @admin.display(description=_("id"))
    def public_id(self, obj: Product) -> str:
        return obj.public_id


def hidden(product: Product) -> str:
    """Its headers without their values."""
    return rules.spelled(dict.fromkeys(product.sent, rules.HIDDEN))


def _said(product: Product, environment: str) -> str:
    found = product.health_in(environment)
    said = gettext("{state}; {failures} of {calls} calls failed in the last five minutes. {error}")
    return said.format(state=found.state, failures=found.failures, calls=found.calls, error=found.last_error)
