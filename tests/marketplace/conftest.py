"""A seller, a consumer and a stranger."""

from typing import Any

import pytest


@pytest.fixture
def seller(db: None) -> Any:
    from tests.marketplace.makers import make_partner

    return make_partner("seller")


@pytest.fixture
def consumer(db: None) -> Any:
    from tests.marketplace.makers import make_partner

    return make_partner("consumer")


@pytest.fixture
def stranger(db: None) -> Any:
    from tests.marketplace.makers import make_partner

    return make_partner("stranger")
