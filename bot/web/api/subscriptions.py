"""``/subscriptions``: what a key has announced in a space as soon as it is ready."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from bot.db import audit, subscriptions, tables
from bot.db.api_keys import Right
from bot.db.origin import Kind
from bot.db.requests import GROUP
from bot.reports.report_search import REGION_WORDS
from bot.reports.subscriptions import end, watch_from_now
from bot.web.api.calls import current_key, need, record
from bot.web.api.models import Standing, Subscription
from bot.web.api.owned import OwnedByKey
from bot.web.api.problems import Problem
from bot.web.api.repeated import Repeated
from bot.webex.ids import same_id

if TYPE_CHECKING:
    from bot.db.database import Transaction
    from bot.db.subscriptions import Subscription as Row
    from bot.web.api.context import ApiContext
    from bot.web.api.models import NewSubscription

ALL_REPORTS = "all"


def create(context: ApiContext, body: NewSubscription, idempotency_key: str | None) -> dict[str, Any]:
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

    def make(tx: Transaction) -> dict[str, Any]:
        same = _same(tx, about, body.space_id)
        if same is not None:
            return shown(same)
        OWNED.refuse_too_many(tx)
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

    return Repeated(context, "subscriptions", idempotency_key, body).once(make)


def _same(tx: Transaction, about: dict[str, Any], space_id: str) -> Row | None:
    """Return the key's subscription of a space that announces the same."""
    for one in OWNED.of_key(tx):
        known = {name: getattr(one, name) for name in about}
        if known == about and same_id(one.room_id, space_id):
            return one
    return None


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


OWNED: Final = OwnedByKey("subscription", tables.subscriptions, subscriptions.find, shown, end)
