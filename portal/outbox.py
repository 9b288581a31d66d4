"""The mail of a demo: what `PORTICO_MAIL_URL=filemail:` kept as files, newest first. Exists only in a demo."""

import email
import email.policy
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import parsedate_to_datetime
from pathlib import Path

from csp.constants import NONE, SELF, UNSAFE_INLINE
from csp.decorators import csp_replace
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_GET

_END = b"\n" + b"-" * 79 + b"\n"
LONGEST = 200


@dataclass(frozen=True, slots=True)
class Mail:
    """One message of the outbox; `name` is its place: file and number in it."""

    name: str
    message: EmailMessage
    at: datetime

    @property
    def subject(self) -> str:
        return str(self.message["Subject"] or _("(no subject)"))

    @property
    def recipient(self) -> str:
        return str(self.message["To"] or "")

    @property
    def sender(self) -> str:
        return str(self.message["From"] or "")

    @property
    def text(self) -> str:
        return self._body("plain")

    @property
    def html(self) -> str:
        return self._body("html")

    def _body(self, kind: str) -> str:
        part = self.message.get_body((kind,))
        return str(part.get_content()) if part is not None else ""


def folder() -> Path:
    """Where the file backend writes."""
    return Path(getattr(settings, "EMAIL_FILE_PATH", "") or settings.HOME / "mail")


def messages(path: Path) -> list[Mail]:
    """The messages of one file; Django appends those of one connection, each closed by a line of dashes."""
    mails = []
    for number, raw in enumerate(part for part in path.read_bytes().split(_END) if part.strip()):
        message = email.message_from_bytes(raw.lstrip(b"\n"), policy=email.policy.default)
        sent = message["Date"]
        at = parsedate_to_datetime(str(sent)) if sent else datetime.fromtimestamp(path.stat().st_mtime, UTC)
        mails.append(Mail(f"{path.stem}-{number}", message, at if at.tzinfo else at.replace(tzinfo=UTC)))
    return mails


def newest(address: str = "") -> list[Mail]:
    """The latest messages, only those to `address` if it is given."""
    files = sorted(folder().glob("*.log"), key=lambda path: path.stat().st_mtime, reverse=True)[:LONGEST]
    found = [mail for path in files for mail in messages(path) if address.lower() in mail.recipient.lower()]
    return sorted(found, key=lambda mail: mail.at, reverse=True)[:LONGEST]


@require_GET
def index(request: HttpRequest) -> HttpResponse:
    """`?to=` narrows to one address."""
    address = request.GET.get("to", "").strip()
    return render(request, "portal/outbox.html", {"mails": newest(address), "address": address})


@require_GET
def message(request: HttpRequest, name: str) -> HttpResponse:
    """One message, as text and, in a frame that can run nothing, as HTML."""
    return render(request, "portal/outbox_message.html", {"mail": _named(name)})


@require_GET
@xframe_options_sameorigin
@csp_replace(  # type: ignore[arg-type]  # the package types views without arguments only
    {"default-src": [NONE], "style-src": [UNSAFE_INLINE], "img-src": ["data:"], "frame-ancestors": [SELF], "sandbox": [""]}
)
def html(request: HttpRequest, name: str) -> HttpResponse:
    """The HTML of one message, for that frame: mails style inline, so it has a policy of its own, and no scripts."""
    return HttpResponse(_named(name).html)


def _named(name: str) -> Mail:
    mail = next((mail for mail in newest() if mail.name == name), None)
    if mail is None:
        raise Http404
    return mail
