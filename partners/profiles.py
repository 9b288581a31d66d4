"""How far a profile has come: what of it is there, and what would make it better."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from partners.models import Partner

# What people look for on a profile, in the order in which it helps most.
PARTS: dict[str, str | Promise] = {
    "logo": _("A logo"),
    "summary": _("A summary, which every list shows"),
    "description": _("A description"),
    "industries": _("The industries you work for"),
    "website": _("Your website"),
    "public_email": _("An address for questions"),
}


def lacking(partner: Partner) -> list[str | Promise]:
    """The parts that aren't there yet, in words."""
    return [words for name, words in PARTS.items() if not getattr(partner, name)]
