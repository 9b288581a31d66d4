"""A home: the folder that holds all state of one installation, its identity, its lock and its settings."""

import base64
import contextlib
import fcntl
import os
import secrets
import shutil
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from local.errors import LocalError

ROOT = Path(__file__).resolve().parent.parent
# A Unix socket's path may have 107 bytes (sun_path); the longest name we put below the runtime folder has 14.
LONGEST_SOCKET_FOLDER = 107 - 20
LEAST_FREE = 400 * 1024 * 1024


@dataclass(frozen=True)
class Home:
    """One installation's folder. `id` tells it apart from every other home on the host, also after it was moved."""

    path: Path
    id: str

    @classmethod
    def open(cls, path: Path) -> "Home":
        """Make the folder if there is none. Changes the permissions of no folder that exists; all it adds is private."""
        path = path.resolve()
        path.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileExistsError):
            path.mkdir(mode=0o700)
        if path.stat().st_uid != os.geteuid():
            raise LocalError(f"{path} belongs to another user. Choose a home of your own with PORTICO_HOME=/some/folder.")
        mark = path / "id"
        if not mark.exists():
            _require_empty(path)
            write_private(mark, secrets.token_hex(5) + "\n")
        (path / "logs").mkdir(mode=0o700, exist_ok=True)
        return cls(path, mark.read_text().strip())

    @classmethod
    def current(cls) -> "Home":
        """The home that the environment names: `PORTICO_HOME`, or `.portico` in the project."""
        return cls.open(configured_path())

    @property
    def env_file(self) -> Path:
        return self.path / "env"

    @property
    def demo_file(self) -> Path:
        return self.path / "demo.json"

    def log(self, name: str) -> Path:
        return self.path / "logs" / f"{name}.log"

    @property
    def run(self) -> Path:
        """The folder of the sockets, 0700; `run` in the home, or a link there to a short place if the home's path is long."""
        inside = self.path / "run"
        if len(os.fsencode(inside)) <= LONGEST_SOCKET_FOLDER:
            if inside.is_symlink():
                inside.unlink()  # of the time when the home's path was long
            return private_folder(inside)
        base = os.environ.get("XDG_RUNTIME_DIR") or ("/run" if os.geteuid() == 0 else "/tmp")  # noqa: S108 - a folder of our own, 0700
        outside = private_folder(Path(base) / f"portico-{self.id}")
        if inside.is_symlink() and inside.readlink() == outside:
            return outside
        if inside.is_symlink():
            inside.unlink()
        elif inside.is_dir():
            shutil.rmtree(inside)  # sockets of the time when the home's path was short
        inside.symlink_to(outside)
        return outside

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the home for this process alone. Raises LocalError if another one has it; a lock dies with its holder."""
        with (self.path / "lock").open("a+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                file.seek(0)
                raise LocalError(
                    f"{self.path} is in use by process {file.read().strip() or 'unknown'}. Stop that one first, "
                    "or take another home and port: make run PORTICO_HOME=/some/folder PORT=8001"
                ) from error
            file.truncate(0)
            file.write(f"{os.getpid()}\n")
            file.flush()
            yield

    @property
    def is_running(self) -> bool:
        try:
            with self.locked():
                return False
        except LocalError:
            return True

    def require_space(self) -> None:
        """Raise LocalError unless the disk has room for a start."""
        free = shutil.disk_usage(self.path).free
        if free < LEAST_FREE:
            raise LocalError(
                f"The disk that holds {self.path} has {free // 2**20} MB free; {LEAST_FREE // 2**20} MB are needed. "
                "Free some space and start again."
            )

    def settings(self) -> dict[str, str]:
        """What the home's `env` file says."""
        if not self.env_file.is_file():
            return {}
        pairs = (
            line.split("=", 1) for line in self.env_file.read_text().splitlines() if "=" in line and not line.startswith("#")
        )
        return {name: value.strip("'") for name, value in pairs}

    def write_settings(self, changes: dict[str, str]) -> None:
        """Make secrets at the first call, keep every line that stands, and set `changes`."""
        lines = self.env_file.read_text().splitlines() if self.env_file.is_file() else _first_settings(self.id)
        for name, value in changes.items():
            line = f"{name}='{value}'"
            at = next((i for i, old in enumerate(lines) if old.startswith(f"{name}=")), None)
            if at is None:
                lines.append(line)
            else:
                lines[at] = line
        write_private(self.env_file, "\n".join(lines) + "\n")


def configured_path() -> Path:
    """Where the home is, whether it exists or not."""
    return Path(os.environ.get("PORTICO_HOME") or ROOT / ".portico").resolve()


def _require_empty(path: Path) -> None:
    """A home begins empty, because `make reset` deletes it with all that is in it."""
    found = [entry.name for entry in path.iterdir() if entry.name != "lost+found" and not entry.name.startswith(".id.")]
    if found:
        raise LocalError(
            f"{path} is no home of Portico and not empty (it has {min(found)}). "
            "Choose a folder that is, or that isn't there yet, with PORTICO_HOME=/some/folder."
        )


def private_folder(path: Path) -> Path:
    """A folder of ours that nobody else may enter. Raises LocalError if somebody else put something in its place, be it a
    link to a folder of ours."""
    with contextlib.suppress(FileExistsError):
        path.mkdir(mode=0o700, parents=False)
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        raise LocalError(f"{path} is not a folder of this user; move it away and start again.")
    if stat.S_IMODE(found.st_mode) & 0o077:
        path.chmod(0o700)
    return path


def write_private(path: Path, text: str) -> None:
    """Replace a file in one step; 0600 from its first byte on."""
    new = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        new.rename(path)
    except OSError:
        new.unlink(missing_ok=True)
        raise


def _first_settings(home_id: str) -> list[str]:
    """The settings of a new home: secrets drawn now, and what a demo on one machine wants."""
    encryption_key = base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()
    return [
        "# Settings of this home, written at its first start. The process environment wins over this file.",
        "# The secrets can't be made again: `make backup` keeps them with the data.",
        "PORTICO_MODE=development",
        "PORTICO_DEMO=1",
        "PORTICO_ALLOW_LOCAL_TARGETS=1",
        "PORTICO_GUESS_RATE=600",
        f"PORTICO_SECRET_KEY={secrets.token_urlsafe(48)}",
        f"PORTICO_ENCRYPTION_KEYS={encryption_key}",
        f"PORTICO_HASH_KEY={secrets.token_urlsafe(32)}",
        f"PORTICO_IDENTITY_KEY={secrets.token_urlsafe(32)}",
        f"PORTICO_COOKIE_SUFFIX=_{home_id}",
        "# Where things are; rewritten at each start.",
    ]
