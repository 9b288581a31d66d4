"""Event types of API products: facts of the platform's own, for the audit log."""

from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from core.events import EventType, register

_TEXT = {"type": "string"}
_PROPERTIES: dict[str, Any] = {"product_id": _TEXT, "slug": _TEXT, "name": _TEXT, "status": {"enum": ["enabled", "disabled"]}}
_EXAMPLE = {"product_id": "prd_01jd3qz6v8e9xtqk7n5m2c4b1a", "slug": "orders", "name": "Orders", "status": "enabled"}


def _about(name: str, description: str | Promise) -> EventType:
    schema = {"type": "object", "required": list(_PROPERTIES), "properties": _PROPERTIES}
    return EventType(name, description, schema, _EXAMPLE, internal=True)


PRODUCT_CREATED = _about("product.created", _("An API product was made."))
PRODUCT_UPDATED = _about("product.updated", _("An API product was changed; `changes` has what was and what is."))
PRODUCT_ENABLED = _about("product.enabled", _("An API product was switched on."))
PRODUCT_DISABLED = _about("product.disabled", _("An API product was switched off: its calls are refused."))
PRODUCT_DELETED = _about("product.deleted", _("An API product that had never been switched on was deleted."))
PRODUCT_SECRET_ROTATED = _about(
    "product.secret_rotated", _("An API product got another signing secret; the one before holds until `previous_until`.")
)
PRODUCT_DOWN = _about("product.upstream_down", _("The gateways leave an API product’s upstream alone for a while."))
PRODUCT_RESTORED = _about("product.upstream_restored", _("An API product’s upstream works again."))

register(
    PRODUCT_CREATED,
    PRODUCT_UPDATED,
    PRODUCT_ENABLED,
    PRODUCT_DISABLED,
    PRODUCT_DELETED,
    PRODUCT_SECRET_ROTATED,
    PRODUCT_DOWN,
    PRODUCT_RESTORED,
)
