"""What every template may use."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest


def site(request: HttpRequest) -> dict[str, Any]:
    """The installation: its name, whether it is a demo, its address."""
    return {"site_name": "Portico", "demo": settings.DEMO, "base_url": settings.BASE_URL}
