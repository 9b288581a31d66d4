"""The peer's one task."""

import hashlib
import hmac
import json
import time

import requests
from sender.celery import app


@app.task(autoretry_for=(requests.RequestException,), retry_backoff=5, max_retries=7)
def deliver(endpoint_id: int, event_id: int) -> None:
    from sender.models import Attempt, Endpoint, Event

    endpoint, event = Endpoint.objects.get(pk=endpoint_id), Event.objects.get(pk=event_id)
    envelope = {"id": f"evt_{event.pk}", "type": event.type, "timestamp": event.created_at.isoformat(), "data": event.data}
    body = json.dumps(envelope).encode()
    at = str(int(time.time()))
    signature = hmac.new(endpoint.secret.encode(), f"{event.pk}.{at}.".encode() + body, hashlib.sha256).hexdigest()
    headers = {"Content-Type": "application/json", "Webhook-Id": f"evt_{event.pk}"}
    headers |= {"Webhook-Timestamp": at, "Webhook-Signature": f"v1,{signature}"}
    began = time.perf_counter()
    answer = requests.post(endpoint.url, data=body, headers=headers, timeout=15, allow_redirects=False)
    Attempt.objects.create(
        endpoint=endpoint,
        event=event,
        status=answer.status_code,
        duration_ms=round((time.perf_counter() - began) * 1_000),
        answer=answer.text[:4_000],
    )
    answer.raise_for_status()
