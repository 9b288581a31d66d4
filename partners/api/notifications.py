"""Notifications of the people of the calling partner, and which of them they want.

A program is nobody in the team, so it names whose they are by `?member=mem_…`; without it they are the owner's.
"""

from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from core.api.filters import refuse_unknown
from core.api.serializers import Strict, StrictModel
from core.api.views import ApiView, PartnerViewSet
from core.problems import NotFound, ValidationError
from partners import notices, preferences
from partners.api.filters import NotificationFilter
from partners.models import Member, Notice
from partners.models.team import Frequency
from partners.permissions import Role

WHOSE = OpenApiParameter("member", description="Id of the member whose they are; without it, the owner's.")
PREFERENCES = {
    "digest_frequency": "daily",
    "kinds": [
        {
            "kind": "partner_activated",
            "title": "A partner went live.",
            "channels": {"portal": True, "mail": True, "digest": False},
            "locked": [],
        }
    ],
}


def member_named(partner: Any, public_id: str) -> Member | None:
    """The member of this partner that a query names; without a name its owner, if it has one. Raises NotFound."""
    team = Member.objects.of_partner(partner).select_related("user")
    if not public_id:
        return team.filter(role=Role.OWNER).order_by("id").first()
    member = team.public(public_id).first()
    if member is None:
        raise NotFound()
    return member


class NotificationSerializer(StrictModel):
    """What a person is told; `event_id` is the event behind it, `url` where it leads."""

    title = serializers.SerializerMethodField()
    text = serializers.SerializerMethodField()
    url = serializers.SerializerMethodField()
    event_id = serializers.CharField(source="cause", read_only=True)

    class Meta:
        model = Notice
        fields = ["id", "kind", "title", "text", "url", "event_id", "created_at", "read_at"]
        read_only_fields = fields

    def get_title(self, notice: Notice) -> str:
        return notices.said(notice).title

    def get_text(self, notice: Notice) -> str:
        return "\n\n".join(paragraph for paragraph in notices.said(notice).paragraphs if paragraph)

    def get_url(self, notice: Notice) -> str:
        return notices.said(notice).url


@extend_schema_view(list=extend_schema(operation_id="listNotifications", summary="List notifications"))
class NotificationViewSet(PartnerViewSet):
    """Notifications of the team, newest first. They are of no environment, as the people are."""

    queryset = Notice.objects.all()
    serializer_class = NotificationSerializer
    filterset_class = NotificationFilter
    scopes = {"read": "partner:read", "write": "partner:write"}

    def get_queryset(self) -> Any:
        return self.queryset.shown_in(self.caller.partner_id)

    def list(self, request: Request) -> Response:
        """Those of one member: the owner's, or `member`'s."""
        member = member_named(self.caller.partner_id, request.query_params.get("member", ""))
        return self.listed(Notice.objects.shown_to(member) if member else Notice.objects.none())

    @extend_schema(
        operation_id="readNotification", summary="Mark a notification as read", request=None, responses=NotificationSerializer
    )
    def mark_read(self, request: Request, public_id: str) -> Response:
        """Marking it again changes nothing."""
        notice = self.get_object()
        self.get_queryset().filter(pk=notice.pk).mark_read()
        notice.refresh_from_db()
        return Response(self.get_serializer(notice).data)


class ChannelsSerializer(Strict):
    """The channels of one kind."""

    portal = serializers.BooleanField(required=False)
    mail = serializers.BooleanField(required=False)
    digest = serializers.BooleanField(required=False)


class ChoiceSerializer(Strict):
    """One kind of notification; what is in `locked` can't be switched off."""

    kind = serializers.CharField(read_only=True)
    title = serializers.CharField(read_only=True)
    channels = ChannelsSerializer(read_only=True)
    locked = serializers.ListField(child=serializers.CharField(), read_only=True)


class PreferencesSerializer(Strict):
    """What a member is told, and how."""

    digest_frequency = serializers.ChoiceField(Frequency.choices, read_only=True)
    kinds = ChoiceSerializer(many=True, read_only=True)


class WishesSerializer(Strict):
    """Changes of preferences, by kind; what isn't named stays."""

    digest_frequency = serializers.ChoiceField(Frequency.choices, required=False)
    kinds = serializers.DictField(child=ChannelsSerializer(), required=False)


class PreferencesView(ApiView):
    """By which channels a member is told of what."""

    scopes = {"read": "partner:read", "write": "partner:write"}

    @extend_schema(
        operation_id="getNotificationPreferences",
        summary="Get notification preferences",
        parameters=[WHOSE],
        responses=PreferencesSerializer,
        examples=[OpenApiExample("Usual", PREFERENCES, response_only=True)],
    )
    def get(self, request: Request) -> Response:
        return self._answer(self._member())

    @extend_schema(
        operation_id="changeNotificationPreferences",
        summary="Change notification preferences",
        parameters=[WHOSE],
        request=WishesSerializer,
        responses=PreferencesSerializer,
        examples=[
            OpenApiExample(
                "A weekly digest instead of mail",
                {"digest_frequency": "weekly", "kinds": {"partner_activated": {"mail": False, "digest": True}}},
                request_only=True,
            )
        ],
    )
    def patch(self, request: Request) -> Response:
        member = self._member()
        preferences.change(member=member, by=self.actor, **self.read(WishesSerializer))
        return self._answer(member)

    def _member(self) -> Member:
        refuse_unknown(self.request, {"member"})
        member = member_named(self.caller.partner_id, self.request.query_params.get("member", ""))
        if member is None:
            raise ValidationError({"member": [_("This partner has no owner. Name a member.")]})
        return member

    def _answer(self, member: Member) -> Response:
        found = {"digest_frequency": member.digest_frequency, "kinds": preferences.of(member)}
        return Response(PreferencesSerializer(found).data)
