"""Do what is asked once for an ``Idempotency-Key``, and give the same answer to the same order again."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, Final

from bot.db import api_answers
from bot.db.api_answers import Order, StoredAnswer
from bot.web.api.calls import current_key, is_recorded, sent_key
from bot.web.api.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Callable

    from cryptography.fernet import MultiFernet
    from pydantic import BaseModel

    from bot.db.database import Transaction
    from bot.web.api.context import ApiContext

SEALED: Final = "sealed"
PURPOSE: Final = "answers that an Idempotency-Key repeats"


class _Twice(Exception):
    """The same order came at the same time and was quicker."""


class Repeated:
    """The answer to the same order before: by its ``Idempotency-Key``, for this key of the API and this route.

    ``secret``: the answer has a secret, so it is stored in a form that only the API key itself opens.
    """

    def __init__(
        self, context: ApiContext, route: str, idempotency_key: str | None, body: BaseModel, *, secret: bool = False
    ) -> None:
        self._context = context
        given = (idempotency_key or "").strip().strip('"')
        self._order = Order(current_key().id, route, given) if given else None
        self._body = hashlib.sha256(body.model_dump_json().encode()).hexdigest()
        self._secret = secret

    def answer(self) -> dict[str, Any] | None:
        """Return what was answered before. Raises ``Problem`` where that was to another body."""
        if self._order is None:
            return None
        with self._context.database.read() as tx:
            stored = api_answers.get(tx, self._order, self._context.now())
        if stored is None:
            return None
        if stored.body_sha256 != self._body:
            raise Problem("idempotency-key-reused")
        if SEALED in stored.answer:
            return dict(json.loads(_cipher().decrypt(stored.answer[SEALED])))
        return stored.answer

    def once(self, do: Callable[[Transaction], dict[str, Any]]) -> dict[str, Any]:
        """Call ``do`` in the transaction that stores its answer, unless another call has; return the answer."""
        if (stored := self.answer()) is not None:
            return stored
        try:
            with self._context.database.begin() as tx:
                answer = do(tx)
                self._store(tx, answer)
        except _Twice:
            is_recorded(recorded=False)  # what `do` has recorded is rolled back
            return self.answer() or {}
        return answer

    def _store(self, tx: Transaction, answer: dict[str, Any]) -> None:
        if self._order is None:
            return
        if self._secret:
            answer = {SEALED: _cipher().encrypt(json.dumps(answer).encode()).decode()}
        if not api_answers.add(tx, self._order, StoredAnswer(self._body, answer), self._context.now()):
            raise _Twice


def _cipher() -> MultiFernet:
    from bot.access.token_store import derived  # noqa: PLC0415 few answers have secrets

    return derived([sent_key().encode()], PURPOSE)
