"""The pages of a partner's team: who is in it and who is invited, roles, leaving, and handing the partner over."""

from typing import Any

from allauth.account.decorators import reauthentication_required
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from core.problems import Conflict, NotFound
from core.tables import listing
from partners import invitations, members, permissions
from partners.forms import InvitationForm, RoleForm
from partners.models import Invitation, Member
from partners.pages import PartnerRequest, partner_page
from partners.permissions import Role


@partner_page("members:read")
def team(request: PartnerRequest) -> HttpResponse:
    """Who is in the team, in which role, who is invited, and what each role may."""
    me, partner = request.member, request.partner
    people = listing(request, Member.objects.of_partner(partner).select_related("user"), ordering="id")
    for member in people:
        member.is_me = member.pk == me.pk
        member.page_of = partner if me.may_manage(member) else None
        member.heir_of = partner if me.role == Role.OWNER and not member.is_me else None
        member.leaves = partner if member.is_me and me.role != Role.OWNER else None
    invited: list[Any] = list(Invitation.objects.of_partner(partner).pending().select_related("invited_by").order_by("-id"))
    for invitation in invited:
        invitation.page_of = partner if me.may("members:write") else None
    context = {
        "people": people,
        "invited": invited,
        "may_invite": me.may("members:write"),
        "roles": Role.choices,
        "table": [(name, permissions.in_words(name), allowed) for name, allowed in permissions.table()],
    }
    return render(request, "partners/team.html", context)


@partner_page("members:write")
def invite(request: PartnerRequest) -> HttpResponse:
    """Offer somebody a place in the team, by mail."""
    form = InvitationForm(request.POST or None)
    if form.is_valid():
        invitation = invitations.invite(partner=request.partner, by=request.actor, inviter=request.user, **form.cleaned_data)
        messages.success(request, _("Invited. The mail to %(email)s is on its way.") % {"email": invitation.email})
        return redirect("partners:team", slug=request.partner.slug)
    return render(request, "partners/invite.html", {"form": form})


@require_POST
@partner_page("members:write")
def resend(request: PartnerRequest, public_id: str) -> HttpResponse:
    """Send an invitation again, with a new link."""
    invitation = _invitation(request, public_id)
    try:
        invitations.resend(invitation=invitation, by=request.actor)
    except Conflict as problem:
        messages.error(request, problem.said)
    else:
        messages.success(request, _("Sent to %(email)s again. The earlier link no longer works.") % {"email": invitation.email})
    return redirect("partners:team", slug=request.partner.slug)


@partner_page("members:write")
def revoke(request: PartnerRequest, public_id: str) -> HttpResponse:
    """Take an invitation back, after asking."""
    invitation = _invitation(request, public_id)
    if request.method == "POST":
        invitations.revoke(invitation=invitation, by=request.actor)
        messages.success(request, _("The invitation of %(email)s was taken back.") % {"email": invitation.email})
        return redirect("partners:team", slug=request.partner.slug)
    return render(request, "partners/revoke_invitation.html", {"invitation": invitation})


@partner_page("members:write")
def role(request: PartnerRequest, public_id: str) -> HttpResponse:
    """Give a member another role."""
    member = _managed(request, public_id)
    form = RoleForm(request.POST or None, initial={"role": member.role})
    if form.is_valid():
        chosen = Role(form.cleaned_data["role"])
        members.change_role(member=member, role=chosen, by=request.actor)
        messages.success(request, _("%(person)s now has the role %(role)s.") % {"person": member.user, "role": chosen.label})
        return redirect("partners:team", slug=request.partner.slug)
    return render(request, "partners/role.html", {"form": form, "subject": member})


@partner_page("members:write")
def remove(request: PartnerRequest, public_id: str) -> HttpResponse:
    """Take a member out of the team, after asking."""
    member = _managed(request, public_id)
    if request.method == "POST":
        members.remove(member=member, by=request.actor)
        messages.success(request, _("%(person)s is no longer in the team.") % {"person": member.user})
        return redirect("partners:team", slug=request.partner.slug)
    return render(request, "partners/remove.html", {"subject": member})


@partner_page("partner:read", operators="never")
def leave(request: PartnerRequest) -> HttpResponse:
    """Leave the team oneself, after being asked. The owner hands the partner over first."""
    if request.method == "POST":
        members.remove(member=request.member, by=request.actor)
        messages.success(request, _("You left the team of %(partner)s.") % {"partner": request.partner})
        return redirect("portal:home")
    return render(request, "partners/leave.html", {"is_owner": request.member.role == Role.OWNER})


@partner_page("partner:own")
@reauthentication_required  # type: ignore[untyped-decorator]  # untyped in allauth
def transfer(request: PartnerRequest, public_id: str) -> HttpResponse:
    """Hand the partner over to another person of the team, once the owner has shown again who it is."""
    heir = _member(request, public_id)
    if heir.pk == request.member.pk:
        raise NotFound()
    if request.method == "POST":
        members.transfer(owner=request.member, to=heir, by=request.actor)
        messages.success(request, _("%(person)s owns this partner now. You are an admin.") % {"person": heir.user})
        return redirect("partners:team", slug=request.partner.slug)
    return render(request, "partners/transfer.html", {"heir": heir})


def _invitation(request: PartnerRequest, public_id: str) -> Invitation:
    pending = Invitation.objects.of_partner(request.partner).pending()
    invitation = pending.select_related("partner", "invited_by").public(public_id).first()
    if invitation is None:
        raise NotFound()
    return invitation


def _member(request: PartnerRequest, public_id: str) -> Member:
    member = Member.objects.of_partner(request.partner).select_related("user", "partner").public(public_id).first()
    if member is None:
        raise NotFound()
    return member


def _managed(request: PartnerRequest, public_id: str) -> Member:
    member = _member(request, public_id)
    if not request.member.may_manage(member):
        raise PermissionDenied
    return member
