"""Event types of webhooks themselves, and those of the operator's own products that its back end publishes.

Types under `webhook.` are matched by name only, never by a wildcard, so that no endpoint is told of itself by accident.
"""

from typing import Any

from django.utils.translation import gettext_lazy as _

from core.events import EventType, register

_TEXT = {"type": "string"}
_TIME = {"type": "string", "format": "date-time"}
_COUNT = {"type": "integer", "minimum": 0}
_LIST = {"type": "array", "items": _TEXT}
_ENDPOINT: dict[str, Any] = {"endpoint_id": _TEXT, "url": _TEXT}
_AT = "2026-01-31T12:00:00Z"
_EXAMPLE = {"endpoint_id": "whk_01jd3x8k5te9fr2m4n6p8q0s1v", "url": "https://example.com/hooks"}


def _object(required: dict[str, Any], **optional: Any) -> dict[str, Any]:
    return {"type": "object", "required": list(required), "properties": {**required, **optional}}


WEBHOOK_CREATED = EventType(
    "webhook.created",
    _("A webhook endpoint was added."),
    _object(_ENDPOINT, event_types=_LIST),
    {**_EXAMPLE, "event_types": ["course.*"]},
)
WEBHOOK_UPDATED = EventType(
    "webhook.updated",
    _("A webhook endpoint was changed; `changed` names what."),
    _object(_ENDPOINT, changed=_LIST),
    {**_EXAMPLE, "changed": ["event_types"]},
)
WEBHOOK_PAUSED = EventType(
    "webhook.paused", _("A webhook endpoint was paused; its events are held."), _object(_ENDPOINT), _EXAMPLE
)
WEBHOOK_ENABLED = EventType(
    "webhook.enabled",
    _("A webhook endpoint was switched on again; `held` is how many events were waiting."),
    _object(_ENDPOINT, send_held={"type": "boolean"}, held={"type": "integer", "minimum": 0}),
    {**_EXAMPLE, "send_held": True, "held": 3},
)
WEBHOOK_DISABLED = EventType(
    "webhook.disabled",
    _("A webhook endpoint was switched off by the platform; its events are held."),
    _object(_ENDPOINT, reason=_TEXT),
    {**_EXAMPLE, "reason": "The server answered 410 Gone."},
)
WEBHOOK_ALL_PAUSED = EventType(
    "webhook.all_paused",
    _("The operator paused all webhooks of the partner; events are held."),
    _object({"partner_id": _TEXT, "reason": _TEXT}),
    {"partner_id": "ptn_01jd3qz6v8e9xtqk7n5m2c4b1a", "reason": "Your server asked us to stop."},
)
WEBHOOK_ALL_RESUMED = EventType(
    "webhook.all_resumed",
    _("The operator lets the partner's webhooks go on; what was held is sent."),
    _object({"partner_id": _TEXT}),
    {"partner_id": "ptn_01jd3qz6v8e9xtqk7n5m2c4b1a"},
)
WEBHOOK_REMOVED = EventType("webhook.removed", _("A webhook endpoint was removed."), _object(_ENDPOINT), _EXAMPLE)
WEBHOOK_ENDPOINT_FAILING = EventType(
    "webhook.endpoint_failing",
    _("A webhook endpoint has begun to fail."),
    _object({**_ENDPOINT, "reason": _TEXT, "failing_since": _TIME, "failures": _COUNT}),
    {**_EXAMPLE, "reason": "Your server answered 500: the handler failed.", "failing_since": _AT, "failures": 10},
)
WEBHOOK_ENDPOINT_RECOVERED = EventType(
    "webhook.endpoint_recovered",
    _("A webhook endpoint that was failing works again."),
    _object({**_ENDPOINT, "failing_since": _TIME}),
    {**_EXAMPLE, "failing_since": _AT},
)
WEBHOOK_DISABLE_ANNOUNCED = EventType(
    "webhook.disable_announced",
    _("A webhook endpoint has been failing for days; unless an attempt succeeds it is switched off."),
    _object({**_ENDPOINT, "reason": _TEXT, "failing_since": _TIME, "disabled_from": _TIME}),
    {**_EXAMPLE, "reason": "Nothing listens at its address.", "failing_since": _AT, "disabled_from": "2026-02-05T12:00:00Z"},
)
WEBHOOK_SECRET_ROTATED = EventType(
    "webhook.secret_rotated",
    _("A webhook endpoint got a new signing secret or key."),
    _object(_ENDPOINT, overlap_seconds={"type": "integer", "minimum": 0}, signature={"enum": ["hmac", "ed25519"]}),
    {**_EXAMPLE, "overlap_seconds": 86_400, "signature": "hmac"},
)
WEBHOOK_SECRET_SHOWN = EventType(
    "webhook.secret_shown",
    _("Somebody of the team had a webhook endpoint's signing secret shown again."),
    _object(_ENDPOINT),
    _EXAMPLE,
)
WEBHOOK_OVERLAP_ENDED = EventType(
    "webhook.overlap_ended",
    _("The signature of before is no longer sent to a webhook endpoint, sooner than was planned."),
    _object(_ENDPOINT),
    _EXAMPLE,
)
WEBHOOK_DELIVERY_FAILED = EventType(
    "webhook.delivery_failed",
    _("A delivery was given up after its last attempt."),
    _object({**_ENDPOINT, "delivery_id": _TEXT, "event_id": _TEXT}),
    {**_EXAMPLE, "delivery_id": "dlv_01jd3x8k5te9fr2m4n6p8q0s1v", "event_id": "evt_01jd3x8k5te9fr2m4n6p8q0s1v"},
)
_REPLAY = _object({**_ENDPOINT, "replay_id": _TEXT, "matched": _COUNT})
_REPLAYED = {**_EXAMPLE, "replay_id": "rpl_01jd3x8k5te9fr2m4n6p8q0s1v", "matched": 250}
WEBHOOK_REPLAY_STARTED = EventType(
    "webhook.replay_started", _("Deliveries to a webhook endpoint are being sent again."), _REPLAY, _REPLAYED
)
WEBHOOK_REPLAY_FINISHED = EventType(
    "webhook.replay_finished", _("All deliveries of a replay were attempted."), _REPLAY, _REPLAYED
)
WEBHOOK_REPLAY_CANCELLED = EventType(
    "webhook.replay_cancelled", _("A replay was stopped; what it had not sent yet stays as it was."), _REPLAY, _REPLAYED
)
WEBHOOK_TEST = EventType(
    "webhook.test",
    _("A test, sent to the one endpoint that asked for it."),
    # A test carries the data of whatever type it tries.
    {"type": "object", "properties": {"message": {"description": "Words, or what the type that is tried has."}}},
    {"message": "This is a test of your webhook endpoint."},
)
WEBHOOK_INSPECTOR_OPENED = EventType(
    "webhook.inspector_opened", _("A temporary address that shows what it receives was opened."), internal=True
)
WEBHOOK_INSPECTOR_CLOSED = EventType(
    "webhook.inspector_closed", _("A temporary address was closed, and what it had received was deleted."), internal=True
)
EVENT_TYPE_CREATED = EventType("event_type.created", _("An operator added an event type."), internal=True)
EVENT_TYPE_CHANGED = EventType(
    "event_type.changed", _("An operator changed an event type; `version` is the one it has now."), internal=True
)
EVENT_TYPE_RETIRED = EventType("event_type.retired", _("An operator retired an event type."), internal=True)
EVENT_TYPE_RESTORED = EventType("event_type.restored", _("An operator took an event type back into use."), internal=True)

