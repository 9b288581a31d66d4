"""The platform in one test process: the real gateway on a real port, Django behind it on a Unix socket, partners made by verbs.

The gateway's and Django's threads see committed rows only, so what these fixtures make is committed and stays: each test has
partners of its own, and nothing else of theirs. Everything runs in this process, so that `core.clock` moves it all.

    def test_a_key_is_shown_once(acme):
        made = acme.api.post("/keys", {"name": "CI", "environment": "test", "scopes": []}).expect(201)
        acme.api.get(f"/keys/{made['id']}").expect(200)
"""

import asyncio
import http.client
import json
import secrets
import socket
import socketserver
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any
from wsgiref.simple_server import ServerHandler, WSGIRequestHandler, WSGIServer

import pytest
import uvloop

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Reply:
    """An answer: status, headers (by lower-case name; several of one name are a list in `every`), body."""

    status: int
    every: list[tuple[str, str]]
    body: bytes

    @property
    def headers(self) -> dict[str, str]:
        return {name.lower(): value for name, value in self.every}

    @cached_property
    def json(self) -> Any:
        return json.loads(self.body)

    def __getitem__(self, name: str) -> Any:
        return self.json[name]

    def expect(self, status: int) -> "Reply":
        """This answer, if it has the status."""
        assert self.status == status, f"{self.status} instead of {status}: {self.body[:2000]!r}"
        return self

    def expect_problem(self, status: int, code: str) -> "Reply":
        """This answer, if it is a problem document with this status and code, as every refusal must be."""
        self.expect(status)
        assert self.headers["content-type"] == "application/problem+json"
        assert (self["status"], self["code"]) == (status, code), self.json
        assert self["request_id"] == self.headers["x-request-id"]
        assert self["title"]
        assert self["detail"]
        assert self["type"].endswith(f"/developers/errors/{code}")
        return self


