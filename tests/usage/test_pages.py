"""The pages about usage: numbers, log and one call explained, of this partner and environment only."""

import re
import shlex
from datetime import timedelta
from urllib.parse import quote

import pytest
from django.conf import settings
from django.test import Client

from core import clock, listing
from core.actors import SYSTEM
from core.models import User
from partners import partners
from partners.models import Member
from tests.usage.conftest import EPOCH_ID, call
from usage import explanations, ingest, log
from usage.models import Bodies, Call, Tally
from usage.periods import Period

pytestmark = pytest.mark.django_db


def browser(partner) -> Client:
    user = User.objects.create_user(f"owner@{partner.slug}.example")
    Member.objects.create(partner=partner, user=user, role="viewer")
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def acme(db):
    return partners.create(name="Acme", by=SYSTEM, active=True)


@pytest.fixture
def calls(acme):
    told = [call(partner=acme.pk) for _ in range(3)]
    told.append(call(partner=acme.pk, status=404, code="not_found", path="/api/partner/v1/nothing?a='b"))
    told.append(call(partner=acme.pk, environment="test", path="/api/partner/v1/in-test"))
    ingest.write((EPOCH_ID, one) for one in told)


@pytest.mark.parametrize("chosen", ["", "?range=hour", "?range=week", "?range=month", "?range=nonsense"])
def test_numbers_of_a_period(acme, calls, chosen):
    page = browser(acme).get(f"/p/acme/usage/{chosen}").content.decode()
    assert "GET /api/partner/v1/requests" in page
    assert "25" in page  # percent of errors
    assert "not_found" in page


def test_no_calls_yet(acme):
    page = browser(acme).get("/p/acme/usage/").content.decode()
    assert "No calls in this period" in page
    assert (
        "No calls yet"
        in browser(partners.create(name="Globex", by=SYSTEM, active=True)).get("/p/globex/usage/requests/").content.decode()
    )


def test_unknown_calls_are_shown(acme, calls):
    from core import clock

    Tally.objects.filter(epoch=EPOCH_ID).update(admitted=11, closed_at=clock.now())
    assert "7 calls are known by number only" in browser(acme).get("/p/acme/usage/").content.decode()


def test_log_narrowed_by_the_url(acme, calls):
    client = browser(acme)
    page = client.get("/p/acme/usage/requests/").content.decode()
    assert "in-test" not in page
    assert "nothing" in page
    assert "nothing" not in client.get("/p/acme/usage/requests/?status=2xx").content.decode()
    assert "No call fits" in client.get("/p/acme/usage/requests/?status=5xx").content.decode()
    assert "A status such as 404" in client.get("/p/acme/usage/requests/?status=zzz").content.decode()


def test_one_call_explained_with_a_command_line(acme, calls):
    row = Call.objects.get(status=404)
    page = browser(acme).get(f"/p/acme/usage/requests/{row.public_id}/").content.decode()
    assert "Not found" in page
    assert "/developers/errors/not_found" in page
    assert "$PORTICO_KEY" in page


def test_a_refusal_names_the_scope_that_was_missing(acme, calls):
    Call.objects.filter(status=404).update(status=403, code="insufficient_scope", operation="GET /api/partner/v1/webhooks")
    page = browser(acme).get(f"/p/acme/usage/requests/{Call.objects.get(status=403).public_id}/").content.decode()
    assert "This operation needs the scope webhooks:read" in page


def test_strangers_and_the_other_environment_find_nothing(acme, calls):
    globex = partners.create(name="Globex", by=SYSTEM, active=True)
    row = Call.objects.get(status=404)
    stranger = browser(globex)
    assert stranger.get("/p/acme/usage/").status_code == 404
    assert stranger.get(f"/p/globex/usage/requests/{row.public_id}/").status_code == 404
    test = Call.objects.get(environment="test")
    assert browser(acme).get(f"/p/acme/usage/requests/{test.public_id}/").status_code == 404


