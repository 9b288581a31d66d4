from django.contrib.admin.apps import AdminConfig


class ConsoleConfig(AdminConfig):
    """Django's admin, on a site of ours."""

    default_site = "portal.console_site.ConsoleSite"
