"""The partner API about the team: people and invitations. Both are of the partner as a whole, and of no environment.

What only a person can do isn't here: accepting an invitation, leaving, handing the partner over.
"""

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_view
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from core.api.views import Created, ListMixin, PartnerViewSet, RetrieveMixin
from partners import invitations, members
from partners.api.serializers import InvitationSerializer, InviteSerializer, MemberSerializer, RoleSerializer
from partners.models import Invitation, Member

DEVELOPER = OpenApiExample("A developer", {"email": "bob@acme.example", "role": "developer"}, request_only=True)
FINANCE = OpenApiExample("Finance", {"role": "finance"}, request_only=True)


class TeamViewSet(PartnerViewSet):
    """Base of what a partner's team consists of."""

    scopes = {"read": "members:read", "write": "members:write"}

    def get_queryset(self) -> Any:
        queryset: Any = super(PartnerViewSet, self).get_queryset()
        return queryset.of_partner(self.caller.partner_id)


@extend_schema_view(
    list=extend_schema(operation_id="listMembers", summary="List the team"),
    retrieve=extend_schema(operation_id="getMember", summary="Get a person of the team"),
)
class MemberViewSet(TeamViewSet, ListMixin, RetrieveMixin):
    """The people of the calling partner."""

    queryset = Member.objects.select_related("user", "partner")
    serializer_class = MemberSerializer

    @extend_schema(operation_id="updateMember", summary="Give a person another role", request=RoleSerializer, examples=[FINANCE])
    def partial_update(self, request: Request, public_id: str) -> Response:
        """The owner keeps the role (409): ownership is handed over by the owner, in the portal."""
        member = self.get_object()
        members.change_role(member=member, by=self.actor, **self.read(RoleSerializer))
        return Response(MemberSerializer(member).data)

    @extend_schema(operation_id="removeMember", summary="Take a person out of the team", responses={204: None})
    def destroy(self, request: Request, public_id: str) -> Response:
        """They lose access at once; keys that they made go on working. The owner stays (409)."""
        members.remove(member=self.get_object(), by=self.actor)
        return Response(status=204)


@extend_schema_view(
    list=extend_schema(operation_id="listInvitations", summary="List invitations"),
    retrieve=extend_schema(operation_id="getInvitation", summary="Get an invitation"),
)
class InvitationViewSet(TeamViewSet, ListMixin, RetrieveMixin):
    """Invitations into the team that wait to be accepted, newest first; `expired` ones can be sent again."""

    queryset = Invitation.objects.pending().select_related("partner", "invited_by")
    serializer_class = InvitationSerializer

    @extend_schema(
        operation_id="createInvitation",
        summary="Invite somebody",
        request=InviteSerializer,
        responses={201: InvitationSerializer},
        examples=[DEVELOPER],
    )
    def create(self, request: Request) -> Response:
        """Mails a link that works for seven days and for this address alone. `owner` is possible only while there is none."""
        invitation = invitations.invite(partner=self.partner, by=self.actor, **self.read(InviteSerializer))
        return Created(InvitationSerializer(invitation).data)

    @extend_schema(operation_id="revokeInvitation", summary="Revoke an invitation", responses={204: None})
    def destroy(self, request: Request, public_id: str) -> Response:
        """Its link stops working."""
        invitations.revoke(invitation=self.get_object(), by=self.actor)
        return Response(status=204)

    @extend_schema(operation_id="resendInvitation", summary="Send an invitation again", request=None)
    @action(detail=True, methods=["post"])
    def resend(self, request: Request, public_id: str) -> Response:
        """With a new link and all of its seven days; the earlier link stops working. At most once a minute."""
        invitation = self.get_object()
        invitations.resend(invitation=invitation, by=self.actor)
        return Response(InvitationSerializer(invitation).data)
