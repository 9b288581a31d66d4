"""The portal: what is made of several apps. The operators' console is entered through the same sign-in as everything else."""

from django.apps import AppConfig
from django.contrib import admin
from django.utils.translation import gettext_lazy as _


class PortalConfig(AppConfig):
    name = "portal"
    verbose_name = _("Portal")

    def ready(self) -> None:
        from allauth.account.decorators import secure_admin_login

        admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]
