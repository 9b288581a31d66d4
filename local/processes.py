"""Child processes: each in a session of its own, with a log of its own, ending when this process does."""

import ctypes
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from local.home import write_private

LAUNCHER = Path(__file__).with_name("launch.py")
KEPT_LOG_BYTES = 4 * 1024 * 1024
PR_SET_CHILD_SUBREAPER = 36


@dataclass(frozen=True)
class Account:
    """The system user that a program runs as."""

    uid: int = -1
    gid: int = -1


OURSELVES = Account()


@dataclass
class Process:
    """A program that is started, watched and stopped as one: itself and every process of its group.

    Start it from the main thread only: the kernel sends `at_parent_death` when the *thread* that started it ends.
    """

    name: str
    argv: list[str]
    log: Path
    env: dict[str, str]
    account: Account = OURSELVES
    stop_signal: signal.Signals = signal.SIGTERM
    at_parent_death: signal.Signals = signal.SIGTERM
    cwd: Path = Path("/")
    socket: Path | None = None
    popen: "subprocess.Popen[bytes] | None" = field(default=None, repr=False)
    started_at: float = 0.0

    def start(self) -> None:
        """Start it, after taking a dead socket away and what a log has too much."""
        rotate(self.log)
        if self.socket:
            self.socket.unlink(missing_ok=True)  # left by one that was killed, it would be in the way
        with self.log.open("ab") as log:
            self.popen = subprocess.Popen(
                launched(self.argv, account=self.account, at_parent_death=self.at_parent_death),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self.env,
                cwd=self.cwd,
                start_new_session=True,
            )
        self.started_at = time.monotonic()

    @property
    def pid(self) -> int:
        return self.popen.pid if self.popen else 0

    @property
    def is_alive(self) -> bool:
        return self.popen is not None and self.popen.poll() is None

    @property
    def exit_text(self) -> str:
        """How it ended, in words."""
        code = self.popen.poll() if self.popen else None
        if code is None:
            return "is running"
        return f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with status {code}"

    def signal_stop(self) -> None:
        if self.is_alive:
            os.kill(self.pid, self.stop_signal)

    def stop(self, timeout: float = 10.0) -> None:
        """Ask it to end, wait, and end whatever of its group is still there."""
        self.signal_stop()
        if self.popen is not None:
            with suppress(subprocess.TimeoutExpired):
                self.popen.wait(timeout)
            self.kill_group()

    def kill_group(self) -> None:
        """Leave nothing of it: workers that outlived their parent hold its port and socket."""
        if self.popen is None:
            return
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.popen.pid, signal.SIGKILL)
        self.popen.wait()
        for _ in range(200):
            try:
                os.killpg(self.popen.pid, 0)
            except (ProcessLookupError, PermissionError):
                return
            reap_adopted({self.popen.pid})
            time.sleep(0.01)


def launched(argv: list[str], *, account: Account = OURSELVES, at_parent_death: signal.Signals = signal.SIGTERM) -> list[str]:
    """The command that runs `argv` as `account`, ending with this process."""
    numbers = [os.getpid(), int(at_parent_death), account.uid, account.gid]
    return [sys.executable, "-I", "-S", str(LAUNCHER), *map(str, numbers), *argv]


def rotate(log: Path) -> None:
    """Empty a large log; what was in it is kept as one old log. Whoever appends to it goes on."""
    if log.is_file() and log.stat().st_size > KEPT_LOG_BYTES:
        with suppress(OSError):  # on a full disk it is better empty than kept
            shutil.copyfile(log, log.with_name(log.name + ".1"))
        os.truncate(log, 0)


def adopt_orphans() -> None:
    """Make this process the parent of its descendants' orphans, so that it can end and reap them."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def record(home: Path, processes: list[Process]) -> None:
    """Remember the groups that run for a home, for `end_leftovers` of a later run."""
    write_private(home / "processes.json", json.dumps({process.name: process.pid for process in processes if process.is_alive}))


def end_leftovers(home: Path) -> None:
    """End what a killed supervisor of this home left: members of the groups it recorded that still carry the home's name."""
    with suppress(FileNotFoundError, ValueError):
        groups = set(json.loads((home / "processes.json").read_text()).values())
        for process in psutil.process_iter():
            with suppress(psutil.Error, ProcessLookupError):
                if os.getpgid(process.pid) in groups and process.environ().get("PORTICO_HOME") == str(home):
                    process.kill()
                    process.wait(5)


def reap_adopted(own: set[int]) -> None:
    """Reap dead children that this process adopted; those in `own` are left to their `Popen`."""
    while True:
        try:
            dead = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:
            return
        if dead is None or dead.si_pid in own:
            return
        os.waitpid(dead.si_pid, os.WNOHANG)
