"""Which addresses and URLs are refused, in every spelling."""

import pytest
from django.test import override_settings

from core.addresses import Refused, read_url, require_public

INNER = [
    "0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.100.100.200", "127.0.0.1", "127.1.2.3",
    "168.63.129.16", "169.254.169.254", "169.254.170.2", "172.16.0.1", "172.31.255.255", "192.0.0.1", "192.0.0.192",
    "192.0.2.1", "192.31.196.1", "192.52.193.1", "192.88.99.1", "192.168.0.1", "192.175.48.1", "198.18.0.1", "198.19.255.255",
    "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255",
    "::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:a9fe:a9fe", "::ffff:0:127.0.0.1",
    "64:ff9b::7f00:1", "64:ff9b::169.254.169.254", "64:ff9b:1::1", "100::1", "2001::1", "2001:0:7f00:1::", "2001:2::1",
    "2001:10::1", "2001:20::1", "2001:db8::1", "2002:7f00:1::1", "2002:a9fe:a9fe::1", "2620:4f:8000::1", "3ffe::1", "3fff::1",
    "5f00::1", "fc00::1", "fd00::1", "fd00:ec2::254", "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1", "4000::1",
]  # fmt: skip
PUBLIC = ["1.1.1.1", "8.8.8.8", "172.15.255.255", "172.32.0.1", "192.0.1.1", "2606:4700:4700::1111", "2a00:1450:4001::1"]
PUBLIC += ["::ffff:8.8.8.8", "64:ff9b::808:808"]


@pytest.fixture(autouse=True)
def _strict(settings) -> None:
    settings.ALLOW_LOCAL_TARGETS = False


@pytest.mark.parametrize("address", INNER)
def test_inner_address_is_refused(address: str) -> None:
    with pytest.raises(Refused):
        require_public(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_public_address_is_let_through(address: str) -> None:
    require_public(address)


@pytest.mark.parametrize("address", ["127.0.0.1", "10.1.2.3", "192.168.1.1", "::1", "fd12::1", "::ffff:127.0.0.1"])
def test_local_address_is_let_through_where_allowed(address: str) -> None:
    with override_settings(ALLOW_LOCAL_TARGETS=True):
        require_public(address)


@pytest.mark.parametrize("address", ["169.254.169.254", "fd00:ec2::254", "0.0.0.0", "fe80::1", "224.0.0.1", "168.63.129.16"])
def test_metadata_and_the_like_are_refused_even_there(address: str) -> None:
    with override_settings(ALLOW_LOCAL_TARGETS=True), pytest.raises(Refused):
        require_public(address)


SPELLINGS = [
    "http://127.0.0.1/", "http://2130706433/", "http://0x7f000001/", "http://0x7f.0.0.1/", "http://0177.0.0.1/", "http://127.1/",
    "http://127.0.1/", "http://0/", "http://127.0.0.1./", "http://[::1]/", "http://[::ffff:127.0.0.1]/", "http://[fe80::1%25eth0]/",
    "http://localhost/", "http://LOCALHOST./", "http://intranet/", "http://db.internal/", "http://printer.local/",
    "http://①②⑦.⓪.⓪.①/", "http://127。0。0。1/", "http://example.com@127.0.0.1/", "http://user:pw@example.com/", "http://@example.com/",
    "http:\\\\127.0.0.1\\", "http://example.com\\@127.0.0.1/", "http://exa mple.com/", " http://example.com/", "http://example.com/\n",
    "http://example.com\t/", "ftp://example.com/", "file:///etc/passwd", "gopher://example.com/", "javascript:alert(1)",
    "//example.com/", "example.com", "http://", "http:///x", "https://example.com:22/", "https://example.com:25/",
    "https://example.com:6379/", "https://example.com:5432/", "https://example.com:0/", "https://example.com:99999/", "http://a..b/",
    "http://[::1/", "https://example.com/" + "x" * 2_000, "http://1.2.3.4.5/", "http://256.1.1.1/", "http://0x/", "http://08.8.8.8/",
]  # fmt: skip


@pytest.mark.parametrize("url", SPELLINGS)
def test_url_is_refused(url: str) -> None:
    with pytest.raises(Refused) as refusal:
        read_url(url)
    assert str(refusal.value.reason).endswith(".")


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/hooks?a=1",
        "http://example.com",
        "https://example.com:8443/x",
        "https://münchen.example/",
        "https://8.8.8.8/",
    ],
)
def test_url_is_taken(url: str) -> None:
    assert read_url(url).scheme in {"http", "https"}


def test_live_data_wants_tls() -> None:
    with pytest.raises(Refused, match="https"):
        read_url("http://example.com/", require_tls=True)
    read_url("https://example.com/", require_tls=True)


def test_a_demo_reaches_itself_at_whatever_port_it_has(settings) -> None:
    settings.BASE_URL = "http://127.0.0.1:9200"
    with pytest.raises(Refused, match="Port 9200"):
        read_url("http://127.0.0.1:9200/demo")
    settings.ALLOW_LOCAL_TARGETS = True
    assert read_url("http://127.0.0.1:9200/demo").port == 9200
    with pytest.raises(Refused, match="Port 9300"):
        read_url("http://127.0.0.1:9300/demo")
