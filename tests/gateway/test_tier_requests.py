"""The limits of another tier hold from the next call after its approval on."""

from apikeys import rates
from apikeys.models import Key
from core.actors import SYSTEM
from partners import partners, tier_requests
from partners.models import Tier, TierRequest


def test_a_key_s_own_limit_never_exceeds_that_of_a_lower_tier(gateway, acme):
    partners.change_tier(partner=acme.partner, tier=Tier.objects.get(slug="professional"), by=SYSTEM)
    key = acme.key(rate_limit_per_minute=4_000)
    own = gateway.get("/api/partner/v1/keys", key=key.text).expect(200).headers["ratelimit-policy"]
    assert own.startswith('"key";q=4000')
    partners.change_tier(partner=acme.partner, tier=Tier.objects.get(slug="basic"), by=SYSTEM)
    lower = gateway.get("/api/partner/v1/keys", key=key.text).expect(200).headers["ratelimit-policy"]
    assert lower.startswith('"key";q=1000')
    assert rates.take(key=Key.objects.get(pk=key.key.pk), cost=0).remaining <= 1_000


def test_approved_upgrade_holds_on_the_next_call(gateway, acme):
    key = acme.key().text
    made = acme.api.post("/partner/tier-requests", {"tier": "basic"}).expect(201).json
    assert gateway.get("/api/partner/v1/keys", key=key).expect(200).headers["ratelimit-policy"].endswith('"month";q=1000')
    tier_requests.approve(request=TierRequest.objects.public(made["id"]).get(), by=SYSTEM)
    assert gateway.get("/api/partner/v1/keys", key=key).expect(200).headers["ratelimit-policy"].endswith('"month";q=10000')
    assert acme.api.get("/partner").expect(200)["tier"] == "basic"
