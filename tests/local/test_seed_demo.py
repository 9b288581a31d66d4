"""The demo data is whole, safe to make again, and its credentials are drawn anew for each home."""

import json
import stat
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from core import crypto
from core.models import Event

pytestmark = pytest.mark.django_db


@pytest.fixture
def home(settings, tmp_path: Path) -> Path:
    settings.DEMO, settings.HOME = True, tmp_path
    return tmp_path


def seeded(home: Path) -> dict:
    call_command("seed_demo")
    return json.loads((home / "demo.json").read_text())


def test_file_says_what_a_program_needs(home: Path) -> None:
    demo = seeded(home)
    assert demo["base_url"].startswith("http")
    assert demo["operator"].keys() == {"email", "password", "token"}
    for who in ("partner", "consumer"):
        assert demo[who].keys() >= {"id", "slug", "email", "password", "api_key", "test_api_key"}
    assert stat.S_IMODE((home / "demo.json").stat().st_mode) == 0o600


def test_credentials_work(home: Path) -> None:
    from apikeys.models import Key
    from core.models import OperatorToken, User

    demo = seeded(home)
    for who in ("operator", "partner", "consumer"):
        assert User.objects.get(email=demo[who]["email"]).check_password(demo[who]["password"])
    assert OperatorToken.objects.get(digest=crypto.digest(demo["operator"]["token"])).scopes == ["*"]
    for who in ("partner", "consumer"):
        for name, environment in (("api_key", "live"), ("test_api_key", "test")):
            key = Key.objects.usable().get(digest=crypto.digest(demo[who][name]))
            assert (key.partner.public_id, key.environment, key.scopes) == (demo[who]["id"], environment, ["*"])
            assert key.partner.status == "active"


def test_second_time_changes_nothing(home: Path) -> None:
    first = seeded(home)
    events = Event.objects.count()
    assert seeded(home) == first
    assert Event.objects.count() == events


def test_what_is_missing_is_made_again(home: Path) -> None:
    """The file was lost: nobody knows the old credentials, so there are new ones for the same partners."""
    first = seeded(home)
    (home / "demo.json").unlink()
    second = seeded(home)
    assert second["partner"]["id"] == first["partner"]["id"]
    assert second["partner"]["api_key"] != first["partner"]["api_key"]


def test_what_was_ended_stays_ended(home: Path) -> None:
    """A demo starts again whatever its people have done to it."""
    from apikeys import keys
    from apikeys.models import Key
    from core.actors import SYSTEM
    from partners import partners
    from partners.models import Partner

    demo = seeded(home)
    for key in Key.objects.all():
        keys.revoke(key=key, by=SYSTEM)
    seller, buyer = (Partner.objects.get(slug=demo[who]["slug"]) for who in ("partner", "consumer"))
    partners.close(partner=seller, reason="Moved on", by=SYSTEM)
    partners.delete(partner=seller, by=SYSTEM)
    partners.suspend(partner=buyer, reason="Unpaid invoices", by=SYSTEM)
    again = seeded(home)
    assert [again[who]["id"] for who in ("partner", "consumer")] == [seller.public_id, buyer.public_id]
    assert Partner.objects.count() == 2
    assert not Key.objects.usable().exists()


def test_what_others_wrote_into_the_file_stays(home: Path) -> None:
    (home / "demo.json").write_text(json.dumps({"pids": {"web": 7}}))
    assert seeded(home)["pids"] == {"web": 7}


def test_nothing_is_made_outside_a_demo(settings) -> None:
    settings.DEMO = False
    with pytest.raises(CommandError):
        call_command("seed_demo")


def test_an_integration_is_for_sale(home: Path) -> None:
    from marketplace.models import Integration

    demo = seeded(home)
    [listed] = Integration.objects.listed()
    assert (listed.slug, listed.partner.public_id) == ("acme-addresses", demo["partner"]["id"])
    assert listed.current.price > 0
