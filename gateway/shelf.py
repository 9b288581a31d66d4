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
    """Parts of one body on the shelf, which come out in the order they came in. `length` counts all that came in; use it in a
    `with`."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self._file: IO[bytes] | None = None
        self._taken = 0
        self.length = 0

    def __enter__(self) -> "Kept":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._file is not None:
            self._file.close()
        self._shelf.give_back(self.length)

    @property
    def is_empty(self) -> bool:
        """Whether all that came in was taken out."""
        return self._taken == self.length

    def put(self, part: bytes) -> None:
        """Keep a part. Raises ShelfFull."""
        self._shelf.take(len(part))
        if self._file is None:
            self._file = tempfile.SpooledTemporaryFile(BUFFERED)  # noqa: SIM115 - closed by `__exit__`
        self._file.seek(self.length)
        self._file.write(part)
        self.length += len(part)

    def take(self, size: int = BUFFERED) -> bytes:
        """The next part, of `size` bytes at most; b"" if there is none."""
        if self._file is None:
            return b""
        self._file.seek(self._taken)
        part = self._file.read(size)
        self._taken += len(part)
        return part

    async def parts(self) -> AsyncIterator[bytes]:
        """All parts that are left."""
        while part := self.take():
            yield part
