from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class DevelopersConfig(AppConfig):
    """Pages for whoever writes the programs: the API's reference, its errors."""

    name = "developers"
    verbose_name = _("Developers")
