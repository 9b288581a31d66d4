"""How the operators' console looks: Unfold's settings."""

from django.templatetags.static import static

UNFOLD = {
    "SITE_TITLE": "Portico",
    "SITE_HEADER": "Portico",
    "SITE_URL": "/",
    "SHOW_VIEW_ON_SITE": True,
    "ENVIRONMENT": "portal.admin_dashboard.environment_badge",
    "DASHBOARD_CALLBACK": "portal.admin_dashboard.attention",
    "GLOBAL_CALLBACK": "portal.admin_dashboard.console",
    "SIDEBAR": {"show_search": True},
    "SITE_SYMBOL": "account_balance",
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": lambda request: static("img/mark.svg")}],
    "STYLES": [lambda request: static("css/console.css")],
}
