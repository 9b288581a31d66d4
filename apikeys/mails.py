"""Mail about keys, to those who may manage them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.utils.formats import date_format
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from partners.notices import Kind, register
from partners.permissions import BUILDERS


def _ending(payload: Mapping[str, Any]) -> dict[str, str]:
    """The end of a key in words: when, whether it is still used, and what to do."""
    used, over = payload["last_used_at"], payload["days"] == 0
    if payload["successor"]:
        next_step = _now("Its successor is there: put that where the old one is still used.")
    elif over:
        next_step = _now("Create another key, if a program still needs one.")
    else:
        next_step = _now("Rotate it in time, and put the new key where the old one is; or give it a later end.")
    return {
        "end": _instant(payload["expires_at"]),
        "used": _now("It was last used on {at}.").format(at=_instant(used)) if used else _now("It was never used."),
        "next": next_step,
    }


def _leaked(payload: Mapping[str, Any]) -> dict[str, str]:
    """Where it was found, if somebody said so. An address is nobody's promise: it is said to be the reporter's."""
    place = payload.get("found_at")
    words = _now("Whoever reported it says that it was here: {place} (look with care: we don’t know who that was).")
    return {"found": words.format(place=place) if place else _now("Where it was found was not said.")}


def _instant(text: str) -> str:
    return f"{date_format(datetime.fromisoformat(text), 'j M Y, H:i')} UTC"


register(
    Kind(
        "key_expiring",
        _("{partner}: the key “{name}” expires on {end}"),
        (_("The {environment} key “{name}” ({hint}) of {partner} stops working on {end}."), "{used}", "{next}"),
        _("Open the key"),
        "/p/{slug}/keys/{id}?environment={environment}",
        title=_("The key “{name}” expires on {end}"),
        event="key.expiring",
        about=_("A key is about to expire"),
        roles=BUILDERS,
        more=_ending,
    ),
    Kind(
        "key_expired",
        _("{partner}: the key “{name}” expired"),
        (_("The {environment} key “{name}” ({hint}) of {partner} stopped working on {end}."), "{used}", "{next}"),
        _("Open the key"),
        "/p/{slug}/keys/{id}?environment={environment}",
        title=_("The key “{name}” expired"),
        event="key.expired",
        about=_("A key has expired"),
        roles=BUILDERS,
        more=_ending,
    ),
    Kind(
        "key_leaked",
        _("{partner}: a leaked key was stopped"),
        (
            _("The {environment} key “{name}” ({hint}) of {partner} was reported to us as leaked. It stopped working at once."),
            "{found}",
            _("Create a new key, put it where the old one was, and look for where the old one got out. Then revoke the old one."),
        ),
        _("See the key and create a new one"),
        "/p/{slug}/keys/{id}?environment={environment}",
        title=_("A leaked key was stopped"),
        event="key.leaked",
        about=_("A leaked key was stopped"),
        roles=BUILDERS,
        security=True,
        more=_leaked,
    ),
    Kind(
        "key_revoked",
        _("{partner}: a key was revoked"),
        (_("The key “{name}” ({hint}) of {partner} was revoked and no longer works."), "{reason}"),
        _("Open API keys"),
        "/p/{slug}/keys/?environment={environment}",
        title=_("A key was revoked"),
        event="key.revoked",
        about=_("A key is revoked"),
        roles=BUILDERS,
        security=True,
    ),
)
