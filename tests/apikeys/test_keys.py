"""What becomes of a key, by its verbs: what is kept of it, what it may, when it works."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from apikeys import keys
from apikeys.models import Key
from apikeys.verdicts import verify
from core import clock, crypto, problems
from core.models import Event, Payload
from core.states import StaleState
from partners import partners
from tests.apikeys.conftest import OPERATOR

pytestmark = pytest.mark.django_db


@pytest.fixture
def tick():
    yield lambda **by: clock.tick(timedelta(**by))
    clock.reset()


class TestIssue:
    def test_key_has_prefix_and_checksum_and_only_its_hash_is_kept(self, issued):
        assert issued.text.startswith("pk_live_")
        assert crypto.well_formed(issued.text, "pk_live_")
        assert issued.secret is None
        with connection.cursor() as cursor:
            cursor.execute("SELECT row_to_json(k)::text FROM apikeys_key k")
            assert issued.text[8:] not in cursor.fetchone()[0]
        assert all(issued.text[8:] not in str(payload.data) for payload in Payload.objects.all())

    def test_test_key_says_so(self, acme):
        assert keys.issue(partner=acme, environment="test", name="t", by=OPERATOR).text.startswith("pk_test_")

    def test_least_rights_by_default(self, acme):
        assert keys.issue(partner=acme, environment="test", name="t", by=OPERATOR).key.scopes == ["partner:read"]

    def test_rights_of_the_maker_bound_the_key(self, acme):
        rights = keys.Rights({"keys:write", "keys:read"})
        with pytest.raises(keys.ScopeNotHeld) as refusal:
            keys.issue(
                partner=acme, environment="test", name="t", scopes=["keys:read", "partner:write"], rights=rights, by=OPERATOR
            )
        assert "partner:write" in refusal.value.said
        with pytest.raises(keys.ScopeNotHeld):
            keys.issue(partner=acme, environment="test", name="t", scopes=["*"], rights=rights, by=OPERATOR)

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("scopes", ["nothing:like-it"]),
            ("ip_allowlist", ["10.0.0.1/8"]),
            ("rate_limit_per_minute", 0),
            ("rate_limit_per_minute", 1_001),
            ("expires_at", clock.now() - timedelta(days=1)),
            ("expires_at", datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)),
        ],
    )
    def test_mistakes_are_named(self, acme, field, value):
        with pytest.raises(problems.ValidationError) as refusal:
            keys.issue(partner=acme, environment="live", name="t", by=OPERATOR, **{field: value})
        assert refusal.value.facts["errors"][0]["pointer"].startswith(f"/{field}")

    def test_pending_partner_gets_test_keys_only(self, acme):
        pending = partners.create(name="New", by=OPERATOR)
        assert verify(text=keys.issue(partner=pending, environment="test", name="t", by=OPERATOR).text).code == "valid"
        with pytest.raises(problems.PartnerNotActive):
            keys.issue(partner=pending, environment="live", name="t", by=OPERATOR)

    def test_suspended_partner_gets_none(self, acme):
        partners.suspend(partner=acme, reason="x", by=OPERATOR)
        with pytest.raises(problems.PartnerSuspended):
            keys.issue(partner=acme, environment="test", name="t", by=OPERATOR)


class TestChanges:
    def test_change_is_an_event_with_before_and_after(self, issued):
        keys.update(key=issued.key, by=OPERATOR, name="Orders", ip_allowlist=["192.0.2.7", "192.0.2.7/32", "2001:db8::/32"])
        event = Event.objects.filter(type="key.updated").get()
        assert event.data["changes"] == {
            "ip_allowlist": [[], ["192.0.2.7", "2001:db8::/32"]],
            "name": ["Back end", "Orders"],
        }

    def test_no_change_is_no_event_and_no_version(self, issued):
        before = issued.key.version
        keys.update(key=issued.key, by=OPERATOR, name="Back end")
        assert issued.key.version == before
        assert not Event.objects.filter(type="key.updated").exists()

    def test_rights_that_it_has_may_stay_but_none_beyond_the_callers_are_added(self, issued):
        rights = keys.Rights({"keys:write"})
        keys.update(key=issued.key, by=OPERATOR, rights=rights, scopes=["keys:read"])
        with pytest.raises(keys.ScopeNotHeld):
            keys.update(key=issued.key, by=OPERATOR, rights=rights, scopes=["keys:read", "partner:read"])

    def test_rights_that_it_has_no_more_are_not_given_again(self, issued):
        before = Key.objects.get(pk=issued.key.pk)
        keys.update(key=issued.key, scopes=["keys:write"], by=OPERATOR)
        with pytest.raises(keys.ScopeNotHeld):
            keys.update(key=before, scopes=["keys:read", "keys:write"], rights=keys.Rights({"keys:write"}), by=OPERATOR)

    def test_successor_of_a_key_that_was_narrowed_is_as_narrow(self, issued):
        before = Key.objects.get(pk=issued.key.pk)
        keys.update(key=issued.key, scopes=["keys:write"], by=OPERATOR)
        assert keys.rotate(key=before, grace=timedelta(0), by=OPERATOR).key.scopes == ["keys:write"]

    def test_disable_and_enable(self, issued):
        keys.disable(key=issued.key, by=OPERATOR)
        assert verify(text=issued.text).code == "key_disabled"
        keys.enable(key=issued.key, by=OPERATOR)
        assert verify(text=issued.text).code == "valid"

    def test_revoked_key_stays_revoked(self, issued):
        keys.revoke(key=issued.key, by=OPERATOR)
        assert verify(text=issued.text).code == "key_revoked"
        for verb in (keys.enable, keys.disable, keys.revoke):
            with pytest.raises(StaleState):
                verb(key=issued.key, by=OPERATOR)
        with pytest.raises(StaleState):
            keys.update(key=issued.key, by=OPERATOR, name="Back again")

    def test_each_change_gives_the_key_a_later_version(self, issued):
        seen = [issued.key.version]
        keys.disable(key=issued.key, by=OPERATOR)
        seen.append(issued.key.version)
        keys.enable(key=issued.key, by=OPERATOR)
        seen.append(issued.key.version)
        keys.update(key=issued.key, by=OPERATOR, name="x")
        seen.append(issued.key.version)
        keys.rotate(key=issued.key, grace=timedelta(0), by=OPERATOR)
        seen.append(issued.key.version)
        assert seen == sorted(set(seen))


class TestRotate:
    """The old key works during the grace period and not after."""

    def test_both_work_during_grace_and_the_old_one_not_after(self, issued, tick):
        new = keys.rotate(key=issued.key, grace=timedelta(minutes=1), by=OPERATOR)
        assert [verify(text=text).code for text in (issued.text, new.text)] == ["valid", "valid"]
        tick(seconds=61)
        assert [verify(text=text).code for text in (issued.text, new.text)] == ["key_expired", "valid"]

    def test_successor_has_the_same_rights_and_limits(self, acme):
        old = keys.issue(
            partner=acme,
            environment="live",
            name="n",
            scopes=["keys:read"],
            ip_allowlist=["192.0.2.0/24"],
            rate_limit_per_minute=60,
            require_secret=True,
            expires_at=clock.now() + timedelta(days=90),
            by=OPERATOR,
        )
        new = keys.rotate(key=old.key, grace=timedelta(hours=1), by=OPERATOR)
        for name in ("scopes", "ip_allowlist", "rate_limit_per_minute", "environment", "name"):
            assert getattr(new.key, name) == getattr(old.key, name)
        assert new.secret not in {None, old.secret}
        assert timedelta(days=89) < new.key.expires_at - clock.now() <= timedelta(days=90)

    def test_grace_never_prolongs_a_key(self, acme):
        ends = clock.now() + timedelta(hours=1)
        old = keys.issue(partner=acme, environment="live", name="n", expires_at=ends, by=OPERATOR)
        keys.rotate(key=old.key, grace=timedelta(days=1), by=OPERATOR)
        assert old.key.expires_at == ends

    def test_grace_beyond_the_tiers_is_refused(self, issued):
        with pytest.raises(keys.GraceTooLong):
            keys.rotate(key=issued.key, grace=timedelta(days=31), by=OPERATOR)

    def test_rotated_once_only(self, issued):
        keys.rotate(key=issued.key, grace=timedelta(days=1), by=OPERATOR)
        with pytest.raises(StaleState):
            keys.rotate(key=issued.key, grace=timedelta(days=1), by=OPERATOR)
        assert Key.objects.count() == 2

    def test_weaker_caller_can_not_get_a_stronger_key_by_rotating_it(self, issued):
        with pytest.raises(keys.ScopeNotHeld):
            keys.rotate(key=issued.key, grace=timedelta(0), rights=keys.Rights({"keys:write"}), by=OPERATOR)


class TestLeak:
    def test_reported_key_stops_and_can_not_be_enabled(self, issued):
        keys.report_leak(text=issued.text, by=OPERATOR)
        issued.key.refresh_from_db()
        assert issued.key.status == "leaked"
        assert verify(text=issued.text).code == "key_revoked"
        with pytest.raises(StaleState):
            keys.enable(key=issued.key, by=OPERATOR)

    def test_reported_twice_is_one_event(self, issued):
        keys.report_leak(text=issued.text, by=OPERATOR)
        keys.report_leak(text=issued.text, by=OPERATOR)
        assert Event.objects.filter(type="key.leaked").count() == 1

    def test_anything_else_is_ignored(self, issued):
        keys.report_leak(text="pk_live_nothing", by=OPERATOR)
        assert verify(text=issued.text).code == "valid"


class TestVerify:
    def test_order_of_refusals(self, acme):
        given = keys.issue(
            partner=acme, environment="live", name="n", require_secret=True, ip_allowlist=["192.0.2.0/24"], by=OPERATOR
        )
        ask = {"text": given.text, "secret": given.secret, "address": "192.0.2.9", "scope": "partner:read"}
        assert verify(**ask).code == "valid"
        assert verify(**{**ask, "scope": "keys:write"}).code == "insufficient_scope"
        assert verify(**{**ask, "scope": "keys:write", "address": "198.51.100.1"}).code == "ip_not_allowed"
        partners.suspend(partner=acme, reason="x", by=OPERATOR)
        assert verify(**{**ask, "address": "198.51.100.1"}).code == "partner_suspended"
        assert verify(**{**ask, "secret": "ps_wrong"}).code == "invalid_secret"
        keys.disable(key=given.key, by=OPERATOR)
        assert verify(**{**ask, "secret": "ps_wrong"}).code == "key_disabled"
        assert verify(**{**ask, "text": given.text[:-1]}).code == "invalid_key"

    def test_mapped_address_is_the_ipv4_address(self, acme):
        given = keys.issue(partner=acme, environment="live", name="n", ip_allowlist=["192.0.2.0/24"], by=OPERATOR)
        assert verify(text=given.text, address="::ffff:192.0.2.1").code == "valid"

    def test_cost_is_taken_from_the_rate_and_looking_costs_nothing(self, acme):
        text = keys.issue(partner=acme, environment="live", name="n", rate_limit_per_minute=10, by=OPERATOR).text
        assert verify(text=text).remaining == 10
        assert verify(text=text, cost=4).remaining == 6
        assert verify(text=text).remaining == 6
        refused = verify(text=text, cost=7)
        assert (refused.code, refused.remaining) == ("rate_limited", 6), "all of it or none"

    def test_gateways_can_move_the_counter_on_without_its_being_forgotten_early(self, acme, redis):
        made = keys.issue(partner=acme, environment="live", name="n", rate_limit_per_minute=10, by=OPERATOR)
        verify(text=made.text, cost=4)
        assert redis.pttl(f"rate:key:{made.key.pk.hex}") > 24_000 + 59_000  # theirs are moved within a minute of the clock

    def test_refused_key_pays_nothing(self, acme):
        text = keys.issue(partner=acme, environment="live", name="n", rate_limit_per_minute=10, by=OPERATOR).text
        assert verify(text=text, scope="keys:write", cost=4).remaining is None
        assert verify(text=text).remaining == 10
