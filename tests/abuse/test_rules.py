"""Rules: what holds, what does not, and that a cause leads to one suspension and one notice."""

from datetime import timedelta

import pytest

from abuse import incidents, watch
from abuse.models import Incident, Rule
from apikeys import keys
from apikeys.models import Key
from core import clock, ids
from core.models import Event, User
from core.states import StaleState
from partners import partners
from partners.models import Notice
from tests.abuse.conftest import OPERATOR


@pytest.fixture
def rule(db):
    """The one rule there is."""
    Rule.objects.all().delete()
    return Rule.objects.create(
        name="Scanning", answers=["404"], threshold=10, least_share=50, least_places=5, action="suspend", partner_after=2
    )


@pytest.fixture
def later():
    """Moves the clock."""
    yield lambda **span: clock.tick(timedelta(**span))
    clock.reset()


def test_the_usual_rules_are_there(db):
    assert set(Rule.objects.values_list("name", flat=True)) >= {"Probing for scopes", "Going on after 429"}


class TestHolding:
    def test_scanner_is_suspended_once_and_told_once(self, key, rule, calls, mailoutbox):
        User.objects.create_superuser("root@portico.example")
        calls(key, 12, status=404, code="not_found", paths=12)
        for _ in range(3):
            assert watch.look()
        key.refresh_from_db()
        incident = Incident.objects.get()
        assert (key.status, incident.status) == ("suspended", "suspended")
        assert incident.evidence["matching"] == 12
        assert len(incident.evidence["samples"]) == 5
        assert all(ids.decode("call", each) for each in incident.evidence["samples"])
        told = Event.objects.get(type="key.suspended")
        assert told.data["incident"] == incident.public_id
        assert "12 of 12 calls" in told.data["reason"]
        assert Notice.objects.filter(kind="operators_incident").count() == 1
        assert any("Scanning" in mail.subject for mail in mailoutbox)

    @pytest.mark.parametrize(
        ("bad", "good", "paths"), [(9, 0, 9), (12, 20, 12), (12, 0, 3)], ids=["too few", "small share", "few paths"]
    )
    def test_what_is_not_meant(self, key, rule, calls, bad, good, paths):
        calls(key, bad, status=404, paths=paths)
        calls(key, good)
        watch.look()
        assert not Incident.objects.exists()

    def test_calls_before_the_window_do_not_count(self, key, rule, calls):
        calls(key, 12, status=404, paths=12, ago=timedelta(minutes=15))
        watch.look()
        assert not Incident.objects.exists()

    def test_a_rule_that_only_tells_lets_the_key_work_and_tells_once_a_day(self, key, rule, calls, later):
        Rule.objects.update(action="notify")
        calls(key, 12, status=404, paths=12)
        watch.look()
        later(minutes=20)
        calls(key, 12, status=404, paths=12)
        watch.look()
        key.refresh_from_db()
        assert key.status == "active"
        assert [each.status for each in Incident.objects.all()] == ["noted"]
        assert Event.objects.filter(type="key.flagged").count() == 1

    def test_environment_and_state_of_a_rule(self, acme, key, rule, calls):
        Rule.objects.update(environment="test")
        calls(key, 12, status=404, paths=12)
        watch.look()
        assert not Incident.objects.exists()
        test_key = keys.issue(partner=acme, environment="test", name="T", by=OPERATOR).key
        calls(test_key, 12, status=404, paths=12)
        watch.look()
        assert Incident.objects.get().key == test_key

    def test_many_networks(self, key, rule, calls):
        Rule.objects.update(measure="networks", threshold=3, answers=[], action="notify", window_minutes=60)
        for third in range(2):
            calls(key, 1, address=f"198.51.{third}.7")
        watch.look()
        assert not Incident.objects.exists()
        calls(key, 1, address="2001:db8:1::7")
        watch.look()
        assert Incident.objects.get().evidence["networks"] == 3

    def test_nothing_ingested_is_not_looked_at(self, key, rule, django_assert_num_queries):
        with django_assert_num_queries(1):
            assert watch.step() == 0


