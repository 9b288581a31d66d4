"""Backup, restore and reset of a home: database, stored files and settings as one archive."""

import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from local.engines import delete, prepared
from local.errors import FULL, LocalError, full_disk
from local.home import ROOT, Home
from local.postgres import Postgres
from local.programs import web_socket
from local.progress import Steps

DUMP = "database.dump"
SPOOL = "spool"
KEPT = ("env", "demo.json", "files", "mail", "audit")


def backup(home: Home, archive: Path | None) -> Path:
    """Write the archive, 0600, and return where it is. Works while the platform runs and while it doesn't.

    What a running gateway counted and usage has not taken in yet (seconds at most) is in Valkey and not in the archive.
    """
    made_at = datetime.now(UTC)
    archive = archive or home.path.parent / f"portico-backup-{made_at:%Y%m%dT%H%M%SZ}.tar.gz"
    archive = archive.parent.resolve() / archive.name  # a link of that name is replaced, never followed
    if archive.is_relative_to(home.path):
        raise LocalError(f"{archive} is inside the home; name a file outside of it: make backup BACKUP=/some/where.tar.gz")
    if not home.settings():
        raise LocalError(f"{home.path} holds no installation yet; there is nothing to back up.")
    steps = Steps()
    try:
        with tempfile.TemporaryDirectory(dir=archive.parent, prefix=".portico-backup-") as folder:
            work = Path(folder)
            _copy_spool(home.path / SPOOL, work / SPOOL)
            with steps.step("Database"):
                _dump(home, work / DUMP)
            with steps.step("Files and settings"):
                version = (ROOT / "VERSION").read_text().strip()
                (work / "manifest.json").write_text(json.dumps({"portico": version, "made_at": made_at.isoformat()}) + "\n")
                _pack(home, work, work / "archive")
            (work / "archive").replace(archive)
    except OSError as error:
        raise full_disk(archive.parent) if error.errno in FULL else LocalError(f"{archive}: {error.strerror}") from error
    steps.say(f"Backup: {archive} ({archive.stat().st_size / 2**20:.1f} MB). It holds the installation's secrets; keep it safe.")
    return archive


def _dump(home: Home, target: Path) -> None:
    """Dump with the engine that wrote the data, which may be older than this release's."""
    outside = os.environ.get("DATABASE_URL")
    postgres = Postgres(home)
    if outside:
        postgres.copy_engine()
        return _dump_from(postgres, outside, target)
    if not postgres.is_made:
        raise LocalError(f"{home.path} has no database of its own. Name the one it uses: DATABASE_URL=… make backup")
    with ExitStack() as stack:
        if not home.is_running:
            stack.enter_context(home.locked())
            process = postgres.start()
            stack.callback(process.stop)
            postgres.wait()
        return _dump_from(postgres, postgres.url, target)


def _dump_from(postgres: Postgres, url: str, target: Path) -> None:
    with target.open("wb") as file:
        done = postgres.run(["pg_dump", "--format=custom", "--no-owner", f"--dbname={url}"], stdout=file, stderr=subprocess.PIPE)
    if done.returncode:
        raise LocalError(f"pg_dump failed: {done.stderr.decode(errors='replace').strip()}")


def _copy_spool(spool: Path, target: Path) -> None:
    """Calls that wait in files while Redis is away. Taken before the database: what is then in both is counted once, by its
    ids, while what came into the database after the dump would be in neither."""
    target.mkdir()
    complete = not spool.is_dir()
    while not complete:
        complete = True
        for file in spool.iterdir():
            try:
                shutil.copyfile(file, target / file.name)
            except FileNotFoundError:
                complete = False  # sent, or renamed by the gateway: look again


