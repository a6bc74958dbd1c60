"""When the bot is added to a space again, what was paused because it had been removed is resumed."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from bot.db import messages as messages_sent
from bot.db import origins
from bot.db.origin import PauseCause
from bot.messages import outcomes as messages
from bot.outbox import Text
from bot.queue import tasks
from bot.reports.origin_states import resume
from bot.reports.owner_messages import tell_owner, told
from bot.webex.ids import id_key

if TYPE_CHECKING:
    from bot.chat.invocation import Invocation
    from bot.db.schedules import Schedule
    from bot.db.subscriptions import Subscription


def clean_up_space(invocation: Invocation) -> None:
    """Delete the cards of requests that were answered directly because the bot had been removed."""
    services = invocation.services
    with services.database.begin() as tx:
        for request_id in messages_sent.stand_again(tx, invocation.room_id):
            services.queue.put(tx, tasks.THREAD, str(request_id))


def resume_in_space(invocation: Invocation) -> None:
    """Resume it, and say so once in the space and once to each owner. Raises ``BotError`` that passes.

    It is told first: a job that was cut off then finds the same ones again, and says nothing twice.
    """
    services = invocation.services
    with services.database.read() as tx:
        found = [one for one in origins.of_room(tx, invocation.room_id) if one.waits]
    closed = sorted((one for one in found if one.pause_cause is PauseCause.SPACE_CLOSED), key=_whose)
    if not closed:
        return
    told(lambda: invocation.say("resumed", messages.back_in_this_space(closed)))
    for (owner, family), group in groupby(closed, _whose):
        theirs = list(group)
        tell_owner(
            services,
            theirs[0],
            f"{invocation.event_key}:resumed:{owner}:{family}",
            lambda now, theirs=theirs: Text(  # type: ignore[misc]
                messages.back_in_space(theirs, space=now.space, named=now.may_see)
            ),
        )
    with services.database.begin() as tx:
        for one in closed:
            resume(tx, services, one)


def _whose(owned: Subscription | Schedule) -> tuple[str, str]:
    """Return the owner, and the family: policy is asked for each."""
    return id_key(owned.person_id), owned.family or ""
