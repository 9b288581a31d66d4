"""Many rows at once, straight into the tables: an installation that has been busy for years.

Columns are given as SQL over the row's number `i`; whatever else a table wants has its field's default, so that a field that is
added later doesn't matter here. Ids are made of kind and number, so that rows can refer to each other.
"""

from collections.abc import Mapping

from django.db import connection, models

from apikeys.models import Key
from core.models import Event, Payload, User
from partners import tiers
from partners.models import Document, Member, Partner, Review, Tier, TierRequest
from products.requests.models import Request
from usage.models import Call, HourRollup
from webhooks.models import Delivery, Endpoint

KINDS = {model: number for number, model in enumerate((Partner, User, Member, Key, Event, Endpoint, Delivery), start=1)}
WORDS = "ARRAY['Acme','Globex','Initech','Umbrella','Hooli','Stark','Wayne','Tyrell','Cyberdyne','Soylent','Vandelay','Wonka']"
TYPES = """ARRAY['request.created','request.created','request.completed','key.created','key.revoked','partner.updated',
  'member.signed_in','member.signed_in','webhook.disabled','invoice.issued','payout.paid','integration.published']"""
LIVE = "CASE WHEN i % 50 = 0 THEN 'test' ELSE 'live' END"


def fill(*, partners: int, events: int) -> None:
    """So many partners, each with a person, keys and the rest; and so many events, calls and deliveries. Statistics are fresh."""
    tiers.seed()
    with connection.cursor() as cursor:  # what refers to what is right by its making; asking for each row takes most of the time
        cursor.execute("SET session_replication_role = replica")
    tier = f"(ARRAY[{','.join(repr(str(pk)) for pk in Tier.objects.values_list('pk', flat=True))}]::uuid[])[1 + i % 4]"
    owner, some = key_of(Partner, "i"), key_of(Partner, f"1 + (i * 7919::bigint) % {partners}")
    status = "(ARRAY['active','active','active','active','active','active','active','pending','suspended','closed'])[1 + i % 10]"
    put(Partner, partners, {
        "id": owner, "slug": "'partner-' || i", "name": f"({WORDS})[1 + i % 12] || ' ' || i",
        "type": "(ARRAY['technology','business','marketplace','enterprise'])[1 + i % 4]", "status": status, "tier_id": tier,
        "activated_at": "now()", "created_at": "now()", "deleted_at": "CASE WHEN i % 100 = 9 THEN now() END",
        "closed_at": "CASE WHEN i % 10 = 9 THEN now() END",
        "countries": "ARRAY[(ARRAY['DE','FR','GB','US','JP','BR','IN','ZA','CA','IS'])[1 + i % 10]]",
    })  # fmt: skip
    put(User, partners, {
        "id": key_of(User, "i"), "email": "'person' || i || '@company' || i % 5000 || '.example'", "name": "'Person ' || i",
        "password": "'!'", "created_at": "now()", "is_staff": "i % 10000 = 0",
    })  # fmt: skip
    put(Member, partners, {
        "id": key_of(Member, "i"), "partner_id": owner, "user_id": key_of(User, "i"), "role": "'owner'", "joined_at": "now()",
    })  # fmt: skip
    put(Key, 2 * partners, {
        "id": key_of(Key, "i"), "partner_id": key_of(Partner, "(i + 1) / 2"), "environment": LIVE, "name": "'Service ' || i",
        "digest": "sha256(i::text::bytea)", "hint": "'pk_live_' || i",
        "status": "CASE WHEN i % 20 = 0 THEN 'revoked' ELSE 'active' END",
    })  # fmt: skip
    put(Review, partners // 2, {
        "partner_id": owner, "decision": "CASE WHEN i % 100 = 0 THEN 'waiting' ELSE 'approved' END", "decided_at": "now()",
    })  # fmt: skip
    put(Document, partners // 2, {
        "partner_id": owner, "kind": "'tax'", "filename": "'tax.pdf'", "content_type": "'application/pdf'", "size": "1000",
        "sha256": "sha256(i::text::bytea)", "file": "'documents/' || i", "decided_at": "now()",
        "state": "CASE WHEN i % 100 = 0 THEN 'waiting' ELSE 'accepted' END",
    })  # fmt: skip
    first, *_others, last = Tier.objects.order_by("rank").values_list("pk", flat=True)
    put(TierRequest, partners // 2, {
        "partner_id": owner, "previous_id": f"'{first}'::uuid", "tier_id": f"'{last}'::uuid", "decided_at": "now()",
        "status": "CASE WHEN i % 100 = 0 THEN 'waiting' ELSE 'declined' END",
    })  # fmt: skip
    put(Endpoint, partners // 2, {
        "id": key_of(Endpoint, "i"), "partner_id": owner, "environment": LIVE, "url": "'https://hooks' || i || '.example/in'",
        "event_types": "ARRAY['*']", "secret": "'\\x00'::bytea",
        "status": "CASE WHEN i % 500 = 0 THEN 'disabled' ELSE 'active' END",
    })  # fmt: skip
    put(Event, events, {
        "id": key_of(Event, "i"), "partner_id": some, "environment": LIVE, "type": f"({TYPES})[1 + i % 12]",
        "subject": "'key_' || i % 200000", "created_at": "now()", "number": "i", "payload_digest": "sha256(i::text::bytea)",
        "actor_kind": "(ARRAY['member','key','system','system','operator'])[1 + i % 5]", "actor_label": "'Person ' || i % 5000",
        "actor_id": key_of(Member, f"1 + (i * 7919::bigint) % {partners}"), "address": "('10.1.' || i % 200 || '.1')::inet",
    })  # fmt: skip
    put(Payload, min(events, 1_000), {"id": key_of(Event, f"{events} - i + 1"), "data": '\'{"name": "CI"}\'::jsonb'})
    put(Delivery, events, {
        "id": key_of(Delivery, "i"), "partner_id": some, "environment": LIVE, "event_id": key_of(Event, "i"),
        "endpoint_id": key_of(Endpoint, f"1 + (i * 7919::bigint) % {partners // 2}"), "event_type": f"({TYPES})[1 + i % 12]",
        "status": "CASE WHEN i % 200 = 0 THEN 'failed' ELSE 'succeeded' END", "succeeded_at": "now()", "due_at": "now()",
    })  # fmt: skip
    put(Call, events // 2, {
        "partner_id": some, "environment": LIVE, "credential_id": key_of(Key, "i"), "at": "now()", "method": "'GET'",
        "path": "'/api/partner/v1/requests'", "operation": "'GET /api/partner/v1/requests'", "code": "''",
        "status": "CASE WHEN i % 500 = 0 THEN 503 WHEN i % 25 = 0 THEN 429 ELSE 200 END", "metered": "true",
    })  # fmt: skip
    put(HourRollup, events // 4, {
        "at": "date_trunc('hour', now()) - (i / 40) * interval '1 hour'", "partner_id": key_of(Partner, "1 + i % 40"),
        "environment": "'live'", "operation": "'GET /api/partner/v1/requests'", "status": "200", "code": "''",
        "requests": "i % 100", "metered": "i % 100", "bytes_in": "0", "bytes_out": "0", "latency_buckets": "ARRAY[193]",
        "latency_counts": "ARRAY[1]",
    })  # fmt: skip
    put(Request, events // 4, {
        "partner_id": some, "environment": LIVE, "type": "'CREDIT_CHECK'", "payload": "'{}'::jsonb",
        "status": "CASE WHEN i % 100 = 0 THEN 'FAILED' ELSE 'COMPLETED' END", "due_at": "now()", "finished_at": "now()",
    })  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = DEFAULT")
        cursor.execute("SELECT gin_clean_pending_list(indexrelid) FROM pg_stat_user_indexes WHERE indexrelname LIKE '%%_part'")
        cursor.execute("ANALYZE" if connection.in_atomic_block else "VACUUM ANALYZE")


