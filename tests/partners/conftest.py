"""Partners made through the verbs."""

import pytest

from core.actors import Actor

PUBLIC = Actor("public", address="203.0.113.9")


@pytest.fixture
def operator(db):
    from core.models import User

    return User.objects.create_superuser("op@portico.example", "a long enough password")


@pytest.fixture
def by_operator(operator) -> Actor:
    return Actor("operator", operator.pk, operator.email)


@pytest.fixture
def newcomer(db):
    """Registered, nothing confirmed."""
    from partners import partners

    return partners.register(
        email="ann@acme.example", password="kumquat-sunrise-42", company_name="Acme", type="technology", by=PUBLIC
    )


@pytest.fixture
def confirmed(newcomer):
    from core.models import User
    from partners import members

    members.confirm(token=members.confirmation(User.objects.get(email="ann@acme.example")), by=PUBLIC)
    return newcomer


@pytest.fixture
def submitted(confirmed):
    """Everything filled in on a tier that wants an approved application, and waiting for the operators."""
    from partners import onboarding
    from partners.models import Tier

    Tier.objects.filter(pk=confirmed.tier_id).update(needs_application=True)
    confirmed.tier.refresh_from_db()

    onboarding.save(partner=confirmed, step="basic-info", by=PUBLIC, contact_name="Ann", contact_email="ann@acme.example")
    onboarding.save(
        partner=confirmed, step="business-details", by=PUBLIC, legal_name="Acme Ltd", street="1 Road", city="Leeds", country="GB"
    )
    onboarding.save(partner=confirmed, step="api-setup", by=PUBLIC, use_case="Orders")
    onboarding.submit(partner=confirmed, by=PUBLIC)
    return confirmed


@pytest.fixture
def active(by_operator):
    """A live partner that an operator made."""
    from partners import partners

    return partners.create(name="Globex", by=by_operator, active=True)


@pytest.fixture
def console(operator, by_operator):
    """An operator's program."""
    from core import operators
    from tests.callers import Caller

    token = operators.issue(user=operator, name="console", scopes=["*"], by=by_operator).token
    return Caller("operator", credential=token.pk)


@pytest.fixture
def signed_in(db):
    """A browser of one person of a partner, in one role: `signed_in(partner, "owner")`."""
    from django.test import Client

    from core.models import User
    from partners.models import Member

    def sign_in(partner, role):
        member = Member.objects.filter(partner=partner, role=role).first()
        if member is None:
            user = User.objects.create_user(f"{role}@{partner.slug}.example")
            member = Member.objects.create(partner=partner, user=user, role=role)
        client = Client()
        client.force_login(member.user)
        return client

    return sign_in
