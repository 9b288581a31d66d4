"""Where allauth's flows fit into this house: whose address counts, what is written together, and how secrets are kept."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.models import EmailAddress
from allauth.mfa.adapter import DefaultMFAAdapter
from django.conf import settings
from django.db import transaction
from django.http import HttpRequest

from core import crypto
from core.models import User


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Sign-up, sign-in and what belongs to them."""

    def get_client_ip(self, request: HttpRequest) -> str:
        """The address that the gateway found by the trusted proxies; attempts are counted by it."""
        return request.call.address or str(super().get_client_ip(request))  # type: ignore[attr-defined]

    @transaction.atomic
    def confirm_email(self, request: HttpRequest, email_address: EmailAddress) -> bool:
        """The address and the events that tell of it (`partners.security`) are written together."""
        return bool(super().confirm_email(request, email_address))

    def send_notification_mail(self, template_prefix: str, user: User, *args: Any, **kwargs: Any) -> None:
        """Tell the person once it is true. A mail server that is away undoes nothing: the failure is logged."""
        tell = super().send_notification_mail
        transaction.on_commit(lambda: tell(template_prefix, user, *args, **kwargs), robust=True)


class SecondFactorAdapter(DefaultMFAAdapter):  # type: ignore[misc]
    """Authenticator apps, passkeys and recovery codes. What must be read again is encrypted at rest."""

    def encrypt(self, text: str) -> str:
        return crypto.encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        return crypto.decrypt(encrypted_text.encode()).decode()

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        """What a passkey belongs to; devices show the name."""
        return {**super().get_public_key_credential_rp_entity(), "name": settings.MFA_TOTP_ISSUER}
