"""Folders under /var/lib go with their homes, also with those deleted by hand, and never with one that may come back."""

import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from local import engines, places
from local.home import Home
from local.postgres import Postgres

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root has places outside of the home")


@pytest.fixture
def kept(home: Path) -> Iterator[Path]:
    """The place of a home that is worth keeping, last started long ago."""
    place = Postgres(Home.open(home)).place
    age(place)
    yield place
    shutil.rmtree(place, ignore_errors=True)


def age(place: Path) -> None:
    past = time.time() - places.KEPT - 60
    os.utime(place / places.RECORD, (past, past))


def test_of_a_home_that_was_deleted_long_ago(home: Path, kept: Path) -> None:
    shutil.rmtree(home)
    places.sweep()
    assert not kept.exists()


def test_of_a_home_that_was_deleted_and_made_anew(home: Path, kept: Path) -> None:
    shutil.rmtree(home)
    anew = Postgres(Home.open(home)).place
    places.sweep()
    assert anew.exists()
    assert not kept.exists()


def test_of_a_home_that_is_there(kept: Path) -> None:
    places.sweep()
    assert kept.exists()


def test_of_a_home_that_was_deleted_just_now_or_lies_on_another_disk(home: Path, kept: Path) -> None:
    os.utime(kept / places.RECORD)
    shutil.rmtree(home)
    places.sweep()
    assert kept.exists()
    age(kept)
    (kept / places.ANCHOR).unlink()
    places.sweep()
    assert kept.exists()


def test_of_a_home_that_was_moved(home: Path, kept: Path) -> None:
    home.rename(home.with_name("moved"))
    places.sweep()
    assert kept.exists()
    assert Postgres(Home.open(home.with_name("moved"))).place == kept


def test_of_tests_that_are_over(home: Path) -> None:
    place = Postgres(Home.open(home), durable=False).place
    places.sweep()
    assert place.exists()
    shutil.rmtree(home)
    places.sweep()
    assert not place.exists()


@pytest.mark.usefixtures("_no_outside_engines")
def test_where_a_server_runs(home: Path) -> None:
    running = engines.start(home, durable=False)
    place = running.postgres.place
    aside = home.rename(home.with_name("aside"))
    places.sweep()
    assert (place / "data" / "PG_VERSION").exists()
    aside.rename(home)
    running.remove()
    assert not place.exists()


def test_what_is_not_ours(tmp_path: Path) -> None:
    """By its name alone, or by a mark that another user could have put there, nothing is deleted."""
    for mode, marked in ((0o755, False), (0o777, True)):
        place = places.SYSTEM_FOLDER / f"portico-test-{tmp_path.name}"
        place.mkdir()
        try:
            if marked:
                (place / places.RECORD).write_text(f"{tmp_path}/gone\n{places.PASSING}\n")
            place.chmod(mode)
            places.sweep()
            assert place.exists()
        finally:
            shutil.rmtree(place)
