"""The operators' console, and what its lists are measured by."""

import pytest
from django.test import Client

# Tables that stay small, whatever an installation does.
SMALL = {
    *("partners_tier", "partners_terms", "auth_group", "auth_permission", "django_content_type", "django_session"),
    *("requests_requesttype", "marketplace_category", "billing_price", "core_operatortoken", "auth_user_groups"),
}


@pytest.fixture
def console(db: None) -> Client:
    from core.models import User

    client = Client()
    client.force_login(User.objects.create_superuser("root@portico.example"))
    return client
