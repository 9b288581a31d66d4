"""The site of the operators' console: Unfold's, without what it works out for every page and ours don't show."""

from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject
from unfold.sites import UnfoldAdminSite

from portal.admin_dashboard import sidebar


class ConsoleSite(UnfoldAdminSite):
    """Its sidebar is `portal.admin_dashboard.sidebar`, drawn by `unfold/helpers/app_list.html` of our templates."""

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> Any:
        """Put together when somebody looks at it; the sidebar doesn't."""
        listed = super().get_app_list
        return SimpleLazyObject(lambda: listed(request, app_label))

    def get_sidebar_list(self, request: HttpRequest) -> list[dict[str, Any]]:
        return sidebar(request)
