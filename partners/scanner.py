"""A virus scanner, if the installation has one: clamd, by its INSTREAM command (clamd(8))."""

import socket
import struct
from urllib.parse import urlsplit

from django.conf import settings

PORT = 3310
PATIENCE = 60.0
CHUNK = 64 * 1024


class Unavailable(Exception):
    """The scanner can't be reached, or gave no verdict; the argument says why."""


def configured() -> bool:
    """Whether documents are scanned at all."""
    return bool(settings.SCANNER_URL)


def scan(content: bytes) -> str | None:
    """The name of what was found, or None for a clean file. Raises Unavailable."""
    try:
        with _connection() as connection:
            connection.sendall(b"zINSTREAM\0")
            for start in range(0, len(content), CHUNK):
                part = content[start : start + CHUNK]
                connection.sendall(struct.pack("!L", len(part)) + part)
            connection.sendall(struct.pack("!L", 0))
            answer = _answer(connection)
    except OSError as error:
        raise Unavailable(str(error) or type(error).__name__) from error
    verdict = answer.removeprefix("stream: ")
    if verdict == "OK":
        return None
    if verdict.endswith(" FOUND"):
        return verdict.removesuffix(" FOUND")
    raise Unavailable(verdict or "no answer")


def _connection() -> socket.socket:
    address = urlsplit(settings.SCANNER_URL)
    if address.hostname:
        return socket.create_connection((address.hostname, address.port or PORT), timeout=PATIENCE)
    made = socket.socket(socket.AF_UNIX)
    made.settimeout(PATIENCE)
    try:
        made.connect(address.path)
    except OSError:
        made.close()
        raise
    return made


def _answer(connection: socket.socket) -> str:
    """Up to the NUL that ends an answer, or the end of the connection; at most 4 KiB."""
    found = b""
    while b"\0" not in found and len(found) < 4096 and (part := connection.recv(4096)):
        found += part
    return found.partition(b"\0")[0].decode("utf-8", "replace").strip()
