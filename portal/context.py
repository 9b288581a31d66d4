"""What every template can ask of the site, as `portico`; nothing is looked up that a template doesn't ask for."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from core.roles import has
from portal import navigation
from portal.navigation import Entry, Link, LinkGroup

THEMES = ("light", "dark")


def site(request: HttpRequest) -> dict[str, "Site"]:
    """Context processor: `portico` (`site` is taken by allauth)."""
    return {"portico": Site(request)}


@dataclass(frozen=True, slots=True)
class Membership:
    """A partner that the signed-in person belongs to: `current` if this is its page, `chosen` if its page was the last one."""

    name: str
    logo: str
    url: str
    current: bool
    chosen: bool
    role: str


class Site:
    """The site as one visitor sees it. On a partner's page `partners.pages` has set `partner`, `member` and `environment`."""

    name = settings.UNFOLD["SITE_TITLE"]
    version = settings.VERSION
    demo = settings.DEMO
    base_url = settings.BASE_URL

    def __init__(self, request: HttpRequest) -> None:
        self._request = request

    @cached_property
    def theme(self) -> str:
        """`light` or `dark` as the visitor chose, or nothing: then it is the system's."""
        chosen = self._request.COOKIES.get(f"portico_theme{settings.COOKIE_SUFFIX}", "")
        return chosen if chosen in THEMES else ""

    @property
    def mail_url(self) -> str:
        """Where a demo shows its mail."""
        return navigation.find("portal:mail") if self.demo else ""

    @property
    def partner(self) -> Any:
        return getattr(self._request, "partner", None)

    @property
    def terms_wanted(self) -> Any:
        """The version of the terms that waits for this partner's yes, on its pages."""
        return getattr(self._request, "terms_wanted", None)

    @cached_property
    def impersonation(self) -> Any:
        """The partner's portal that this operator looks at now, on whatever page."""
        from partners import impersonations

        if hasattr(self._request, "impersonation"):
            return self._request.impersonation
        return impersonations.of_request(self._request)

    @property
    def may_act(self) -> bool:
        """Whether this operator could change things there."""
        return has(self._request.user, "partners:act")

    @property
    def may_accept_terms(self) -> bool:
        return self._may("partner:write")

    @cached_property
    def terms_hold(self) -> bool:
        """Whether there are terms of service that hold today."""
        from partners.models import Terms

        return bool(Terms.objects.in_effect().exists())

    @property
    def erasable_at(self) -> Any:
        """From when on the personal data of this partner, which is closed, may be erased."""
        from partners.partners import erasable_at

        return erasable_at(self.partner)

    @property
    def environment(self) -> str:
        """`live` or `test` on a partner's pages, otherwise nothing."""
        return getattr(self._request, "environment", "")

    @cached_property
    def memberships(self) -> list[Membership]:
        """The signed-in person's partners, by name."""
        from partners.models import Member
        from partners.pages import CURRENT

        if not self._request.user.is_authenticated:
            return []
        chosen = self._request.session.get(CURRENT)
        members = Member.objects.filter(user=self._request.user, partner__deleted_at=None)
        return [
            Membership(
                each.partner.name,
                each.partner.logo_small,
                navigation.find("portal:dashboard", slug=each.partner.slug),
                each.partner == self.partner,
                each.partner.public_id == chosen,
                each.get_role_display(),
            )
            for each in members.select_related("partner").order_by("partner__name")
        ]

    @cached_property
    def invitations(self) -> list[Any]:
        """Teams that the signed-in person is invited to."""
        from partners import invitations

        if not self._request.user.is_authenticated:
            return []
        return [(each, invitations.token(each)) for each in invitations.waiting_for(self._request.user)]

    @cached_property
    def navigation(self) -> list[LinkGroup]:
        """The sidebar: of the partner whose page it is, otherwise of the signed-in person's account."""
        if self.partner:
            return navigation.groups(self._request, self.partner, self._may)
        return [LinkGroup("account", _("Your account"), tuple(navigation.links(navigation.ACCOUNT, self._request)))]

    @cached_property
    def unread(self) -> int:
        """How many notifications of this partner the member has not read."""
        from partners.models import Notice

        return Notice.objects.shown_to(self._request.member).unread().count()  # type: ignore[attr-defined]  # a partner's page

    @cached_property
    def partner_navigation(self) -> list[Link]:
        return list(navigation.links(navigation.PARTNER_MENU, self._request))

    @cached_property
    def account_navigation(self) -> list[Link]:
        """The account's own pages; for operators also the console."""
        entries = navigation.ACCOUNT + (navigation.OPERATOR if self._request.user.is_staff else ())
        return list(navigation.links(entries, self._request))

    @cached_property
    def public_navigation(self) -> list[Link]:
        return list(self._public(navigation.PUBLIC))

    @cached_property
    def footer_navigation(self) -> list[Link]:
        return list(self._public(navigation.FOOTER))

    def _public(self, entries: Iterable[Entry]) -> Iterable[Link]:
        return navigation.links(entries, self._request)

    def _may(self, permission: str) -> bool:
        member = getattr(self._request, "member", None)
        return member is not None and member.may(permission)
