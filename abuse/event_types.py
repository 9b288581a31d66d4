"""What is seen of how keys are used."""

from django.utils.translation import gettext_lazy as _

from apikeys.event_types import EXAMPLE, PROPERTIES, SCHEMA, TEXT
from core.events import EventType, register

KEY_FLAGGED = EventType(
    "key.flagged",
    _("A key is used in a way that a rule of ours watches for; `reason` says what was seen. The key goes on working."),
    {**SCHEMA, "properties": {**PROPERTIES, "reason": TEXT, "incident": TEXT}},
    {**EXAMPLE, "reason": "It was used from 61 networks within 60 minutes.", "incident": "inc_01jd3x8q4vf2r9kq6m5t7w8y9z"},
)
KEY_UNUSUAL = EventType(
    "key.unusual_use",
    _("A key is used unlike before; `kind` and `reason` say how. The key goes on working."),
    {**SCHEMA, "properties": {**PROPERTIES, "kind": {"enum": ["network", "volume", "hour"]}, "reason": TEXT}},
    {**EXAMPLE, "kind": "network", "reason": "First calls from 203.0.113.0/24; until now it was used from 2 other networks."},
)

RULE_CHANGED = EventType("abuse.rule_changed", _("An operator changed a rule about how keys are used."), internal=True)

register(KEY_FLAGGED, KEY_UNUSUAL, RULE_CHANGED)
