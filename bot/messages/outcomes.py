"""What a space and an owner read when a subscription or schedule fails, is paused, or resumes. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

from bot.db.origin import Kind, PauseCause
from bot.db.schedules import Schedule
from bot.messages import origins
from bot.messages.elements import button, card, primary, sentence_in_card, text
from bot.messages.origins import LONGEST_NAME, name_of
from bot.messages.request_card import period_and_region, title_of
from bot.messages.schedules import local_time
from bot.text import count, escape_card, escape_markdown, when
from bot.webex.ids import bare_id

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from bot.db.outcomes import Outcome
    from bot.db.subscriptions import Subscription
    from bot.webex.report import Report
    from bot.webex.types import Card

NOT_HERE: Final = {
    "outsiders": "There are external people in this space, so I post no reports here.",
    "members_unknown": "I can't see who is in this space, so I post no reports here.",
    "asker_left": "Only someone who is in this space can own it.",
}
"""Why somebody can't be an owner in a space, by policy's reason."""
OF_ONE_PERSON: Final = "That's in somebody's 1:1 space, so nobody else can own it."
HAS_AN_OWNER: Final = "Its owner may have it. Ask them, or a full administrator, who can reassign it."
LOST_RIGHTS: Final = ("Its owner may no longer get these reports.", "You may no longer get these reports.")
"""Why it is paused: for the space, and for its owner."""
WHY: Final = {
    "read_only": (
        "Its owner's role lets them read reports, but not run them.",
        "Your role lets you read reports, but not run them.",
    ),
    "asker_left": ("Its owner has left this space.", "You've left the space."),
    "space_not_allowed": ("I'm not allowed to show reports here.", "I'm not allowed to show reports in that space."),
    "one_to_one": ("An API key can't have reports posted in a 1:1 space.",) * 2,
    "key_revoked": ("The API key that made it was revoked.", "The API key that made it was revoked."),
    "outsiders": ("There are external people in this space.", "There are external people in the space."),
    "members_unknown": (
        "Webex doesn't let me into this space: I was removed, or it's archived.",
        "Webex doesn't let me into the space: I was removed, or it's archived.",
    ),
    "space_closed": (
        "Webex doesn't let me post in this space: I was removed, it's archived, or only moderators may post.",
        "Webex doesn't let me post in the space: I was removed, it's archived, or only moderators may post.",
    ),
}
"""The same by policy's reason."""
TAKE_IT_OVER: Final = {
    Kind.SUBSCRIPTION: "An administrator who is here can take it over: it then works in their name.",
    Kind.SCHEDULE: "An administrator who is here can take it over: it then runs in their name.",
}
FOR_AN_ASKER: Final = re.compile(r" Ask (?:again|me)\b[^.]*\.(?=$| \(reference)")
"""What a reason says to do to who asks for a report, and nobody has asked."""
STOPS: Final = {
    Kind.SUBSCRIPTION: "I won't post what becomes ready until someone resumes it.",
    Kind.SCHEDULE: "I won't run it until someone resumes it.",
}
WORKS: Final = {Kind.SUBSCRIPTION: "works", Kind.SCHEDULE: "runs"}
HAS_PASSED: Final = {
    PauseCause.OUTSIDERS: "The external people have left the space, so {} is active again.",
    PauseCause.SPACE_CLOSED: "I can post in the space again, so {} is active again.",
}


def why(cause: str) -> str:
    """Return why policy has it paused, for its space."""
    return WHY.get(cause, LOST_RIGHTS)[0]


def subject(owned: Subscription | Schedule, *, space: str | None = None, named: bool = True) -> str:
    """Return what it is called within a sentence: ``the schedule **Calling Usage**``.

    ``space``: for its owner, with the name of its space or nothing: ``your schedule **Calling Usage** in **Space**``.
    ``named=False``: for who may not see such reports now.
    """
    called = origins.named(owned) if named else f"the {origins.kind_of(owned)} {owned.reference}"
    if space is None:
        return called
    whose = called.replace("the ", "your ", 1)
    return f"{whose} in **{escape_markdown(space, LONGEST_NAME)}**" if space else whose


def sentence(words: str) -> str:
    """Return words with a capital at their start."""
    return f"{words[:1].upper()}{words[1:]}"


