"""What can go wrong on the machine itself, said in one line that names the way out."""

import errno
from pathlib import Path

FULL = {errno.ENOSPC, errno.EDQUOT}


class LocalError(Exception):
    """Nothing was broken, but it can't go on; the text says why and what to do."""


def full_disk(path: Path) -> LocalError:
    """The error for a disk on which no byte more could be written."""
    return LocalError(f"The disk that holds {path} is full. Free some space and start again; no data was lost.")


def tail(log: Path, lines: int = 12) -> str:
    """The last lines of a log, indented, to stand under an error."""
    if not log.is_file():
        return ""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 16_384))
        text = file.read().decode(errors="replace")
    return "\n".join(f"    {line}" for line in text.splitlines()[-lines:])
