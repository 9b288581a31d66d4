"""System checks that only a look at the outside can answer; `manage.py check --deploy` and the start of a process run them."""

from collections.abc import Sequence
from typing import Any

from cryptography.fernet import Fernet
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register


@register(Tags.security)
def encryption_keys_are_keys(app_configs: Any, **options: Any) -> Sequence[CheckMessage]:
    """Every entry of PORTICO_ENCRYPTION_KEYS is a Fernet key."""
    errors = []
    for place, key in enumerate(settings.ENCRYPTION_KEYS, start=1):
        try:
            Fernet(key)
        except ValueError:
            hint = "`python -m core.crypto` prints a new key."
            errors.append(Error(f"Entry {place} of PORTICO_ENCRYPTION_KEYS is no Fernet key.", hint=hint, id="core.E001"))
    return errors