def failing(owned: Subscription | Schedule, failure: Outcome, most: int, *, space: str | None = None) -> str:
    """Return what is told of the first failure in a row."""
    if owned.origin.kind is Kind.SUBSCRIPTION:
        then = f"It stays active. I'll pause it after {most} failures in a row."
        now = "To see the reports that are ready, type `reports`."
    else:
        then = f"I'll run it again as planned, and pause it after {most} failures in a row."
        now = f"To run it now, type `run {owned.reference}`."
    reason = FOR_AN_ASKER.sub("", failure.why)
    said = f"⚠ {sentence(subject(owned, space=space))} failed. {reason} {then} {now}"
    return f"{said} (reference {failure.reference})"


def paused_by_failures(
    owned: Subscription | Schedule, reason: str, failures: int, *, space: str | None = None
) -> tuple[str, Card]:
    """Return the text and card that say that it was paused because it failed too often."""
    reason = FOR_AN_ASKER.sub("", reason)
    so_often = f"after {count(failures, 'failure')} in a row"
    to_do = f"When the cause is fixed, press **Resume** or type `resume {owned.reference}`."
    said = f"⚠ {sentence(subject(owned, space=space))} is paused {so_often}. {to_do} {reason}"
    status, place = f"● Paused {so_often}", f" in {escape_card(space, LONGEST_NAME)}" if space else ""
    actions = [primary(button("Resume", "resume", owned.reference)), button("History", "history", owned.reference)]
    return said, card(_body(owned, status, [reason, to_do], place=place), actions, instead=said)


def paused_for_taking_over(owned: Subscription | Schedule, reason: str) -> tuple[str, Card]:
    """Return the text and card by which the administrators of a space can take it over."""
    to_do = TAKE_IT_OVER[owned.origin.kind]
    typed = f"Press **Take over** or type `takeover {owned.reference}`."
    said = f"⚠ {sentence(subject(owned))} is paused. {reason} {to_do} {typed}"
    actions = [primary(button("Take over", "takeover", owned.reference))]
    return said, card(_body(owned, "● Paused", [reason, to_do]), actions, instead=said)


def paused_for_owner(
    owned: Subscription | Schedule,
    cause: PauseCause,
    reason: str,
    *,
    space: str,
    details: str = "",
    named: bool = True,
    missed: Report | None = None,
) -> str:
    """Return what its owner is told directly; ``reason`` is policy's word, ``details`` explain it to the person.

    ``missed``: the report that was not posted.
    """
    you = WHY.get(reason, LOST_RIGHTS)[1]
    who = sentence(subject(owned, space=space, named=named))
    parts = [f"⚠ {who} is paused. {you}", details, _to_do(owned, cause, reason)]
    if named and missed is not None:
        whose = f" for {bare_id(missed.on_behalf_of)}" if missed.on_behalf_of else ""
        about = (f"**{escape_markdown(title_of(missed))}**", escape_markdown(period_and_region(missed)))
        called = ", ".join(filter(None, about))
        parts.append(f"I haven't posted {called}. To get it, type `report {missed.id}{whose}`.")
    if named:
        parts.append(f"(reference {owned.reference})")
    return " ".join(filter(None, parts))


def _to_do(owned: Subscription | Schedule, cause: PauseCause, reason: str) -> str:
    again = f"type `resume {owned.reference}`"
    if cause is PauseCause.OUTSIDERS:
        return "I'll resume it after they've left."
    if cause is PauseCause.SPACE_CLOSED:
        moderator = ", or make me a moderator there" if reason == "space_closed" else ""
        return f"Add me to the space again{moderator}, and I'll resume it."
    if reason == "space_not_allowed":
        return f"Ask the people who run this bot to allow it. Then {again}."
    if reason == "asker_left":
        return f"Another administrator there can take it over. If you come back, {again} there."
    offered = "" if owned.direct else "I've offered it to the administrators in the space. "
    return f"{offered}If you get the rights again, {again}."


def resumed(owned: Subscription | Schedule, cause: PauseCause, *, space: str, named: bool = True) -> str:
    """Return what its owner is told when it has resumed by itself."""
    return HAS_PASSED[cause].format(subject(owned, space=space, named=named))


