"""Unusual use: what is new against a key's own history, once a day, and not of young keys."""

from datetime import timedelta

import pytest

from abuse import sightings, unusual
from abuse.models import Oddity, Sighting
from apikeys.models import Key
from core import clock
from core.models import Event


@pytest.fixture
def old_key(key):
    Key.objects.filter(pk=key.pk).update(created_at=clock.now() - timedelta(days=60))
    return key


@pytest.fixture
def noon():
    """A clock that stands at noon, so that hours of the day are far from its ends."""
    now = clock.now()
    clock.tick(now.replace(hour=12, minute=30) - now)
    yield
    clock.reset()


@pytest.fixture
def regular(old_key, calls, noon):
    """Two weeks of 30 calls at eleven and at noon."""
    for days in range(1, 13):
        for hours in (0, 1):
            calls(old_key, 30, ago=timedelta(days=days, hours=hours))
    Sighting.objects.update(first_at=clock.now() - timedelta(days=12))
    return old_key


def look():
    return unusual.look(clock.now())


def test_a_new_network_is_told_once(regular, calls):
    calls(regular, 1, address="203.0.77.1")  # of the same /16
    assert look() == 0
    calls(regular, 1, address="198.51.100.7")
    assert (look(), look()) == (1, 0)
    told = Event.objects.get(type="key.unusual_use")
    assert told.data["kind"] == "network"
    assert "198.51.100.0/24" in told.data["reason"]
    calls(regular, 1, address="2001:db8::1")
    assert look() == 0, "once a day at most"


def test_volume_and_hour(regular, calls):
    calls(regular, 40)
    assert look() == 0
    calls(regular, 1_000)
    assert look() == 1
    assert Oddity.objects.get().kind == "volume"


def test_an_hour_in_which_it_never_called(regular, calls):
    clock.tick(timedelta(hours=5))
    calls(regular, 25)
    assert look() == 1
    assert Oddity.objects.get().kind == "hour"


def test_young_and_muted_keys_are_left_alone(key, regular, calls):
    unusual.mute(key=regular)
    calls(regular, 1, address="198.51.100.7")
    assert look() == 0
    unusual.unmute(key=regular)
    Key.objects.update(created_at=clock.now() - timedelta(days=2))
    assert look() == 0


def test_networks_are_forgotten(key, calls):
    calls(key, 3, address="198.51.100.7")
    calls(key, 1, address="198.51.100.8")
    assert Sighting.objects.count() == 1
    Sighting.objects.update(last_at=clock.now() - timedelta(days=91))
    assert sightings.forget() == 1
