"""The event log, polled: each event once, in the order it was sealed in, however late its transaction commits."""

from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core import clock, relay
from core.models import Event, Payload
from partners.models import Partner
from tests.callers import Caller
from tests.webhooks.steps import publish, seal_all

pytestmark = pytest.mark.django_db

SEALED = "ordering=sealed"
POLL = f"/events?{SEALED}"


def reader(partner: Partner, environment: str = "live") -> Caller:
    return Caller("key", partner.pk, environment=environment, scopes=("webhooks:read",))


def ids_of(page: Any) -> list[str]:
    return [row["id"] for row in page["data"]]


def poll(caller: Caller, cursor: str = "", more: str = "") -> tuple[list[str], str]:
    """What has come since, page by page of two, until nothing comes."""
    found: list[str] = []
    while True:
        page = caller.get(f"{POLL}&limit=2{more}" + (f"&cursor={cursor}" if cursor else ""))
        cursor = page["next_cursor"]
        if not page["data"]:
            return found, cursor
        found += ids_of(page)


class TestPolling:
    def test_event_that_commits_late_is_not_missed(self, acme: Partner) -> None:
        late, soon = publish(acme), publish(acme)
        relay._write_links([_linked(soon, 1)])
        program = reader(acme)
        first, cursor = poll(program)
        relay._write_links([_linked(late, 2)])
        assert first == [soon.public_id]
        assert late.pk < soon.pk
        assert poll(program, cursor)[0] == [late.public_id]

    def test_own_events_and_those_for_all_come_once_each(self, acme: Partner, globex: Partner) -> None:
        made = [publish(partner).public_id for partner in (acme, None, acme, None, None)]
        publish(globex)
        publish(acme, environment="test")
        seal_all()
        found, cursor = poll(reader(acme))
        assert found == made
        later = publish(None)
        seal_all()
        assert poll(reader(acme), cursor)[0] == [later.public_id]

    def test_cursor_of_an_empty_page_passes_over_what_does_not_fit(self, acme: Partner) -> None:
        for _ in range(3):
            publish(acme, "user.created")
        seal_all()
        found, cursor = poll(reader(acme), more="&family=course")
        assert found == []
        assert poll(reader(acme), cursor)[0] == []
        assert len(poll(reader(acme))[0]) == 3

    @pytest.mark.parametrize("query", ["ordering=-sealed", f"{SEALED}&cursor=x", f"{SEALED}&cursor=WyJzZWFsZWQiLCAtMSwgMF0"])
    def test_what_is_no_place_in_the_log_is_refused(self, acme: Partner, query: str) -> None:
        reader(acme).get(f"/events?{query}", expect=422)


class TestFilters:
    def test_family_type_subject_and_time(self, acme: Partner) -> None:
        course, user = publish(acme), publish(acme, "user.created")
        program = reader(acme)
        for query in ("family=course", "family=course.*", "type=course.completed"):
            assert ids_of(program.get(f"/events?{query}")) == [course.public_id]
        assert ids_of(program.get("/events?family=cour")) == ids_of(program.get("/events?subject=key_x")) == []
        later = quote((clock.now() + timedelta(minutes=1)).isoformat())
        assert ids_of(program.get(f"/events?since={later}")) == []
        assert ids_of(program.get(f"/events?until={later}")) == [user.public_id, course.public_id]

    def test_newest_first_goes_on_where_it_ended(self, acme: Partner) -> None:
        made = [publish(partner).public_id for partner in (acme, None, acme)]
        page = reader(acme).get("/events?limit=2")
        rest = reader(acme).get(f"/events?limit=2&cursor={page['next_cursor']}")
        assert ids_of(page) + ids_of(rest) == made[::-1]
        assert rest["next_cursor"] is None

    def test_strangers_and_the_other_environment_see_nothing(self, acme: Partner, globex: Partner) -> None:
        event = publish(acme)
        seal_all()
        for caller in (reader(globex), reader(acme, "test")):
            assert ids_of(caller.get(POLL)) == ids_of(caller.get("/events")) == []
            caller.get(f"/events/{event.public_id}", expect=404)

    def test_data_that_outlived_its_retention_is_null(self, acme: Partner) -> None:
        event = publish(acme)
        Payload.objects.filter(pk=event.pk).delete()
        assert reader(acme).get(f"/events/{event.public_id}")["data"] is None


def test_each_chain_is_read_in_the_order_of_an_index(acme: Partner) -> None:
    publish(acme)
    seal_all()
    with CaptureQueriesContext(connection) as asked:
        reader(acme).get(POLL)
        reader(acme).get("/events")
    found = [query["sql"] for query in asked.captured_queries if '"core_event"' in query["sql"] and "LIMIT" in query["sql"]]
    assert len(found) == 3
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("SET LOCAL enable_bitmapscan = off")
        for sql in found[:2]:
            cursor.execute(f"EXPLAIN {sql}")
            plan = "\n".join(row[0] for row in cursor.fetchall())
            assert "Index Scan" in plan
            assert "Sort" not in plan


def _linked(event: Event, number: int) -> Event:
    event.number, event.previous_hash, event.hash = number, b"", bytes([number])
    return event