class TestWaysBack:
    @pytest.fixture
    def incident(self, key, rule, calls):
        calls(key, 12, status=404, paths=12)
        watch.look()
        return Incident.objects.select_related("key").get()

    def test_resumed_it_is_not_suspended_for_the_same_calls(self, incident, key, calls, later):
        later(seconds=1)
        incidents.resume(incident=incident, by=OPERATOR)
        key.refresh_from_db()
        assert (key.status, key.status_reason) == ("active", "")
        later(seconds=1)
        calls(key, 1, ago=timedelta(0))
        watch.look()
        assert Incident.objects.count() == 1
        later(minutes=1)
        calls(key, 12, status=404, paths=12)
        watch.look()
        assert Incident.objects.count() == 2

    def test_resuming_has_an_end(self, incident, key, calls, later, settings):
        settings.KEY_RESUMES_A_DAY = 1
        incidents.resume(incident=incident, by=OPERATOR)
        later(minutes=2)
        calls(key, 12, status=404, paths=12)
        watch.look()
        again = Incident.objects.open().select_related("key").get()
        with pytest.raises(incidents.ResumedTooOften):
            incidents.resume(incident=again, by=OPERATOR)

    def test_locked_is_for_operators(self, incident, key):
        incidents.lock(incident=incident, by=OPERATOR)
        key.refresh_from_db()
        assert "Support" in key.status_reason
        with pytest.raises(incidents.Locked):
            incidents.resume(incident=incident, by=OPERATOR)
        incidents.lift(incident=incident, by=OPERATOR)
        key.refresh_from_db()
        assert key.status == "active"

    def test_false_alarm_is_left_alone(self, incident, key, calls, later):
        incidents.dismiss(incident=incident, days=1, by=OPERATOR)
        later(minutes=2)
        calls(key, 12, status=404, paths=12)
        watch.look()
        assert Incident.objects.count() == 1
        later(days=2)
        calls(key, 12, status=404, paths=12)
        watch.look()
        assert Incident.objects.count() == 2

    @pytest.mark.parametrize("verb", ["enable", "rotate"])
    def test_no_other_verb_leads_back(self, incident, key, verb):
        key.refresh_from_db()
        more = {"grace": timedelta(0)} if verb == "rotate" else {}
        with pytest.raises(StaleState):
            getattr(keys, verb)(key=key, by=OPERATOR, **more)

    def test_a_leaked_key_stays_leaked(self, incident, key):
        key.refresh_from_db()
        Key.objects.filter(pk=key.pk).update(status="leaked")
        with pytest.raises(StaleState):
            incidents.resume(incident=incident, by=OPERATOR)
        assert Key.objects.get(pk=key.pk).status == "leaked"


class TestPartner:
    def test_where_it_goes_on_the_partner_is_suspended(self, acme, key, rule, calls):
        for each in (key, keys.issue(partner=acme, environment="live", name="Other", by=OPERATOR).key):
            calls(each, 12, status=404, paths=12)
        watch.look()
        acme.refresh_from_db()
        assert acme.status == "suspended"
        assert "2 times within 24 hours: Scanning" in acme.status_reason
        partners.reactivate(partner=acme, by=OPERATOR)

    def test_test_keys_and_false_alarms_never_suspend_a_partner(self, acme, key, rule, calls):
        calls(key, 12, status=404, paths=12)
        watch.look()
        incidents.dismiss(incident=Incident.objects.get(), days=1, by=OPERATOR)
        for environment in ("test", "test", "live"):
            other = keys.issue(partner=acme, environment=environment, name="Other", by=OPERATOR).key
            calls(other, 12, status=404, paths=12)
        watch.look()
        acme.refresh_from_db()
        assert (Incident.objects.count(), acme.status) == (4, "active")
