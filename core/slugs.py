"""Places under `/apis/`, which integrations and API products share: each is taken once."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from core.problems import ValidationError


@contextmanager
def claiming() -> Iterator[None]:
    """Save a row with its slug within. Raises ValidationError if another API has that, also one that came first by a moment."""
    try:
        with transaction.atomic():
            yield
    except IntegrityError as error:
        raise ValidationError({"slug": [str(_("This address is taken."))]}) from error
