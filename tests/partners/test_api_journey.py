"""A program takes a newcomer from the registration to a verified, live partner, through the gateway and nothing else."""

import secrets

import pytest
from django.core import mail

from core import operators, relay
from core.actors import SYSTEM
from core.models import User
from local.sink import Sink
from partners import notices, tiers
from partners.models import Tier
from tests.partners import files
from tests.platform import Api

FORM = {"Content-Type": "multipart/form-data; boundary=x"}


@pytest.fixture
def console(gateway) -> Api:
    """The operator API, made without this folder's fixtures: they commit nothing, and the platform would not see it."""
    user = User.objects.create_superuser(f"operator-{secrets.token_hex(4)}@example.com")
    token = operators.issue(user=user, name="Test", scopes=["*"], by=SYSTEM)
    return Api(gateway, token.secret, root="/api/operator/v1", header="Authorization")


def test_newcomer_becomes_verified_and_live(gateway, console):
    tiers.seed()
    tier = Tier.objects.order_by("rank")[0]
    Tier.objects.filter(pk=tier.pk).update(needs_application=True, needs_documents=True)
    try:
        _walk(gateway, console)
    finally:
        tier.save()  # the platform's tests share their tiers


def _walk(gateway, console):
    name = f"Initech {secrets.token_hex(3)}"
    address = f"bo-{secrets.token_hex(4)}@initech.example"
    body = {"email": address, "password": "kumquat-sunrise-42", "company_name": name, "type": "business"}
    gateway.post("/api/partner/v1/register", body).expect(202)
    token = _mail_to(address, "/accounts/verify/").split("/accounts/verify/")[1].split()[0]
    confirmed = gateway.post("/api/partner/v1/register/confirm", {"token": token}).expect(201)
    acme = Api(gateway, confirmed["key"])

    assert acme.get("/partner/onboarding")["current"] == "basic-info"
    acme.put("/partner/onboarding/basic-info", {"contact_name": "Bo", "contact_email": address}).expect(200)
    company = {"legal_name": "Initech Ltd", "street": "1 Road", "city": "Leeds", "country": "GB"}
    acme.put("/partner/onboarding/business-details", company).expect(200)
    with Sink() as sink:
        setup = acme.put("/partner/onboarding/api-setup", {"use_case": "Orders", "webhook_url": sink.url}).expect(200)
        assert setup["webhook"]["reached"] is True
        assert sink.wait_for("webhook.test")["body"]["partner_id"] == acme.get("/partner")["id"]
    acme.post("/partner/onboarding/submit").expect_problem(409, "conflict")

    first = upload(acme, b"%PDF-1.7 not really", expect=422)
    assert first["errors"][0]["code"] == "file_unreadable"
    first = upload(acme, files.png())
    assert acme.post("/partner/onboarding/submit").expect(200)["status"] == "in_review"

    partner = acme.get("/partner")["id"]
    assert console.get("/documents?status=waiting&partner_id=" + partner)["data"][0]["id"] == first["id"]
    console.post(f"/partners/{partner}/approve").expect_problem(409, "conflict")
    acme.post("/keys", {"name": "Live", "environment": "live"}).expect_problem(403, "partner_not_active")
    console.post(f"/partners/{partner}/reject", {}).expect_problem(422, "validation_error")
    console.post(f"/documents/{first['id']}/reject", {"reason": "It is only a colour."}).expect(200)
    console.post(f"/partners/{partner}/reject", {"reason": "Please send an extract of the register."}).expect(200)
    told = acme.get("/partner/onboarding")
    assert (told["status"], told["reason"]) == ("rejected", "Please send an extract of the register.")
    assert told["current"] == "documents"
    assert "Please send an extract of the register." in _mail_to(address, "not approved")

    second = upload(acme, files.pdf())
    acme.post("/partner/onboarding/submit").expect(200)
    console.post(f"/documents/{second['id']}/accept").expect(200)
    assert console.post(f"/partners/{partner}/approve").expect(200)["status"] == "active"
    assert acme.get("/partner/onboarding")["status"] == "complete"
    found = acme.get("/partner/verification")
    assert (found["state"], len(found["rounds"])) == ("verified", 2)
    assert f"{name} is live" in _mail_to(address, "is live")
    _get_a_live_key(gateway, acme)


def _get_a_live_key(gateway, acme):
    """A program that never saw the portal gets its first live key with its test key, and no second one."""
    ask = {"name": "Live", "environment": "live", "scopes": ["partner:read", "requests:write"]}
    live = Api(gateway, acme.post("/keys", ask).expect(201)["key"])
    assert live.get("/partner")["status"] == "active"
    live.post("/requests", {"type": "OTHER", "payload": {}}).expect(201)
    acme.post("/keys", ask).expect_problem(403, "forbidden")


def upload(api, content: bytes, expect: int = 201):
    parts = [
        b'--x\r\nContent-Disposition: form-data; name="kind"\r\n\r\nregistration\r\n',
        b'--x\r\nContent-Disposition: form-data; name="file"; filename="extract.pdf"\r\n\r\n' + content + b"\r\n--x--\r\n",
    ]
    return api.post("/partner/documents", b"".join(parts), headers=FORM).expect(expect)


def _mail_to(address: str, words: str) -> str:
    """The text of the latest mail to this address that holds the words, in subject or body."""
    while relay.relay():
        pass
    while notices.send_due():
        pass
    texts = [f"{each.subject}\n{each.body}" for each in mail.outbox if each.to == [address]]
    return next(text for text in reversed(texts) if words in text)
