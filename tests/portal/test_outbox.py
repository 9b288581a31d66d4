"""The demo's mail is found by address, newest first."""

from pathlib import Path
from typing import Any

from django.core.mail import EmailMultiAlternatives, get_connection

from portal import outbox


def test_messages_are_read_back_newest_first(tmp_path: Path, settings: Any) -> None:
    settings.EMAIL_FILE_PATH = str(tmp_path)
    connection = get_connection("django.core.mail.backends.filebased.EmailBackend")
    for number, address in enumerate(("ann@example.com", "bob@example.com", "ann@example.com")):
        date = f"Mon, 02 Nov 2026 10:0{number}:00 +0000"
        message = EmailMultiAlternatives(f"No {number}", "text ü", to=[address], connection=connection, headers={"Date": date})
        message.attach_alternative("<p>html</p>", "text/html")
        message.send()
    assert [mail.subject for mail in outbox.newest()] == ["No 2", "No 1", "No 0"]
    found = outbox.newest("ANN@example.com")
    assert [mail.subject for mail in found] == ["No 2", "No 0"]
    assert (found[0].text.strip(), found[0].html.strip()) == ("text ü", "<p>html</p>")
