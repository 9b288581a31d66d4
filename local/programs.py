"""The table of programs that make up a running platform: what each is called, how it is started, when it is stopped."""

import signal
import sys
from pathlib import Path

from local.home import ROOT, Home
from local.processes import Process

PREPARATION = "prepare"
# The door closes first, so that calls in flight find everything behind it; the engines go last.
STOP_ORDER = [["gateway", "beat", PREPARATION], ["web", "worker"], ["postgres", "valkey"]]


def commands(home: Home, *, host: str, port: int) -> dict[str, list[str]]:
    """What one would type after `python -m`."""
    granian = "granian --no-ws --respawn-failed-workers --workers-kill-timeout 8"
    gateway = f"gateway --host {host} --port {port}"
    web = (
        f"{granian} --interface wsgi --blocking-threads 4 --backpressure 128 --uds-permissions 0600 config.wsgi:application --uds"
    )
    worker = "celery -A config worker --pool=threads --concurrency=4 --without-gossip --without-mingle --loglevel=INFO"
    beat = "celery -A config beat --loglevel=INFO"
    return {
        "gateway": gateway.split(),
        "web": [*web.split(), str(web_socket(home))],
        "worker": worker.split(),
        "beat": beat.split(),
    }


def web_socket(home: Home) -> Path:
    """Where Django listens for the gateway."""
    return home.run / "web.sock"


def service(home: Home, env: dict[str, str], name: str, *, host: str, port: int) -> Process:
    """One of the four programs of the platform itself."""
    return _python(home, env, name, commands(home, host=host, port=port)[name])


def preparation(home: Home, env: dict[str, str]) -> Process:
    """The program that migrates and seeds."""
    return _python(home, env, PREPARATION, ["local", "prepare"])


def _python(home: Home, env: dict[str, str], name: str, arguments: list[str]) -> Process:
    # A worker that lost its supervisor must not finish long tasks first: what it held comes back to the next one.
    death = signal.SIGKILL if name in {"worker", "beat", PREPARATION} else signal.SIGTERM
    argv = [sys.executable, "-m", *arguments]
    socket = web_socket(home) if name == "web" else None
    return Process(name=name, argv=argv, log=home.log(name), env=env, at_parent_death=death, cwd=ROOT, socket=socket)
