"""Search engines find every page that is for everybody, and none that isn't."""

import pytest
from django.conf import settings
from django.test import Client

from core.actors import SYSTEM
from partners import partners

pytestmark = pytest.mark.django_db


def read(path: str) -> str:
    answer = Client().get(path)
    assert answer.status_code == 200
    return answer.content.decode()


def test_public_profiles_alone_are_in_it():
    shown = partners.create(name="Acme", by=SYSTEM, active=True)
    for name, change in {"Hidden": {"listed": False}, "Gone": {}, "Pending": {}}.items():
        made = partners.create(name=name, by=SYSTEM, active=name != "Pending")
        partners.update(partner=made, by=SYSTEM, **change)
        if name == "Gone":
            partners.suspend(partner=made, reason="Unpaid", by=SYSTEM)
    found = read("/sitemap-partners.xml")
    assert found.count("<loc>") == 1
    assert f"<loc>{settings.BASE_URL}/partners/{shown.slug}</loc>" in found


def test_robots_are_led_to_every_part():
    assert f"Sitemap: {settings.BASE_URL}/sitemap.xml" in read("/robots.txt")
    parts = read("/sitemap.xml")
    for part in ("pages", "partners", "integrations"):
        assert f"/sitemap-{part}.xml" in parts
        read(f"/sitemap-{part}.xml")
    assert "/partners</loc>" in read("/sitemap-pages.xml")
    assert Client().get("/sitemap-people.xml").status_code == 404
