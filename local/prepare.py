"""Migrations and demo data in one Python process, so that Django is set up once.

Run as `python -m local prepare` by the supervisor. Prints `migrated` and `seeded` on lines of their own as it gets there;
what goes wrong goes to standard error, with a status that is not 0.
"""

import gc
import os
import time

# Given to our own engine while it is filled: hundreds of small commits need not each wait for the disk. A checkpoint ends it.
COMMIT_LATER = "-c synchronous_commit=off"


def main() -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
    import django

    gc.disable()  # nothing of what is loaded now is garbage
    django.setup()  # while the engines start
    gc.enable()
    from django.conf import settings
    from django.core.management import call_command
    from django.db import connection

    _wait_for_database()
    call_command("migrate", interactive=False, verbosity=0)
    print("migrated", flush=True)
    if settings.DEMO:
        call_command("seed_demo")
        print("seeded", flush=True)
    if COMMIT_LATER in os.environ.get("PGOPTIONS", ""):
        with connection.cursor() as cursor:
            cursor.execute("CHECKPOINT")


def _wait_for_database(seconds: float = 60.0) -> None:
    """Return when the database takes connections; the supervisor ends this process if the engine can't start."""
    from django.db import OperationalError, connection

    deadline = time.monotonic() + seconds
    while True:
        try:
            connection.ensure_connection()
            return
        except OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
