"""Django's door, behind the server that it has in production."""

import http.client
import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

from core import ids
from core.identity import HEADER, Identity, sign
from local.home import ROOT, Home
from local.programs import commands, web_socket


class _Connection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost")
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(30)
        self.sock.connect(str(self._path))


@pytest.fixture
def web(tmp_path: Path) -> Iterator[Path]:
    """The socket of a running server."""
    home = Home.open(tmp_path / "home")
    path = web_socket(home)
    path.parent.mkdir(parents=True, exist_ok=True)
    command = commands(home, host="127.0.0.1", port=0)["web"]
    with subprocess.Popen([sys.executable, "-m", *command], cwd=ROOT) as server:
        deadline = time.monotonic() + 60
        while not _listens(path):
            assert server.poll() is None, "the server ended"
            assert time.monotonic() < deadline, "the server did not start"
            time.sleep(0.05)
        yield path
        server.terminate()


def _listens(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(str(path)) == 0


def test_a_body_that_nobody_read_leaves_the_connection_open(web: Path) -> None:
    connection = _Connection(web)
    for size in (2, 10_000, 2_000_000, 2):
        connection.request("POST", "/api/nothing", body=b"x" * size)
        first = connection.sock
        answer = connection.getresponse()
        assert (answer.status, answer.read()[:1]) == (404, b"{")
        assert connection.sock is first
    connection.close()


def test_a_chunked_body_that_nobody_read_leaves_the_connection_open(web: Path) -> None:
    connection = _Connection(web)
    for _ in range(3):
        connection.request("POST", "/api/nothing", body=iter([b"x" * 10_000] * 20), encode_chunked=True)
        first = connection.sock
        answer = connection.getresponse()
        assert (answer.status, answer.read()[:1]) == (404, b"{")
        assert connection.sock is first
    connection.close()


@pytest.mark.parametrize(
    ("accept", "status"),
    [(None, 200), ("*/*", 200), ("application/json", 200), ("text/html, */*;q=0.1", 200), ("text/html", 406)],
)
def test_a_signed_call_gets_the_format_that_it_takes(web: Path, accept: str | None, status: int) -> None:
    call_id, path = ids.new(), "/api/partner/v1/health"
    identity = Identity(call_id=call_id.hex, method="GET", path=path, at=int(time.time()))
    signed = sign(identity, settings.IDENTITY_KEY.encode())
    connection = _Connection(web)
    connection.request("GET", path, headers={HEADER: signed} | ({"Accept": accept} if accept else {}))
    answer = connection.getresponse()
    assert (answer.status, answer.headers["X-Request-Id"]) == (status, ids.encode("call", call_id))
    assert (answer.headers["Content-Language"], answer.headers["Vary"]) == ("en", "Accept-Language")
    assert json.loads(answer.read())["status"] == ("ok" if status == 200 else status)
    connection.close()
