"""Who calls is what the gateway signed, and nothing else."""


def test_a_key_is_told_to_django(acme):
    answer = acme.api.get("/health").expect(200)
    assert answer["partner"] == acme.partner.public_id
    assert answer["key"] == acme.keys[0].key.public_id


def test_a_call_without_a_credential_is_anonymous(gateway):
    answer = gateway.get("/api/partner/v1/health").expect(200)
    assert "partner" not in answer.json
