"""Every call ends in a record for usage, soon, whatever became of it."""

import secrets

from usage.records import ALIVE, EPOCH, STREAM, member, unpack


def records(redis, partner=None):
    found = []
    for _, fields in redis.xrange(STREAM):
        found += [(fields[b"e"].decode(), record) for record in unpack(fields[b"b"])]
    return [(epoch, record) for epoch, record in found if partner is None or record.partner == partner.pk.bytes]


def test_an_admitted_call_is_recorded_whole(gateway, acme, redis, eventually):
    key = acme.key()
    headers = {"User-Agent": "tester/1", "X-Request-Id": "mine"}
    body = {"name": "CI", "environment": "test", "scopes": ["partner:read"]}
    answer = gateway.post("/api/partner/keys", body, key=key.text, headers=headers).expect(201)
    [(epoch, record)] = eventually(lambda: records(redis, acme.partner))
    assert epoch == gateway.running.door.metering.epoch
    assert (record.method, record.operation, record.path) == ("POST", "POST /api/partner/v1/keys", "/api/partner/v1/keys")
    assert (record.status, record.code, record.metered, record.target) == (201, "", True, "")
    assert (record.credential, record.environment) == (key.key.pk.bytes, "live")
    assert record.bytes_in > 50
    assert record.bytes_out == len(answer.body)
    assert record.latency_us > 0
    assert (record.address, record.user_agent, record.client_request_id) == ("127.0.0.1", "tester/1", "mine")
    assert answer.headers["x-request-id"].startswith("call_")


def test_a_path_with_an_id_is_recorded_by_its_operation(gateway, acme, redis, eventually):
    gateway.get("/api/partner/keys/key_none", key=acme.key().text).expect(404)
    [(_, record)] = eventually(lambda: records(redis, acme.partner))
    assert record.operation == "GET /api/partner/v1/keys/{public_id}"
    assert (record.status, record.code) == (404, "not_found")


def test_a_refused_call_is_recorded_and_not_metered(gateway, acme, redis, eventually):
    gateway.get("/api/partner/keys", key=acme.key(scopes=["partner:read"]).text).expect(403)
    [(_, record)] = eventually(lambda: records(redis, acme.partner))
    assert (record.status, record.code, record.metered) == (403, "insufficient_scope", False)


def test_a_strangers_call_is_recorded(gateway, redis, eventually):
    mark = secrets.token_hex(4)
    gateway.get("/api/partner/keys", headers={"User-Agent": mark}).expect(401)
    [record] = eventually(lambda: [record for _, record in records(redis) if record.user_agent == mark])
    assert (record.partner, record.credential, record.code) == (None, None, "missing_credential")


def test_a_call_to_an_integration_names_it(gateway, served, consumer, acme, redis, eventually):
    gateway.get(f"{served.path}/x", key=consumer.text).expect(200)
    [(_, record)] = eventually(lambda: records(redis, acme.partner))
    assert record.target == served.integration.pk.hex
    assert record.operation == f"GET /apis/{served.integration.slug}"


def test_admissions_are_counted_by_epoch(gateway, acme, redis):
    key = acme.key().text
    for _ in range(3):
        gateway.get("/api/partner/keys", key=key).expect(200)
    gateway.get("/api/partner/keys", key=acme.key(scopes=["partner:read"]).text).expect(403)
    epoch = gateway.running.door.metering.epoch
    assert redis.hget(EPOCH.format(epoch), member(acme.partner.pk, "live")) == b"3"
    assert 0 < redis.ttl(ALIVE.format(epoch)) <= 15
