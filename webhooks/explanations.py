"""What an attempt's outcome means, in words for the person who runs the receiving server."""

import ssl
from collections.abc import Mapping

from django.utils.translation import gettext as _

from core.outbound import BrokenOff, NameUnknown, Refused, TooSlow, Unreachable


def explain(status: int, headers: Mapping[str, str]) -> str:
    """The answer `status` in a sentence, with what to do about it where something can be done."""
    if 200 <= status < 300:
        return _("Your server answered {status}.").format(status=status)
    if 300 <= status < 400:
        target = headers.get("location", "")
        advice = _(" Make {target} the endpoint's URL.").format(target=target) if target else ""
        return _("Your server answered {status}; webhooks don't follow redirects.").format(status=status) + advice
    return _("Your server answered {status}: {meaning}").format(status=status, meaning=_meaning(status))


def _meaning(status: int) -> str:
    meanings = {
        400: _("it could not read the event. Check that it parses the body as JSON."),
        401: _("it wants credentials. Verify the signature instead of asking for a sign-in."),
        403: _("it refused. Look for a firewall, a bot check, or a CSRF check in front of the handler."),
        404: _("there is nothing at this path. Check the endpoint's URL."),
        405: _("it takes no POST at this path. Check the endpoint's URL and the handler's method."),
        408: _("it gave up waiting for the body."),
        410: _("the address is gone for good, so the endpoint was switched off."),
        413: _("the event was too large for it. Raise its limit for request bodies."),
        415: _("it doesn't take application/json."),
        429: _("it had too many requests. The next attempt waits as it asked."),
        500: _("the handler failed. Its log says why."),
        502: _("the proxy in front of it could not reach it."),
        503: _("it is not available at the moment."),
        504: _("the proxy in front of it waited too long. Answer first, work afterwards."),
    }
    general = _("it failed. Its log says why.") if status >= 500 else _("it refused the event.")
    return meanings.get(status, general)


def explain_failure(failure: Refused | Unreachable) -> str:
    """Why nothing came back, and what to do about it."""
    return f"{failure.reason} {_next_step(failure)}".strip()


def _next_step(failure: Refused | Unreachable) -> str:
    match failure, failure.__cause__:
        case Refused(), _cause:
            return _("Give an address that can be reached from the internet.")
        case TooSlow(), _cause:
            return _("Answer 2xx first and do the work afterwards.")
        case NameUnknown(), _cause:
            return _("Check the spelling of the host in the endpoint's URL, and its DNS records.")
        case BrokenOff(), _cause:
            return _("Its log, or that of the proxy in front of it, says why it hung up.")
        case _failure, ssl.SSLCertVerificationError():
            return _("Renew the certificate, and serve it with its intermediate certificates and for this host's name.")
        case _failure, ssl.SSLError():
            return _("Check that the port speaks TLS 1.2 or newer.")
        case _failure, OSError():
            return _("Check that the server runs, and that its firewall lets us in.")
    return ""
