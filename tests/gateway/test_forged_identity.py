"""Whatever a thief sends, nobody else is charged for it, and nothing is reached that it doesn't name plainly.

The gateway is the real one; what reaches Django is seen by Django, what reaches an integration by its upstream.
"""

import base64
import hashlib
import hmac
import json
import socket
import time
from dataclasses import dataclass, field
from string import Template

import pytest
from django.conf import settings
from django.contrib.sessions.backends.db import SessionStore
from django.core.signals import request_started

from core.actors import SYSTEM
from core.identity import HEADER, Identity, sign
from marketplace import installations
from tests.gateway import forgeries
from tests.gateway.conftest import Served, publish
from tests.gateway.test_metering import records
from tests.gateway.upstream import Upstream
from tests.platform import Member, member

FORGERIES = forgeries.all_of_them()


@dataclass
class World:
    """A thief, a victim, and what is reached and charged between them."""

    port: int
    redis: object
    thief: Member
    victim: Member
    served: Served
    upstream: Upstream
    names: dict[str, str]
    at_django: list[str] = field(default_factory=list)

    def send(self, template: str) -> list[int]:
        """The statuses of all that comes back until the connection ends."""
        sent = Template(template).substitute(self.names).encode("latin-1")
        self.at_django.clear()
        self.upstream.seen.clear()
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as wire:
            wire.sendall(sent)
            answer = b"".join(iter(lambda: wire.recv(65536), b""))
        return [int(part[:3]) for part in answer.split(b"HTTP/1.1 ")[1:]]

    def reached(self) -> list[str]:
        """What Django and the upstream saw, for whom."""
        carried = [seen for seen in self.upstream.seen if seen.target != f"/base/{forgeries.BROKEN}"]
        return [*self.at_django, *(f"{seen.method} {seen.target} {self._called(seen)}" for seen in carried)]

    def charged(self, whom: Member) -> int:
        """The calls of the month."""
        return sum(map(int, self.redis.hvals(f"quota:{whom.partner.pk.hex}:live")))

    def see(self, environ: dict, **_facts: object) -> None:
        """A request has come to Django."""
        path = environ["PATH_INFO"].encode("latin-1").decode()
        claimed = environ.get("HTTP_PORTICO_IDENTITY", "").rpartition(".")[0]
        partner = json.loads(base64.urlsafe_b64decode(claimed)).get("partner", "") if claimed else ""
        self.at_django.append(f"{environ['REQUEST_METHOD']} {path} {self._name(partner)}")

    def _called(self, seen) -> str:
        """Who the upstream was told, if it was told so once and with our signature."""
        told = {}
        for name, value in seen.headers:
            assert "_" not in name
            assert name.lower() not in told or not name.lower().startswith(("x-", "portico"))
            told[name.lower()] = value
        assert HEADER not in told
        assert told["x-key-id"] == self.names["thief_key_id"]
        assert told["x-request-id"].startswith("call_")
        assert not told["x-request-id"].startswith("call_000")
        assert (told["x-forwarded-prefix"], told["x-forwarded-host"]) == (self.served.path, settings.BASE_URL.split("//")[1])
        assert not {"x-portico-environment", "x-forwarded-for", "x-scopes", "x-api-key"} & set(told)
        at, made = told["x-portico-signature"].split(",")
        who = [at[2:], told["x-request-id"], told["x-partner-id"], told["x-key-id"], seen.method, seen.target]
        ours = hmac.new(self.served.secret.encode(), "\n".join(who).encode(), hashlib.sha256).hexdigest()
        assert made == f"v1={ours}"
        return "thief" if told["x-partner-id"] == self.names["thief_id"] else told["x-partner-id"]

    def _name(self, partner: str) -> str:
        names = {"": "nobody", self.thief.partner.pk.hex: "thief", self.victim.partner.pk.hex: "victim"}
        return names.get(partner, partner)


