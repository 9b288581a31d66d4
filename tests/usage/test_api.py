"""Usage by API: the numbers of the caller's own calls, in its environment, over any period; and the log of them."""

from datetime import UTC, datetime, timedelta

import pytest
from redis import Redis

from core import clock, ids, listing
from core.actors import SYSTEM
from partners import partners
from tests.caller import Caller
from tests.usage.conftest import call
from usage import ingest, limits
from usage.periods import Period

AT = datetime(2026, 5, 10, 12, 30, tzinfo=UTC)
MAY = "from=2026-05-01&to=2026-06-01"


@pytest.fixture
def acme(client, db):
    return Caller(client, partner=partners.create(name="Acme", by=SYSTEM, active=True))


@pytest.fixture
def globex(client, db):
    return Caller(client, partner=partners.create(name="Globex", by=SYSTEM, active=True))


@pytest.fixture
def calls(acme):
    """Six calls of May: four well, one not found, one failed upstream; and one of June."""
    own = acme.partner.pk
    key = ids.new()
    told = [
        *(call(partner=own, at=AT + timedelta(minutes=n), latency_us=10_000, credential=key) for n in range(4)),
        call(partner=own, at=AT + timedelta(hours=1), status=404, code="not_found", latency_us=500, metered=False),
        call(partner=own, at=AT + timedelta(days=2), status=502, operation="POST /b", method="POST", latency_us=900_000),
        call(partner=own, at=datetime(2026, 6, 1, tzinfo=UTC)),
        call(partner=own, at=AT, environment="test"),
    ]
    ingest.write(("e", one) for one in told)
    return told


class TestNumbers:
    def test_summary(self, acme, calls):
        answer = acme("GET", f"/usage/summary?{MAY}", expect=200)
        assert (answer["requests"], answer["errors"], answer["metered"], answer["meters"]) == (6, 2, 5, {"calls": 5})
        assert (answer["bytes_in"], answer["bytes_out"], answer["unknown"]) == (600, 12_000, 0)
        assert answer["latency"]["p50"] == pytest.approx(10, rel=0.03)
        assert answer["latency"]["p99"] == pytest.approx(900, rel=0.03)

    def test_the_default_is_this_month(self, acme, calls):
        own = acme.partner.pk
        ingest.write([("e", call(partner=own)), ("e", call(partner=own, at=Period.this_month().start - timedelta(seconds=1)))])
        assert acme("GET", "/usage/summary", expect=200)["requests"] == 1

    def test_timeseries_has_the_empty_intervals_too(self, acme, calls):
        rows = acme("GET", f"/usage/timeseries?interval=day&{MAY}", expect=200)["data"]
        assert len(rows) == 31
        assert {row["at"][:10]: (row["requests"], row["errors"]) for row in rows if row["requests"]} == {
            "2026-05-10": (5, 1),
            "2026-05-12": (1, 1),
        }
        hours = acme("GET", "/usage/timeseries?from=2026-05-10T12:00:00Z&to=2026-05-10T15:00:00Z", expect=200)["data"]
        assert [row["requests"] for row in hours] == [4, 1, 0]
        months = acme("GET", "/usage/timeseries?interval=month&from=2026-05-15&to=2026-07-01", expect=200)["data"]
        assert [row["requests"] for row in months] == [6, 1]

    def test_minutes(self, acme):
        ingest.write([("e", call(partner=acme.partner.pk))])
        rows = acme("GET", "/usage/timeseries?interval=minute", expect=200)["data"]
        assert sum(row["requests"] for row in rows) == 1
        assert len(rows) in (60, 61)

    def test_endpoints(self, acme, calls):
        first, second = acme("GET", f"/usage/endpoints?{MAY}", expect=200)["data"]
        assert (first["operation"], first["requests"], first["errors"]) == ("GET /api/partner/v1/requests", 5, 1)
        assert (second["operation"], second["integration"]) == ("POST /b", None)
        assert second["p95"] == pytest.approx(900, rel=0.03)

    def test_errors(self, acme, calls):
        rows = acme("GET", f"/usage/errors?{MAY}", expect=200)["data"]
        assert [(row["status"], row["code"], row["requests"]) for row in rows] == [(404, "not_found", 1), (502, "", 1)]

    def test_latency(self, acme, calls):
        answer = acme("GET", f"/usage/latency?{MAY}", expect=200)
        assert sum(bucket["requests"] for bucket in answer["buckets"]) == 6
        (four,) = [bucket for bucket in answer["buckets"] if bucket["requests"] == 4]
        assert four["from"] <= 10 < four["to"]

    def test_one_key(self, acme, globex, calls):
        from apikeys import keys

        key = keys.issue(partner=acme.partner, environment="live", name="CI", scopes=[], by=SYSTEM).key
        ingest.write([("e", call(partner=acme.partner.pk, credential=key.pk))])
        ingest.write([("e", call(partner=acme.partner.pk, credential=key.pk, status=403, code="insufficient_scope"))])
        answer = acme("GET", f"/keys/{key.public_id}/usage", expect=200)
        assert (answer["key"], answer["environment"]) == (key.public_id, "live")
        assert (answer["requests"], answer["errors"]) == (2, 1)
        (day,) = [day for day in answer["days"] if day["requests"]]
        assert (day["requests"], day["errors"]) == (2, 1)
        assert [(row["code"], row["requests"]) for row in answer["failures"]] == [("insufficient_scope", 1)]
        assert answer["first_used_at"] <= answer["last_used_at"]
        assert answer["last_used_address"] == "203.0.113.9"
        globex("GET", f"/keys/{key.public_id}/usage", expect=404)

    @pytest.mark.parametrize(
        "query",
        ["from=yesterday", "from=2026-13-01", "from=2026-06-01&to=2026-05-01", "since=2026-05-01", "interval=week"],
    )
    def test_what_makes_no_sense_is_refused(self, acme, query):
        acme("GET", f"/usage/timeseries?{query}", expect=422)

    @pytest.mark.parametrize(
        "query",
        [
            "from=9999-12-31",
            "from=0001-01-01T00:00:00%2B14:00",
            "to=9999-12-31T23:59:59-14:00",
            "interval=month&from=9990-01-01&to=9999-12-31",
        ],
    )
    def test_times_at_the_ends_of_the_calendar_are_refused(self, acme, query):
        acme("GET", f"/usage/timeseries?{query}", expect=422)

    def test_too_many_intervals_are_refused(self, acme):
        acme("GET", "/usage/timeseries?interval=hour&from=2020-01-01&to=2026-01-01", expect=422)


