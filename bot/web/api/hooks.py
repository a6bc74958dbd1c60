"""``/hooks``: make, list and delete incoming hooks."""

from __future__ import annotations

from datetime import date
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from flask import Response, json, request

from bot.db import audit, hooks
from bot.db.api_keys import Right
from bot.db.hooks import HookAction
from bot.reports.periods import is_period
from bot.web.api import hook_models as models
from bot.web.api.calls import current_key, need, record
from bot.web.api.hook_signature import seal
from bot.web.api.models import Idempotent, Page  # noqa: TC001 flask-openapi3 reads it
from bot.web.api.problems import Problem
from bot.web.api.repeated import Repeated

if TYPE_CHECKING:
    from flask_openapi3.blueprint import APIBlueprint

    from bot.db.database import Transaction
    from bot.web.api.context import ApiContext

PATH: Final = "/hooks"
MOST: Final = 100
"""Hooks of one key."""
NOT_HERE: Final = "This key has no hook with this ID."
ANY_DAY: Final = date(2026, 6, 15)
"""Whether words are a period does not depend on the day."""
_NEEDED: Final = {HookAction.DELIVER: Right.DELIVER, HookAction.CREATE: Right.CREATE}


def add(api: APIBlueprint, context: ApiContext) -> None:
    """Serve the calls."""

    @api.get("/hooks", responses={200: models.Hooks}, summary="List incoming hooks")
    def list_hooks(query: Page) -> Response:
        return _answer(listed(context, query))

    @api.post("/hooks", responses={201: models.MadeHook}, summary="Make an incoming hook")
    def create_hook(body: models.NewHook, header: Idempotent) -> Response:
        return _answer(create(context, body, header.idempotency_key), HTTPStatus.CREATED)

    @api.delete("/hooks/<hook_id>", responses={204: None}, summary="Delete an incoming hook")
    def delete_hook(path: models.ByHook) -> Response:
        delete(context, path.hook_id)
        return Response(status=HTTPStatus.NO_CONTENT)


def create(context: ApiContext, body: models.NewHook, idempotency_key: str | None) -> dict[str, Any]:
    """Make a hook and return its address, which is shown only now. Raises ``Problem`` and ``DatabaseUnavailable``."""
    need(Right.MANAGE)
    need(_NEEDED[body.action])
    key = current_key()
    if not key.may_reach(body.space_id):
        raise Problem("space-not-allowed")
    if body.period is not None and not is_period(body.period.split(), ANY_DAY):
        raise Problem("invalid-period")
    token, reference = hooks.new_token(), context.new_reference()
    values = {
        "reference": reference,
        "key_id": key.id,
        "action": body.action.value,
        "room_id": body.space_id,
        "title": body.title,
        "family": body.family,
        "template_id": None if body.template_id is None else str(body.template_id),
        "period": body.period,
        "sealed_secret": None if body.secret is None else seal(token, body.secret),
        "created_at": context.now(),
    }
    base = (context.public_url or request.root_url).rstrip("/")

    def make(tx: Transaction) -> dict[str, Any]:
        if hooks.count(tx, key.id) >= MOST:
            raise Problem("limit-reached", f"A key may have {MOST} hooks.")
        hooks.add(tx, token, values)
        record(tx, context, audit.ALLOWED, room_id=body.space_id, reference=reference)
        return models.MadeHook(id=reference, url=f"{base}{PATH}/{token}").model_dump(mode="json", by_alias=True)

    return Repeated(context, "hooks", idempotency_key, body, secret=True).once(make)


def listed(context: ApiContext, page: Page) -> dict[str, Any]:
    """Return the key's hooks, the newest first. Raises ``Problem``."""
    need(Right.MANAGE)
    before = int(page.cursor) if page.cursor else None
    with context.database.read() as tx:
        found = hooks.of_key(tx, current_key().id, before=before, most=page.max + 1)
    items = [
        models.HookInfo(
            id=one.reference,
            action=one.action,
            space_id=one.room_id,
            title=one.title,
            family=one.family,  # type: ignore[arg-type]  # pydantic checks it
            template_id=one.template_id,
            period=one.period,
            signed=one.sealed_secret is not None,
            created_at=one.created_at,
            called_at=one.called_at,
        ).model_dump(mode="json", by_alias=True)
        for one in found[: page.max]
    ]
    return {"items": items, "next": str(found[page.max - 1].id) if len(found) > page.max else None}


def delete(context: ApiContext, hook_id: str) -> None:
    """Revoke a hook. Raises ``Problem`` where the key has none with this ID."""
    need(Right.MANAGE)
    with context.database.begin() as tx:
        if not hooks.revoke(tx, current_key().id, hook_id, context.now()):
            raise Problem("not-found", NOT_HERE)
        record(tx, context, audit.ALLOWED, reference=hook_id)


def _answer(body: dict[str, Any], status: HTTPStatus = HTTPStatus.OK) -> Response:
    return Response(json.dumps(body), status, content_type="application/json")
