"""Homes for tests of `local`, each removed with whatever it had outside of itself."""

import pytest


@pytest.fixture
def own_engines(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take away the session's engines, so that the code under test starts its own."""
    monkeypatch.delenv("DATABASE_URL")
    monkeypatch.delenv("REDIS_URL")