class TestLog:
    def test_newest_first_page_by_page(self, acme, calls):
        page = acme("GET", "/usage/requests?limit=4", expect=200)
        rest = acme("GET", f"/usage/requests?limit=4&cursor={page['next_cursor']}", expect=200)
        times = [row["at"] for row in page["data"] + rest["data"]]
        assert len(times) == 7
        assert times == sorted(times, reverse=True)

    @pytest.mark.parametrize(
        ("query", "count"),
        [
            ("status=404", 1),
            ("status=5xx", 1),
            ("operation=POST%20/b", 1),
            ("since=2026-05-10T13:00:00Z&until=2026-06-01T00:00:00Z", 2),
            ("key=key_nonsense", 0),
            ("since=0001-01-01T00:00:00%2B14:00", 7),
            ("since=1969-12-31T00:00:00Z&until=9999-12-31T23:59:59-14:00", 7),
        ],
    )
    def test_filters(self, acme, calls, query, count):
        assert len(acme("GET", f"/usage/requests?{query}", expect=200)["data"]) == count

    def test_by_key(self, acme, calls):
        key = acme("GET", "/usage/requests?since=2026-05-10T12:30:00Z&until=2026-05-10T12:31:00Z", expect=200)["data"][0]["key"]
        assert len(acme("GET", f"/usage/requests?key={key}", expect=200)["data"]) == 4

    def test_an_unknown_filter_is_refused(self, acme):
        acme("GET", "/usage/requests?country=de", expect=422)
        acme("GET", "/usage/requests?status=abc", expect=422)

    def test_one_call_explained(self, acme, calls):
        (row,) = acme("GET", "/usage/requests?status=404", expect=200)["data"]
        answer = acme("GET", f"/usage/requests/{row['id']}", expect=200)
        assert answer["explanation"]["title"] == "Not found"
        assert answer["explanation"]["url"].endswith("/developers/errors/not_found")
        assert "$PORTICO_KEY" in answer["curl"]
        assert answer["curl"].endswith("/api/partner/v1/requests")
        assert answer["latency_ms"] == 0.5


class TestTenancy:
    def test_strangers_and_the_other_environment_see_nothing_of_it(self, acme, globex, client, calls):
        row = acme("GET", "/usage/requests?status=404", expect=200)["data"][0]["id"]
        for caller in (globex, Caller(client, partner=acme.partner, environment="test")):
            caller("GET", f"/usage/requests/{row}", expect=404)
        assert globex("GET", f"/usage/summary?{MAY}", expect=200)["requests"] == 0
        assert globex("GET", "/usage/requests", expect=200)["data"] == []
        test = Caller(client, partner=acme.partner, environment="test")
        assert test("GET", f"/usage/summary?{MAY}", expect=200)["requests"] == 1

    def test_the_scope_is_needed(self, client, acme):
        weak = Caller(client, partner=acme.partner, scopes=("keys:read",))
        assert weak("GET", "/usage/summary", expect=403)["scope"] == "usage:read"


