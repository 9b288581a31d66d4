"""What partners upload is read by `partners.inspector`, a process of its own: what breaks there breaks nothing here."""

import json
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from core.problems import ValidationError

PATIENCE = 30
# Each may take the memory that the inspector allows itself.
AT_ONCE = 2

PROGRAM = Path(__file__).with_name("inspector.py")

WORDS: dict[str, str | Promise] = {
    "type": _("This is no PDF, PNG or JPEG file, whatever its name says. Save it as one of these."),
    "empty": _("The file is empty."),
    "unreadable": _("The file is damaged and can't be read. Open it, save it anew, and upload that."),
    "too_hard": _("The file takes too much memory or time to read. Save it anew with fewer or smaller pictures."),
    "pixels": _("The picture has more than 40 million pixels. Make it smaller."),
    "pages": _("The document must have 1 to 300 pages."),
    "encrypted": _("The PDF is protected by a password or against changes. Save it without protection."),
    "javascript": _("The PDF holds JavaScript, which we don't open. Print it to a new PDF and upload that."),
    "launch": _("The PDF starts programs or opens other files. Print it to a new PDF and upload that."),
    "embedded_files": _("The PDF has other files attached inside. Upload them one by one."),
    "form": _("The PDF is a form of the kind XFA, which can change what it shows. Print it to a new PDF and upload that."),
    "picture": _(
        "This is no PNG, JPEG or WebP picture, whatever its name says. Save it as one of these."
        " SVG isn't taken, since it can hold programs."
    ),
    "small": _("The picture is too small: take one that is at least 64 pixels wide or high. 256 pixels look sharp everywhere."),
    "shape": _("The picture is too long for its width. Take the square version of your logo."),
    "media": _("The PDF holds sound, film or 3D. Print it to a new PDF and upload that."),
}

_turns = threading.BoundedSemaphore(AT_ONCE)


@dataclass(frozen=True, slots=True)
class Clean:
    """A document written anew, with what it was found to be."""

    content: bytes
    content_type: str
    pages: int


def clean(content: bytes) -> Clean:
    """The document without anything that acts or tells where it was made. Raises ValidationError, at `file`, for anything that
    isn't a harmless PDF, PNG or JPEG."""
    facts, made = _run(content, "clean")
    return Clean(made, facts["type"], facts["pages"])


def draw(content: bytes, page: int) -> bytes:
    """A picture of one page, counted from 1, as PNG. Raises ValidationError where there is none."""
    return _run(content, "draw", str(page))[1]


def squares(content: bytes) -> tuple[bytes, bytes]:
    """A logo as PNG, small and large, from the pixels alone. Raises ValidationError, at `file`, for what is no picture."""
    facts, made = _run(content, "logo")
    small: int = facts["sizes"][0]
    return made[:small], made[small:]


def _run(content: bytes, *arguments: str) -> tuple[dict[str, Any], bytes]:
    """The inspector's answer, or ValidationError: a file that ends it by force is refused like any other."""
    command = [sys.executable, "-I", str(PROGRAM), *arguments]
    with _turns:
        try:
            done = subprocess.run(command, input=content, capture_output=True, timeout=PATIENCE, env={}, cwd="/", check=False)  # noqa: S603
        except subprocess.TimeoutExpired:
            raise refused("too_hard") from None
    head, _newline, made = done.stdout.partition(b"\n")
    if done.returncode or not head:
        raise refused("too_hard")
    facts: dict[str, Any] = json.loads(head)
    if "refused" in facts:
        raise refused(facts["refused"])
    return facts, made


def refused(reason: str) -> ValidationError:
    """The refusal of a file, in words, with the reason as its code."""
    return ValidationError([{"pointer": "/file", "code": f"file_{reason}", "detail": str(WORDS[reason])}])
