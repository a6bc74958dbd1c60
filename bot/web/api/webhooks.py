"""``/webhooks``: where outbound events are sent. A key sees those that it has registered."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from flask import Response, json

from bot.db import audit, outbound_events, webhooks
from bot.db.api_keys import Right
from bot.outbound import events
from bot.outbound.addresses import NotAllowed, place_of
from bot.web.api import webhook_models as models
from bot.web.api.calls import current_key, need, record
from bot.web.api.models import Idempotent  # noqa: TC001 flask-openapi3 reads it
from bot.web.api.problems import Problem
from bot.web.api.repeated import Repeated
from bot.web.api.waiting import ask

if TYPE_CHECKING:
    from flask_openapi3.blueprint import APIBlueprint

    from bot.db.database import Transaction
    from bot.db.webhooks import Webhook
    from bot.web.api.context import ApiContext

MOST: Final = 20
"""Webhooks of one key."""


def add(api: APIBlueprint, context: ApiContext) -> None:
    """Serve the calls."""

    @api.get("/webhooks", responses={200: models.Webhooks}, summary="List webhooks")
    def list_webhooks() -> Response:
        return _answer(listed(context))

    @api.post("/webhooks", responses={201: models.RegisteredWebhook}, summary="Register a webhook")
    def register_webhook(body: models.NewWebhook, header: Idempotent) -> Response:
        return _answer(register(context, body, header.idempotency_key), HTTPStatus.CREATED)

    @api.delete("/webhooks/<webhook_id>", responses={204: None}, summary="Delete a webhook")
    def delete_webhook(path: models.ByWebhook) -> Response:
        delete(context, path.webhook_id)
        return Response(status=HTTPStatus.NO_CONTENT)

    @api.post("/webhooks/<webhook_id>/test", responses={202: models.Tested}, summary="Send a test event")
    def test_webhook(path: models.ByWebhook) -> Response:
        return _answer(test(context, path.webhook_id), HTTPStatus.ACCEPTED)

    @api.post("/webhooks/<webhook_id>/recover", responses={202: models.Recovered}, summary="Send missed events again")
    def recover_webhook(path: models.ByWebhook, body: models.Recover) -> Response:
        return _answer(recover(context, path.webhook_id, body), HTTPStatus.ACCEPTED)


def listed(context: ApiContext) -> dict[str, Any]:
    """Return the key's webhooks. Raises ``Problem``."""
    need(Right.MANAGE)
    with context.database.read() as tx:
        items = [_shown(tx, one) for one in webhooks.of_key(tx, current_key().id)]
    return {"items": items, "next": None}


def register(context: ApiContext, body: models.NewWebhook, idempotency_key: str | None) -> dict[str, Any]:
    """Register a webhook and return it with its secret. Raises ``Problem``."""
    need(Right.MANAGE)
    key = current_key()
    try:
        place_of(body.url)
    except NotAllowed as error:
        raise Problem("address-not-allowed", error.sentence) from None
    repeated = Repeated(context, "webhooks", idempotency_key, body, secret=True)
    if (stored := repeated.answer()) is not None:
        return stored
    with context.database.read() as tx:
        _refuse_too_many(tx, key.id)
    reference = context.new_reference()
    answer = ask(context, key.id, {"kind": "webhook", "reference": reference, "url": body.url})
    values = {
        "reference": reference,
        "key_id": key.id,
        "url": body.url,
        "events": ",".join(body.events),
        "created_at": context.now(),
    }
    secret = context.open_secret(answer["secret"])

    def make(tx: Transaction) -> dict[str, Any]:
        _refuse_too_many(tx, key.id)
        webhooks.add(tx, values)
        record(tx, context, "registered", reference=reference)
        made = webhooks.with_reference(tx, reference)
        assert made is not None
        return {**_shown(tx, made), "secret": secret}

    return repeated.once(make)


def delete(context: ApiContext, webhook_id: str) -> None:
    """Delete a webhook; what waits for it is not sent. Raises ``Problem``."""
    need(Right.MANAGE)
    with context.database.begin() as tx:
        found = _find(tx, webhook_id)
        webhooks.remove(tx, found.id)
        record(tx, context, audit.DELETED, reference=found.reference)


def test(context: ApiContext, webhook_id: str) -> dict[str, Any]:
    """Send an event that tells nothing. Raises ``Problem``."""
    need(Right.MANAGE)
    with context.database.begin() as tx:
        found = _find(tx, webhook_id)
        if found.disabled_at is not None:
            raise Problem("webhook-disabled")
        event_id = events.tell_test(tx, context.queue, found, context.new_reference(), context.now())
        record(tx, context, audit.ALLOWED, reference=found.reference)
    return {"eventId": event_id}


def recover(context: ApiContext, webhook_id: str, body: models.Recover) -> dict[str, Any]:
    """Send again what it has not taken since a time, and enable it. Raises ``Problem``."""
    need(Right.MANAGE)
    with context.database.begin() as tx:
        found = _find(tx, webhook_id)
        number = events.recover(tx, context.queue, found, body.since, context.now())
        record(tx, context, audit.ALLOWED, reference=found.reference)
    return {"events": number}


def _find(tx: Transaction, webhook_id: str) -> Webhook:
    found = webhooks.with_reference(tx, webhook_id)
    if found is None or found.key_id != current_key().id:
        raise Problem("not-found", "This key has registered no webhook with this ID.")
    return found


def _refuse_too_many(tx: Transaction, key_id: int) -> None:
    if webhooks.count(tx, key_id) >= MOST:
        raise Problem("limit-reached", f"A key may have {MOST} webhooks.")


def _shown(tx: Transaction, webhook: Webhook) -> dict[str, Any]:
    tried = outbound_events.last_tried(tx, webhook.id)
    last = None
    if tried is not None and tried.last_at is not None:
        last = models.LastAttempt(
            event_id=tried.event_id, at=tried.last_at, status=tried.last_status, answer=tried.answer or ""
        )
    return models.Webhook.model_validate(
        {
            "id": webhook.reference,
            "url": webhook.url,
            "events": webhook.events.split(","),
            "created_at": webhook.created_at,
            "failing_since": webhook.failing_since,
            "disabled_at": webhook.disabled_at,
            "disabled_reason": webhook.disabled_reason,
            "pending": outbound_events.count_pending(tx, webhook.id),
            "last_attempt": last,
        }
    ).model_dump(mode="json", by_alias=True)


def _answer(body: dict[str, Any], status: HTTPStatus = HTTPStatus.OK) -> Response:
    return Response(json.dumps(body), status, content_type="application/json")
