"""Where allauth's flows fit into this house: whose address counts, what is written together, and how secrets are kept."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.models import EmailAddress
from allauth.core import context as asking
from allauth.mfa.adapter import DefaultMFAAdapter
from django.conf import settings
from django.contrib.sites.shortcuts import get_current_site
from django.db import transaction
from django.http import HttpRequest

from core import crypto
from partners import notices


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Sign-up, sign-in and what belongs to them."""

    def get_client_ip(self, request: HttpRequest) -> str:
        """The address that the gateway found by the trusted proxies; attempts are counted by it."""
        return request.call.address or str(super().get_client_ip(request))  # type: ignore[attr-defined]

    @transaction.atomic
    def confirm_email(self, request: HttpRequest, email_address: EmailAddress) -> bool:
        """The address and the events that tell of it (`partners.security`) are written together."""
        return bool(super().confirm_email(request, email_address))

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """The loop that sends notices sends it: a slow mail server keeps nobody waiting, an absent one undoes nothing, and
        how long a page takes doesn't tell whether an address is known."""
        about = {"request": asking.request, "email": email, "current_site": get_current_site(asking.request)}
        notices.post(self.render_mail(template_prefix, email, {**about, **context}))


class SecondFactorAdapter(DefaultMFAAdapter):  # type: ignore[misc]
    """Authenticator apps, passkeys and recovery codes. What must be read again is encrypted at rest."""

    def encrypt(self, text: str) -> str:
        return crypto.encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        return crypto.decrypt(encrypted_text.encode()).decode()

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        """What a passkey belongs to; devices show the name."""
        return {**super().get_public_key_credential_rp_entity(), "name": settings.MFA_TOTP_ISSUER}
