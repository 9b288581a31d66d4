"""Pages while Redis or PostgreSQL can't be reached: they work, or say so in words."""

import pytest
from allauth.account.models import EmailAddress
from django.db import OperationalError, connection
from django.test import Client
from redis.backoff import NoBackoff
from redis.retry import Retry

from core.actors import SYSTEM
from core.caches import LossyCache
from core.models import User
from partners import partners
from usage import limits

pytestmark = pytest.mark.django_db

PAGES = ["/", "/p/acme/", "/p/acme/keys/", "/p/acme/team/", "/p/acme/usage/", "/p/acme/notifications/", "/accounts/sessions/"]


@pytest.fixture
def redis_away(settings, monkeypatch):
    """Nobody listens where Redis was."""
    gone = {"LOCATION": "redis://127.0.0.1:1/0", "OPTIONS": {"retry": Retry(NoBackoff(), 0)}}
    settings.CACHES = {name: {**cache, **gone} for name, cache in settings.CACHES.items()}
    settings.REDIS_URL = gone["LOCATION"]
    monkeypatch.setattr(LossyCache, "_asleep_until", 0.0)
    limits._client.cache_clear()
    yield
    limits._client.cache_clear()


@pytest.fixture
def ann():
    user = User.objects.create_user("ann@acme.example", "kumquat-sunrise-42")
    acme = partners.create(name="Acme", by=SYSTEM, active=True, owner=user)
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    assert acme.slug == "acme"
    return user


@pytest.mark.parametrize(
    "page", ["/", "/p/acme/", "/p/acme/keys/", "/p/acme/team/", "/p/acme/notifications/", "/accounts/sessions/"]
)
def test_portal_works_without_redis(ann, client, redis_away, page):
    client.force_login(ann)
    answer = client.get(page, follow=True)
    assert answer.status_code == 200
    assert "login" not in answer.request["PATH_INFO"]


def test_signing_in_says_that_it_has_to_wait_for_redis(ann, redis_away):
    browser = Client(raise_request_exception=False)
    answer = browser.post("/accounts/login/", {"login": "ann@acme.example", "password": "kumquat-sunrise-42"})
    assert (answer.status_code, answer["Retry-After"]) == (503, "10")
    assert "Try again" in answer.content.decode()


@pytest.mark.parametrize(("path", "kind"), [("/partners", "text/html"), ("/api/partner/v1/partners", "application/problem+json")])
def test_without_postgres_each_gets_what_it_reads(path, kind):
    def away(*args):
        raise OperationalError("connection refused")

    with connection.execute_wrapper(away):
        answer = Client(raise_request_exception=False).get(path)
    assert answer.status_code == 503
    assert answer["Content-Type"].startswith(kind)
