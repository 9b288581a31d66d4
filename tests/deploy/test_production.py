"""nginx before a whole installation: TLS, programs to the gateway, people to Django, nothing of it from outside that is ours."""

import http.client
import ssl
import subprocess

import pytest
from django.conf import settings

from tests.deploy.conftest import DEPLOY, free_port, nginx
from tests.platform import Reply


class Site:
    """The site over TLS."""

    def __init__(self, port: int, plain: int) -> None:
        self.port, self.plain = port, plain

    def request(self, method: str, path: str, *, key: str = "", **headers: str) -> Reply:
        context = ssl._create_unverified_context()
        connection = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=30, context=context)
        try:
            sent = {"Host": "localhost"} | ({"X-API-Key": key} if key else {}) | headers
            connection.request(method, path, headers=sent)
            answer = connection.getresponse()
            return Reply(answer.status, answer.getheaders(), answer.read())
        finally:
            connection.close()


@pytest.fixture(scope="module")
def site(platform, tmp_path_factory):
    from gateway.addresses import Addresses

    folder = tmp_path_factory.mktemp("tls")
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost"
    subprocess.run(
        [*command.split(), "-keyout", str(folder / "privkey.pem"), "-out", str(folder / "fullchain.pem")],
        check=True,
        capture_output=True,
    )
    (folder / "static").mkdir()
    (folder / "static" / "site.css").write_text("a {}")
    port, plain = free_port(), free_port()
    changes = {
        "listen 443": f"listen 127.0.0.1:{port}",
        "listen 80;": f"listen 127.0.0.1:{plain};",
        "/etc/ssl/portico": str(folder),
        "/var/lib/portico/static": str(folder / "static"),
        "/var/lib/portico/run/web.sock": str(settings.WEB_SOCKET),
        "server_name partners.example.com": "server_name localhost",
    }
    door = platform.running.door
    before, door.addresses = door.addresses, Addresses(["127.0.0.0/8"])
    running = nginx(f"127.0.0.1:{platform.port}", "127.0.0.1:9", port, conf="production.conf", **changes)
    yield Site(port, plain)
    running.stop()
    door.addresses = before


def test_programs_reach_the_gateway(site, acme):
    answer = site.request("GET", "/api/partner/health", key=acme.key().text).expect(200)
    assert answer["partner"]
    assert '"key";r=' in answer.headers["ratelimit"]
    site.request("POST", "/admin/partners").expect_problem(401, "missing_credential")
    site.request("GET", "/api/partner/nothing").expect_problem(404, "not_found")
    site.request("GET", "//api/partner/health").expect_problem(400, "malformed_request")
    site.request("GET", "/%61pi/partner/health").expect_problem(400, "malformed_request")
    site.request("GET", "/x/../api/partner/health").expect_problem(400, "malformed_request")


def test_people_reach_django_over_tls(site):
    answer = site.request("GET", "/accounts/login/").expect(200)
    assert "Secure" in answer.headers["set-cookie"] or not settings.SESSION_COOKIE_SECURE
    assert b"<html" in answer.body
    assert site.request("GET", "/static/site.css").expect(200).body == b"a {}"


def test_plain_http_is_sent_to_tls(site):
    connection = http.client.HTTPConnection("127.0.0.1", site.plain, timeout=10)
    connection.request("GET", "/p/acme/?x=1", headers={"Host": "localhost"})
    answer = connection.getresponse()
    assert (answer.status, answer.getheader("Location")) == (308, "https://localhost/p/acme/?x=1")
    connection.close()


@pytest.mark.parametrize("path", ["/gateway/authorize", "/gateway/metrics", "/metrics", "/%67ateway/metrics", "//metrics"])
def test_what_is_for_the_machine_itself_is_not_outside(site, path):
    assert site.request("GET", path).status in {400, 404}


def test_a_forged_identity_is_nobodys(site):
    """Straight to Django: what only the gateway may say is taken away before."""
    assert site.request("GET", "/accounts/login/", **{"Portico-Identity": "forged"}).status == 200
    assert site.request("GET", "/accounts/login/", portico_identity="forged").status == 200


def test_the_clients_address_is_nginx_word(site, acme):
    key = acme.key(ip_allowlist=["192.0.2.1"]).text
    answer = site.request("GET", "/api/partner/health", key=key, **{"X-Forwarded-For": "192.0.2.1"})
    assert answer.expect_problem(403, "ip_not_allowed")["address"] == "127.0.0.1"


def test_every_configuration_is_run_here():
    assert {path.name for path in (DEPLOY / "nginx").glob("*.conf")} == {"forward-auth.conf", "production.conf"}
