"""What partners show of themselves, on the wire: fields of the profile, the logo, and what everybody may see."""

from functools import partial
from typing import Any

from django.conf import settings
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema, extend_schema_field, extend_schema_view
from rest_framework import serializers
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from core.api.serializers import Strict, StrictModel
from core.api.views import ApiView, ApiViewSet, ListMixin, RetrieveMixin
from core.problems import BodyTooLarge
from partners import countries, logos
from partners.api.filters import ProfileFilter
from partners.models import Industry, Network, Partner
from partners.models.partners import MOST_INDUSTRIES

# The fields that a partner sets and everybody sees, beside name, type and website.
SHOWN = ("summary", "description", "industries", "countries", "public_email", "links", "logo")


class DescriptionField(serializers.CharField):
    """Markdown."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=5_000, allow_blank=True, help_text="Markdown (CommonMark with tables).", **kwargs)


class _Each(serializers.ListField):
    """Each once, in order."""

    def to_internal_value(self, data: Any) -> list[str]:
        if isinstance(data, list) and len(data) > (self.max_length or len(data)):
            self.fail("max_length", max_length=self.max_length)
        return sorted(set(super().to_internal_value(data)))


class IndustriesField(_Each):
    """At most five fields of trade."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(child=serializers.ChoiceField(Industry.choices), max_length=MOST_INDUSTRIES, **kwargs)


def _is_country(code: str) -> None:
    if code not in countries.names():
        raise serializers.ValidationError(_("This is no country's code of two letters (ISO 3166-1)."))


class CountriesField(_Each):
    """Codes of ISO 3166-1, such as DE."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(child=serializers.CharField(validators=[_is_country]), max_length=300, **kwargs)


def _is_of(network: Network, address: str) -> None:
    if not network.owns(address):
        raise serializers.ValidationError(_("This is no page of {network}.").format(network=network.label))


def _link(network: Network) -> serializers.URLField:
    return serializers.URLField(required=False, max_length=200, validators=[partial(_is_of, network)])


class LinksSerializer(Strict):
    """Pages elsewhere: the address in each network."""

    linkedin = _link(Network.LINKEDIN)
    github = _link(Network.GITHUB)
    x = _link(Network.X)
    youtube = _link(Network.YOUTUBE)
    facebook = _link(Network.FACEBOOK)
    instagram = _link(Network.INSTAGRAM)

    def to_representation(self, instance: Any) -> dict[str, str]:
        return dict(instance)

    def to_internal_value(self, data: Any) -> dict[str, str]:
        return dict(super().to_internal_value(data))


LOGO = {
    "type": ["object", "null"],
    "description": "Squares of 64 and 256 pixels, PNG. The addresses change with the picture, so keep what they show for ever.",
    "required": ["small", "large"],
    "properties": {"small": {"type": "string", "format": "uri"}, "large": {"type": "string", "format": "uri"}},
}


@extend_schema_field(LOGO)
class LogoField(serializers.Field[Any, Any, Any, Any]):
    """Where a partner's logo is, or null; for reading."""

    def to_representation(self, partner: Partner) -> dict[str, str] | None:
        if not partner.logo:
            return None
        return {"small": settings.BASE_URL + partner.logo_small, "large": settings.BASE_URL + partner.logo_large}


class ProfileSerializer(StrictModel):
    """What everybody may see of a partner. `description` is Markdown; `verified`: its documents were looked at."""

    links = LinksSerializer(read_only=True)
    logo = LogoField(source="*", read_only=True)
    verified = serializers.SerializerMethodField()
    url = serializers.SerializerMethodField()

    class Meta:
        model = Partner
        fields = ["id", "slug", "name", "type", "website", *SHOWN, "verified", "url", "activated_at"]
        read_only_fields = fields

    def get_verified(self, partner: Partner) -> bool:
        return partner.verified_at is not None

    @extend_schema_field({"type": "string", "format": "uri"})
    def get_url(self, partner: Partner) -> str:
        return settings.BASE_URL + partner.get_absolute_url()


@extend_schema_view(
    list=extend_schema(operation_id="listPartnerProfiles", summary="List public partners"),
    retrieve=extend_schema(operation_id="getPartnerProfile", summary="Get a public partner"),
)
class ProfileViewSet(ApiViewSet, ListMixin, RetrieveMixin):
    """Partners that show themselves in public."""

    audience = "public"
    queryset = Partner.objects.public_profiles()
    serializer_class = ProfileSerializer
    filterset_class = ProfileFilter
    ordering_fields = ("name",)
    lookup_field = "slug"

    def filter_by_public_id(self, queryset: Any) -> Any:
        return queryset.filter(slug=self.kwargs["slug"]).first()


class PictureSerializer(Strict):
    """A picture to take for the logo."""

    file = serializers.FileField()


class LogoAnswerSerializer(Strict):
    """Where the logo is now."""

    logo = LogoField(source="*", read_only=True)


class LogoView(ApiView):
    """The calling partner's logo."""

    scopes = {"write": "partner:write"}
    parser_classes = [MultiPartParser]

    @extend_schema(
        operation_id="setLogo",
        summary="Set your logo",
        request={"multipart/form-data": PictureSerializer},
        responses=LogoAnswerSerializer,
    )
    def put(self, request: Request) -> Response:
        """A PNG, JPEG or WebP of at most 4 MiB, best square and at least 256 pixels wide. It is made anew from its pixels; SVG is
        refused, since it can hold programs. The same picture again changes nothing."""
        file = self.read(PictureSerializer)["file"]
        if file.size > logos.LARGEST:
            raise BodyTooLarge(limit=logos.LARGEST)
        return Response(LogoAnswerSerializer(logos.put(partner=self.partner, content=file.read(), by=self.actor)).data)

    @extend_schema(operation_id="removeLogo", summary="Remove your logo", responses={204: None})
    def delete(self, request: Request) -> Response:
        """Your initials stand in its place."""
        logos.remove(partner=self.partner, by=self.actor)
        return Response(status=204)
