"""One process that brings the platform up, keeps it up, and takes it down without leaving anything behind."""

import errno
import http.client
import json
import os
import select
import signal
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from types import FrameType

import psutil

from local import programs
from local.engines import Engines, prepared
from local.errors import FULL, LocalError, full_disk, tail
from local.home import Home, write_private
from local.prepare import COMMIT_LATER
from local.processes import Process, adopt_orphans, end_leftovers, reap_adopted, record, rotate
from local.progress import Steps

TICK = 0.1
SHORT_LIFE = 30.0
MOST_SHORT_LIVES = 5
LONGEST_BACK_OFF = 15.0
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stopped(Exception):
    """Somebody asked us to stop."""


@dataclass
class Watch:
    """What the supervisor remembers of one child: how often it died young, and when it may start again."""

    process: Process
    short_lives: int = 0
    due_at: float | None = None


@dataclass
class Supervisor:
    """`run` returns when everything has stopped; LocalError says in one line why it could not go on."""

    home: Home
    host: str
    port: int
    steps: Steps = field(default_factory=Steps)
    watches: dict[str, Watch] = field(default_factory=dict)
    engines: Engines | None = None
    stopping: bool = False
    # Under make, which may be killed without being able to pass it on: then its end is ours. Else whoever started us may leave.
    parent: int = field(default_factory=lambda: os.getppid() if "MAKELEVEL" in os.environ else 0)

    @property
    def base_url(self) -> str:
        return os.environ.get("PORTICO_BASE_URL") or f"http://127.0.0.1:{self.port}"

    def run(self) -> None:
        os.umask(0o077)
        adopt_orphans()
        self._wake, wake = os.pipe()
        os.set_blocking(wake, False)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        for number in (*STOP_SIGNALS, signal.SIGCHLD):
            signal.signal(number, self._on_signal)
        with ExitStack() as lock:
            lock.enter_context(self.home.locked())
            try:
                self._bring_up(lock)
                while True:
                    self._tick()
            except Stopped:
                pass
            except OSError as error:
                raise full_disk(self.home.path) if error.errno in FULL else error from error
            finally:
                self._take_down()

    # --- up ----------------------------------------------------------------------------------------------------------
    def _bring_up(self, lock: ExitStack) -> None:
        self.home.require_space()
        end_leftovers(self.home.path)
        lock.enter_context(reserved_port(self.host, self.port))
        with self.steps.step("Settings"):
            engines = self.engines = prepared(self.home, lock)
            if engines.postgres:
                engines.postgres.require_readable()
            urls = {"DATABASE_URL": engines.database_url, "REDIS_URL": engines.redis_url}
            self.home.write_settings(
                urls | {"PORTICO_BASE_URL": self.base_url, "PORTICO_WEB_SOCKET": str(programs.web_socket(self.home))}
            )
        # Five programs load the same code: whoever is first leaves it compiled (an empty value is none).
        compiled = {"PYTHONDONTWRITEBYTECODE": ""}
        env = os.environ | compiled | {"PORTICO_HOME": str(self.home.path), "PYTHONUNBUFFERED": "1"}
        hurry = {"PGOPTIONS": COMMIT_LATER} if engines.postgres else {}
        preparation = programs.preparation(self.home, env | hurry)
        self._start_engines(engines, preparation)
        self._start_service("web", env)  # it loads while the schema is made; the others read tables at once
        self._follow(preparation, "migrated", "Database schema")
        self._start_service("gateway", env)
        if os.environ.get("PORTICO_DEMO", self.home.settings().get("PORTICO_DEMO")) == "1":
            self._follow(preparation, "seeded", "Demo data")
        with self.steps.step("Gateway, web"):
            self._wait_until_ready()
        self._finish(preparation)
        for name in ("worker", "beat"):  # last: what they do may wait, an answer may not
            self._start_service(name, env)
        self._write_pids()
        self._say_hello()

    def _start_engines(self, engines: Engines, preparation: Process) -> None:
        """Start both at once, and the preparation beside them: it waits for the database itself."""
        postgres, valkey = engines.postgres, engines.valkey
        if valkey:
            valkey.start()
        preparation.log.unlink(missing_ok=True)
        preparation.start()
        self.watches[preparation.name] = Watch(preparation)
        if postgres:
            with self.steps.step("PostgreSQL"):
                postgres.make()
                postgres.start()
                postgres.wait(pause=self._tick)
        if valkey:
            with self.steps.step("Valkey"):
                valkey.wait(pause=self._tick)
        for process in engines.processes:
            self._watch(process)

    def _start_service(self, name: str, env: dict[str, str]) -> None:
        process = programs.service(self.home, env, name, host=self.host, port=self.port)
        process.start()
        self._watch(process)
        record(self.home.path, [watch.process for watch in self.watches.values()])

    def _watch(self, process: Process) -> None:
        self.watches[process.name] = Watch(process)

    def _follow(self, preparation: Process, word: str, step: str) -> None:
        """Wait until the preparation has said `word`; its end without it is the end of the run."""
        with self.steps.step(step):
            while word not in preparation.log.read_text(errors="replace").splitlines():
                if not preparation.is_alive and word not in preparation.log.read_text(errors="replace").splitlines():
                    raise self._failed(preparation, step)
                self._tick(0.02)

    def _finish(self, preparation: Process) -> None:
        while preparation.is_alive:
            self._tick(0.02)
        del self.watches[preparation.name]
        if preparation.popen and preparation.popen.returncode:
            raise self._failed(preparation, "Demo data")

    def _failed(self, process: Process, what: str) -> LocalError:
        text = tail(process.log)
        if "No space left on device" in text or "DiskFull" in text:
            return full_disk(self.home.path)
        return LocalError(f"{what}: {process.name} {process.exit_text}; the end of {process.log}:\n{text}")

    def _wait_until_ready(self, timeout: float = 90.0) -> None:
        deadline = time.monotonic() + timeout
        while not answers(self.host, self.port, "/readyz"):
            if time.monotonic() > deadline:
                logs = self.home.path / "logs"
                raise LocalError(f"The platform did not become ready in {timeout:.0f} s; {logs} has the logs of its processes.")
            self._tick()

    def _say_hello(self) -> None:
        demo = json.loads(self.home.demo_file.read_text()) if self.home.demo_file.exists() else {}
        self.steps.hello(self.base_url, demo, self.home)

    # --- kept up -----------------------------------------------------------------------------------------------------
    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if number in STOP_SIGNALS:
            self.stopping = True

    def _tick(self, seconds: float = TICK) -> None:
        """Sleep until something happens or `seconds` went by, then look after the children."""
        select.select([self._wake], [], [], seconds)
        with suppress(BlockingIOError):
            os.set_blocking(self._wake, False)
            os.read(self._wake, 4096)
        if self.stopping or (self.parent and os.getppid() != self.parent):
            raise Stopped
        reap_adopted({watch.process.pid for watch in self.watches.values() if watch.process.popen})
        for watch in list(self.watches.values()):
            if watch.process.name != programs.PREPARATION:
                self._look_after(watch)

    def _look_after(self, watch: Watch) -> None:
        process, now = watch.process, time.monotonic()
        rotate(process.log)
        if watch.due_at is not None:
            if now >= watch.due_at:
                watch.due_at = None
                process.start()
                self._write_pids()
            return
        if process.is_alive:
            return
        process.kill_group()
        watch.short_lives = watch.short_lives + 1 if now - process.started_at < SHORT_LIFE else 1
        if watch.short_lives >= MOST_SHORT_LIVES:
            raise LocalError(
                f"{process.name} {process.exit_text}, for the {MOST_SHORT_LIVES}th time in a row; "
                f"the end of {process.log}:\n{tail(process.log)}"
            )
        wait = min(LONGEST_BACK_OFF, 0.1 * 4 ** (watch.short_lives - 1))
        watch.due_at = now + wait
        reason = " (the disk is full)" if "No space left on device" in tail(process.log, 3) else ""
        self.steps.say(f"{process.name} {process.exit_text}{reason}; starting it again in {wait:.1f} s. Log: {process.log}")

    def _write_pids(self) -> None:
        """Keep `demo.json` true: programs read there where the platform is and which process is which."""
        alive = [watch.process for watch in self.watches.values() if watch.process.is_alive]
        try:
            self._write_demo(alive)
        except OSError as error:
            if error.errno not in FULL:
                raise
            self.steps.say(f"The disk is full; {self.home.demo_file} does not say who runs now.")

    def _write_demo(self, alive: list[Process]) -> None:
        record(self.home.path, alive)
        demo = json.loads(self.home.demo_file.read_text()) if self.home.demo_file.exists() else {}
        demo |= {"base_url": self.base_url, "pids": {process.name: process.pid for process in alive}}
        write_private(self.home.demo_file, json.dumps(demo, indent=2) + "\n")

    # --- down --------------------------------------------------------------------------------------------------------
    def _take_down(self) -> None:
        """Stop in the order of the flow: the door first, the engines last."""
        running = {watch.process.name: watch.process for watch in self.watches.values()}
        running |= {process.name: process for process in (self.engines.processes if self.engines else [])}
        if not running:
            return
        self.steps.say("Stopping …")
        for names in programs.STOP_ORDER:
            group = [running[name] for name in names if name in running]
            for process in group:
                process.signal_stop()
            for process in group:
                process.stop()
        self.watches.clear()
        self._write_pids()
        reap_adopted(set())
        self.steps.say("Stopped.")


