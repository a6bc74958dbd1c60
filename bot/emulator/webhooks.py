"""Webhooks: who is told of what, the signed call, and the rule that silences a target that keeps failing."""

import hashlib
import hmac
import json
import logging
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any
from urllib.parse import parse_qsl

import requests

from bot.emulator import ids
from bot.emulator.things import Delivery, Event, Person, Webhook, iso

log = logging.getLogger(__name__)

# D: 100 failures within 5 minutes disable a webhook; within 5 minutes after that, one failure is enough.
FAILURES_ALLOWED = 100
FAILURE_WINDOW_SECONDS = 300.0
DELIVERY_TIMEOUT_SECONDS = 5.0
DELIVERY_THREADS = 10

RESOURCES: Mapping[str, tuple[str, ...]] = {
    "messages": ("created", "updated", "deleted"),
    "attachmentActions": ("created",),
    "memberships": ("created", "updated", "deleted"),
    "rooms": ("created", "updated", "migrated"),
}


def signature(secret: str, body: bytes) -> str:
    """`X-Spark-Signature`: hex HMAC-SHA1 of the raw body."""
    return hmac.new(secret.encode(), body, hashlib.sha1).hexdigest()


def passes_filter(webhook: Webhook, data: Mapping[str, Any]) -> bool:
    """Return True when `filter` (`roomId=…&roomType=group`) lets this data through."""
    for key, value in parse_qsl(webhook.filter or ""):
        if key == "mentionedPeople":
            wanted = webhook.owner_id if value == "me" else value
            if wanted not in data.get("mentionedPeople", []):
                return False
        elif data.get(key) != value:
            return False
    return True


def make_event(webhook: Webhook, resource: str, event: str, data: Mapping[str, Any], actor_id: str) -> Event:
    """Return the envelope and its headers. `data` never holds a message's text or an action's inputs."""
    envelope = {
        "id": webhook.id,
        "name": webhook.name,
        "targetUrl": webhook.target_url,
        "resource": resource,
        "event": event,
        "orgId": webhook.org_id,
        "createdBy": webhook.owner_id,
        "appId": webhook.app_id,
        "ownedBy": "creator",
        "status": webhook.status,
        "created": iso(webhook.created),
        "actorId": actor_id,
        "data": data,
    }
    if webhook.filter:
        envelope["filter"] = webhook.filter
    body = json.dumps(envelope).encode()
    headers = {"Content-Type": "application/json; charset=UTF-8", "User-Agent": "webex-emulator"}
    if webhook.secret:
        headers["X-Spark-Signature"] = signature(webhook.secret, body)
    return Event(webhook.id, resource, event, str(data.get("id", "")), webhook.target_url, body, headers)


def new_webhook(owner: Person, fields: Mapping[str, Any], now: float) -> Webhook:
    """Return a webhook of this owner from the fields of a `POST /webhooks`."""
    return Webhook(
        id=ids.new_id(ids.WEBHOOK),
        name=fields["name"],
        target_url=fields["targetUrl"],
        resource=fields["resource"],
        event=fields["event"],
        filter=fields.get("filter"),
        secret=fields.get("secret"),
        owner_id=owner.id,
        org_id=owner.org_id,
        app_id=ids.webex_id(ids.APPLICATION, "emulator"),
        created=now,
    )


def count_failure(webhook: Webhook, now: float) -> None:
    """Note a failed delivery, and silence the webhook when the rule says so."""
    webhook.failures = [at for at in webhook.failures if now - at < FAILURE_WINDOW_SECONDS] + [now]
    just_disabled = webhook.disabled_at is not None and now - webhook.disabled_at < FAILURE_WINDOW_SECONDS
    if webhook.status == "active" and (just_disabled or len(webhook.failures) >= FAILURES_ALLOWED):
        webhook.status = "inactive"
        webhook.disabled_at = now
        webhook.failures.clear()


class Courier:
    """Make the calls from a small pool of threads; `report(delivery)` hears of each outcome."""

    def __init__(self, report: Callable[[Delivery], None]) -> None:
        self._report = report
        self._pool = ThreadPoolExecutor(DELIVERY_THREADS, thread_name_prefix="emulator-webhook")
        self._session = requests.Session()
        self._session.trust_env = False  # no proxy: targets are on this machine
        adapter = requests.adapters.HTTPAdapter(pool_connections=DELIVERY_THREADS, pool_maxsize=DELIVERY_THREADS)
        self._session.mount("http://", adapter)

    def send(self, event: Event) -> Future[Delivery]:
        """Deliver once, soon."""
        return self._pool.submit(self._deliver, event)

    def _deliver(self, event: Event) -> Delivery:
        started, at = time.perf_counter(), time.time()
        status, problem = None, ""
        try:
            answer = self._session.post(
                event.target_url,
                data=event.body,
                headers=dict(event.headers),
                timeout=DELIVERY_TIMEOUT_SECONDS,
                allow_redirects=False,
            )
            status = answer.status_code
        except requests.RequestException as error:
            problem = str(error)
        delivery = Delivery(event, status, problem, at, time.perf_counter() - started)
        self._report(delivery)
        return delivery

    def stop(self) -> None:
        """Drop what is not sent yet, wait for what is under way, close the connections."""
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._session.close()