@pytest.fixture(scope="module")
def world(platform, redis):
    redis.delete("rate:address:127.0.0.1")  # other tests' strangers
    thief, victim, seller = (member(platform, name) for name in ("Thief", "Victim", "Seller"))
    upstream = Upstream()
    served, other = publish(seller.partner, upstream), publish(seller.partner, upstream)
    installations.install(integration=served.integration, partner=thief.partner, environment="live", by=SYSTEM)
    installations.install(integration=other.integration, partner=victim.partner, environment="live", by=SYSTEM)
    own, tied = thief.key(scopes=["keys:read", "requests:read"]), thief.key(ip_allowlist=["203.0.113.7"])
    theirs = victim.key()
    found = World(platform.port, redis, thief, victim, served, upstream, {})
    found.names = {
        "thief": own.text, "thief_id": thief.partner.public_id, "thief_key_id": own.key.public_id, "tied": tied.text,
        "victim": theirs.text, "victim_id": victim.partner.public_id, "victim_key_id": theirs.key.public_id,
        "victim_as_password": base64.b64encode(f"{theirs.text}:".encode()).decode(), "captured": captured(victim, theirs.key),
        "session": f"{settings.SESSION_COOKIE_NAME}={session_of(victim)}",
        "slug": served.integration.slug, "other": other.integration.slug,
    }  # fmt: skip
    found.names["inner_length"] = str(len(Template(forgeries.INNER).substitute(found.names)))
    platform.get("/api/partner/v1/keys", key=theirs.text).expect(200)  # so that the victim's key and count are known
    request_started.connect(found.see)
    yield found
    request_started.disconnect(found.see)
    upstream.stop()


def captured(victim: Member, key) -> str:
    """What the gateway would sign for a call of the victim's to list keys."""
    facts = {"call_id": "0" * 32, "method": "GET", "path": "/api/partner/v1/keys", "at": int(time.time()), "kind": "key"}
    who = {"partner": victim.partner.pk.hex, "credential": key.pk.hex, "scopes": ("*",)}
    return sign(Identity(**facts, **who), settings.IDENTITY_KEY.encode())


def session_of(victim: Member) -> str:
    """A cookie with which one of the victim's owners is signed in to the portal."""
    from core.models import User
    from partners import members

    person = User.objects.create_user(f"owner@{victim.partner.slug}.example")
    members.add(partner=victim.partner, user=person, role="owner", by=SYSTEM)
    made = SessionStore()
    made.update({"_auth_user_id": str(person.pk), "_auth_user_backend": settings.AUTHENTICATION_BACKENDS[0]})
    made["_auth_user_hash"] = person.get_session_auth_hash()
    made.save()
    return made.session_key


@pytest.mark.parametrize("forgery", FORGERIES, ids=lambda forgery: forgery.name)
def test_a_forgery_changes_neither_who_is_charged_nor_what_is_reached(world, forgery):
    before = world.charged(world.thief), world.charged(world.victim)
    assert world.send(forgery.sent) == list(forgery.statuses)
    wanted = [Template(each).substitute(world.names) for each in forgery.reached]
    assert world.reached() == wanted
    charged = forgery.charged if forgery.charged is not None else sum(each.endswith(" thief") for each in wanted)
    assert (world.charged(world.thief), world.charged(world.victim)) == (before[0] + charged, before[1])


def test_there_are_enough_of_them():
    names = [forgery.name for forgery in FORGERIES]
    assert len(names) == len(set(names)) >= 60


def test_calls_with_one_request_id_are_calls_of_their_own(world, eventually):
    """Theirs is kept beside ours, which usage goes by."""
    once = forgeries.ask("/api/partner/v1/keys", forgeries.AS_THIEF, "X-Request-Id: reused-by-a-thief")
    before = world.charged(world.thief)
    for _ in range(3):
        world.send(once)
    assert world.charged(world.thief) == before + 3
    mine = _recorded(world, eventually, "reused-by-a-thief", 3)
    assert len({record.call for record in mine}) == 3
    assert {record.partner for record in mine} == {world.thief.partner.pk.bytes}


def test_the_id_of_anothers_call_is_not_taken_over(world, eventually):
    """Neither as ours nor in its owner's log."""
    their_id = world.victim.api.get("/keys").expect(200).headers["x-request-id"]
    world.send(forgeries.ask("/api/partner/v1/keys", forgeries.AS_THIEF, f"X-Request-Id: {their_id}"))
    [record] = _recorded(world, eventually, their_id, 1)
    assert record.partner == world.thief.partner.pk.bytes
    assert record.call != [r.call for _, r in records(world.redis, world.victim.partner)][-1]


def _recorded(world, eventually, request_id, count):
    def found():
        ours = [record for _, record in records(world.redis) if record.client_request_id == request_id]
        return ours if len(ours) >= count else []

    return eventually(found)