def key_of(model: type[models.Model], number: str) -> str:
    """SQL: the id of a numbered row. Later numbers have later ids, as UUIDv7 would have it."""
    return (
        f"(lpad(to_hex(1700000000000 + ({number})::bigint * 1000), 12, '0') || '7' || lpad('{KINDS[model]}', 3, '0') || '8'"
        f" || lpad(to_hex({number}), 15, '0'))::uuid"
    )


def put(model: type[models.Model], count: int, columns: Mapping[str, str]) -> None:
    """So many rows, by one statement."""
    parts, values = {name: text.replace("%", "%%") for name, text in columns.items()}, []
    for field in model._meta.concrete_fields:
        if field.column in parts or field.null or isinstance(field, models.AutoField):
            continue
        if field.primary_key:
            parts[field.column] = "uuidv7()"
        elif isinstance(field, models.DateTimeField):
            parts[field.column] = "now()"
        else:
            default = field.get_default()
            parts[field.column] = f"%s::{field.db_type(connection)}"
            values.append(field.get_db_prep_save(0 if default is None else default, connection))
    sql = f'INSERT INTO "{model._meta.db_table}" ({", ".join(parts)}) SELECT {", ".join(parts.values())}'
    with connection.cursor() as cursor:
        cursor.execute(f"{sql} FROM generate_series(1, {count}) AS i", values)
