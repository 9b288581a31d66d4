"""The platform's way to send mail, tried once when it starts, so that a wrong password shows before somebody waits for a mail."""

import smtplib

import structlog
from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.template.loader import render_to_string

log = structlog.get_logger(__name__)

PATIENCE = 10


def unreachable() -> str | None:
    """Why the mail server can't be used, in words, or None if it took our sign-in. Sends nothing."""
    connection = get_connection(timeout=PATIENCE)
    try:
        connection.open()
    except (OSError, smtplib.SMTPException) as error:
        return f"{type(error).__name__}: {error}"
    connection.close()
    return None


def report_at_start() -> None:
    """Log whether mail can be sent. The platform starts all the same: its API must not hang on a mail server."""
    reason = unreachable()
    if reason:
        log.error(
            "mail_unreachable",
            reason=reason,
            next_step="check PORTICO_MAIL_URL, then `manage.py sendtestemail you@example.com`",
        )
    else:
        log.info("mail_reachable", sender=settings.DEFAULT_FROM_EMAIL)


def send(*, to: str, template: str, context: dict[str, object]) -> None:
    """Send `mail/<template>_subject.txt`, `.txt` and `.html` to one address; not in a transaction: it talks to a server."""
    subject = " ".join(render_to_string(f"mail/{template}_subject.txt", context).split())
    facts = {**context, "base_url": settings.BASE_URL}
    message = EmailMultiAlternatives(subject, render_to_string(f"mail/{template}.txt", facts).strip() + "\n", to=[to])
    message.attach_alternative(render_to_string(f"mail/{template}.html", facts), "text/html")
    message.send()
