"""What a space and an owner read when a subscription or schedule fails, is paused, or resumes. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from bot.db.origin import Kind, PauseCause
from bot.messages.elements import button, card, primary, sentence_in_card, text
from bot.messages.origins import LONGEST_NAME, name_of
from bot.text import count, escape_card, escape_markdown

if TYPE_CHECKING:
    from bot.db.schedules import Schedule
    from bot.db.subscriptions import Subscription
    from bot.webex.types import Card

NOT_HERE: Final = {
    "outsiders": "There are external people in this space, so I post no reports here.",
    "members_unknown": "I can't see who is in this space, so I post no reports here.",
    "asker_left": "Only someone who is in this space can own it.",
}
"""Why somebody can't be an owner in a space, by policy's reason."""
LOST_RIGHTS: Final = ("Its owner may no longer get these reports.", "You may no longer get these reports.")
"""Why it is paused: for the space, and for its owner."""
WHY: Final = {
    "read_only": (
        "Its owner's role lets them read reports, but not run them.",
        "Your role lets you read reports, but not run them.",
    ),
    "asker_left": ("Its owner has left this space.", "You've left the space."),
    "space_not_allowed": ("I'm not allowed to show reports here.", "I'm not allowed to show reports in that space."),
    "outsiders": ("There are external people in this space.", "There are external people in the space."),
    "members_unknown": (
        "Webex doesn't let me into this space: I was removed, or it's archived.",
        "Webex doesn't let me into the space: I was removed, or it's archived.",
    ),
    "space_closed": (
        "Webex doesn't let me post in this space: I was removed, or it's archived.",
        "Webex doesn't let me post in the space: I was removed, or it's archived.",
    ),
}
"""The same by policy's reason."""
TAKE_IT_OVER: Final = {
    Kind.SUBSCRIPTION: "An administrator who is here can take it over: it then works in their name.",
    Kind.SCHEDULE: "An administrator who is here can take it over: it then runs in their name.",
}
HAS_PASSED: Final = {
    PauseCause.OUTSIDERS: "The external people have left the space, so {} is active again.",
    PauseCause.SPACE_CLOSED: "I'm back in the space, so {} is active again.",
}


def why(cause: str) -> str:
    """Return why policy has it paused, for its space."""
    return WHY.get(cause, LOST_RIGHTS)[0]


def subject(owned: Subscription | Schedule, *, space: str | None = None, named: bool = True) -> str:
    """Return what it is called within a sentence: ``the schedule **Calling Usage**``.

    ``space``: for its owner, with the name of its space or nothing: ``your schedule **Calling Usage** in **Space**``.
    ``named=False``: for who may not see such reports now.
    """
    kind = owned.origin.kind
    whose = "the" if space is None else "your"
    if not named:
        called = f"{whose} {kind.value} {owned.reference}"
    elif kind is Kind.SUBSCRIPTION:
        called = f"{whose} subscription to **{escape_markdown(name_of(owned), LONGEST_NAME)}**"
    else:
        called = f"{whose} schedule **{escape_markdown(name_of(owned), LONGEST_NAME)}**"
    return f"{called} in **{escape_markdown(space, LONGEST_NAME)}**" if space else called


def sentence(words: str) -> str:
    """Return words with a capital at their start."""
    return f"{words[:1].upper()}{words[1:]}"


def failing(owned: Subscription | Schedule, reason: str, most: int, *, space: str | None = None) -> str:
    """Return what is told of the first failure in a row; ``reason`` ends with the reference."""
    if owned.origin.kind is Kind.SUBSCRIPTION:
        then = f"It stays active. I'll pause it after {most} failures in a row."
        now = "To see the reports that are ready, type `reports`."
    else:
        then = f"I'll run it again as planned, and pause it after {most} failures in a row."
        now = f"To run it now, type `run {owned.reference}`."
    return f"⚠ {sentence(subject(owned, space=space))} failed. {reason} {then} {now}"


def paused_by_failures(
    owned: Subscription | Schedule, reason: str, failures: int, *, space: str | None = None
) -> tuple[str, Card]:
    """Return the text and card that say that it was paused because it failed too often."""
    so_often = f"after {count(failures, 'failure')} in a row"
    to_do = f"When the cause is fixed, press **Resume** or type `resume {owned.reference}`."
    said = f"⚠ {sentence(subject(owned, space=space))} is paused {so_often}. {reason} {to_do}"
    status, actions = f"● Paused {so_often}", [primary(button("Resume", "resume", owned.reference))]
    return said, card(_body(owned, status, [reason, to_do], space=space), actions, instead=said)


def paused_for_taking_over(owned: Subscription | Schedule, reason: str) -> tuple[str, Card]:
    """Return the text and card by which the administrators of a space can take it over."""
    to_do = TAKE_IT_OVER[owned.origin.kind]
    typed = f"Press **Take over** or type `takeover {owned.reference}`."
    said = f"⚠ {sentence(subject(owned))} is paused. {reason} {to_do} {typed}"
    actions = [primary(button("Take over", "takeover", owned.reference))]
    return said, card(_body(owned, "● Paused", [reason, to_do], space=None), actions, instead=said)


def paused_for_owner(
    owned: Subscription | Schedule, cause: PauseCause, reason: str, *, space: str, details: str = "", named: bool = True
) -> str:
    """Return what its owner is told directly; ``reason`` is policy's word, ``details`` explain it to the person."""
    you = WHY.get(reason, LOST_RIGHTS)[1]
    who = sentence(subject(owned, space=space, named=named))
    parts = [f"⚠ {who} is paused. {you}", details, _to_do(owned, cause, reason)]
    if named:
        parts.append(f"(reference {owned.reference})")
    return " ".join(filter(None, parts))


def _to_do(owned: Subscription | Schedule, cause: PauseCause, reason: str) -> str:
    again = f"type `resume {owned.reference}`"
    if cause is PauseCause.OUTSIDERS:
        return "I'll resume it after they've left."
    if cause is PauseCause.SPACE_CLOSED:
        return "Add me to the space again, and I'll resume it."
    if reason == "space_not_allowed":
        return f"Ask the people who run this bot to allow it. Then {again}."
    if reason == "asker_left":
        return f"Another administrator there can take it over. If you come back, {again} there."
    offered = "" if owned.direct else "I've offered it to the administrators in the space. "
    return f"{offered}If you get the rights again, {again}."


def resumed(owned: Subscription | Schedule, cause: PauseCause, *, space: str, named: bool = True) -> str:
    """Return what its owner is told when it has resumed by itself."""
    return HAS_PASSED[cause].format(subject(owned, space=space, named=named))


def ownerless(owned: Subscription | Schedule) -> str:
    """Return what the people who run the bot are told of one of a 1:1 space: nobody else can be offered it."""
    return (
        f"A {owned.origin.kind.value} of a 1:1 space is paused, because its owner may no longer get these reports "
        f"(reference {owned.reference}). Nobody else sees that space, so it isn't offered to anyone."
    )


def _body(owned: Subscription | Schedule, status: str, lines: list[str], *, space: str | None) -> list[dict[str, Any]]:
    kind = owned.origin.kind.value.capitalize()
    about = f"{kind} in {escape_card(space, LONGEST_NAME)}" if space else kind
    return [
        text(escape_card(name_of(owned), LONGEST_NAME), size="Medium", weight="Bolder"),
        text(status, color="Attention", size="Small", spacing="None"),
        *(text(sentence_in_card(one), spacing="Small") for one in lines),
        text(f"{about} · {owned.reference}", size="Small", isSubtle=True),
    ]
