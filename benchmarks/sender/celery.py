"""The peer's Celery."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "sender.settings")

app = Celery("sender", broker=os.environ["SENDER_REDIS_URL"], include=["sender.tasks"])
app.conf.task_ignore_result = True
