"""Connections of our own to addresses that users give."""

import asyncio
import socket
import threading
from ipaddress import ip_network

import pytest

from core import outbound
from core.outbound import Dialer, Refused, TooSlow, Unreachable
from gateway.wires import Connection


class TestDialer:
    """Connections of our own are guarded as the client's are."""

    def connect(self, origin, found, settings):
        settings.ALLOW_LOCAL_TARGETS = False

        async def run():
            await Dialer(lookup=lambda host, port: found).connect(Connection, origin, seconds=0.2)

        asyncio.run(run())

    @pytest.mark.parametrize("found", [["127.0.0.1"], ["8.8.8.8", "::1"], ["169.254.169.254"], ["::ffff:10.0.0.1"]])
    def test_a_name_of_an_inner_address(self, settings, found):
        with pytest.raises(Refused):
            self.connect("http://rebind.example", found, settings)

    @pytest.mark.parametrize("origin", ["http://127.0.0.1:9", "http://localhost", "http://[::1]:8080", "http://api.example:25"])
    def test_an_inner_origin(self, settings, origin):
        with pytest.raises(Refused):
            self.connect(origin, ["8.8.8.8"], settings)

    def test_a_kept_address_is_judged_again(self, settings):
        settings.ALLOW_LOCAL_TARGETS = True
        with socket.create_server(("127.0.0.1", 0)) as listener:
            origin = f"http://rebind.example:{listener.getsockname()[1]}"

            async def run():
                dialer = Dialer(lookup=lambda host, port: ["127.0.0.1"])
                first = await dialer.connect(Connection, origin, seconds=1)
                first.close()
                settings.ALLOW_LOCAL_TARGETS = False
                outbound._target.cache_clear()
                with pytest.raises(Refused):
                    await dialer.connect(Connection, origin, seconds=1)

            asyncio.run(run())

    def test_a_name_is_looked_up_once_for_all_who_ask_and_give_up(self):
        """Else one slow name server held all threads for look-ups, and with them everybody's upstreams."""
        looks, answer = [], threading.Event()

        def look(host, port):
            looks.append(host)
            answer.wait(5)
            raise OSError("nobody")

        async def run():
            dialer = Dialer(lookup=look)
            asked = [dialer.connect(Connection, "http://slow.example", seconds=0.05) for _ in range(20)]
            failures = await asyncio.gather(*asked, return_exceptions=True)
            answer.set()
            with pytest.raises(Unreachable, match="could not be found"):
                await dialer.connect(Connection, "http://slow.example", seconds=5)
            return failures

        assert {type(each) for each in asyncio.run(run())} == {TooSlow}
        assert looks == ["slow.example"]

    @pytest.mark.parametrize(
        "found", [["10.21.0.1"], ["10.20.0.1", "10.21.0.1"], ["169.254.169.254"], ["fd00:ec2::254"], ["127.0.0.1"]]
    )
    def test_a_private_upstream_s_name_that_leads_elsewhere(self, settings, found):
        settings.ALLOW_LOCAL_TARGETS = False
        settings.PRIVATE_UPSTREAMS = tuple(map(ip_network, ("10.20.0.0/16", "169.254.0.0/16", "fd00::/8")))

        async def run():
            await Dialer(lookup=lambda host, port: found).connect(Connection, "http://orders.internal", seconds=0.2, private=True)

        with pytest.raises(Refused):
            asyncio.run(run())

    def test_what_is_private_for_one_is_refused_to_another(self, settings):
        settings.ALLOW_LOCAL_TARGETS = False
        settings.PRIVATE_UPSTREAMS = (ip_network("127.0.0.0/8"),)
        with socket.create_server(("127.0.0.1", 0)) as listener:
            origin = f"http://orders.example:{listener.getsockname()[1]}"

            async def run():
                dialer = Dialer(lookup=lambda host, port: ["127.0.0.1"])
                (await dialer.connect(Connection, origin, seconds=1, private=True)).close()
                with pytest.raises(Refused):
                    await dialer.connect(Connection, origin, seconds=1)

            asyncio.run(run())

    def test_a_certificate_is_checked(self, settings, tmp_path):
        settings.ALLOW_LOCAL_TARGETS = True

        async def run():
            server = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", 0, ssl=_self_signed(tmp_path))
            port = server.sockets[0].getsockname()[1]
            with pytest.raises(Unreachable, match="certificate is not valid"):
                await Dialer(lookup=lambda host, port: ["127.0.0.1"]).connect(Connection, f"https://a.example:{port}", seconds=2)
            server.close()

        asyncio.run(run())


def _self_signed(folder):
    import datetime
    import ssl

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a.example")])
    now = datetime.datetime.now(datetime.UTC)
    made = x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + datetime.timedelta(days=1))
    made = made.add_extension(x509.SubjectAlternativeName([x509.DNSName("a.example")]), critical=False)
    (folder / "pem").write_bytes(
        made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "pem")
    return context