def _pack(home: Home, work: Path, target: Path) -> None:
    with (
        open(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file,
        tarfile.open(fileobj=file, mode="w:gz") as tar,
    ):
        for name in ("manifest.json", DUMP, SPOOL):
            _add(tar, work / name, name)
        for name in KEPT:
            _add(tar, home.path / name, name)


def _add(tar: tarfile.TarFile, path: Path, name: str) -> None:
    """The file, or the folder with all that is in it; what isn't there, or is deleted at this moment, is left out."""
    with suppress(FileNotFoundError):
        tar.add(path, name, recursive=False)
        for inner in sorted(path.iterdir()) if path.is_dir() else ():
            _add(tar, inner, f"{name}/{inner.name}")


def restore(home: Home, archive: Path) -> None:
    """Fill a home that holds no data from an archive. Raises LocalError, changing nothing, if it holds any."""
    if not archive.is_file():
        raise LocalError(f"{archive} is no file. Name the backup: make restore BACKUP=portico-backup-….tar.gz")
    with ExitStack() as stack:
        stack.enter_context(home.locked())
        postgres = Postgres(home)
        if home.env_file.exists() or postgres.is_made:
            raise LocalError(f"{home.path} holds data. Clear it with make reset, or restore elsewhere: PORTICO_HOME=/some/folder")
        steps = Steps()
        work = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=home.path, prefix=".restore-")))
        with steps.step("Archive"):
            _unpack(archive, work)
        with steps.step("Database"):
            _load(postgres, work / DUMP)
        with steps.step("Files and settings"):
            for name in (*KEPT, SPOOL):
                if (work / name).exists() and name != "env":
                    (work / name).rename(home.path / name)
            # The settings come last: they mark the home as complete, and lead to its own engines from the first moment on.
            engines = prepared(home, stack)
            urls = {"DATABASE_URL": engines.database_url, "REDIS_URL": engines.redis_url}
            places = urls | {"PORTICO_WEB_SOCKET": str(web_socket(home)), "PORTICO_COOKIE_SUFFIX": f"_{home.id}"}
            replace(home, path=work).write_settings(places)
            (work / "env").rename(home.env_file)
        steps.say(f"Restored into {home.path}. Start it with: make run")


def _unpack(archive: Path, work: Path) -> None:
    try:
        with tarfile.open(archive, "r:gz") as tar:
            tar.extractall(work, members=_as_ours(tar, work.resolve()))  # noqa: S202 - each member is looked at
    except (tarfile.TarError, EOFError) as error:
        raise LocalError(f"{archive} is no complete backup: {error}") from error
    except OSError as error:
        raise full_disk(work) if error.errno in FULL else LocalError(f"{archive} is no complete backup: {error}") from error
    missing = [name for name in ("manifest.json", DUMP, "env") if not (work / name).is_file()]
    if missing:
        raise LocalError(f"{archive} is no backup of Portico: it has no {missing[0]}.")


def _as_ours(tar: tarfile.TarFile, work: Path) -> Iterator[tarfile.TarInfo]:
    """The members as files and folders of this user inside of `work`. Raises TarError for any other.

    tarfile's own filters came with Python 3.11.4; Debian 12 has 3.11.2.
    """
    for member in tar:
        if not (member.isfile() or member.isdir()) or not (work / member.name).resolve().is_relative_to(work):
            raise tarfile.TarError(f"{member.name} has no place in it")
        member.uid, member.gid, member.uname, member.gname = os.geteuid(), os.getegid(), "", ""
        member.mode &= 0o700
        yield member


def _load(postgres: Postgres, dump: Path) -> None:
    """Load the dump; a cluster of our own that could not be filled is removed again, so that a second try finds an empty home."""
    outside = os.environ.get("DATABASE_URL")
    if outside:
        postgres.copy_engine()
        return _load_into(postgres, outside, dump)
    postgres.make()
    process = postgres.start()
    try:
        postgres.wait()
        _load_into(postgres, postgres.url, dump)
    except BaseException:
        process.stop()
        postgres.remove()
        raise
    return process.stop()


def _load_into(postgres: Postgres, url: str, dump: Path) -> None:
    with dump.open("rb") as file:
        command = ["pg_restore", "--no-owner", "--exit-on-error", "--single-transaction", f"--dbname={url}"]
        done = postgres.run(command, stdin=file)
    if done.returncode:
        raise LocalError(f"pg_restore failed: {done.stdout.decode(errors='replace').strip()}")


def reset(home: Home, *, sure: bool) -> None:
    """Delete the home with all its data, after asking. Raises LocalError if it is running."""
    with home.locked():
        if not sure:
            if not sys.stdin.isatty():
                raise LocalError(
                    f"This deletes {home.path} with all its data. To do it without being asked: make reset CONFIRM=yes"
                )
            if input(f"  Delete {home.path} with all its data? Type yes: ").strip() != "yes":
                print("  Nothing was deleted.")
                return
        delete(home)
    print(f"  Deleted {home.path}.")
