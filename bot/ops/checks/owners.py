"""Check for ``doctor`` which subscriptions and schedules the settings pause, before stricter ones take effect.

Each owner and each space is asked about once. Nobody is named: what a reference names, `subscriptions all` and
`schedules all` show.
"""

from __future__ import annotations

from functools import cache, partial
from typing import TYPE_CHECKING, Final

from bot.access.authorizer import Authorizer
from bot.access.policy import Verdict
from bot.access.rules import rules
from bot.db import api_keys, migrations, origins
from bot.db.origin import OriginState
from bot.messages.origins import kind_of
from bot.messages.outcomes import why
from bot.ops.checks.doctor_line import Found, Result, Setup, State, result
from bot.reports.origin_states import decide_owner

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bot.access.policy import Decision
    from bot.db.schedules import Schedule
    from bot.db.subscriptions import Subscription

    Owned = Subscription | Schedule

NAME: Final = "owners"
MOST_SHOWN: Final = 20


def would_pause(setup: Setup) -> Iterator[Result]:
    """Return a line when there are subscriptions or schedules that are active."""
    if migrations.current(setup.database) != migrations.newest():
        return
    with setup.database.read() as tx:
        active = [one for one in origins.going(tx) if one.state is OriginState.ACTIVE]
    if active:
        yield result(NAME, partial(_judge, setup, active))


def _judge(setup: Setup, active: list[Owned]) -> Found:
    authorizer = Authorizer(
        setup.directory,
        setup.chat,
        setup.chat.me,
        partial(rules, setup.settings),
        setup.partner_role,
        key=partial(api_keys.valid, setup.database),
    )
    space = cache(authorizer.decide_space)
    found = [f"{kind_of(one)} {one.reference}: {cause}" for one in active if (cause := _cause(authorizer, space, one))]
    if not found:
        return State.OK, f"may have what they own, and where: {_total(active)}"
    shown = " ".join(found[:MOST_SHOWN])
    more = f" And {len(found) - MOST_SHOWN} more." if len(found) > MOST_SHOWN else ""
    return State.NOTE, f"{len(found)} of {_total(active)} would be paused at the next report. {shown}{more}"


def _cause(authorizer: Authorizer, space: Callable[[str], Decision], owned: Owned) -> str:
    """Return why one would be paused; empty when it would not."""
    decision = decide_owner(authorizer, owned.person_id, owned, members=False)
    if decision.verdict is Verdict.ALLOWED and not owned.direct:
        decision = space(owned.room_id)
    return "" if decision.verdict is Verdict.ALLOWED else why(decision.reason)


def _total(active: list[Owned]) -> str:
    return (
        "1 active subscription or schedule" if len(active) == 1 else f"{len(active)} active subscriptions and schedules"
    )
