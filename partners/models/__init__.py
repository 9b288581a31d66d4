"""Partners: organisations, the people in them, and the tier that says what they may."""

from partners.models.impersonations import Impersonation
from partners.models.logos import Logo
from partners.models.notes import Note
from partners.models.notices import Channel, Chosen, Notice, Preference
from partners.models.partners import ApiSetup, Company, Partner, TierChange
from partners.models.profiles import Industry, Network
from partners.models.reviews import Document, Review
from partners.models.team import Invitation, Member
from partners.models.terms import Acceptance, Terms
from partners.models.tier_requests import TierRequest
from partners.models.tiers import DocumentKind, Tier

__all__ = [
    "Acceptance",
    "ApiSetup",
    "Channel",
    "Chosen",
    "Company",
    "Document",
    "DocumentKind",
    "Impersonation",
    "Industry",
    "Invitation",
    "Logo",
    "Member",
    "Network",
    "Note",
    "Notice",
    "Partner",
    "Preference",
    "Review",
    "Terms",
    "Tier",
    "TierChange",
    "TierRequest",
]
