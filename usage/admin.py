"""The operators' console for usage: calls and their hours, to look at."""

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.http import HttpRequest
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from apikeys.models import Application
from core.console_lists import ConsoleList, DaysFilter, among, rows_named
from core.models import Environment
from marketplace.models import Integration
from partners.console_filters import PartnerFilter
from partners.models import Partner
from usage import explanations, log
from usage.filters import CREDENTIALS, CallFilter
from usage.models import Call, HourRollup

LINK = '<a class="text-primary-600 dark:text-primary-500" href="{}">{}</a>'


class LookOnly(ConsoleList):
    """Nobody edits what was counted."""

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """With the partners' names; the rows outlive what they are about, so there is no foreign key."""
        names = Partner.objects.filter(pk=OuterRef("partner_id")).values("name")[:1]
        found: QuerySet[Any] = super().get_queryset(request).annotate(partner_name=Subquery(names))
        return found

    @display(description=_("partner"))
    def partner(self, obj: Any) -> str:
        return obj.partner_name or "–"

    @display(description=_("partner"))
    def partner_link(self, obj: Any) -> str:
        if obj.partner_name is None:
            return "–"
        return format_html(LINK, reverse("admin:partners_partner_change", args=[obj.partner_id]), obj.partner_name)

    @display(description=_("integration"))
    def integration(self, obj: Any) -> str:
        return str(Integration.objects.filter(pk=obj.integration_id).first() or "–") if obj.integration_id else "–"

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class AnswerFilter(admin.SimpleListFilter):
    """By how it was answered."""

    title = _("answer")
    parameter_name = "answer"
    CONDITIONS: ClassVar = {"fulfilled": Q(status__lt=400), "refused": Q(status__gte=400), "broken": Q(status__gte=500)}

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [
            ("fulfilled", _("Fulfilled (below 400)")),
            ("refused", _("Refused or failed (400 and above)")),
            ("broken", _("Failed on our side or a seller's (500 and above)")),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Call]) -> QuerySet[Call]:
        return queryset.filter(self.CONDITIONS.get(self.value() or "", Q()))


@admin.register(Call)
class CallAdmin(LookOnly):
    """The log of all calls. Search by either side's `X-Request-Id`, or by the id of a partner, key or application."""

    list_display = ("moment", "partner", "method", "path", "status", "code", "environment", "address")
    fields = (
        "public_id",
        "moment",
        "partner_link",
        "environment",
        "credential",
        "integration",
        "operation",
        "method",
        "path",
        "status",
        "code",
        "meaning",
        "took",
        "bytes_in",
        "bytes_out",
        "address",
        "user_agent",
        "client_request_id",
        "metered",
        "carried_at",
        "command",
    )
    list_filter = (AnswerFilter, "environment", ("at", DaysFilter), PartnerFilter)
    list_filter_submit = True
    search_fields = ("id",)
    search_help_text = _("call_…, a client’s own X-Request-Id, ptn_…, key_… or app_…")

    @display(description=_("id"))
    def public_id(self, obj: Call) -> str:
        return obj.public_id

    @display(description=_("time (UTC)"), ordering="id")
    def moment(self, obj: Call) -> str:
        return date_format(obj.at, "j M Y, H:i:s")

    @display(description=_("key or application"))
    def credential(self, obj: Call) -> str:
        log.name_callers([obj])
        if obj.caller is None or obj.partner_id is None:
            return str(_("An operator’s token")) if obj.caller else "–"
        kind = "application" if obj.caller.startswith(Application.id_prefix) else "key"
        return format_html(LINK, reverse(f"admin:apikeys_{kind}_change", args=[obj.credential_id]), obj.caller)

    @display(description=_("what it means"))
    def meaning(self, obj: Call) -> str:
        found = explanations.explain(obj)
        return f"{found.title}. {found.advice}" if found else "–"

    @display(description=_("took"))
    def took(self, obj: Call) -> str:
        return f"{obj.latency_us / 1_000:,.1f} ms"

    @display(description=_("make it again"))
    def command(self, obj: Call) -> str:
        return format_html("<code>{}</code>", explanations.curl(obj))

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[Any, bool]:
        """One call, or those of a partner or credential; nothing else is known of calls that an index finds."""
        words = search_term.strip()
        if not words:
            return queryset, False
        if words.startswith(tuple(f"{prefix}_" for prefix in CREDENTIALS)):
            return CallFilter({"key": words}, queryset=queryset).qs, False
        named = rows_named(queryset, words)
        return (CallFilter({"id": words}, queryset=queryset).qs if named is None else named), False


@admin.register(HourRollup)
class HourAdmin(LookOnly):
    """What totals and invoices are made from."""

    list_display = ("at", "partner", "environment", "operation", "status", "code", "requests", "metered", "bytes_out")
    fields = (
        "at",
        "partner_link",
        "environment",
        "integration",
        "operation",
        "status",
        "code",
        "requests",
        "metered",
        "bytes_in",
        "bytes_out",
    )
    list_filter = (among("environment", _("environment"), lambda: Environment.choices),)
    ordering = ["-at", "-pk"]
