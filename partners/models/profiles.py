"""The words in which a partner says for whom it works and where else it is found."""

from urllib.parse import urlsplit

from django.db import models
from django.utils.translation import gettext_lazy as _


class Industry(models.TextChoices):
    """Fields of trade that a partner works for."""

    AGRICULTURE = "agriculture", _("Agriculture")
    AUTOMOTIVE = "automotive", _("Automotive")
    EDUCATION = "education", _("Education")
    ENERGY = "energy", _("Energy")
    FINANCE = "finance", _("Finance and banking")
    FOOD = "food", _("Food and hospitality")
    GAMING = "gaming", _("Gaming")
    HEALTH = "health", _("Health")
    INSURANCE = "insurance", _("Insurance")
    LEGAL = "legal", _("Legal")
    LOGISTICS = "logistics", _("Logistics")
    MANUFACTURING = "manufacturing", _("Manufacturing")
    MARKETING = "marketing", _("Marketing and sales")
    MEDIA = "media", _("Media")
    NON_PROFIT = "non_profit", _("Non-profit")
    PUBLIC_SECTOR = "public_sector", _("Public sector")
    REAL_ESTATE = "real_estate", _("Real estate")
    RETAIL = "retail", _("Retail and e-commerce")
    SECURITY = "security", _("Security")
    SERVICES = "services", _("Professional services")
    SOFTWARE = "software", _("Software")
    TELECOM = "telecom", _("Telecommunications")
    TRAVEL = "travel", _("Travel")


class Network(models.TextChoices):
    """Where partners have a page besides their own site."""

    LINKEDIN = "linkedin", "LinkedIn"
    GITHUB = "github", "GitHub"
    X = "x", "X"
    YOUTUBE = "youtube", "YouTube"
    FACEBOOK = "facebook", "Facebook"
    INSTAGRAM = "instagram", "Instagram"

    @property
    def hosts(self) -> tuple[str, ...]:
        """Whose addresses are of this network; so are those of hosts within them."""
        return ("x.com", "twitter.com") if self is Network.X else (f"{self.value}.com",)

    def owns(self, address: str) -> bool:
        """Whether it is the address of a page there."""
        parts = urlsplit(address)
        host = parts.hostname or ""
        return (
            parts.scheme == "https"
            and any(host == each or host.endswith(f".{each}") for each in self.hosts)
            and len(parts.path) > 1
        )
