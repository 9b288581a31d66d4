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
