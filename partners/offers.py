"""The ladder as one partner sees it: what another tier gives, and what it still needs, in words."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from django.utils.formats import number_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from partners import verification
from partners.models import Partner, Tier

Text = str | Promise


@dataclass(frozen=True, slots=True)
class Offer:
    """Another tier. `gives` is what differs from the present one, `missing` what the partner has still to bring for it."""

    tier: Tier
    price: str
    is_upgrade: bool
    gives: list[str]
    missing: list[Text]

    @property
    def decided_by(self) -> str:
        """How it comes about, in a sentence."""
        if self.tier.needs_application:
            return _("We read your application and decide.")
        return _("We look at your request and decide.")


def of(partner: Partner) -> list[Offer]:
    """Every tier but the partner's own, lowest first."""
    now = partner.tier
    others = Tier.objects.exclude(pk=now.pk).order_by("rank")
    return [
        Offer(tier, price(tier), tier.rank > now.rank, list(_differences(now, tier)), missing(partner, tier)) for tier in others
    ]


def missing(partner: Partner, tier: Tier) -> list[Text]:
    """What the tier asks for and the partner has not got accepted yet, in words."""
    return [kind.label for kind in verification.lacking(partner, verification.to_go_live(tier), accepted=True)]


def _differences(now: Tier, then: Tier) -> Iterator[str]:
    pairs = [
        (_quota(now), _quota(then)),
        (_over_quota(now), _over_quota(then)),
        (_rate(now), _rate(then)),
        (_at_once(now), _at_once(then)),
        (now.get_servers_display(), then.get_servers_display()),
        (_support(now), _support(then)),
        (_commission(now), _commission(then)),
        (_fee(now), _fee(then)),
    ]
    return (after for before, after in pairs if after and before != after)


def price(tier: Tier) -> str:
    """What a month costs, in words."""
    if tier.price is None:
        return _("A price by contract")
    return _("%(price)s a month") % {"price": tier.price} if tier.price else _("Free")


def _quota(tier: Tier) -> str:
    if tier.monthly_quota is None:
        return _("No limit of calls a month")
    return _("%(calls)s calls a month") % {"calls": _number(tier.monthly_quota)}


def _over_quota(tier: Tier) -> str:
    if tier.monthly_quota is None:
        return ""
    return _("Further calls are refused") if tier.over_quota == Tier.OverQuota.STOP else _("Further calls at the usage price")


def _rate(tier: Tier) -> str:
    facts = {"key": _number(tier.key_rate), "all": _number(tier.partner_rate)}
    return _("%(key)s calls a minute with one key, %(all)s with all") % facts


def _at_once(tier: Tier) -> str:
    if tier.calls_at_once is None:
        return _("No limit of calls at once")
    return _("%(calls)s calls at once") % {"calls": _number(tier.calls_at_once)}


def _support(tier: Tier) -> str:
    return _("Support: %(kind)s") % {"kind": tier.get_support_display()}


def _commission(tier: Tier) -> str:
    return _("%(share)s commission on what you sell of ours") % {"share": _percent(tier.commission_rate)}


def _fee(tier: Tier) -> str:
    return _("%(share)s fee on your marketplace sales") % {"share": _percent(tier.marketplace_fee)}


def _number(value: int) -> str:
    return number_format(value, force_grouping=True)


def _percent(rate: Decimal) -> str:
    return f"{(rate * 100).normalize():f}%"
