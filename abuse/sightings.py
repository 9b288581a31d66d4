"""From which networks keys are used: written with the calls, in the transaction that counts them, so that each counts once."""

from datetime import timedelta
from typing import Any

from abuse.models import Sighting
from core import clock

KEPT = timedelta(days=90)

# A network in constant use is written down once a minute, not with each batch. Keys alone: other credentials have no notices.
_SEEN = """
    INSERT INTO abuse_sighting AS known (key_id, network, first_at, last_at)
    SELECT key_id, network::text, first_at, last_at FROM (
        SELECT credential_id AS key_id, network(set_masklen(address, CASE family(address) WHEN 4 THEN 24 ELSE 48 END)) AS network,
            min(first_at) AS first_at, max(last_at) AS last_at
        FROM usage_used WHERE address IS NOT NULL GROUP BY 1, 2
    ) AS seen WHERE EXISTS (SELECT FROM apikeys_key WHERE apikeys_key.id = seen.key_id)
    ORDER BY 1, 2
    ON CONFLICT (key_id, network) DO UPDATE SET last_at = excluded.last_at
    WHERE known.last_at < excluded.last_at - interval '1 minute'
"""


def note(cursor: Any) -> None:
    """Add the calls of a fresh batch (`usage.ingest`)."""
    cursor.execute(_SEEN)


def forget() -> int:
    """Delete the networks that no call came from for long; returns how many."""
    deleted, _ = Sighting.objects.filter(last_at__lt=clock.now() - KEPT).delete()
    return deleted
