"""The steps keep what is typed, say what is missing, and try the webhook address."""

import re
import socket

import pytest

from local.sink import Sink
from partners import onboarding, partners, reviews
from partners.models import ApiSetup, Partner, Tier
from tests.callers import Caller
from tests.partners.conftest import PUBLIC

pytestmark = pytest.mark.django_db

TYPING = {"HX-Request": "true"}


@pytest.fixture
def owner(signed_in, confirmed):
    return signed_in(confirmed, "owner")


class TestTyping:
    def type(self, client, step, **fields) -> str:
        answer = client.post(f"/p/acme/onboarding/{step}", fields, headers=TYPING)
        assert answer.status_code == 200
        return answer.content.decode()

    def test_what_is_valid_is_kept_and_the_rest_named(self, owner, confirmed):
        said = self.type(owner, "basic-info", name="Acme", type="technology", website="no address", contact_name="Ann")
        assert "Website: Enter a valid URL." in said
        confirmed.refresh_from_db()
        assert (confirmed.company.contact_name, confirmed.website) == ("Ann", "")
        assert "Missing: Contact e-mail" in said

    def test_all_kept(self, owner, confirmed):
        said = self.type(owner, "business-details", legal_name="Acme Ltd", country="gb")
        assert "Kept." in said
        confirmed.company.refresh_from_db()
        assert (confirmed.company.legal_name, confirmed.company.country) == ("Acme Ltd", "GB")
        assert "Missing: Street and number, City" in said

    def test_nothing_is_kept_during_the_review(self, submitted, signed_in):
        said = self.type(signed_in(submitted, "owner"), "business-details", legal_name="Other")
        assert "in review" in said
        submitted.company.refresh_from_db()
        assert submitted.company.legal_name == "Acme Ltd"

    def test_role_without_the_right_keeps_nothing(self, confirmed, signed_in):
        client = signed_in(confirmed, "viewer")
        assert client.post("/p/acme/onboarding/basic-info", {"name": "X"}, headers=TYPING).status_code == 403

    def test_taken_up_where_it_was_left(self, owner, confirmed):
        self.type(owner, "basic-info", name="Acme", type="technology", contact_name="Ann", contact_email="ann@acme.example")
        assert owner.get("/p/acme/onboarding/")["Location"].endswith("/business-details")
        assert 'value="Ann"' in owner.get("/p/acme/onboarding/basic-info").content.decode()


def test_live_on_submitting(owner, confirmed):
    for step, fields in {
        "basic-info": {"contact_name": "Ann", "contact_email": "ann@acme.example"},
        "business-details": {"legal_name": "Acme Ltd", "street": "1 Road", "city": "Leeds", "country": "GB"},
        "api-setup": {"use_case": "Orders"},
    }.items():
        onboarding.save(partner=confirmed, step=step, by=PUBLIC, **fields)
    assert "you are live as soon as you submit" in owner.get("/p/acme/onboarding/activation").content.decode()
    assert "Acme is live" in owner.post("/p/acme/onboarding/activation", follow=True).content.decode()


class TestWebhookAddress:
    SETUP = {"use_case": "Orders"}

    def test_signed_delivery_arrives_and_moves_on(self, owner, confirmed):
        with Sink() as sink:
            answer = owner.post("/p/acme/onboarding/api-setup", {**self.SETUP, "webhook_url": sink.url})
            first = sink.wait_for("webhook.test")
            assert first["body"]["partner_id"] == confirmed.public_id
            assert not answer["Location"].endswith("/api-setup")
            sink.secret = ApiSetup.objects.get().webhook_secret
            sink.deliveries.clear()
            owner.post("/p/acme/onboarding/api-setup", {"check": "1"})
            assert sink.wait_for("webhook.test")["verified"], "by the secret that the page shows"
        page = owner.get("/p/acme/onboarding/api-setup").content.decode()
        assert "took a signed test delivery" in page
        assert sink.secret in page

    def test_what_failed_is_said_and_hinders_nothing(self, owner, confirmed):
        with socket.create_server(("127.0.0.1", 0)) as closed:
            url = f"http://127.0.0.1:{closed.getsockname()[1]}/hooks"
        first = owner.post("/p/acme/onboarding/api-setup", {**self.SETUP, "webhook_url": url})
        assert first["Location"].endswith("/api-setup")
        assert "nothing listens at this address and port" in owner.get(first["Location"]).content.decode()
        again = owner.post("/p/acme/onboarding/api-setup", {**self.SETUP, "webhook_url": url})
        assert not again["Location"].endswith("/api-setup")

    def test_secret_is_for_those_who_may_change_it(self, confirmed, signed_in):
        onboarding.save(partner=confirmed, step="api-setup", by=PUBLIC, webhook_url="https://acme.invalid/hooks")
        secret = ApiSetup.objects.get().webhook_secret
        assert secret not in signed_in(confirmed, "viewer").get("/p/acme/onboarding/api-setup").content.decode()

    def test_through_the_api(self, confirmed):
        acme = Caller("key", confirmed.pk, environment="test")
        with Sink() as sink:
            answer = acme.put("/partner/onboarding/api-setup", {"use_case": "Orders", "webhook_url": sink.url})
            assert answer["webhook"]["reached"] is True
            assert answer["webhook"]["finding"] == "Your server answered 204."
            sink.secret = "whsec_" + "A" * 44
            refused = acme.post("/partner/onboarding/api-setup/check-webhook", expect=200)
            assert refused["reached"] is False
            assert "400" in refused["finding"]
            sink.secret = answer["webhook"]["secret"]
            assert acme.post("/partner/onboarding/api-setup/check-webhook", expect=200)["reached"] is True
        assert "secret" not in str(acme.get("/partner/onboarding"))

    def test_address_that_we_do_not_call_is_refused_in_words(self, confirmed, settings):
        settings.ALLOW_LOCAL_TARGETS = False
        acme = Caller("key", confirmed.pk, environment="test")
        answer = acme.put("/partner/onboarding/api-setup", {"webhook_url": "http://169.254.169.254/latest"})
        assert answer["webhook"]["reached"] is False
        assert answer["webhook"]["finding"]


def test_steps_of_a_live_partner_can_be_changed(owner, confirmed):
    Tier.objects.update(needs_information=False)
    confirmed.tier.refresh_from_db()
    onboarding.submit(partner=confirmed, by=PUBLIC)
    form = {"legal_name": "Acme Ltd", "street": "1 Road", "city": "Leeds", "country": "GB"}
    assert owner.post("/p/acme/onboarding/business-details", form)["Location"].endswith("/business-details")
    assert Partner.objects.get().company.city == "Leeds"


def test_every_step_of_a_live_partner_that_needs_nothing_is_ticked(active, signed_in):
    """Also of one that an operator made, whose owner has confirmed no address."""
    page = signed_in(active, "owner").get("/p/globex/onboarding/activation").content.decode()
    steps = re.findall(r'<li class="step step-(\w+)"( aria-current="step")?>', page)
    assert steps[-1] == ("done", ' aria-current="step"')
    assert next(step for step in onboarding.progress(active).steps if step.name == "activation").state == "done"


def test_live_partner_that_was_refused_for_good_is_told_so(submitted, signed_in, by_operator):
    partners.activate(partner=submitted, by=by_operator)
    reviews.reject(partner=submitted, reason="We don’t know this company.", by=by_operator, final=True)
    text = signed_in(submitted, "owner").get("/p/acme/onboarding/activation").content.decode()
    assert "We don’t know this company." in text
    assert "will mail you our decision" not in text
