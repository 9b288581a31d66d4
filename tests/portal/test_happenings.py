"""What happened is told with names, and leads to the pages of what it is about."""

import pytest

from core.actors import SYSTEM
from core.models import Event
from partners import partners, tiers
from portal.happenings import told
from products.requests import requests

pytestmark = pytest.mark.django_db


@pytest.fixture
def acme():
    tiers.seed()
    return partners.create(name="Acme", by=SYSTEM, active=True)


def test_a_thing_is_called_by_its_name(acme) -> None:
    happening = told(Event.objects.filter(type="partner.created"))[0]
    assert (happening.about, happening.url) == ("Acme", "")


def test_it_leads_to_the_page_of_what_it_is_about(acme) -> None:
    made = requests.submit(partner=acme, environment="live", type="CREDIT_CHECK", payload={}, by=SYSTEM)
    happening = told(Event.objects.filter(subject=made.public_id), acme.slug)[0]
    assert (happening.about, happening.url) == ("CREDIT_CHECK", f"/p/{acme.slug}/requests/{made.public_id}")


def test_what_outlived_its_payload_keeps_its_id(acme) -> None:
    from core.models import Payload

    Payload.objects.all().delete()
    happening = told(Event.objects.filter(type="partner.created"))[0]
    assert (happening.about, happening.named) == (acme.public_id, False)


def test_a_page_of_them_asks_twice(acme, django_assert_num_queries) -> None:
    with django_assert_num_queries(2):
        assert len(told(Event.objects.filter(subject=acme.public_id))) > 1
