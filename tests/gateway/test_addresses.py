"""Where a call comes from: the socket's address, believed otherwise of trusted proxies alone."""

import pytest

from gateway.addresses import Addresses, limited_as

PATH = "/api/partner/v1/keys"


@pytest.mark.parametrize(
    ("entry", "status"), [("127.0.0.1", 200), ("127.0.0.0/8", 200), ("203.0.113.7", 403), ("2001:db8::/32", 403)]
)
def test_a_key_works_from_its_allowed_addresses_only(gateway, acme, entry, status):
    answer = gateway.get(PATH, key=acme.key(ip_allowlist=[entry]).text)
    assert answer.status == status
    if status == 403:
        assert answer.expect_problem(403, "ip_not_allowed")["address"] == "127.0.0.1"


def test_one_of_several_entries_is_enough(gateway, acme):
    gateway.get(PATH, key=acme.key(ip_allowlist=["203.0.113.7", "127.0.0.1"]).text).expect(200)


def test_a_forwarded_address_is_not_believed_of_a_stranger(gateway, acme):
    key = acme.key(ip_allowlist=["203.0.113.7"]).text
    gateway.get(PATH, key=key, headers={"X-Forwarded-For": "203.0.113.7"}).expect_problem(403, "ip_not_allowed")


class TestChain:
    """Of a chain of proxies, the last address that isn't ours is the client's."""

    addresses = Addresses(["10.0.0.0/8", "fd00::/8"])

    @pytest.mark.parametrize(
        ("peer", "forwarded", "client"),
        [
            ("203.0.113.7", "198.51.100.1", "203.0.113.7"),
            ("10.0.0.1", "198.51.100.1", "198.51.100.1"),
            ("10.0.0.1", "6.6.6.6, 198.51.100.1", "198.51.100.1"),
            ("10.0.0.1", "6.6.6.6, 198.51.100.1, 10.2.3.4", "198.51.100.1"),
            ("::ffff:10.0.0.1", "198.51.100.1", "198.51.100.1"),
            ("fd00::1", "2001:db8::1", "2001:db8::1"),
            ("10.0.0.1", "", "10.0.0.1"),
            ("10.0.0.1", "198.51.100.1, nonsense", ""),
            ("::ffff:203.0.113.7", "", "203.0.113.7"),
        ],
    )
    def test_client(self, peer, forwarded, client):
        assert self.addresses.client(peer, forwarded.encode()) == client

    def test_a_network_of_ipv6_is_limited_as_one(self):
        assert limited_as("2001:db8:1:2:3:4:5:6") == limited_as("2001:db8:1:2::1") != limited_as("2001:db8:1:3::1")
