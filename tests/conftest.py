"""What every test stands on: a real PostgreSQL and a real Valkey, started once for the session unless the environment names them.

The environment is complete before Django reads its settings, so settings have no defaults made for tests. Each xdist worker
has a database (pytest-django's suffix), a Redis database and a home of its own.
"""

import os
import secrets
import shutil
import tempfile
from base64 import urlsafe_b64encode
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import redis as redis_client
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

pytest_plugins = ["tests.database", "tests.platform"]

# How long a machine takes says nothing of the code.
hypothesis_settings.register_profile("portico", deadline=None, suppress_health_check=[HealthCheck.too_slow])
hypothesis_settings.load_profile("portico")

ENGINES = pytest.StashKey[object]()
HOME = pytest.StashKey[Path]()


def pytest_configure(config: pytest.Config) -> None:
    """Start the engines in the session's first process; its xdist workers inherit where they are."""
    home = Path(tempfile.mkdtemp(prefix="portico-test-"))
    config.stash[HOME] = home
    worker = os.environ.get("PYTEST_XDIST_WORKER")
    if not ("DATABASE_URL" in os.environ and "REDIS_URL" in os.environ):
        from local import engines

        running = engines.start(home / "engines", durable=False)
        config.stash[ENGINES] = running
        os.environ |= {"DATABASE_URL": running.database_url, "REDIS_URL": running.redis_url}
    if worker:
        os.environ["REDIS_URL"] = _with_database(os.environ["REDIS_URL"], int(worker.removeprefix("gw")) + 1)
    os.environ |= {
        "PORTICO_HOME": str(home),
        "PORTICO_MODE": "test",
        "PORTICO_ALLOW_LOCAL_TARGETS": "1",
        "PORTICO_SECRET_KEY": secrets.token_urlsafe(48),
        "PORTICO_ENCRYPTION_KEYS": urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        "PORTICO_HASH_KEY": secrets.token_urlsafe(32),
        "PORTICO_IDENTITY_KEY": secrets.token_urlsafe(32),
    }
    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
    from django.conf import settings

    settings.DATABASES  # noqa: B018 - reads the settings now; pytest-django sets Django up after this
    if config.getoption("numprocesses", None) and not worker:
        # pytest-django would read the settings in each xdist worker before this function has given it an environment.
        del os.environ["DJANGO_SETTINGS_MODULE"]


@pytest.hookimpl(wrapper=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> Iterator[None]:
    """Mark the tests on the running platform, and run them last: they commit what they make.

    Those in a browser come just before: its driver keeps an event loop running in their thread.
    """
    for item in items:
        if {"platform", "gateway"} & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.platform)
    yield
    items.sort(key=lambda item: (item.get_closest_marker("platform") is not None, item.get_closest_marker("browser") is not None))


def pytest_unconfigure(config: pytest.Config) -> None:
    running = config.stash.get(ENGINES, None)
    if running is not None:
        running.remove()
    shutil.rmtree(config.stash[HOME], ignore_errors=True)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name what was skipped, and so what to install, at the end of the run."""
    reasons = Counter(str(report.longrepr[2]).removeprefix("Skipped: ") for report in terminalreporter.stats.get("skipped", []))
    if reasons:
        terminalreporter.section("Skipped for want of something")
        for reason, count in reasons.most_common():
            terminalreporter.write_line(f"{count} × {reason}")


def _with_database(url: str, number: int) -> str:
    """The same Redis, another of its numbered databases."""
    if url.startswith("unix://"):
        return f"{url.split('?', maxsplit=1)[0]}?db={number}"
    return f"{url.rsplit('/', 1)[0]}/{number}" if url.count("/") > 2 else f"{url}/{number}"


@pytest.fixture(scope="session")
def redis() -> Iterator["redis_client.Redis"]:
    """A client of this worker's Redis database."""
    with redis_client.Redis.from_url(os.environ["REDIS_URL"]) as client:
        yield client


@pytest.fixture(scope="session", autouse=True)
def _quick_hashes(django_test_environment: None) -> Iterator[None]:
    """How slowly a password is hashed is not what tests are about; it would be half a second for each person they make."""
    from django.test import override_settings

    with override_settings(PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"]):
        yield


@pytest.fixture(scope="session", autouse=True)
def _watched() -> Iterator[None]:
    from tests import leaks

    with leaks.watching():
        yield
    seen = leaks.take()
    assert not seen, "\n".join(seen)


@pytest.fixture(autouse=True)
def _nothing_leaks(_watched: None) -> Iterator[None]:
    """No credential, password or content of a document gets into logs, events or mail, whatever a test does."""
    from tests import leaks

    yield
    seen = leaks.take()
    assert not seen, "\n".join(seen)


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]) -> Callable[[str], None]:
    """Prints the figures of a test, whether or not it fails."""

    def say(text: str) -> None:
        with capsys.disabled():
            print(f"\n{text}")

    return say


class Outbox(Sequence[Any]):
    """The mail so far, what the worker would send by now included."""

    def _sent(self) -> list[Any]:
        from django.core import mail

        from partners import notices

        while notices.send_due():
            pass
        return list(mail.outbox)

    def __getitem__(self, index: Any) -> Any:
        return self._sent()[index]

    def __len__(self) -> int:
        return len(self._sent())


@pytest.fixture
def mailoutbox(_nothing_leaks: None) -> Outbox:
    """Instead of pytest-django's: mail is sent by a loop of the worker."""
    return Outbox()


@pytest.fixture(autouse=True)
def _empty_redis(request: pytest.FixtureRequest) -> None:
    """A test that begins with an empty database begins with an empty Redis too."""
    if request.node.get_closest_marker("django_db"):
        request.getfixturevalue("redis").flushdb()
