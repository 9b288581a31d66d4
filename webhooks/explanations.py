"""What an attempt's outcome means, in words for the person who runs the receiving server."""

from collections.abc import Mapping

from django.utils.translation import gettext as _


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
