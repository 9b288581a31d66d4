"""What is kept of bodies while somebody is slow: a client that still sends its request, or that doesn't take its answer.

So a slow client holds no connection to Django, of which there are few. The first bytes of a body are in memory, more of it in a
file without a name; all of a process together is bounded, so that slow clients can't fill the disk either.
"""

import tempfile
from collections.abc import AsyncIterator
from types import TracebackType
from typing import IO

from gateway.exchanges import BUFFERED

MOST = 1024 * 1024 * 1024


class ShelfFull(Exception):
    """So much is kept already that nothing more is."""


class Shelf:
    """The room of one process: `most` bytes."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self.used = 0

    def take(self, size: int) -> None:
        """Use so many bytes of it. Raises ShelfFull."""
        if self.used + size > self._most:
            raise ShelfFull
        self.used += size

    def give_back(self, size: int) -> None:
        """These aren't used any more."""
        self.used -= size


class Kept:
    """One body on the shelf, first written, then read. `length` counts its bytes; use it in a `with`."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self._file: IO[bytes] | None = None
        self.length = 0

    def __enter__(self) -> "Kept":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._file is not None:
            self._file.close()
        self._shelf.give_back(self.length)

    def write(self, part: bytes) -> None:
        """Keep a part of it. Raises ShelfFull."""
        self._shelf.take(len(part))
        self.length += len(part)
        if self._file is None:
            self._file = tempfile.SpooledTemporaryFile(BUFFERED)  # noqa: SIM115 - closed by `__exit__`
        self._file.write(part)

    async def parts(self) -> AsyncIterator[bytes]:
        """All of it, from its beginning."""
        if self._file is not None:
            self._file.seek(0)
            while part := self._file.read(BUFFERED):
                yield part

    async def whole(self) -> bytes:
        """All of it at once."""
        return b"".join([part async for part in self.parts()])