@dataclass
class Gateway:
    """A running gateway; requests go to it over HTTP. `key` is sent as X-API-Key."""

    port: int
    running: Any = None

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def request(
        self, method: str, path: str, body: Any = None, *, key: str | None = None, headers: Mapping[str, str] | None = None
    ) -> Reply:
        """One request as it stands; a body that isn't bytes is sent as JSON."""
        sent = dict(headers or {})
        if key is not None:
            sent["X-API-Key"] = key
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
            sent.setdefault("Content-Type", "application/json")
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, body=body, headers=sent)
            answer = connection.getresponse()
            return Reply(answer.status, answer.getheaders(), answer.read())
        finally:
            connection.close()

    def get(self, path: str, **options: Any) -> Reply:
        return self.request("GET", path, **options)

    def post(self, path: str, body: Any = None, **options: Any) -> Reply:
        return self.request("POST", path, body, **options)

    def raw(self, data: bytes) -> bytes:
        """What comes back for these very bytes, until the gateway closes the connection or says no more for a second."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
            connection.sendall(data)
            parts = []
            try:
                while part := connection.recv(65536):
                    parts.append(part)
            except TimeoutError:
                pass
            return b"".join(parts)


@dataclass
class Api:
    """The partner API with one key: paths are relative to `/api/partner/v1`."""

    gateway: Gateway
    key: str
    root: str = "/api/partner/v1"
    header: str = "X-API-Key"

    def request(self, method: str, path: str, body: Any = None, *, headers: Mapping[str, str] | None = None) -> Reply:
        value = self.key if self.header == "X-API-Key" else f"Bearer {self.key}"
        return self.gateway.request(method, self.root + path, body, headers={self.header: value, **(headers or {})})

    def get(self, path: str, **options: Any) -> Reply:
        return self.request("GET", path, **options)

    def post(self, path: str, body: Any = None, **options: Any) -> Reply:
        return self.request("POST", path, body, **options)

    def put(self, path: str, body: Any = None, **options: Any) -> Reply:
        return self.request("PUT", path, body, **options)

    def patch(self, path: str, body: Any = None, **options: Any) -> Reply:
        return self.request("PATCH", path, body, **options)

    def delete(self, path: str, **options: Any) -> Reply:
        return self.request("DELETE", path, **options)


@dataclass
class Member:
    """A partner in a test: its row, keys of it, and its API with a live key (`api`) and a test key (`test_api`)."""

    gateway: Gateway
    partner: Any
    keys: list[Any] = field(default_factory=list)

    def key(self, *, environment: str = "live", scopes: tuple[str, ...] | list[str] = ("*",), **settings: Any) -> Any:
        """A fresh key: `.text`, `.secret`, `.key` (the row)."""
        from apikeys import keys
        from core.actors import SYSTEM

        issued = keys.issue(
            partner=self.partner, environment=environment, name="Test", scopes=list(scopes), by=SYSTEM, **settings
        )
        self.keys.append(issued)
        return issued

    @cached_property
    def api(self) -> Api:
        return Api(self.gateway, self.key().text)

    @cached_property
    def test_api(self) -> Api:
        return Api(self.gateway, self.key(environment="test").text)


class _UnixServer(socketserver.ThreadingMixIn, WSGIServer):
    address_family = socket.AF_UNIX
    daemon_threads = True
    request_queue_size = 128

    def server_bind(self) -> None:
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = "localhost", 80
        self.setup_environ()


class _Handler(WSGIRequestHandler):
    """As a production server behind the gateway: HTTP/1.1 with kept-alive connections, and no address of a peer."""

    protocol_version = "HTTP/1.1"

    def address_string(self) -> str:
        return ""

    def log_message(self, *args: Any) -> None:
        pass

    def get_environ(self) -> dict[str, Any]:
        self.client_address = ("", 0)
        return super().get_environ()

    def handle(self) -> None:
        self.close_connection = False
        while not self.close_connection:
            self.raw_requestline = self.rfile.readline(65537)
            if not self.raw_requestline or not self.parse_request():
                return
            length = int(self.headers.get("Content-Length") or 0)
            body = self.rfile.read(length)
            handler = _Answer(_Bytes(body), self.wfile, None, self.get_environ(), multithread=True)
            handler.request_handler = self
            handler.run(self.server.get_app())


class _Answer(ServerHandler):
    http_version = "1.1"

    def send_headers(self) -> None:
        """After a body without a length there is no other answer, and the client is told."""
        if "Content-Length" not in self.headers:
            self.request_handler.close_connection = True
            self.headers["Connection"] = "close"
        super().send_headers()


class _Bytes:
    def __init__(self, data: bytes) -> None:
        import io

        self._file = io.BytesIO(data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


@pytest.fixture(scope="session")
def platform(django_db_setup: None, django_db_blocker: Any, redis: Any) -> Iterator[Gateway]:
    """The one platform of the session."""
    from django.conf import settings
    from django.db import connection

    from config.wsgi import application
    from tests import leaks

    redis.flushdb()
    # The platform's threads use the database between tests too, so it is open from here on.
    with django_db_blocker.unblock():
        path = Path(settings.WEB_SOCKET)
        path.parent.mkdir(parents=True, exist_ok=True)
        web = _UnixServer(str(path), _Handler)
        web.set_app(application)
        threading.Thread(target=web.serve_forever, daemon=True).start()
        running = _GatewayThread()
        yield Gateway(running.port, running)
        running.stop()
        web.shutdown()
        web.server_close()
        path.unlink(missing_ok=True)
        with connection.cursor() as cursor:
            leaks.look_at_database(cursor)


class _GatewayThread:
    """The gateway in a thread of this process. `door` is its door, `loop` what it runs on."""

    def __init__(self) -> None:
        from gateway.__main__ import bound
        from gateway.door import Door

        self._listening = bound("127.0.0.1", 0)
        self.port: int = self._listening.getsockname()[1]
        self.door: Door
        self.loop = uvloop.new_event_loop()
        self._stop = asyncio.Event()
        self._thread = threading.Thread(target=self.loop.run_until_complete, args=(self._serve(),), daemon=True)
        opened = threading.Event()
        self._opened = opened
        self._thread.start()
        assert opened.wait(timeout=20), "the gateway did not start"

    async def _serve(self) -> None:
        from core.api.operations import operations
        from gateway.door import Door
        from gateway.server import Server
        from gateway.table import Table

        self.door = Door(Table(operations()))
        await self.door.open()
        server = Server(self.door.serve, self.door.crowd)
        await server.open(self._listening)
        self._opened.set()
        await self._stop.wait()
        await server.close()
        await self.door.close()

    def stop(self) -> None:
        self.loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(timeout=20)


@pytest.fixture
def gateway(platform: Gateway) -> Gateway:
    """The running gateway."""
    return platform


def member(gateway: Gateway, name: str, **profile: Any) -> Member:
    """An active partner of its own, on the lowest tier unless `tier` names another by its slug."""
    from core.actors import SYSTEM
    from partners import partners, tiers
    from partners.models import Tier

    tiers.seed()
    tier = profile.pop("tier", None)
    made = partners.create(name=f"{name} {secrets.token_hex(3)}", by=SYSTEM, active=profile.pop("active", True), **profile)
    if tier:
        partners.change_tier(partner=made, tier=Tier.objects.get(slug=tier), by=SYSTEM)
    return Member(gateway, made)


@pytest.fixture
def acme(gateway: Gateway) -> Member:
    """A partner."""
    return member(gateway, "Acme")


@pytest.fixture
def globex(gateway: Gateway) -> Member:
    """Another partner, a stranger to the first."""
    return member(gateway, "Globex")


@pytest.fixture
def initech(gateway: Gateway) -> Member:
    """A third partner."""
    return member(gateway, "Initech")


@pytest.fixture
def operator(gateway: Gateway) -> Api:
    """The operator API, with a token that may do everything."""
    from core import operators
    from core.actors import SYSTEM
    from core.models import User

    user = User.objects.create_superuser(f"operator-{secrets.token_hex(4)}@example.com", secrets.token_urlsafe(12))
    token = operators.issue(user=user, name="Test", scopes=["*"], by=SYSTEM)
    return Api(gateway, token.secret, root="/api/operator/v1", header="Authorization")
