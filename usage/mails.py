"""What partners are told of their use of the API."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.utils.formats import date_format
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from partners.notices import Kind, register
from partners.permissions import EVERYONE, Role
from usage.quota_alerts import THRESHOLDS


def _numbers(payload: Mapping[str, Any]) -> dict[str, str]:
    """The numbers as people write them, and what becomes of calls beyond the quota."""
    if payload["over_quota"] == "charge":
        beyond = _now("Calls beyond it go on, and are charged by the call.")
    elif payload["percent"] == 100:
        beyond = _now("Further live calls are refused with quota_exceeded until then. A higher tier has more calls, at once.")
    else:
        beyond = _now("Once all are used, live calls are refused with quota_exceeded until then. A higher tier has more calls.")
    return {
        "percent": str(payload["percent"]),
        "used": f"{payload['used']:,}",
        "limit": f"{payload['limit']:,}",
        "resets": f"{date_format(datetime.fromisoformat(payload['resets_at']), 'j M Y')}, 00:00 UTC",
        "beyond": beyond,
    }


def _is_highest(payload: Mapping[str, Any]) -> bool:
    """Of thresholds that were crossed at once, which are an event each, only the last is news."""
    reached = [percent for percent in THRESHOLDS if payload["used"] * 100 >= percent * payload["limit"]]
    return not reached or payload["percent"] == reached[-1]


register(
    Kind(
        "quota_reached",
        _("{partner}: {percent}% of this month’s calls are used"),
        (
            _("{partner} has made {used} of this month’s {limit} live calls. The count starts again on {resets}."),
            "{beyond}",
            _("Test calls have a count of their own, and are never charged."),
        ),
        _("See your limits"),
        "/p/{slug}/usage/limits/?environment={environment}",
        title=_("{percent}% of this month’s calls are used"),
        event="usage.quota_reached",
        about=_("50, 80 and 100% of the month’s calls are used"),
        roles=EVERYONE - {Role.VIEWER},
        fits=_is_highest,
        more=_numbers,
    ),
)
