"""A platform that a test runs by `python -m local run`, as `make run` does."""

import json
import os
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from local.processes import launched
from tests import leaks

ROOT = Path(__file__).resolve().parents[2]
OURS = ("DATABASE_URL", "REDIS_URL", "DJANGO_SETTINGS_MODULE")


@dataclass
class PlatformRun:
    """One `run` on a home and a port; what it prints goes to a file beside the home."""

    home: Path
    port: int
    under_make: bool = False

    def __post_init__(self) -> None:
        env = {name: value for name, value in os.environ.items() if not name.startswith("PORTICO_") and name not in OURS}
        env |= {"PORTICO_HOME": str(self.home), "PORT": str(self.port)}
        self.output = self.home.with_name("output")
        with self.output.open("w") as output:
            command = launched([sys.executable, "-m", "local", "run"])  # ends with the tests, should they be killed
            if self.under_make:
                env["MAKELEVEL"] = "1"
                command = ["/bin/sh", "-c", f"{sys.executable} -m local run; exit $?"]
            self.popen = subprocess.Popen(command, cwd=ROOT, env=env, stdout=output, stderr=subprocess.STDOUT)

    @property
    def said(self) -> str:
        return self.output.read_text()

    @property
    def demo(self) -> dict[str, Any]:
        return json.loads((self.home / "demo.json").read_text())

    def until(self, condition: Any, what: str, seconds: float = 90) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, f"{what} did not happen in {seconds} s; it said:\n{self.said}"
            time.sleep(0.05)

    @property
    def ended(self) -> bool:
        return self.popen.poll() is not None

    def up(self) -> "PlatformRun":
        self.until(lambda: "is running" in self.said or self.ended, "the start")
        assert not self.ended, self.said
        leaks.PASSWORDS.update(person["password"] for person in self.demo.values() if "password" in person)
        return self

    def answers(self, path: str = "/readyz") -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=2) as answer:
                return answer.status == 200
        except OSError:
            return False

    def processes(self) -> list[psutil.Process]:
        """Every process of this run but the supervisor itself."""
        return psutil.Process(self.popen.pid).children(recursive=True)

    def end(self) -> str:
        """Stop it if it still runs, look whether a process of it let a secret out, and return what it said."""
        if self.popen.poll() is None:
            started = self.processes()
            self.popen.terminate()
            try:
                self.popen.wait(60)
            finally:
                for process in [self.popen, *left_of(started, 0)]:
                    process.kill()
        leaks.look_at_files(self.home / "logs")  # what it said itself has the demo's sign-ins on purpose
        leaks.look_at_files(self.home / "mail", links=False)
        return self.said


def left_of(processes: list[psutil.Process], seconds: float = 15) -> list[psutil.Process]:
    """Those that are still there after a while; a zombie whose parent is gone is the system's."""
    _gone, alive = psutil.wait_procs(processes, timeout=seconds)
    return [process for process in alive if process.is_running() and process.status() != psutil.STATUS_ZOMBIE]
