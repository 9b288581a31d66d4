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
    """One line a program, as one would type it."""
    granian = "-m granian --no-ws --respawn-failed-workers --workers-kill-timeout 8"
    celery = "-m celery -A config"
    return {
        "gateway": [
            *granian.split(),
            *f"--interface asgi --loop uvloop --host {host} --port {port} gateway.app:application".split(),
        ],
        "web": [
            *f"{granian} --interface wsgi --blocking-threads 8 --uds-permissions 600 --uds".split(),
            str(home.run / "web.sock"),
            "config.wsgi:application",
        ],
        "worker": f"{celery} worker --pool=threads --concurrency=4 --without-gossip --without-mingle --loglevel=INFO".split(),
        "beat": f"{celery} beat --loglevel=INFO".split(),
    }


def services(home: Home, env: dict[str, str], *, host: str, port: int) -> list[Process]:
    """The four programs of the platform itself."""
    return [_python(home, env, name, arguments) for name, arguments in commands(home, host=host, port=port).items()]


def preparation(home: Home, env: dict[str, str]) -> Process:
    """The program that migrates and seeds."""
    return _python(home, env, PREPARATION, ["-m", "local", "prepare"])


def _python(home: Home, env: dict[str, str], name: str, arguments: list[str]) -> Process:
    # A worker that lost its supervisor must not finish long tasks first: what it held comes back to the next one.
    death = signal.SIGKILL if name in {"worker", "beat", PREPARATION} else signal.SIGTERM
    return Process(
        name=name, argv=[sys.executable, *arguments], log=home.log(name), env=env, at_parent_death=death, cwd=Path(ROOT)
    )
