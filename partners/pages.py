"""A partner's pages, under `/p/<slug>/`: whose they are, in which environment, and whether this member may.

@partner_page("keys:read")
def key_list(request: PartnerRequest) -> HttpResponse:
    keys = Key.objects.for_caller(request.partner, request.environment)
"""

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, Literal, ParamSpec

from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from core import problems
from core.actors import Actor
from core.console import operator_of
from core.models import Environment, User
from partners import impersonations, terms
from partners.impersonation_pages import refused
from partners.impersonations import StandIn
from partners.models import Impersonation, Member, Partner, Terms

CHOSEN = "environments"
# The session's key for the partner whose page the person was on last. It is believed only where the person belongs to it.
CURRENT = "partner"
# A link that says by this parameter of which environment it speaks, as those in mails do, is followed by the whole portal.
ASKED = "environment"
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})

P = ParamSpec("P")


class PartnerRequest(HttpRequest):
    """A request to a page of one partner, by a member of it."""

    user: User
    partner: Partner
    member: Member  # or who stands in for one (`partners.impersonations`)
    impersonation: Impersonation | None
    environment: str
    actor: Actor
    terms_wanted: Terms | None


Page = Callable[Concatenate[PartnerRequest, P], HttpResponse]


def partner_page(
    permission: str,
    *,
    post: str = "",
    asks_first: bool = True,
    hidden: bool = False,
    operators: Literal["look", "always", "never"] = "look",
) -> Callable[[Page[P]], Callable[..., HttpResponse]]:
    """A view for members whose role has `permission`; POST needs `post` where it is given. The slug is taken from the path
    and not handed on.

    Who isn't signed in is sent to the partner's entrance, strangers get 404, members without the permission 403; all of them get
    404 of a page that is `hidden`. A Problem that a verb raises on POST is shown on the page that is asked for again. While terms
    of service wait for the partner's yes, those who may give it are asked first; unless the page has `asks_first` off.

    `operators` who look at the partner's portal (`partners.impersonations`) see the page and change nothing by it until they
    said why; or they may `always` do what it does, because that changes nothing of the partner's; or it is the team's alone.
    """

    def decorate(view: Page[P]) -> Callable[..., HttpResponse]:
        @wraps(view)
        def page(request: Any, slug: str, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
            if not request.user.is_authenticated:
                if hidden:
                    raise Http404
                return redirect_to_login(request.get_full_path(), reverse("partners:entrance", kwargs={"slug": slug}))
            enter(request, slug)
            if request.method == "GET" and (asked := request.GET.get(ASKED)) in Environment.values:
                choose_environment(request, asked)
                return redirect(_without_asked(request))
            needed = post if post and request.method == "POST" else permission
            if request.impersonation and (why := _holds_back(request, needed, operators)):
                return refused(request, why=why)
            if not request.member.may(needed):
                raise Http404 if hidden else PermissionDenied
            if asks_first and must_accept(request):
                return redirect_to_login(request.get_full_path(), reverse("partners:terms", kwargs={"slug": slug}))
            try:
                answer = view(request, *args, **kwargs)
                answer.headers.setdefault("Cache-Control", "private")  # caches on the way keep files by their ending, if allowed
                return answer
            except problems.NotFound as problem:
                raise Http404 from problem
            except problems.Problem as problem:
                if request.method != "POST":
                    raise
                messages.error(request, problem.said)
                return redirect(request.get_full_path())

        page.__dict__.update(permission=permission, post=post or permission, hidden=hidden)  # read by `portal.access`
        return page

    return decorate


def _without_asked(request: PartnerRequest) -> str:
    query = request.GET.copy()
    del query[ASKED]
    return f"{request.path}?{query.urlencode()}" if query else request.path


def _holds_back(request: PartnerRequest, needed: str, operators: str) -> str:
    """Why an operator who looks at this portal doesn't get this answer, as `impersonation_pages.refused` takes it; if it is to
    change something, that is written down."""
    changes = request.method not in SAFE and operators != "always"
    if operators == "never" or needed in impersonations.NEVER:
        return "own"
    if (changes or not needed.endswith(":read")) and not (request.impersonation and request.impersonation.acts):
        return "looks"
    if not request.member.may(needed):
        return "role"
    if changes and request.impersonation:
        method, path = str(request.method), request.path
        impersonations.acted(impersonation=request.impersonation, method=method, path=path, by=request.actor)
    return ""


def must_accept(request: PartnerRequest) -> bool:
    """Whether to ask for the terms before the page is shown. What was typed into a form goes through, as do parts of pages."""
    if request.impersonation:
        request.terms_wanted = None  # nobody else can say yes for the team
        return False
    request.terms_wanted = terms.wanted(request.partner)
    plain = request.method == "GET" and "HX-Request" not in request.headers
    return request.terms_wanted is not None and plain and request.member.may("partner:write")


def enter(request: Any, slug: str) -> None:
    """Set partner, member, environment and actor on the request of a signed-in person. Raises Http404 for strangers."""
    request.impersonation = impersonations.of_request(request)
    if request.impersonation and request.impersonation.partner.slug == slug:
        request.member = StandIn(request.impersonation, request.user)
        request.partner = request.impersonation.partner
        request.environment = environment(request)
        request.actor = operator_of(request)
        return
    request.impersonation = None
    found = Member.objects.filter(user=request.user, partner__slug=slug, partner__deleted_at=None)
    member = found.select_related("partner__tier").first()
    if member is None:
        raise Http404
    member.user = request.user
    request.member, request.partner = member, member.partner
    if request.session.get(CURRENT) != member.partner.public_id:
        request.session[CURRENT] = member.partner.public_id
    request.environment = environment(request)
    call = request.call
    request.actor = Actor("member", member.pk, member.get_role_display(), call.address, call.id)


def environment(request: PartnerRequest) -> str:
    """What the member chose for this partner in this session; at first live for a partner that is live, otherwise test."""
    usual = Environment.LIVE if request.partner.status == Partner.Status.ACTIVE else Environment.TEST
    chosen = request.session.get(CHOSEN, {}).get(request.partner.public_id)
    return Environment(chosen) if chosen in Environment.values else usual


def choose_environment(request: PartnerRequest, chosen: str) -> None:
    """Remember live or test for this partner until the session ends; anything else is no choice."""
    if chosen in Environment.values:
        request.session[CHOSEN] = {**request.session.get(CHOSEN, {}), request.partner.public_id: chosen}