class TestLimitsPage:
    def test_says_what_is_left_and_what_happens_beyond(self, acme, redis):
        from apikeys import keys

        key = keys.issue(partner=acme, environment="live", name="Nightly", scopes=[], by=SYSTEM, rate_limit_per_minute=600).key
        redis.hset(f"quota:{acme.pk.hex}:live", f"{Period.this_month().start:%Y-%m}", 900)
        redis.set(f"rate:key:{key.pk.hex}", int(clock.now().timestamp() * 1_000_000) + 30_000_000)
        page = browser(acme).get("/p/acme/usage/limits/").content.decode()
        assert "90% of this month’s calls are used" in page
        assert "429 quota_exceeded until the month ends" in page
        assert re.search(r">600<.*>[3-5]\d\d<", page, re.DOTALL), "its own limit, and what is left of it"

    def test_is_there_while_redis_is_away(self, acme, settings):
        from usage import limits

        limits._client.cache_clear()
        settings.REDIS_URL = "redis://127.0.0.1:1/0"
        try:
            assert browser(acme).get("/p/acme/usage/limits/").status_code == 200
        finally:
            limits._client.cache_clear()

    def test_asks_as_often_for_many_keys_as_for_few(self, acme, django_assert_max_num_queries):
        from apikeys import keys

        for number in range(6):
            keys.issue(partner=acme, environment="live", name=str(number), scopes=[], by=SYSTEM)
        client = browser(acme)
        client.get("/p/acme/usage/limits/")
        with django_assert_max_num_queries(9):
            client.get("/p/acme/usage/limits/")


def test_the_log_as_a_file(acme):
    ingest.write([(EPOCH_ID, call(partner=acme.pk, path="/x", user_agent="=cmd()", method="POST"))])
    ingest.write((EPOCH_ID, call(partner=acme.pk, path="/y")) for _ in range(3))
    client = browser(acme)
    answer = client.get("/p/acme/usage/requests/calls.csv?method=POST&live=1")
    lines = b"".join(answer.streaming_content).decode().splitlines()
    assert lines[0].startswith("id,at,method,path,")
    assert len(lines) == 2
    assert ",'=cmd()," in lines[1]
    assert client.get("/p/acme/usage/requests/calls.csv?status=zzz").status_code == 404
    globex = partners.create(name="Globex", by=SYSTEM, active=True)
    assert browser(globex).get("/p/acme/usage/requests/calls.csv").status_code == 404


@pytest.mark.parametrize(("stretches", "lines"), [(2, 1), (3, 2)])
def test_a_file_is_looked_for_within_bounds(acme, monkeypatch, stretches, lines):
    monkeypatch.setattr(listing, "STRETCH", 2)
    monkeypatch.setattr(log, "MOST_STRETCHES", stretches)
    at = clock.now() - timedelta(minutes=1)
    paths = ["/z", "/y", "/y", "/y", "/y"]
    ingest.write((EPOCH_ID, call(partner=acme.pk, path=path, at=at + timedelta(seconds=i))) for i, path in enumerate(paths))
    answer = browser(acme).get("/p/acme/usage/requests/calls.csv?path=/z")
    assert len(b"".join(answer.streaming_content).splitlines()) == lines


def test_live_and_what_is_looked_for_further_back(acme, monkeypatch):
    monkeypatch.setattr(listing, "STRETCH", 2)
    ingest.write((EPOCH_ID, call(partner=acme.pk, path="/y")) for _ in range(4))
    client = browser(acme)
    assert "data-follows" in client.get("/p/acme/usage/requests/?live=1").content.decode()
    page = client.get("/p/acme/usage/requests/?path=/z").content.decode()
    assert "No call fits so far" in page
    assert "Look further back" in page
    assert "data-follows" not in page


@pytest.mark.parametrize(
    ("path", "method"), [("/a b'c\"$(id)`x`;\n", "GET"), ("/ü?x=1&y", "POST"), ("/-o/etc", "DELETE"), ("/x", "HEAD")]
)
def test_the_command_line_is_one_harmless_command(acme, path, method):
    ingest.write([(EPOCH_ID, call(partner=acme.pk, path=path, method=method))])
    words = shlex.split(explanations.curl(Call.objects.get()))
    assert words[0] == "curl"
    assert words[-1] == f"{settings.BASE_URL}{quote(path, safe='/:@-._~')}"
    assert "X-API-Key: $PORTICO_KEY" in words


def test_a_body_in_the_command_line_is_one_word(acme):
    body = '{"a": "it\'s $HOME `id`"}'
    ingest.write([(EPOCH_ID, call(partner=acme.pk, environment="test", method="POST"))])
    row = Call.objects.get()
    kept = Bodies.objects.create(id=row.pk, partner_id=acme.pk, request=body, request_cut=False, response="", response_cut=False)
    assert body in shlex.split(explanations.curl(row, kept))


def test_who_may_switch_bodies_off(acme):
    assert browser(acme).post("/p/acme/usage/requests/bodies/", {"keep": "no"}).status_code == 403  # a viewer
    user = User.objects.create_user("boss@acme.example")
    Member.objects.create(partner=acme, user=user, role="admin")
    client = Client()
    client.force_login(user)
    assert client.post("/p/acme/usage/requests/bodies/", {"keep": "no"}).status_code == 302
    acme.refresh_from_db()
    assert not acme.keeps_test_bodies
