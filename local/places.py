"""Places: where root's homes keep PostgreSQL, under /var/lib, and what ties each to its home.

PostgreSQL refuses to run as root and could not enter a folder below a closed one. So engine, data and socket of root's
homes are in a folder of their own, which only root and the engine's user may enter, and `postgres` in the home links there.
The place knows its home by two marks, both only root's to write: `home` is its path, rewritten at each start, and `anchor`
a second name of the home's file `id`, which loses its first name when the home is deleted, but not when it is moved.
"""

import os
import shutil
import stat
import time
from contextlib import suppress
from pathlib import Path

from local.errors import LocalError
from local.home import Home, write_private

SYSTEM_FOLDER = Path("/var/lib")
RECORD, ANCHOR = "home", "anchor"
# A place of a home that can't be found is deleted this long after its last start: it may have been moved to another disk.
KEPT = 7 * 24 * 60 * 60
PASSING = "passing"


def own(place: Path, home: Home, *, passing: bool) -> None:
    """Write down whose place it is; `passing` ones (tests) are worth nothing without their home.

    Raises LocalError if it is another home's: a copied home links to its original's, and two would write one database.
    """
    if not belongs(place, home.path):
        raise LocalError(
            f"{home.path} is a copy of {_recorded(place)} and shares its database. "
            "Copy homes with make backup and make restore instead."
        )
    with suppress(OSError):  # on another disk: then it is never taken for deleted
        (place / ANCHOR).unlink(missing_ok=True)
        (place / ANCHOR).hardlink_to(home.path / "id")
    write_private(place / RECORD, f"{home.path}\n{PASSING if passing else ''}\n")


def belongs(place: Path, home: Path) -> bool:
    """Whether it is this home's, as far as it says; also if the home was moved here from where it was."""
    known = _recorded(place)
    return known is None or known == home or (known / "postgres").resolve() != place


def sweep() -> None:
    """Delete the places whose home was deleted by hand."""
    for place in SYSTEM_FOLDER.glob("portico-*"):
        if _is_forsaken(place):
            shutil.rmtree(place, ignore_errors=True)


def server_on(data: Path) -> int | None:
    """The process id of the PostgreSQL that runs on this data. A number that another program has by now is none."""
    with suppress(OSError, ValueError, IndexError):
        pid = int((data / "postmaster.pid").read_text().splitlines()[0])
        if os.fsencode(data) in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0"):
            return pid
    return None


def _is_forsaken(place: Path) -> bool:
    """Whether it is ours beyond doubt, nothing runs there, and the home that it names is gone."""
    try:
        found, record = place.lstat(), place / RECORD
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != 0 or found.st_mode & 0o022:
            return False
        home = _recorded(place)
        if home is None or (home / "postgres").resolve() == place or server_on(place / "data"):
            return False
        if PASSING in record.read_text().splitlines():
            return True
        return (place / ANCHOR).stat().st_nlink == 1 and time.time() - record.stat().st_mtime > KEPT
    except OSError:
        return False


def _recorded(place: Path) -> Path | None:
    record = place / RECORD
    lines = record.read_text().splitlines() if record.is_file() else []
    return Path(lines[0].strip()) if lines else None
