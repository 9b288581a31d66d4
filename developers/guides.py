"""Why each problem comes about and what ends it: what a code's page says beyond the problem's own words.

Every code that an answer can have stands here; a test compares this with the Problem classes.
"""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

# Problems that only these modules declare are known once they are imported.
from gateway import pipeline  # noqa: F401
from marketplace import installations  # noqa: F401

Text = str | Promise


@dataclass(frozen=True, slots=True)
class Guide:
    """Why it happens, and what to do, step by step."""

    why: Text
    steps: tuple[Text, ...]


GUIDES: dict[str, Guide] = {
    "malformed_request": Guide(
        _("The request broke off or isn’t what it says it is, so that nobody looked at what it asks for."),
        (
            _("Send the body as JSON in UTF-8, with Content-Type: application/json."),
            _("Let a library write the JSON; look for a NUL character, a cut-off body, or lists nested a hundred deep."),
            _("Send paths without //, dot segments and encoded slashes."),
        ),
    ),
    "conflicting_credentials": Guide(
        _("X-API-Key and Authorization both came, or one of them twice, with different values: we don’t guess who you are."),
        (
            _("Send one of the two headers, once."),
            _("Look for a proxy or an HTTP client that adds an Authorization header of its own."),
        ),
    ),
    "missing_credential": Guide(
        _("The operation is for partners, and the call came without a key or token."),
        (
            _("Send your key as X-API-Key, or as Authorization: Bearer."),
            _("Check that your program reads it: an empty environment variable sends an empty header."),
            _("Check that no redirect or proxy on the way drops the header."),
        ),
    ),
    "invalid_key": Guide(
        _("No key has this text. The last six characters are a checksum, so one wrong letter is enough."),
        (
            _("Copy the whole key again: it begins with pk_live_ or pk_test_ and has no blanks or quotes around it."),
            _("Check that it is of this installation, not of another one."),
            _("If nobody has it any more, create another: a key is shown only once."),
        ),
    ),
    "key_expired": Guide(
        _("The key had an end, chosen when it was made, changed or rotated, and that has come."),
        (
            _("If it was rotated: put its successor in place. The page of the old key leads to it."),
            _("Otherwise give it a later end in the portal, or create another."),
            _("You are told 14, 3 and 1 days before: see that somebody reads these mails."),
        ),
    ),
    "key_revoked": Guide(
        _("Somebody in your team or an operator revoked the key, or it was reported as leaked. Such a key never works again."),
        (
            _("Look under Activity who revoked it and why."),
            _("If it leaked, find out where it got out before you put another one there."),
            _("Create another key and put it in place."),
        ),
    ),
    "key_disabled": Guide(
        _("Somebody switched the key off for a while, or it was suspended because of how it was used; the detail says which."),
        (
            _("Look under Activity who did and why."),
            _("An owner, admin or developer switches it on again on its page; of a suspended key that shows what was counted."),
        ),
    ),
    "invalid_secret": Guide(
        _("The key was made to need a second secret, and the call’s is missing, wrong, or was renewed since."),
        (
            _("Send the secret (ps_…) as X-API-Secret, beside the key."),
            _("If nobody has it any more, renew it on the key’s page: the key itself stays."),
        ),
    ),
    "invalid_token": Guide(
        _("The access token has expired, was revoked, or isn’t one of ours. Tokens are short-lived on purpose."),
        (
            _("Get another one from the token endpoint, or by the refresh token."),
            _("Renew tokens before they expire, not after a refusal."),
        ),
    ),
    "address_blocked": Guide(
        _("The operators block calls from this address or network, whoever makes them."),
        (
            _("Check where your calls come from: a shared exit such as a public VPN may be blocked for what others do."),
            _("Call from your own servers, or write to support with the address and the request_id."),
        ),
    ),
    "forbidden": Guide(
        _("Who you are is known, but your role or credential may not do this."),
        (
            _("Read the detail: it says what is missing."),
            _("Ask an owner or admin of your team to do it, or to give you the role or a key with the right."),
        ),
    ),
    "ip_not_allowed": Guide(
        _("The key has a list of allowed addresses, and the call came from another one."),
        (
            _("Compare the address of the answer with the list on the key’s page; behind NAT it is the one of the way out."),
            _("Add the address or its network there: it holds from the next call on."),
        ),
    ),
    "insufficient_scope": Guide(
        _("Each operation needs a scope, and the key or token doesn’t have the one that is named."),
        (
            _("Give the key the scope on its page: it holds from the next call on. A token needs to be asked for anew with it."),
            _("You can’t give what your own role or key lacks: then ask an owner or admin."),
        ),
    ),
    "partner_suspended": Guide(
        _("The operators suspended your organisation: none of its keys works."),
        (_("Read the mail to your owners: it gives the reason."), _("Answer it, or write to support, to have it lifted.")),
    ),
    "partner_not_active": Guide(
        _("Live keys work once your organisation is live; of a closed one nothing works."),
        (_("Finish the onboarding; its page says what is missing."), _("Meanwhile use a test key: it works at once.")),
    ),
    "tier_required": Guide(
        _("Your plan doesn’t include this."),
        (_("See under Plan which tier does."), _("Ask for it there; upgrades hold at once.")),
    ),
    "no_test_environment": Guide(
        _("The API runs in the live environment alone, and the call came with a test key."),
        (
            _("Call it with a live key."),
            _("Try your program against another API with the test key: what it gets back is alike in all of them."),
        ),
    ),
    "verification_required": Guide(
        _("Selling and being paid need documents that we have verified, and yours aren’t, or changed since."),
        (_("Upload them under Verification and submit them."), _("You are mailed as soon as they are accepted.")),
    ),
    "not_installed": Guide(
        _("An integration serves those who have installed it, in the environment of their key."),
        (
            _("Install it from the marketplace: in test for a test key, in live for a live one."),
            _("Call again: it holds from the next call on."),
        ),
    ),
    "consent_missing": Guide(
        _("Installing an integration agrees to what it may do, so the call has to name exactly that."),
        (
            _("Read what the integration asks for, and let somebody decide."),
            _("Send all of these scopes, and no others."),
        ),
    ),
    "not_found": Guide(
        _("It doesn’t exist, or it is somebody else’s or of the other environment: we don’t say which."),
        (
            _("Check the path, and that the id is complete."),
            _("A test key sees test data only, a live key live data only."),
        ),
    ),
    "method_not_allowed": Guide(
        _("The path exists, but not with this method."),
        (_("Use one of those that Allow names."), _("Look for a redirect that turned a POST into a GET.")),
    ),
    "not_acceptable": Guide(
        _("Accept names formats that we don’t have for this."),
        (_("Send Accept: application/json, or leave the header out."),),
    ),
    "request_timeout": Guide(
        _("The request came too slowly: head or body stopped on the way."),
        (_("Send it again, with the same Idempotency-Key if it is a POST."), _("Look at the network between you and us.")),
    ),
    "conflict": Guide(
        _("What you ask for doesn’t fit how things stand now; often somebody else was faster."),
        (_("Read the detail and the object as it is now."), _("Decide anew whether you still want it.")),
    ),
    "idempotency_in_flight": Guide(
        _("The same request, with the same Idempotency-Key, hasn’t been answered yet."),
        (_("Wait a moment and repeat it with the same key: you get the first one’s answer."),),
    ),
    "outcome_unknown": Guide(
        _("The call broke off after it had been passed on to an integration: whether it did its work nobody here knows."),
        (
            _("Ask the integration what became of it, by its own ids."),
            _("Only then, if it did nothing, send it under a new Idempotency-Key."),
        ),
    ),
    "body_too_large": Guide(
        _("The body is larger than is read here."),
        (_("Send less at once: smaller pages, smaller files."), _("Compress pictures before you upload them.")),
    ),
    "unsupported_media_type": Guide(
        _("Content-Type names something that isn’t read here."),
        (_("Send Content-Type: application/json; files as multipart/form-data where the reference says so."),),
    ),
    "validation_error": Guide(
        _("The request can be read, but some of its values can’t be taken. Nothing was changed."),
        (
            _("Go through errors: pointer leads to the field in what you sent, detail says what it should be."),
            _("Fields that we don’t know are errors too: look for a typing mistake."),
        ),
    ),
    "idempotency_mismatch": Guide(
        _("This Idempotency-Key was used within the last 24 hours with another body, path or method."),
        (_("Use a new key for each new request."), _("For a repetition send exactly what you sent first.")),
    ),
    "invalid_confirmation": Guide(
        _("The link of the confirmation mail is good for three days, and once."),
        (_("Sign in: a new mail is sent if the address isn’t confirmed yet."),),
    ),
    "invalid_invitation": Guide(
        _("An invitation is good for seven days, once, and for the newest mail only."),
        (_("Look for a newer mail, or ask whoever invited you to send it again."),),
    ),
    "rate_limited": Guide(
        _("More calls came in a minute than the key, the partner or the address may make. Unknown credentials count apart."),
        (
            _("Wait as many seconds as Retry-After says; spread retries at random."),
            _("Read RateLimit in each answer and slow down before it reaches 0."),
            _("See under Limits which of them it was; a higher tier has higher ones."),
        ),
    ),
    "concurrency_limited": Guide(
        _("Too many of your calls have begun and aren’t answered yet."),
        (
            _("Bound the calls that your program has under way, such as by a pool of connections."),
            _("See under Limits how many there may be; a higher tier has more."),
        ),
    ),
    "quota_exceeded": Guide(
        _("All calls of this month that your tier includes were made, and the tier stops there."),
        (
            _("Move to a higher tier under Plan: it holds at once."),
            _("Or wait until the month ends (UTC): Retry-After counts the seconds."),
            _("You are told at 50, 80 and 100 per cent: see that somebody reads these mails."),
        ),
    ),
    "spending_cap_reached": Guide(
        _("Charges for usage reached a cap. Caps can’t be set yet, so no call is refused with it today."),
        (_("Nothing: the code is kept for when your team can set one under Billing."),),
    ),
    "internal_error": Guide(
        _("Something broke on our side. It was reported by itself, with the request_id."),
        (
            _("Repeat it after a moment; a POST with the same Idempotency-Key does nothing twice."),
            _("If it stays, write to support with the request_id."),
        ),
    ),
    "upstream_unavailable": Guide(
        _("The integration’s own server refuses connections or gives no proper answer."),
        (_("Repeat it later, with back-off."), _("If it stays, write to the integration’s owner: the profile says how.")),
    ),
    "temporarily_unavailable": Guide(
        _("A part of the platform is starting or being mended. Nothing was done."),
        (_("Repeat it after Retry-After, with the same Idempotency-Key if it is a POST."),),
    ),
    "upstream_paused": Guide(
        _("The integration’s own server failed several times in a row, so calls to it wait until it has had time to recover."),
        (_("Repeat it after Retry-After."), _("If it stays, write to the integration’s owner: the profile says how.")),
    ),
    "upstream_timeout": Guide(
        _("The integration’s own server didn’t answer in time. It may still be working on it."),
        (
            _("Look whether it did its work before you send it again."),
            _("A POST with the same Idempotency-Key is never sent twice."),
        ),
    ),
}
