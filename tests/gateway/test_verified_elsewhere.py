"""A key that a back end asks about has one limit, wherever its calls are counted."""

PATH = "/api/partner/v1/partner"


def test_gateway_and_verify_take_from_one_counter(gateway, acme, operator):
    key = acme.key(rate_limit_per_minute=100)
    assert operator.post("/keys/verify", {"key": key.text, "cost": 40}).expect(200)["remaining"] == 60
    left = int(gateway.get(PATH, key=key.text).expect(200).headers["x-ratelimit-remaining"])
    assert 59 <= left <= 60, "two calls a second come back"
    asked = operator.post("/keys/verify", {"key": key.text}).expect(200)
    assert left <= asked["remaining"] <= left + 2


def test_a_key_used_up_elsewhere_is_refused_here(gateway, acme, operator):
    key = acme.key(rate_limit_per_minute=10)
    operator.post("/keys/verify", {"key": key.text, "cost": 10}).expect(200)
    gateway.get(PATH, key=key.text).expect_problem(429, "rate_limited")
    refused = operator.post("/keys/verify", {"key": key.text, "cost": 1}).expect(200)
    assert (refused["valid"], refused["code"]) == (False, "rate_limited")


def test_partners_rate_is_taken_from_too(gateway, acme, operator):
    from core.actors import SYSTEM
    from partners import partners, tiers
    from partners.models import Tier

    lowest = tiers.entry()
    rank = Tier.objects.order_by("-rank")[0].rank + 1
    tier = Tier.objects.create(
        slug=f"narrow-{rank}", name="Narrow", rank=rank, currency=lowest.currency, key_rate=50, partner_rate=10, monthly_quota=100
    )
    partners.change_tier(partner=acme.partner, tier=tier, by=SYSTEM)
    one, other = acme.key(), acme.key()
    assert operator.post("/keys/verify", {"key": one.text, "cost": 10}).expect(200)["remaining"] == 0
    refused = operator.post("/keys/verify", {"key": other.text, "cost": 1}).expect(200)
    assert (refused["code"], refused["remaining"]) == ("rate_limited", 0)
    gateway.get(PATH, key=other.text).expect_problem(429, "rate_limited")


def test_blocked_addresses_are_refused(acme, operator):
    from core import blocks
    from core.actors import SYSTEM

    key = acme.key(ip_allowlist=["203.0.113.9"])
    block = blocks.block(network="203.0.113.0/24", reason="A test", by=SYSTEM)
    try:
        asked = operator.post("/keys/verify", {"key": key.text, "ip": "203.0.113.9"}).expect(200)
        assert (asked["valid"], asked["code"]) == (False, "address_blocked")
    finally:
        blocks.lift(block=block, by=SYSTEM)
    assert operator.post("/keys/verify", {"key": key.text, "ip": "203.0.113.9"}).expect(200)["valid"]
    assert operator.post("/keys/verify", {"key": key.text, "ip": "203.0.113.8"}).expect(200)["code"] == "ip_not_allowed"
