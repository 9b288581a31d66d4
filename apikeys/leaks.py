"""The intake of what was found in the open: whoever posts a credential of ours stops it."""

from django.db import transaction

from apikeys import keys
from apikeys.oauth import applications
from core.actors import Actor


@transaction.atomic
def report(*, text: str, by: Actor) -> None:
    """A real key, operator's token, client secret, access or refresh token stops at once and its owner is told. Anything else is
    ignored, and the caller can't tell the difference."""
    keys.report_leak(text=text, by=by)
    applications.report_leak(text=text, by=by)
