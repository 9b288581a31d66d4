"""The test database: made by the migrations, and put back as they left it after each test that commits.

Django's own way (`flush`) truncates every table and fills some of them anew by `post_migrate`, half a second a test. Here the
rows that the migrations left are kept in a schema of their own, and one statement empties the tables and copies them back.
"""

from collections.abc import Iterator
from typing import Any
from unittest import mock

import pytest

KEPT = "kept"  # the schema


@pytest.fixture(scope="session")
def django_db_setup(
    request: pytest.FixtureRequest,
    django_test_environment: None,
    django_db_modify_db_settings: None,
    django_db_blocker: Any,
    django_db_keepdb: bool,
    django_db_createdb: bool,
) -> Iterator[None]:
    """As pytest-django's, for tests without its mark too: those on the platform commit what they make."""
    from django.db import connection, transaction
    from django.test import TransactionTestCase
    from django.test.utils import setup_databases

    verbosity = request.config.option.verbose
    with django_db_blocker.unblock():
        keepdb = django_db_keepdb and not django_db_createdb
        setup_databases(verbosity=verbosity, interactive=False, aliases={"default"}, keepdb=keepdb)
        back = _keep()

    def put_back(case: TransactionTestCase) -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(back)

    with mock.patch.object(TransactionTestCase, "_fixture_teardown", put_back):
        yield
    if not django_db_keepdb:
        with django_db_blocker.unblock():
            _drop()


def _keep() -> str:
    """Copy the rows that are there, and return the SQL that puts them back."""
    from django.db import connection

    tables = sorted(connection.introspection.django_table_names(only_existing=True, include_views=False))
    with connection.cursor() as cursor:
        cursor.execute(f"DROP SCHEMA IF EXISTS {KEPT} CASCADE; CREATE SCHEMA {KEPT}")
        filled = [table for table in tables if _holds_rows(cursor, table)]
        for table in filled:
            cursor.execute(f'CREATE TABLE {KEPT}."{table}" AS TABLE "{table}"')
    return "; ".join(
        [
            # Triggers stay asleep: those that forbid deleting, and those that look for the rows of foreign keys.
            "SET LOCAL session_replication_role = replica",
            *(f'DELETE FROM "{table}"' for table in tables),
            *(f'INSERT INTO "{table}" TABLE {KEPT}."{table}"' for table in filled),
        ]
    )


def _holds_rows(cursor: Any, table: str) -> bool:
    cursor.execute(f'SELECT EXISTS (SELECT FROM "{table}")')
    return bool(cursor.fetchone()[0])


def _drop() -> None:
    """With the sessions of threads that have ended without a word, at which Django's own way fails."""
    from django.db import connection

    connection.close()
    with connection._nodb_cursor() as cursor:
        cursor.execute(f'DROP DATABASE "{connection.settings_dict["NAME"]}" WITH (FORCE)')