def paused_by_person(owned: Subscription | Schedule, place: str = "") -> tuple[str, Card]:
    """Return the answer to ``pause``; ``place``: `` in **Admin reports**``, where the answer stands elsewhere."""
    then = STOPS[owned.origin.kind]
    said = f"{sentence(subject(owned))}{place} is paused. {then} To resume it, type `resume {owned.reference}`."
    actions = [button("Resume", "resume", owned.reference)]
    return said, card(_body(owned, "● Paused", [then], place=place, color="Default"), actions, instead=said)


def active(owned: Subscription | Schedule, now: datetime, place: str = "", *, owner: str = "") -> tuple[str, Card]:
    """Return the answer to ``resume`` and, with the new owner's name, to ``takeover``; ``place`` as above."""
    lines = [f"It's **{escape_markdown(owner)}**'s now, and {WORKS[owned.origin.kind]} in their name."] if owner else []
    if isinstance(owned, Schedule):
        lines.append(_next_run(owned))
    elif owned.muted_until is not None and now < owned.muted_until:
        lines.append(f"It stays muted until {when(owned.muted_until)}.")
    said = " ".join([f"{sentence(subject(owned))}{place} is active.", *lines])
    actions = [button("Pause", "pause", owned.reference)]
    return said, card(_body(owned, "● Active", lines, place=place, color="Good"), actions, instead=said)


def _next_run(schedule: Schedule) -> str:
    if schedule.next_at is None:
        return "No further run is planned."
    return f"Next run: {local_time(schedule.next_at, ZoneInfo(schedule.time_zone))}, {schedule.time_zone}."


def changed_by(owned: Subscription | Schedule, name: str, what: str, *, space: str, named: bool) -> str:
    """Return what its owner is told when somebody else has paused or resumed it, or given it to someone."""
    who = escape_markdown(name) or "Another administrator"
    ref = f" (reference {owned.reference})" if named else ""
    return f"**{who}** {what} {subject(owned, space=space, named=named)}.{ref}"


def stays_paused(owned: Subscription | Schedule, cause: str, place: str = "") -> tuple[str, Card]:
    """Return the answer to ``resume`` where its owner may not have it; ``place`` as above."""
    lines = [why(cause), "" if owned.direct else TAKE_IT_OVER[owned.origin.kind]]
    said = " ".join(filter(None, [f"{sentence(subject(owned))}{place} stays paused.", *lines]))
    actions = [] if owned.direct else [primary(button("Take over", "takeover", owned.reference))]
    return said, card(_body(owned, "● Paused", list(filter(None, lines)), place=place), actions, instead=said)


def back_in_this_space(found: Sequence[Subscription | Schedule]) -> str:
    """Return what a space is told when the bot was added again: nothing of what they are called."""
    kinds = [one.origin.kind for one in found]
    numbers = [(kinds.count(kind), kind.value) for kind in (Kind.SUBSCRIPTION, Kind.SCHEDULE)]
    what = " and ".join(count(number, kind) for number, kind in numbers if number)
    return f"I'm back, so {what} of this space {'is' if len(found) == 1 else 'are'} active again."


def back_in_space(found: Sequence[Subscription | Schedule], *, space: str, named: bool) -> str:
    """Return what an owner is told then."""
    called = " and ".join(subject(one, space="", named=named) for one in found)
    where = f"**{escape_markdown(space, LONGEST_NAME)}**" if space else "the space"
    return f"I'm back in {where}, so {called} {'is' if len(found) == 1 else 'are'} active again."


def ownerless(owned: Subscription | Schedule) -> str:
    """Return what the people who run the bot are told of one of a 1:1 space: nobody else can be offered it."""
    return (
        f"A {owned.origin.kind.value} of a 1:1 space is paused, because its owner may no longer get these reports "
        f"(reference {owned.reference}). Nobody else sees that space, so it isn't offered to anyone."
    )


def _body(
    owned: Subscription | Schedule, status: str, lines: list[str], *, place: str = "", color: str = "Attention"
) -> list[dict[str, Any]]:
    about = f"{owned.origin.kind.value.capitalize()}{place}"
    return [
        text(escape_card(name_of(owned), LONGEST_NAME), size="Medium", weight="Bolder"),
        text(status, color=color, size="Small", spacing="None"),
        *(text(sentence_in_card(one), spacing="Small") for one in lines),
        text(f"{about} · {owned.reference}", size="Small", isSubtle=True),
    ]
