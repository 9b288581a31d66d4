"""The limits of another tier hold from the next call after its approval on."""

from core.actors import SYSTEM
from partners import tier_requests
from partners.models import TierRequest


def test_approved_upgrade_holds_on_the_next_call(gateway, acme):
    key = acme.key().text
    made = acme.api.post("/partner/tier-requests", {"tier": "basic"}).expect(201).json
    assert gateway.get("/api/partner/v1/keys", key=key).expect(200).headers["ratelimit-policy"].endswith('"month";q=1000')
    tier_requests.approve(request=TierRequest.objects.public(made["id"]).get(), by=SYSTEM)
    assert gateway.get("/api/partner/v1/keys", key=key).expect(200).headers["ratelimit-policy"].endswith('"month";q=10000')
    assert acme.api.get("/partner").expect(200)["tier"] == "basic"