_ID = {"type": "string", "minLength": 1, "maxLength": 200}

USER_CREATED = EventType(
    "user.created",
    _("Somebody signed up with the learning platform."),
    _object({"user_id": _ID}, email={"type": "string"}, name={"type": "string"}),
    {"user_id": "u_1024", "name": "Ada Lovelace"},
    published=True,
)
USER_UPDATED = EventType(
    "user.updated",
    _("Somebody's profile changed."),
    _object({"user_id": _ID}, changed={"type": "array", "items": {"type": "string"}}),
    {"user_id": "u_1024", "changed": ["name"]},
    published=True,
)
COURSE_CREATED = EventType(
    "course.created",
    _("A course was put up."),
    _object({"course_id": _ID, "title": {"type": "string"}}),
    {"course_id": "c_77", "title": "Algorithms, gently"},
    published=True,
)
COURSE_COMPLETED = EventType(
    "course.completed",
    _("Somebody finished a course."),
    _object({"course_id": _ID, "user_id": _ID, "completed_at": _TIME}, score={"type": "number"}),
    {"course_id": "c_77", "user_id": "u_1024", "completed_at": "2026-01-31T12:00:00Z"},
    published=True,
)
MENTOR_MATCHED = EventType(
    "mentor.matched",
    _("A mentor was found for somebody."),
    _object({"mentor_id": _ID, "user_id": _ID}),
    {"mentor_id": "m_5", "user_id": "u_1024"},
    published=True,
)
PAYMENT_PROCESSED = EventType(
    "payment.processed",
    _("A payment went through."),
    _object(
        {"payment_id": _ID, "amount": {"type": ["string", "number"]}, "currency": {"type": "string", "pattern": "^[A-Z]{3}$"}}
    ),
    {"payment_id": "p_9001", "amount": "49.00", "currency": "USD"},
    published=True,
)

register(
    WEBHOOK_CREATED,
    WEBHOOK_UPDATED,
    WEBHOOK_PAUSED,
    WEBHOOK_ENABLED,
    WEBHOOK_DISABLED,
    WEBHOOK_ENDPOINT_FAILING,
    WEBHOOK_ENDPOINT_RECOVERED,
    WEBHOOK_DISABLE_ANNOUNCED,
    WEBHOOK_ALL_PAUSED,
    WEBHOOK_ALL_RESUMED,
    WEBHOOK_REMOVED,
    WEBHOOK_SECRET_ROTATED,
    WEBHOOK_SECRET_SHOWN,
    WEBHOOK_OVERLAP_ENDED,
    WEBHOOK_DELIVERY_FAILED,
    WEBHOOK_REPLAY_STARTED,
    WEBHOOK_REPLAY_FINISHED,
    WEBHOOK_REPLAY_CANCELLED,
    WEBHOOK_TEST,
    WEBHOOK_INSPECTOR_OPENED,
    WEBHOOK_INSPECTOR_CLOSED,
    EVENT_TYPE_CREATED,
    EVENT_TYPE_CHANGED,
    EVENT_TYPE_RETIRED,
    EVENT_TYPE_RESTORED,
    USER_CREATED,
    USER_UPDATED,
    COURSE_CREATED,
    COURSE_COMPLETED,
    MENTOR_MATCHED,
    PAYMENT_PROCESSED,
)
