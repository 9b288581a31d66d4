"""What is done by the clock (UTC): one entry a task, named after it; operators may change the times in the console."""

from celery.schedules import crontab

CELERY_BEAT_SCHEDULE = {
    "abuse.forget_sightings": {"task": "abuse.tasks.forget_sightings", "schedule": crontab(hour=4, minute=3)},
    "apikeys.remind_of_ends": {"task": "apikeys.tasks.remind_of_ends", "schedule": crontab(minute="*/5")},
    "apikeys.forget_tokens": {"task": "apikeys.tasks.forget_tokens", "schedule": crontab(minute=53)},
    "apikeys.rotate_signing_keys": {"task": "apikeys.tasks.rotate_signing_keys", "schedule": crontab(hour=2, minute=37)},
    "core.export_audit_heads": {"task": "core.tasks.export_audit_heads", "schedule": crontab(minute=7)},
    "core.forget_answers": {"task": "core.tasks.forget_answers", "schedule": crontab(minute=23)},
    "core.maintain_partitions": {"task": "core.tasks.maintain_partitions", "schedule": crontab(hour=3, minute=41)},
    "core.verify_audit": {"task": "core.tasks.verify_audit", "schedule": crontab(hour=4, minute=19)},
    # On three days, so that a closing that broke off is taken up; one that is done stays as it is.
    "billing.close_last_month": {
        "task": "billing.tasks.close_last_month",
        "schedule": crontab(day_of_month="1-3", hour=2, minute=11),
    },
    "billing.mark_overdue_invoices": {"task": "billing.tasks.mark_overdue_invoices", "schedule": crontab(hour=5, minute=17)},
    "billing.run_payouts": {"task": "billing.tasks.run_payouts", "schedule": crontab(day_of_month="5", hour=6, minute=29)},
    "partners.apply_tier_requests": {"task": "partners.tasks.apply_tier_requests", "schedule": crontab(minute="*/5")},
    "partners.end_impersonations": {"task": "partners.tasks.end_impersonations", "schedule": crontab(minute="*/5")},
    "partners.forget_sessions": {"task": "partners.tasks.forget_sessions", "schedule": crontab(hour=4, minute=19)},
    # Digests of days and weeks that are over; one that a dead worker didn't write is written the next day.
    "partners.write_digests": {"task": "partners.tasks.write_digests", "schedule": crontab(hour=6, minute=3)},
    "partners.sweep_files": {"task": "partners.tasks.sweep_files", "schedule": crontab(hour=4, minute=47)},
    "webhooks.forget_tallies": {"task": "webhooks.tasks.forget_tallies", "schedule": crontab(hour=4, minute=19)},
    "webhooks.forget_inspected": {"task": "webhooks.tasks.forget_inspected", "schedule": crontab(minute=49)},
    "usage.forget_minutes": {"task": "usage.tasks.forget_minutes", "schedule": crontab(minute=37)},
}
