"""Do what is asked once for an ``Idempotency-Key``, and give the same answer to the same order again."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from bot.db import api_answers
from bot.db.api_answers import Order, StoredAnswer
from bot.web.api.calls import current_key
from bot.web.api.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydantic import BaseModel

    from bot.db.database import Transaction
    from bot.web.api.context import ApiContext


class _Twice(Exception):
    """The same order came at the same time and was quicker."""


class Repeated:
    """The answer to the same order before: by its ``Idempotency-Key``, for this key of the API and this route."""

    def __init__(self, context: ApiContext, route: str, idempotency_key: str | None, body: BaseModel) -> None:
        self._context = context
        given = (idempotency_key or "").strip().strip('"')
        self._order = Order(current_key().id, route, given) if given else None
        self._body = hashlib.sha256(body.model_dump_json().encode()).hexdigest()

    def answer(self) -> dict[str, Any] | None:
        """Return what was answered before. Raises ``Problem`` where that was to another body."""
        if self._order is None:
            return None
        with self._context.database.read() as tx:
            stored = api_answers.get(tx, self._order, self._context.now())
        if stored is not None and stored.body_sha256 != self._body:
            raise Problem("idempotency-key-reused")
        return None if stored is None else stored.answer

    def once(self, do: Callable[[Transaction], dict[str, Any]]) -> dict[str, Any]:
        """Call ``do`` in the transaction that stores its answer, unless another call has; return the answer."""
        try:
            with self._context.database.begin() as tx:
                answer = do(tx)
                self._store(tx, answer)
        except _Twice:
            return self.answer() or {}
        return answer

    def _store(self, tx: Transaction, answer: dict[str, Any]) -> None:
        if self._order is None:
            return
        stored = StoredAnswer(self._body, answer)
        if not api_answers.add(tx, self._order, stored, self._context.now()):
            raise _Twice
