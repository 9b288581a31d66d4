"""The command line of a home: `python -m local COMMAND`; `make` calls the same."""

import argparse
import os
import signal
import sys
import time
from pathlib import Path

from local import engines
from local.errors import LocalError
from local.home import Home, configured_path


def run(_: argparse.Namespace) -> None:
    """Bring the platform up and keep it up."""
    from local.supervisor import Supervisor

    port = os.environ.get("PORT") or "8000"
    if not port.isdigit() or not 0 < int(port) < 65536:
        raise LocalError(f"PORT must be a number from 1 to 65535, not {port!r}.")
    Supervisor(Home.current(), host=os.environ.get("HOST") or "127.0.0.1", port=int(port)).run()


def run_engines(_: argparse.Namespace) -> None:
    """Run PostgreSQL and Valkey alone, until Ctrl-C."""
    with engines.start(configured_path()) as running:
        running.home.write_settings({"DATABASE_URL": running.database_url, "REDIS_URL": running.redis_url})
        print(f"export DATABASE_URL='{running.database_url}' REDIS_URL='{running.redis_url}'", flush=True)
        try:
            while all(process.is_alive for process in running.processes):
                time.sleep(0.5)
        except KeyboardInterrupt:
            return
    raise LocalError(f"An engine died; see {running.home.path / 'logs'}.")


def prepare(_: argparse.Namespace) -> None:
    """Migrate and seed (the supervisor's own step)."""
    from local import prepare as preparation

    preparation.main()


def backup(options: argparse.Namespace) -> None:
    """Write database, files and settings into one archive."""
    from local import archive

    archive.backup(existing_home(), options.archive)


def restore(options: argparse.Namespace) -> None:
    """Fill an empty home from an archive."""
    from local import archive

    if options.archive is None:
        raise LocalError("Name the backup: make restore BACKUP=portico-backup-….tar.gz")
    archive.restore(Home.current(), options.archive)


def reset(_: argparse.Namespace) -> None:
    """Delete the home with all its data, after asking."""
    from local import archive

    archive.reset(existing_home(), sure=os.environ.get("CONFIRM") == "yes")


def check(_: argparse.Namespace) -> None:
    """Style, types, layers, templates, migrations, production settings."""
    from local import check as checks

    checks.main()


def docs(_: argparse.Namespace) -> None:
    """Write the parts of docs/ that are made from the code."""
    from local import check as checks

    checks.write_docs()


def existing_home() -> Home:
    """The home, where there is one."""
    path = configured_path()
    if not (path / "id").is_file():
        raise LocalError(f"{path} is no home of Portico; there is nothing to do.")
    return Home.open(path)


COMMANDS = {
    "run": run,
    "engines": run_engines,
    "prepare": prepare,
    "backup": backup,
    "restore": restore,
    "reset": reset,
    "check": check,
    "docs": docs,
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m local", description="A whole Portico on one machine.")
    commands = parser.add_subparsers(dest="command", required=True)
    for name, command in COMMANDS.items():
        added = commands.add_parser(name, help=command.__doc__)
        if name in {"backup", "restore"}:
            added.add_argument("archive", type=Path, nargs="?")
    options = parser.parse_args()
    if options.command in {"engines", "backup", "restore", "reset"}:
        for number in (signal.SIGTERM, signal.SIGHUP):  # as Ctrl-C does: what was begun is cleared away
            signal.signal(number, signal.default_int_handler)
    try:
        COMMANDS[options.command](options)
    except LocalError as error:
        print(f"  portico: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
