"""``/subscriptions``: what a key has announced in a space as soon as it is ready."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bot.db import audit, subscriptions
from bot.db.api_keys import Right
from bot.db.origin import Kind
from bot.db.requests import GROUP
from bot.reports.report_search import REGION_WORDS
from bot.reports.subscriptions import end, watch_from_now
from bot.web.api.calls import current_key, need, record
from bot.web.api.models import Standing, Subscription
from bot.web.api.problems import Problem
from bot.webex.ids import same_id

if TYPE_CHECKING:
    from bot.db.database import Transaction
    from bot.db.subscriptions import Subscription as Row
    from bot.web.api.context import ApiContext
    from bot.web.api.models import NewSubscription, Page

ALL_REPORTS = "all"


def create(context: ApiContext, body: NewSubscription) -> dict[str, Any]:
    """Subscribe a space and return the subscription; of two that are the same the first stands. Raises ``Problem``."""
    need(Right.MANAGE)
    need(Right.DELIVER)
    key = current_key()
    if not key.may_reach(body.space_id):
        raise Problem("space-not-allowed")
    words = [word for word in body.words.split() if word.casefold() not in REGION_WORDS]
    named = [REGION_WORDS[word.casefold()] for word in body.words.split() if word.casefold() in REGION_WORDS]
    region = body.region_id or next(iter(named), None)
    about = {
        "words": "" if [one.casefold() for one in words] == [ALL_REPORTS] else " ".join(words),
        "family": body.family,
        "region": region,
        "card_only": body.card_only,
    }
    with context.database.begin() as tx:
        same = _same(tx, about, body.space_id)
        if same is not None:
            return shown(same)
        values = about | {
            "reference": context.new_reference(),
            "event_key": f"api:{context.new_reference()}",
            "person_id": key.owner,
            "room_id": body.space_id,
            "room_type": GROUP,
            "created_at": context.now(),
        }
        watch_from_now(tx, context.queue, body.family, region)
        subscriptions.add(tx, values)
        made = subscriptions.of_event(tx, str(values["event_key"]))
        assert made is not None
        record(tx, context, audit.ASKED, room_id=body.space_id, reference=made.reference)
    return shown(made)


def _same(tx: Transaction, about: dict[str, Any], space_id: str) -> Row | None:
    """Return the key's subscription of a space that announces the same."""
    for one in _of_key(tx):
        known = {name: getattr(one, name) for name in about}
        if known == about and same_id(one.room_id, space_id):
            return one
    return None


def _of_key(tx: Transaction) -> list[Row]:
    owner = current_key().owner
    return [one for one in subscriptions.find(tx) if same_id(one.person_id, owner)]


def listed(context: ApiContext, page: Page) -> dict[str, Any]:
    """Return a page of the key's subscriptions, the oldest first."""
    need(Right.MANAGE)
    with context.database.read() as tx:
        found = _of_key(tx)
    return paged([shown(one) for one in found], page)


def get(context: ApiContext, reference: str) -> dict[str, Any]:
    """Return one of the key's subscriptions. Raises ``Problem``."""
    need(Right.MANAGE)
    with context.database.read() as tx:
        found = _one(tx, reference)
    return shown(found)


def delete(context: ApiContext, reference: str) -> None:
    """End one of the key's subscriptions. Raises ``Problem``."""
    need(Right.MANAGE)
    with context.database.begin() as tx:
        found = _one(tx, reference)
        end(tx, context, found)
        record(tx, context, audit.DELETED, room_id=found.room_id, reference=found.reference)


def _one(tx: Transaction, reference: str) -> Row:
    found = next((one for one in _of_key(tx) if one.reference == reference.casefold()), None)
    if found is None:
        raise Problem("not-found")
    return found


def paged(items: list[dict[str, Any]], page: Page) -> dict[str, Any]:
    """Return the part of a list that was asked for."""
    start = int(page.cursor or 0)
    end = start + page.max
    return {"items": items[start:end], "next": str(end) if end < len(items) else None}


def shown(one: Row) -> dict[str, Any]:
    """Return a subscription as the API gives it."""
    assert one.origin.kind is Kind.SUBSCRIPTION
    return Subscription(
        id=one.reference,
        words=one.words or ALL_REPORTS,
        family=one.family,
        region_id=one.region,
        space_id=one.room_id,
        card_only=one.card_only,
        status=Standing(one.state.value),
        reason=one.reason,
        created_at=one.created_at,
    ).model_dump(mode="json", by_alias=True)
