"""A partner's state holds for all of its keys, from the next call on."""

from core.actors import SYSTEM
from partners import partners
from tests.platform import member

PATH = "/api/partner/v1/keys"


def test_a_suspended_partner_is_refused_on_the_very_next_call(gateway, acme):
    live, test = acme.key(), acme.key(environment="test")
    gateway.get(PATH, key=live.text).expect(200)
    partners.suspend(partner=acme.partner, reason="Abuse", by=SYSTEM)
    gateway.get(PATH, key=live.text).expect_problem(403, "partner_suspended")
    gateway.get(PATH, key=test.text).expect_problem(403, "partner_suspended")


def test_a_reactivated_partner_calls_again_at_once(gateway, acme):
    key = acme.key().text
    partners.suspend(partner=acme.partner, reason="Abuse", by=SYSTEM)
    gateway.get(PATH, key=key).expect_problem(403, "partner_suspended")
    partners.reactivate(partner=acme.partner, by=SYSTEM)
    gateway.get(PATH, key=key).expect(200)


def test_a_closed_partner_is_refused_on_the_very_next_call(gateway, acme):
    key = acme.key().text
    gateway.get(PATH, key=key).expect(200)
    partners.close(partner=acme.partner, by=SYSTEM)
    assert "closed" in gateway.get(PATH, key=key).expect_problem(403, "partner_not_active")["detail"]


def test_a_deleted_partner_is_refused_on_the_very_next_call(gateway, acme):
    key = acme.key().text
    gateway.get(PATH, key=key).expect(200)
    partners.delete(partner=acme.partner, by=SYSTEM)
    gateway.get(PATH, key=key).expect_problem(403, "partner_not_active")


def test_a_pending_partner_may_use_test_keys_only(gateway):
    newcomer = member(gateway, "Newcomer", active=False)
    test = newcomer.key(environment="test").text
    live = _live_key_of_pending(newcomer)
    gateway.get(PATH, key=test).expect(200)
    gateway.get(PATH, key=live).expect_problem(403, "partner_not_active")


def _live_key_of_pending(newcomer) -> str:
    """No verb hands one out; a partner that is set back to pending has one."""
    from apikeys import keys
    from core import versions
    from partners.models import Partner

    Partner.objects.filter(pk=newcomer.partner.pk).update(status="active", activated_at=newcomer.partner.created_at)
    newcomer.partner.refresh_from_db()
    text = keys.issue(partner=newcomer.partner, environment="live", name="Live", scopes=["*"], by=SYSTEM).text
    Partner.objects.filter(pk=newcomer.partner.pk).update(status="pending")
    from django.db import transaction

    with transaction.atomic():
        versions.bump(newcomer.partner)
    return text
