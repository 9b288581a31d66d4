"""Looking for what rules describe, in the minutes of `usage` and in the calls themselves.

A rule first asks the minutes, where refusals are few rows: which keys had so many of them, and what share that was. Only of
such keys are the calls read, from the moment on that the last incident of the same rule ended: they are the evidence.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection

from abuse.models import ENVIRONMENTS, Rule
from apikeys.models import Key
from core import ids

MOST_SUSPECTS = 200
SAMPLES = 5

ANSWER = re.compile(r"[45]xx|[45]\d\d|[a-z][a-z_]{2,63}")

_SUSPECTS = """
    WITH suspects AS (
        SELECT partner_id, environment, credential_id, sum(requests) AS matching FROM usage_minuterollup
        WHERE at >= date_trunc('minute', %(since)s::timestamptz) AND status >= 400 AND ({matches}) AND partner_id IS NOT NULL
            AND credential_id IS NOT NULL AND environment = ANY(%(environments)s)
        GROUP BY 1, 2, 3 HAVING sum(requests) >= %(threshold)s
    )
    SELECT suspects.credential_id FROM suspects, LATERAL (
        SELECT sum(requests) AS total FROM usage_minuterollup AS every
        WHERE every.partner_id = suspects.partner_id AND every.environment = suspects.environment
            AND every.at >= date_trunc('minute', %(since)s::timestamptz) AND every.credential_id = suspects.credential_id
    ) AS counted
    WHERE matching * 100 >= total * %(share)s ORDER BY matching DESC LIMIT {most}
"""
_ROAMERS = """
    SELECT key_id FROM abuse_sighting WHERE last_at >= %(since)s
    GROUP BY 1 HAVING count(*) >= %(threshold)s ORDER BY count(*) DESC LIMIT {most}
"""
_CALLS = """
    SELECT count(*) FILTER (WHERE {matches}), count(*), count(DISTINCT path) FILTER (WHERE {matches}),
        (array_agg(id ORDER BY id DESC) FILTER (WHERE {matches}))[1:{samples}],
        count(DISTINCT set_masklen(address, CASE family(address) WHEN 4 THEN 24 ELSE 48 END)),
        min(at) FILTER (WHERE {matches}), max(at) FILTER (WHERE {matches})
    FROM usage_call
    WHERE partner_id = %(partner)s AND environment = %(environment)s AND credential_id = %(key)s
        AND id >= %(first)s AND at >= %(since)s
"""
_NETWORKS = "SELECT network FROM abuse_sighting WHERE key_id = %(key)s AND last_at >= %(since)s ORDER BY last_at DESC"


@dataclass(frozen=True, slots=True)
class Found:
    """That a rule holds of a key: in words, and by the numbers."""

    text: str
    evidence: dict[str, Any]


def suspects(rule: Rule, now: datetime) -> list[UUID]:
    """The keys that may be meant, the worst first."""
    since = now - timedelta(minutes=rule.window_minutes)
    facts: dict[str, Any] = {"since": since, "threshold": rule.threshold, "share": rule.least_share, **_answers(rule)}
    facts["environments"] = list(ENVIRONMENTS[Rule.Where(rule.environment)])
    template = _ROAMERS if rule.measure == Rule.Measure.NETWORKS else _SUSPECTS
    with connection.cursor() as cursor:
        cursor.execute(template.format(matches=_MATCHES, most=MOST_SUSPECTS), facts)
        return [row[0] for row in cursor.fetchall()]


def look(rule: Rule, key: Key, *, since: datetime, now: datetime) -> Found | None:
    """What the calls of a key since then say; None if the rule doesn't hold of them."""
    since = max(since, now - timedelta(minutes=rule.window_minutes))
    facts: dict[str, Any] = {"key": key.pk, "since": since, **_answers(rule)}
    if rule.measure == Rule.Measure.NETWORKS:
        return _networks(rule, facts)
    facts |= {"partner": key.partner_id, "environment": str(key.environment), "first": ids.earliest(since)}
    with connection.cursor() as cursor:
        cursor.execute(_CALLS.format(matches=_MATCHES, samples=SAMPLES), facts)
        matching, total, places, samples, networks, first, last = cursor.fetchone()
    if matching < rule.threshold or matching * 100 < total * rule.least_share or places < rule.least_places:
        return None
    evidence = {
        "matching": matching,
        "calls": total,
        "paths": places,
        "networks": networks,
        "answers": list(rule.answers),
        "window_minutes": rule.window_minutes,
        "first_at": first.isoformat(),
        "last_at": last.isoformat(),
        "samples": [ids.encode("call", each) for each in samples],
    }
    text = (
        f"{matching:,} of {total:,} calls within {rule.window_minutes} minutes were answered with "
        f"{', '.join(rule.answers)}, on {places:,} different paths."
    )
    return Found(text, evidence)


def _networks(rule: Rule, facts: dict[str, Any]) -> Found | None:
    with connection.cursor() as cursor:
        cursor.execute(_NETWORKS, facts)
        networks = [row[0] for row in cursor.fetchall()]
    if len(networks) < rule.threshold:
        return None
    text = f"It was used from {len(networks):,} networks within {rule.window_minutes} minutes."
    return Found(text, {"networks": len(networks), "window_minutes": rule.window_minutes, "samples": networks[:SAMPLES]})


_MATCHES = "code = ANY(%(codes)s) OR status = ANY(%(statuses)s) OR status / 100 = ANY(%(classes)s)"


def _answers(rule: Rule) -> dict[str, list[Any]]:
    return {
        "codes": [answer for answer in rule.answers if not answer[0].isdigit()],
        "statuses": [int(answer) for answer in rule.answers if answer.isdigit()],
        "classes": [int(answer[0]) for answer in rule.answers if answer.endswith("xx")],
    }


def mistakes(answers: list[str]) -> Iterator[str]:
    """What of these is no answer that a rule can look for."""
    return (answer for answer in answers if not ANSWER.fullmatch(answer))
