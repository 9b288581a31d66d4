"""One settings file, one URL table, the WSGI door and the worker."""

from config.celery import app as celery_app

__all__ = ["celery_app"]