class TestLimits:
    def test_what_the_gateways_have_counted(self, acme, redis):
        from apikeys import keys

        key = keys.issue(partner=acme.partner, environment="live", name="CI", scopes=[], by=SYSTEM, rate_limit_per_minute=600).key
        caller = Caller(acme.client, partner=acme.partner, credential=key.pk)
        fresh = caller("GET", "/usage/limits", expect=200)
        assert fresh["rate"][0] == {"name": "key", "limit": 600, "window_seconds": 60, "remaining": 600}
        now = int(clock.now().timestamp() * 1_000_000)
        redis.set(f"rate:key:{key.pk.hex}", now + 30_000_000)  # half a minute's worth taken
        month = Period.this_month()
        redis.hset(f"quota:{acme.partner.pk.hex}:live", f"{month.start:%Y-%m}", 41)
        answer = caller("GET", "/usage/limits", expect=200)
        assert 300 <= answer["rate"][0]["remaining"] <= 310
        assert answer["environment"] == "live"
        assert answer["quota"]["used"] == 41
        assert answer["quota"]["limit"] == acme.partner.tier.monthly_quota
        assert answer["quota"]["resets_at"] == month.end.isoformat().replace("+00:00", "Z")
        assert answer["concurrency"] == {"limit": acme.partner.tier.calls_at_once, "used": 0, "remaining": 100}

    def test_while_redis_is_away_nothing_is_said_to_be_taken(self, acme, monkeypatch):
        monkeypatch.setattr(limits, "_client", lambda: Redis.from_url("unix:///nowhere/valkey.sock"))
        answer = Caller(acme.client, partner=acme.partner)("GET", "/usage/limits", expect=200)
        assert [rate["remaining"] for rate in answer["rate"]] == [rate["limit"] for rate in answer["rate"]]
        assert answer["concurrency"]["used"] == 0

    def test_without_the_counter_the_rollups_say_it(self, acme):
        ingest.write([("e", call(partner=acme.partner.pk))])
        assert acme("GET", "/usage/limits", expect=200)["quota"]["used"] == 1


class TestSearch:
    """What no index answers is looked for in stretches, page by page."""

    @pytest.fixture
    def log(self, acme, monkeypatch):
        monkeypatch.setattr(listing, "STRETCH", 4)
        own = acme.partner.pk
        told = [call(partner=own, at=AT + timedelta(minutes=n), client_request_id=f"job-{n}", path=f"/x/{n}") for n in range(10)]
        told.append(
            call(partner=own, at=AT, method="POST", path="/api/x", status=403, code="ip_not_allowed", address="2001:db8::7")
        )
        ingest.write(("e", one) for one in told)
        return told

    def ask(self, acme, query):
        """All rows, and how many pages they took."""
        rows, pages, cursor = [], 0, ""
        while cursor is not None:
            page = acme("GET", f"/usage/requests?{query}&cursor={cursor}" if cursor else f"/usage/requests?{query}", expect=200)
            rows, pages, cursor = rows + page["data"], pages + 1, page["next_cursor"]
        return rows, pages

    @pytest.mark.parametrize(
        ("query", "paths"),
        [
            ("id=job-3", ["/x/3"]),
            ("id=job-", []),
            ("method=post", ["/api/x"]),
            ("path=/x/1", ["/x/1"]),
            ("path=/x/&status=2xx&until=2026-05-10T12:32:00Z", ["/x/1", "/x/0"]),
            ("path=%25", []),
            ("code=ip_not_allowed", ["/api/x"]),
            ("address=2001:DB8:0::7", ["/api/x"]),
            ("address=2001:db8::7%25eth0", ["/api/x"]),
            ("status=403&method=GET", []),
        ],
    )
    def test_finds_each_once(self, acme, log, query, paths):
        assert [row["path"] for row in self.ask(acme, query)[0]] == paths

    def test_a_page_looks_through_one_stretch(self, acme, log):
        assert self.ask(acme, "method=PUT") == ([], 3)
        assert self.ask(acme, "method=GET&limit=2")[1] == 5
        assert [row["path"] for row in self.ask(acme, "method=GET&ordering=created_at")[0]] == [f"/x/{n}" for n in range(10)]

    def test_by_our_id(self, acme, globex, log):
        own = acme("GET", "/usage/requests?id=job-3", expect=200)["data"][0]["id"]
        assert len(acme("GET", f"/usage/requests?id={own}", expect=200)["data"]) == 1
        assert globex("GET", f"/usage/requests?id={own}", expect=200)["data"] == []
        assert globex("GET", "/usage/requests?id=job-3", expect=200)["data"] == []

    def test_an_address_that_is_none_is_refused(self, acme):
        assert acme("GET", "/usage/requests?address=here", expect=422)["errors"][0]["pointer"] == "/address"


def test_calls_of_an_application_say_so(acme):
    from apikeys.models import Application
    from apikeys.oauth.models import GrantType

    made = Application.objects.create(
        partner=acme.partner, environment="live", name="Sync", grant_types=[GrantType.CLIENT_CREDENTIALS], scopes=["usage:read"]
    )
    ingest.write([("e", call(partner=acme.partner.pk, credential=made.pk))])
    (row,) = acme("GET", f"/usage/requests?key={made.public_id}", expect=200)["data"]
    assert (row["key"], row["application"]) == (None, made.public_id)
    assert acme("GET", f"/usage/requests/{row['id']}", expect=200)["application"] == made.public_id
