"""Mail about keys, to those who may manage them."""

from django.utils.translation import gettext_lazy as _

from partners.notices import Kind, register
from partners.permissions import BUILDERS

register(
    Kind(
        "key_leaked",
        _("{partner}: a leaked key was stopped"),
        (
            _("The key “{name}” ({hint}) of {partner} was reported to us as leaked. It stopped working at once."),
            _("Create a new key, put it where the old one was, and look for where the old one got out. Then revoke the old one."),
        ),
        _("Open API keys"),
        "/p/{slug}/keys/",
        title=_("A leaked key was stopped"),
        event="key.leaked",
        about=_("A leaked key was stopped"),
        roles=BUILDERS,
        security=True,
    ),
    Kind(
        "key_revoked",
        _("{partner}: a key was revoked"),
        (_("The key “{name}” ({hint}) of {partner} was revoked and no longer works."), "{reason}"),
        _("Open API keys"),
        "/p/{slug}/keys/",
        title=_("A key was revoked"),
        event="key.revoked",
        about=_("A key is revoked"),
        roles=BUILDERS,
        security=True,
    ),
)
