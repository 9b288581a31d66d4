"""Notices about applications and consents, to those who may manage them."""

from django.utils.translation import gettext_lazy as _

from partners.notices import Kind, register
from partners.permissions import BUILDERS

APPLICATIONS = "/p/{slug}/applications/"
CONNECTED = "/p/{slug}/applications/connected/"

register(
    Kind(
        "application_issued",
        _("{partner}: the application “{name}” was created"),
        (_("The {environment} application “{name}” of {partner} can get access tokens from now on."),),
        _("Open applications"),
        APPLICATIONS,
        title=_("The application “{name}” was created"),
        event="application.issued",
        about=_("An application is created"),
        roles=BUILDERS,
    ),
    Kind(
        "application_secret_rotated",
        _("{partner}: “{name}” has a new client secret"),
        (
            _("The {environment} application “{name}” of {partner} has a new client secret, {hint}."),
            _("If nobody of your team made it, revoke it at once."),
        ),
        _("Open applications"),
        APPLICATIONS,
        title=_("“{name}” has a new client secret"),
        event="application.secret_rotated",
        about=_("A client secret is made anew"),
        roles=BUILDERS,
        security=True,
    ),
    Kind(
        "application_leaked",
        _("{partner}: a leaked credential of “{name}” was stopped"),
        (
            _(
                "A client secret or token of the {environment} application “{name}” of {partner} was reported to us as leaked."
                " It stopped working at once."
            ),
            _("If it was the client secret, make a new one. Look for where it got out."),
        ),
        _("Open applications"),
        APPLICATIONS,
        title=_("A leaked credential of “{name}” was stopped"),
        event="application.credential_leaked",
        about=_("A leaked credential of an application was stopped"),
        roles=BUILDERS,
        security=True,
    ),
    Kind(
        "application_revoked",
        _("{partner}: the application “{name}” ended"),
        (
            _("The {environment} application “{name}” of {partner} was ended, and every partner was disconnected."),
            "{reason}",
        ),
        _("Open applications"),
        APPLICATIONS,
        title=_("The application “{name}” ended"),
        event="application.revoked",
        about=_("An application is ended"),
        roles=BUILDERS,
        security=True,
    ),
    Kind(
        "consent_given",
        _("{partner}: “{application}” may act for you"),
        (
            _("Somebody of your team let the {environment} application “{application}” of {maker} act for {partner}."),
            _("See what it may do, and end it if you didn’t mean to."),
        ),
        _("Open connected applications"),
        CONNECTED,
        title=_("“{application}” of {maker} may act for you"),
        event="consent.given",
        about=_("Another partner's application is connected"),
        roles=BUILDERS,
        security=True,
    ),
    Kind(
        "consent_revoked",
        _("{partner}: “{application}” may act for you no more"),
        (_("The {environment} application “{application}” of {maker} is disconnected from {partner}. Its calls are refused."),),
        _("Open connected applications"),
        CONNECTED,
        title=_("“{application}” may act for you no more"),
        event="consent.revoked",
        about=_("Another partner's application is disconnected"),
        roles=BUILDERS,
    ),
    Kind(
        "consent_reused",
        _("{partner}: a token of “{application}” was used twice"),
        (
            _(
                "Of the {environment} application “{application}” of {maker}, a code or refresh token came a second time."
                " So somebody may have copied it, and everything that had come of it stopped at once."
            ),
            _("The application can be connected again. Whoever makes it should look for where the token got out."),
        ),
        _("Open applications"),
        APPLICATIONS,
        title=_("A token of “{application}” was used twice"),
        event="consent.reuse_detected",
        about=_("A token of an application was used twice"),
        roles=BUILDERS,
        security=True,
    ),
)
