"""What `benchmarks/gateway.py` compares: each side is started here, in a throw-away home, as somebody would run it."""

import http.client
import os
import secrets
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

ROOT = Path(__file__).resolve().parent.parent
HERE = ROOT / "benchmarks"
OURS, FORWARDED, CARRIED, CARRIED_MB, DJANGO = (
    "gateway: decides",
    "gateway: nginx asks and carries",
    "gateway: carries 1 KB",
    "gateway: carries 1 MB",
    "gateway: DRF view behind it",
)
NGINX, NGINX_CARRIES, FASTIFY, PEER = (
    "nginx: limit_req, auth_request",
    "nginx: the same, and carries",
    "fastify: @fastify/rate-limit",
    "DRF: API key, throttle, a row",
)


@dataclass
class Side:
    """One of those compared: where it decides, which keys it knows, how they are sent, and the processes whose CPU counts."""

    name: str
    url: str
    keys: Path
    pids: list[int]
    header: str = "X-API-Key"
    prefix: str = ""


@dataclass
class Stage:
    """A throw-away home with engines, and what was started in it."""

    home: Path
    running: object
    port: int
    partners: int
    processes: list[subprocess.Popen] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.home.chmod(0o755)  # nginx' workers are another user
        self.keys = self.home / "keys"
        self.engines = [process.pid for process in self.running.processes]
        self.env = environment(self.home, self.running)
        self.gateway_socket = self.home / "gateway.sock"
        run([sys.executable, "manage.py", "migrate", "-v0"], self.env, ROOT)
        upstream = f"http://127.0.0.1:{self.port + 3}"
        run([sys.executable, "-m", "benchmarks.partners", str(self.partners), str(self.keys), upstream], self.env, ROOT)

    def start(self, name: str, command: list[str], env: dict[str, str] | None = None, folder: Path = ROOT) -> int:
        """A program that writes to a log in the home; returns its process id."""
        log = (self.home / f"{name}.log").open("wb")
        self.processes.append(subprocess.Popen(command, env=env or self.env, cwd=folder, stdout=log, stderr=log))
        return self.processes[-1].pid

    def end(self) -> None:
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            process.wait(timeout=20)
        self.running.remove()
        shutil.rmtree(self.home, ignore_errors=True)

    def sides(self) -> list[Side]:
        """Everything that can run here, started and answering; `left_out` says what can't."""
        gateway, web = self._start_gateway()
        at = f"http://127.0.0.1:{self.port}"
        found = [Side(OURS, f"{at}/gateway/authorize", self.keys, [gateway, *self.engines])]
        if shutil.which("nginx"):
            nginx = self._start_nginx()
            front, both = f"http://127.0.0.1:{self.port + 2}", [gateway, nginx, *self.engines]
            found += [
                Side(FORWARDED, f"{front}/forward/1k", self.keys, both),
                Side(CARRIED, f"{at}/apis/benchmark/1k", self.keys, both),
                Side(CARRIED_MB, f"{at}/apis/benchmark/1m", self.keys, both),
                Side(NGINX, f"{front}/decide", self.keys, [nginx]),
                Side(NGINX_CARRIES, f"{front}/carry/1k", self.keys, [nginx]),
            ]
        else:
            self.left_out.append("nginx and what stands behind or before it (apt install nginx-light)")
        found.append(Side(DJANGO, f"{at}/api/partner/v1/health", self.keys, [gateway, web, *self.engines]))
        if shutil.which("npm"):
            found.append(
                Side(FASTIFY, f"http://127.0.0.1:{self.port + 4}/authorize", self.keys, [self._start_fastify(), *self.engines])
            )
        else:
            self.left_out.append("fastify (apt install npm)")
        found.append(self._start_peer())
        return [answering(side) for side in found]

    def _start_gateway(self) -> tuple[int, int]:
        from local.home import Home
        from local.programs import commands

        found = commands(Home.open(self.home / "platform"), host="127.0.0.1", port=self.port)
        gateway = [sys.executable, "-m", *found["gateway"], "--socket", str(self.gateway_socket)]
        web = [sys.executable, "-m", *found["web"][:-1], self.env["PORTICO_WEB_SOCKET"]]
        return self.start("gateway", gateway), self.start("web", web)

    def _start_nginx(self) -> int:
        www = self.home / "www"
        www.mkdir()
        (www / "1k").write_bytes(b"k" * 1024)
        (www / "1m").write_bytes(b"m" * 1024 * 1024)
        (self.home / "known").write_text("".join(f"{key} 1;\n" for key in self.keys.read_text().split()))
        text = (HERE / "nginx.conf").read_text()
        words = {
            "HOME": self.home,
            "FRONT": self.port + 2,
            "UPSTREAM": self.port + 3,
            "DECIDER": self.port + 5,
            "CPUS": os.cpu_count(),
        }
        for name, word in words.items():
            text = text.replace(f"@{name}@", str(word))
        if os.geteuid() == 0:
            text = f"user root;\n{text}"  # the gateway's socket is for its own user
        (self.home / "nginx.conf").write_text(text)
        return self.start("nginx", ["nginx", "-p", str(self.home), "-c", str(self.home / "nginx.conf")])

    def _start_fastify(self) -> int:
        folder = self.home / "fastify"
        shutil.copytree(HERE / "fastify", folder)
        run(["npm", "install", "--silent", "--no-fund", "--no-audit"], self.env, folder)
        socket = urlsplit(self.running.redis_url).path
        command = ["node", "server.js", str(self.port + 4), str(self.keys), socket, str(os.cpu_count())]
        return self.start("fastify", command, folder=folder)

    def _start_peer(self) -> Side:
        python = self.home / "peer" / "bin" / "python"
        run([sys.executable, "-m", "venv", str(self.home / "peer")], self.env, HERE)
        run([str(python), "-m", "pip", "install", "-q", "--no-compile", "-r", str(HERE / "requirements.txt")], self.env, HERE)
        env = self.env | {
            "PYTHONPATH": str(HERE),
            "PEER_REDIS_URL": f"{self.running.redis_url.split('?')[0]}?db=1",
            "DJANGO_SETTINGS_MODULE": "peer.settings",
        }
        with psycopg.connect(self.running.database_url, autocommit=True) as connection:
            connection.execute("CREATE DATABASE peer")
        keys = self.home / "peer-keys"
        run([str(python), "-m", "peer.prepare", str(self.partners), str(keys)], env, HERE)
        serve = f"-m granian --interface wsgi --no-ws --blocking-threads 4 --port {self.port + 1} peer.wsgi:application"
        pid = self.start("peer", [str(python), *serve.split()], env, HERE)
        return Side(PEER, f"http://127.0.0.1:{self.port + 1}/authorize", keys, [pid, *self.engines], "Authorization", "Api-Key ")


