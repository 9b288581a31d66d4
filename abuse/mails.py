"""What partners and operators are told of how keys are used."""

from django.utils.translation import gettext_lazy as _

from partners.notices import Kind, register
from partners.permissions import BUILDERS

register(
    Kind(
        "key_suspended",
        _("{partner}: the key “{name}” was suspended"),
        (
            _("The {environment} key “{name}” ({hint}) of {partner} was suspended for how it was used. Its calls are refused."),
            "{reason}",
            _("If a program made a mistake, mend it and let the key work again. If it wasn’t you, revoke the key."),
        ),
        _("See what happened and resume the key"),
        "/p/{slug}/keys/{id}/suspension?environment={environment}",
        title=_("The key “{name}” was suspended"),
        event="key.suspended",
        about=_("A key is suspended because of how it is used"),
        roles=BUILDERS,
        security=True,
    ),
    Kind(
        "key_flagged",
        _("{partner}: please look at how the key “{name}” is used"),
        (
            _("How the {environment} key “{name}” ({hint}) of {partner} is used often means a mistake, or somebody else."),
            "{reason}",
            _("It goes on working. If a program of yours does this on purpose, nothing has to be done."),
        ),
        _("See what was counted"),
        "/p/{slug}/keys/{id}/suspension?environment={environment}",
        title=_("Please look at how the key “{name}” is used"),
        event="key.flagged",
        about=_("A key is used in a way that often means a mistake"),
        roles=BUILDERS,
    ),
    Kind(
        "key_unusual_use",
        _("{partner}: the key “{name}” is used unlike before"),
        (
            _("The {environment} key “{name}” ({hint}) of {partner} is used unlike before."),
            "{reason}",
            _("If that is you, nothing has to be done. If not, rotate the key. You hear of a key once a day at most."),
        ),
        _("Look at it, or hear no more of this key"),
        "/p/{slug}/keys/{id}/unusual-use?environment={environment}",
        title=_("The key “{name}” is used unlike before"),
        event="key.unusual_use",
        about=_("A key is used unlike before"),
        roles=BUILDERS,
    ),
    Kind(
        "operators_incident",
        _("{partner_name}: key “{key_name}”, {rule}"),
        (
            _("The rule “{rule}” held of the key “{key_name}” of {partner_name}. State: {done}."),
            "{found}",
            _("In the console you see the evidence, and can lift the suspension, lock it, or mark it as a false alarm."),
        ),
        _("Open it in the console"),
        "/admin/abuse/incident/{incident}/change/",
    ),
)