@contextmanager
def reserved_port(host: str, port: int) -> Iterator[None]:
    """Keep every other platform off the port. Raises LocalError if it is taken.

    Two platforms that look at once would both find it free, and one of them would fail long after its start. The reservation
    is a name that ends with this process (abstract sockets, unix(7)).
    """
    require_free_port(host, port)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as name:
        if sys.platform == "linux":
            try:
                name.bind(f"\0portico {host} {port}")
            except OSError as error:
                raise LocalError(
                    f"Port {port} on {host} is in use (by a Portico that starts at this moment). "
                    f"Stop that one or take another port: make run PORT={port + 1}"
                ) from error
        yield


def require_free_port(host: str, port: int) -> None:
    """Raise LocalError, naming who has it where that can be seen, if the port is taken."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            probe.listen(1)
        except OSError as error:
            if isinstance(error, PermissionError):
                raise LocalError(f"Port {port} may be used by root only. Take one above 1023: make run PORT=8000") from error
            if error.errno != errno.EADDRINUSE:
                raise LocalError(
                    f"{host} can't be listened on: {error.strerror}. Set HOST to an address of this machine."
                ) from error
            holder = ""
            with suppress(psutil.Error):
                for connection in psutil.net_connections("tcp"):
                    if connection.status == psutil.CONN_LISTEN and connection.laddr.port == port and connection.pid:
                        holder = f" (by process {connection.pid}, {psutil.Process(connection.pid).name()})"
            raise LocalError(
                f"Port {port} on {host} is in use{holder}. Stop that program or take another port: make run PORT={port + 1}"
            ) from error


def answers(host: str, port: int, path: str) -> bool:
    """Whether a GET is answered with 200."""
    connection = http.client.HTTPConnection("127.0.0.1" if host in {"", "0.0.0.0"} else host, port, timeout=2)  # noqa: S104 - compared, not bound
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except OSError:
        return False
    except http.client.HTTPException:
        return False
    finally:
        connection.close()
