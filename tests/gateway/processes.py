"""Gateways in processes of their own, and engines that can be cut off, for tests of faults."""

import os
import secrets
import shutil
import socket
import sys
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path
from urllib.parse import parse_qs, quote, unquote, urlsplit

import pytest

from local.processes import Process
from tests import leaks
from tests.platform import ROOT, Gateway


class Cable:
    """A Unix socket in front of a server's, which can be cut and mended. `name` is the file's name in a folder of its own."""

    def __init__(self, target: str, name: str) -> None:
        self.target = target
        self.folder = Path(tempfile.mkdtemp(prefix="cable-"))
        self.path = self.folder / name
        self._pairs: list[socket.socket] = []
        self.mend()

    def mend(self) -> None:
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(self.path))
        self._listener.listen(64)
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def cut(self) -> None:
        self._listener.close()
        self.path.unlink(missing_ok=True)
        for end in self._pairs:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
        self._pairs.clear()

    def remove(self) -> None:
        self.cut()
        shutil.rmtree(self.folder)

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                near, _ = listener.accept()
            except OSError:
                return
            far = socket.socket(socket.AF_UNIX)
            far.connect(self.target)
            self._pairs += [near, far]
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=_pump, args=(source, sink), daemon=True).start()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    for end in (source, sink):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)


def redis_cable() -> tuple[Cable, str]:
    """A cable to the session's Valkey, and the URL over it."""
    url = urlsplit(os.environ["REDIS_URL"])
    if url.scheme != "unix":
        pytest.skip("wants Valkey on a Unix socket: unset REDIS_URL, so that the embedded one is started")
    cable = Cable(unquote(url.path), "valkey.sock")
    return cable, f"unix://{quote(str(cable.path))}?{url.query}"


def database_url(host: str | None = None) -> str:
    """The test database; by another host if one is given."""
    from django.db import connection

    url = urlsplit(os.environ["DATABASE_URL"])
    query = f"host={quote(host, safe='/')}" if host else url.query
    return f"postgresql://{url.netloc}/{connection.settings_dict['NAME']}?{query}"


def postgres_cable() -> tuple[Cable, str]:
    """A cable to the session's PostgreSQL, and the URL over it."""
    folder = parse_qs(urlsplit(os.environ["DATABASE_URL"]).query).get("host", [""])[0]
    if not folder:
        pytest.skip("wants PostgreSQL on a Unix socket: unset DATABASE_URL, so that the embedded one is started")
    cable = Cable(f"{folder}/.s.PGSQL.5432", ".s.PGSQL.5432")
    return cable, database_url(str(cable.folder))


class GatewayProcess(Gateway):
    """A gateway as it runs in an installation, in a process of its own. `with GatewayProcess() as running:` ends it
    with all that it started, however the block ends; so does the end of the tests' own process."""

    def __init__(self, processes: int = 1, **env: str) -> None:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            super().__init__(probe.getsockname()[1])
        self.home = Path(tempfile.mkdtemp(prefix="gateway-"))
        settings = {"DATABASE_URL": database_url(), "PORTICO_HOME": str(self.home), "PORTICO_WEB_SOCKET": _web_socket(), **env}
        argv = [sys.executable, "-m", "gateway", "--port", str(self.port), "--processes", str(processes)]
        self.process = Process(name="gateway", argv=argv, log=self.home / "log", env=os.environ | settings, cwd=ROOT)
        try:
            self.process.start()
            self._wait()
        except BaseException:
            self.end()
            raise

    def _wait(self) -> None:
        deadline = time.monotonic() + 60
        while True:
            with suppress(OSError):
                self.get(f"/gateway/{secrets.token_hex(4)}")
                return
            assert time.monotonic() < deadline, (self.home / "log").read_text()
            assert self.process.is_alive, (self.home / "log").read_text()
            time.sleep(0.05)

    def stop(self) -> None:
        """As an operator does: it finishes what it has."""
        self.process.stop(20)

    def kill(self) -> None:
        """As the kernel does: without a word, all of it."""
        self.process.kill_group()

    def end(self) -> None:
        self.kill()
        leaks.look_at_files(self.home / "log")
        shutil.rmtree(self.home, ignore_errors=True)

    def __enter__(self) -> "GatewayProcess":
        return self

    def __exit__(self, *exc: object) -> None:
        self.end()


def _web_socket() -> str:
    from django.conf import settings

    return str(settings.WEB_SOCKET)
