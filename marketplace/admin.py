"""The operators' console for the marketplace: the queue of reviews, categories, installations."""

from django.contrib import admin
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.admin import TabularInline

from core.console import Deed, ReadOnly, ReasonForm, Rows
from core.console_lists import ConsoleList
from marketplace import integrations
from marketplace.models import Category, Installation, Integration, Version

Status = Integration.Status


class VersionInline(ReadOnly, TabularInline):
    model = Version
    fields = ("number", "upstream_url", "scopes", "price", "currency", "notes", "released_at")


@admin.register(Category)
class CategoryAdmin(ConsoleList):
    list_display = ("name", "slug", "parent", "position")
    search_fields = ("name", "slug")
    prepopulated_fields = {"slug": ("name",)}


@admin.register(Integration)
class IntegrationAdmin(Rows):
    """Every integration; filter by `In review` for the queue."""

    list_display = ("name", "slug", "partner", "environment", "status", "submitted_at", "published_at")
    list_filter = ("status", "environment", "category")
    list_select_related = ("partner",)
    search_fields = ("name", "slug", "partner__name")
    ordering = ["-submitted_at"]
    inlines = (VersionInline,)
    fields = (
        ("name", "slug"),
        ("partner", "environment"),
        ("status", "status_reason"),
        "summary",
        "description",
        "category",
        "upstream_url",
        ("connect_timeout", "head_timeout", "idle_timeout", "stream_idle_timeout"),
        ("retries", "websocket"),
        "scopes",
        ("pricing", "price", "currency"),
        "current",
        ("submitted_at", "published_at"),
        ("upstream_state", "down_since"),
        ("public_id", "created_at"),
    )
    readonly_fields = ("upstream_state",)
    actions_detail = ("approve", "request_changes", "reject", "suspend", "reinstate")

    @admin.display(description=_("upstream"))
    def upstream_state(self, integration: Integration) -> str:
        """How the gateways find it."""
        found = integration.health
        said = gettext("{state}; {failures} of {calls} calls failed in the last five minutes. {error}")
        return said.format(state=found.state, failures=found.failures, calls=found.calls, error=found.last_error)

    approve = Deed(
        verb=integrations.approve,
        states={Status.IN_REVIEW},
        label=_("Approve"),
        icon="check",
        text=_("Its partner can publish it then."),
        said=_("Approved: its partner can publish it."),
    )
    request_changes = Deed(
        verb=integrations.request_changes,
        states={Status.IN_REVIEW},
        label=_("Ask for changes"),
        icon="edit",
        text=_("It goes back as a draft."),
        said=_("Sent back."),
        asks=ReasonForm,
    )
    reject = Deed(
        verb=integrations.reject,
        states={Status.IN_REVIEW},
        label=_("Reject"),
        icon="block",
        text=_("For good."),
        said=_("Rejected."),
        asks=ReasonForm,
    )
    suspend = Deed(
        verb=integrations.suspend,
        states=set(Status) - {Status.SUSPENDED, Status.REJECTED},
        label=_("Suspend"),
        icon="pause",
        text=_("Calls to it are refused at once."),
        said=_("Suspended: its calls are refused."),
        asks=ReasonForm,
    )
    reinstate = Deed(
        verb=integrations.reinstate,
        states={Status.SUSPENDED},
        label=_("Lift the suspension"),
        icon="play_arrow",
        text=_("Who has installed it can call it again."),
        said=_("It can be called again."),
    )


@admin.register(Installation)
class InstallationAdmin(Rows):
    """Who has installed what, on which terms."""

    list_display = ("integration", "partner", "environment", "status", "price", "currency", "installed_at", "uninstalled_at")
    list_filter = ("status", "environment")
    list_select_related = ("integration", "partner")
    search_fields = ("integration__name", "integration__slug", "partner__name")
    fields = (
        ("integration", "version"),
        ("partner", "environment"),
        "status",
        "granted_scopes",
        ("price", "currency"),
        ("installed_at", "uninstalled_at"),
        "public_id",
    )
