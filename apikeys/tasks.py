"""What keys and tokens do by the clock. Each can be repeated."""

from celery import shared_task

from apikeys import expiries
from apikeys.oauth import signing_keys, tokens


@shared_task
def remind_of_ends() -> int:
    """Every five minutes: tell of keys that are about to expire, or have; returns of how many."""
    return expiries.remind_due()


@shared_task
def forget_tokens() -> int:
    """Every hour: delete what is over; returns how many access tokens."""
    return tokens.forget_old()


@shared_task
def rotate_signing_keys() -> bool:
    """Every day: let a signing key follow that has signed for long enough."""
    return signing_keys.rotate_due()
