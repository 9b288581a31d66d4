"""What people are told of partners and their teams."""

from django.utils.translation import gettext_lazy as _

from partners.notices import Kind, register
from partners.permissions import BUILDERS

register(
    Kind(
        "confirm_address",
        _("Confirm your e-mail address"),
        (
            _("Thank you for signing up. Confirm that this address is yours to get your test keys and go on."),
            _("The link works for three days. If it wasn't you who signed up, ignore this mail: nothing happens without it."),
        ),
        _("Confirm address"),
        "/accounts/verify/{token}",
    ),
    Kind(
        "invitation",
        _("{inviter} invites you to {partner}"),
        (
            _("{inviter} would like you to join the team of {partner}, in the role {role}."),
            _("The link works for seven days, for you alone. If you don’t know what this is about, ignore this mail."),
        ),
        _("Look at the invitation"),
        "/invitations/{token}",
    ),
    Kind(
        "member_removed",
        _("You are no longer in the team of {partner}"),
        (
            _("Somebody who manages the team of {partner} took you out of it. You can no longer see its pages."),
            _("Your account here stays, with any other partner that you belong to."),
        ),
    ),
    Kind(
        "owner_changed",
        _("{partner} has another owner"),
        (
            _("The ownership of {partner} was handed over. Who owned it before is an admin now."),
            _("If nobody on your side meant to do this, answer this mail at once."),
        ),
        _("Open the team"),
        "/p/{slug}/team/",
        event="partner.owner_changed",
        security=True,
    ),
    Kind(
        "address_known",
        _("You already have an account"),
        (
            _("Somebody, perhaps you, tried to sign up with this address, which already has an account here."),
            _("If it was you, sign in instead; the sign-in page helps with a forgotten password. If not, do nothing."),
        ),
        _("Sign in"),
        "/accounts/login/",
    ),
    Kind(
        "partner_activated",
        _("{partner} is live"),
        (_("{partner} was approved and is live. Create a live key in the portal, and your program can call the API."),),
        _("Open the portal"),
        "/p/{slug}/",
        event="partner.activated",
        roles=BUILDERS,
    ),
    Kind(
        "partner_submitted",
        _("{partner}: we have your application"),
        (_("Thank you for submitting {partner}. If somebody has to look at it, we do that next, and mail you our decision."),),
        _("See where it stands"),
        "/p/{slug}/verification/",
        event="partner.submitted",
    ),
    Kind(
        "partner_verified",
        _("{partner} was approved"),
        (_("We have read your application and approved it."),),
        _("Open the portal"),
        "/p/{slug}/verification/",
        event="partner.verified",
    ),
    Kind(
        "partner_changes_requested",
        _("{partner}: please change something and submit again"),
        (
            _("We have read your application and can't approve it yet. The reviewer wrote:"),
            "{reason}",
            _("Change it, upload documents anew where that is asked for, and submit again."),
        ),
        _("Open the onboarding"),
        "/p/{slug}/onboarding/",
        event="partner.changes_requested",
    ),
    Kind(
        "partner_rejected",
        _("{partner} was not approved"),
        (
            _("We have read your application and did not approve it. The reviewer wrote:"),
            "{reason}",
            _("Under Verification you see whether you can submit again. Answer this mail if you think we are wrong."),
        ),
        _("See the decision"),
        "/p/{slug}/verification/",
        event="partner.rejected",
    ),
    Kind(
        "verification_expired",
        _("{partner} has to be verified again"),
        (
            _("Facts of your company changed, so the documents that we verified no longer show them. Your keys go on working."),
            _("Publishing and payouts wait until you upload current documents, submit them, and we approve them."),
        ),
        _("Upload documents"),
        "/p/{slug}/verification/",
        event="partner.verification_expired",
    ),
    Kind(
        "document_accepted",
        _("{partner}: a document was accepted"),
        (_("We have looked at a document that you uploaded, and accepted it."),),
        _("See your documents"),
        "/p/{slug}/verification/",
        event="document.accepted",
    ),
    Kind(
        "document_rejected",
        _("{partner}: a document was not accepted"),
        (_("We could not accept a document that you uploaded. The reviewer wrote:"), "{reason}", _("Please upload another one.")),
        _("Upload documents"),
        "/p/{slug}/verification/",
        event="document.rejected",
    ),
    Kind(
        "document_infected",
        _("{partner}: a document was refused"),
        ("{reason}", _("We deleted it. Scan your computer, and upload the document from a clean one.")),
        _("Upload documents"),
        "/p/{slug}/verification/",
        event="document.infected",
    ),
    Kind(
        "partner_suspended",
        _("{partner} is suspended"),
        (
            _("Calls with the keys of {partner} are refused from now on. The reason:"),
            "{reason}",
            _("Answer this mail to talk to us."),
        ),
        event="partner.suspended",
        roles=BUILDERS,
        security=True,
    ),
    Kind(
        "partner_reactivated",
        _("{partner} is live again"),
        (_("The suspension of {partner} was lifted. Its keys work again."),),
        _("Open the portal"),
        "/p/{slug}/",
        event="partner.reactivated",
        roles=BUILDERS,
    ),
    Kind(
        "partner_closed",
        _("{partner} was closed"),
        (_("The partner account {partner} was closed, and its keys no longer work."), "{reason}"),
        event="partner.closed",
        security=True,
    ),
    Kind(
        "digest",
        _("{partner}: what happened"),
        (_("This is what happened in {partner} since the last digest."),),
        _("Open notifications"),
        "/p/{slug}/notifications/",
    ),
    Kind(
        "terms_published",
        _("New terms of service from {date}"),
        (
            _("Version {version} of our terms of service takes effect on {date}."),
            "{summary}",
            _("An owner or admin of your team accepts them in the portal, now or when they are in effect."),
        ),
        _("Read the terms"),
        "/terms/{version}",
    ),
    Kind(
        "factor_taken_away",
        _("A second factor was taken off your account"),
        (
            _("An operator took this off your account: {factor}. Signing in no longer asks for it."),
            _("If you didn’t ask for that, change your password at once and answer this mail."),
        ),
        _("Look at your sign-in"),
        "/accounts/2fa/",
    ),
)
