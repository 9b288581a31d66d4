"""The operators' block list: what can be blocked, what wants a second thought, and how it is found."""

import time
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from core import blocks, clock, networks
from core.actors import Actor
from core.models import Block, Change, Event, User
from core.problems import AddressBlocked, ValidationError
from core.states import StaleState

OPERATOR = Actor("operator", label="op@portico.example", address="203.0.113.50")


def block(network, **settings):
    return blocks.block(network=network, reason="Scans", by=OPERATOR, **settings)


class TestNetworks:
    @pytest.mark.parametrize(
        ("written", "kept"),
        [
            ("203.0.113.7", "203.0.113.7"),
            (" 203.0.113.0/24 ", "203.0.113.0/24"),
            ("2001:DB8::/32", "2001:db8::/32"),
            ("::ffff:203.0.113.7", "203.0.113.7"),
            ("::ffff:203.0.113.0/120", "203.0.113.0/24"),
        ],
    )
    def test_one_spelling(self, written, kept):
        assert networks.spelled(networks.read(written)) == kept

    @pytest.mark.parametrize("written", ["", "example.com", "203.0.113.7/24", "203.0.113.0/33", "fe80::1%eth0"])
    def test_mistakes_are_said(self, written):
        with pytest.raises(ValueError, match=r"address|zone"):
            networks.read(written)

    def test_ten_thousand_are_looked_through_at_once(self):
        entries = [(f"10.{i >> 8}.{i & 255}.0/24", blocks.FOR_EVER) for i in range(5_000)]
        entries += [(f"2001:db8:{i:x}::/48", blocks.FOR_EVER) for i in range(5_000)]
        among = networks.Networks([*entries, ("10.0.0.0/9", 5.0), ("192.0.2.1", blocks.FOR_EVER)])
        assert among.count == 10_002
        for text, found in [("10.1.2.3", True), ("192.0.2.1", True), ("192.0.2.2", False), ("2001:db8:2::1", True)]:
            assert bool(among.until(networks.read(text).network_address)) is found
        address = networks.read("192.0.2.2").network_address
        began = time.perf_counter()
        for _ in range(1_000):
            among.until(address)
        assert time.perf_counter() - began < 0.1, "less than 100 µs each, on a busy machine too"


@pytest.mark.django_db
class TestBlocking:
    def test_it_is_told_and_found_and_lifted(self):
        made = block("203.0.112.0/24")
        assert (made.blocked_by, made.state) == ("op@portico.example", "holds")
        assert Change.objects.filter(subject=blocks.SUBJECT).count() == 1
        assert Event.objects.get(type="address.blocked").data["network"] == "203.0.112.0/24"
        with pytest.raises(AddressBlocked):
            blocks.require_unblocked("203.0.112.9")
        blocks.require_unblocked("203.0.111.9")
        blocks.lift(block=made, by=OPERATOR)
        blocks.require_unblocked("203.0.112.9")
        assert Change.objects.filter(subject=blocks.SUBJECT).count() == 2
        with pytest.raises(StaleState):
            blocks.lift(block=made, by=OPERATOR)

    @pytest.mark.parametrize("network", ["0.0.0.0/0", "::/0", "nonsense", "203.0.113.7/24"])
    def test_never(self, network):
        with pytest.raises(ValidationError):
            block(network, sure=True)

    @pytest.mark.parametrize("network", ["64.0.0.0/2", "2000::/3", "203.0.113.50", "203.0.113.0/24", "10.0.0.0/16"])
    def test_only_when_sure(self, network, settings):
        settings.TRUSTED_PROXIES = ["10.0.0.0/24"]
        with pytest.raises(ValidationError):
            block(network)
        assert block(network, sure=True).state == "holds"

    def test_once_at_a_time_and_again_when_it_is_over(self):
        block("198.51.100.0/24", expires_at=clock.now() + timedelta(hours=1))
        with pytest.raises(ValidationError):
            block("198.51.100.0/24")
        clock.tick(timedelta(hours=2))
        try:
            blocks.require_unblocked("198.51.100.1")
            block("198.51.100.0/24")
        finally:
            clock.reset()
        assert Block.objects.in_force().count() == 1

    def test_command_lets_an_operator_back_in(self):
        block("203.0.113.0/24", sure=True)
        said = StringIO()
        call_command("unblock", "203.0.113.50", stdout=said)
        assert "203.0.113.0/24 is no longer blocked" in said.getvalue()
        with pytest.raises(CommandError):
            call_command("unblock", "203.0.113.50")


@pytest.mark.django_db
class TestConsole:
    @pytest.fixture
    def browser(self, client):
        client.force_login(User.objects.create_superuser("root@portico.example"))
        return client

    def test_block_search_and_lift(self, browser):
        form = {"network": "198.51.100.0/24", "reason": "Scans", "expires_at_0": "", "expires_at_1": ""}
        assert browser.post("/admin/core/block/add/", form).status_code == 302
        made = Block.objects.get()
        assert made.blocked_by == "root@portico.example"
        assert str(made.pk) in browser.get("/admin/core/block/?q=198.51.100.77").content.decode()
        assert str(made.pk) not in browser.get("/admin/core/block/?q=198.51.101.77").content.decode()
        assert str(made.pk) in browser.get("/admin/core/block/?state=holds&q=scan").content.decode()
        browser.post(f"/admin/core/block/{made.pk}/lift/", {"_form_submitted": "True"})
        made.refresh_from_db()
        assert (made.state, made.lifted_by) == ("lifted", "root@portico.example")

    def test_ones_own_address_wants_a_second_yes(self, browser):
        form = {"network": "127.0.0.0/8", "reason": "Oops", "expires_at_0": "", "expires_at_1": ""}
        page = browser.post("/admin/core/block/add/", form).content.decode()
        assert "you would lock yourself out" in page
        assert not Block.objects.exists()
        assert browser.post("/admin/core/block/add/", {**form, "sure": "on"}).status_code == 302
        page = browser.post("/admin/core/block/add/", {**form, "network": "0.0.0.0/0", "sure": "on"}).content.decode()
        assert "every address there is" in page