def environment(home: Path, running: object) -> dict[str, str]:
    """A whole set of settings, with secrets of this run."""
    return os.environ | {
        "PORTICO_HOME": str(home),
        "PORTICO_MODE": "test",
        "PORTICO_SECRET_KEY": secrets.token_urlsafe(48),
        "PORTICO_ENCRYPTION_KEYS": urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        "PORTICO_HASH_KEY": secrets.token_urlsafe(32),
        "PORTICO_IDENTITY_KEY": secrets.token_urlsafe(32),
        "PORTICO_LOG_LEVEL": "WARNING",
        "PORTICO_ALLOW_LOCAL_TARGETS": "1",
        "PORTICO_WEB_SOCKET": str(home / "web.sock"),
        "DATABASE_URL": running.database_url,
        "REDIS_URL": running.redis_url,
        "PYTHONPATH": str(ROOT),
    }


def answering(side: Side) -> Side:
    """The side, once it admits its first key."""
    request = urllib.request.Request(side.url, headers={side.header: side.prefix + side.keys.read_text().split()[0]})
    deadline = time.monotonic() + 60
    while True:
        try:
            with urllib.request.urlopen(request) as answer:
                assert answer.status in {200, 204}
                return side
        except (urllib.error.URLError, ConnectionError) as error:
            if time.monotonic() > deadline:
                raise SystemExit(f"{side.name} doesn't answer {side.url}: {error}") from error
            time.sleep(0.1)


def call_with_each_key(side: Side) -> None:
    """One call with each of its keys, on one connection."""
    parts = urlsplit(side.url)
    connection = http.client.HTTPConnection(parts.netloc)
    for key in side.keys.read_text().split():
        connection.request("GET", parts.path, headers={side.header: side.prefix + key})
        connection.getresponse().read()
    connection.close()


def run(command: list[str], env: dict[str, str], folder: Path) -> None:
    """A command to its end; its output if it fails."""
    done = subprocess.run(command, env=env, cwd=folder, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}\n{done.stdout}{done.stderr}")
