"""What people read about subscriptions: what one announces, the question before it is made, and lists of them. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

from bot.db.confirmations import Unusable
from bot.db.origin import OriginState
from bot.messages.elements import THAT_YOU_MAY_SEE, button, card, primary, sentence_in_card, text
from bot.messages.names import LONGEST_NAME
from bot.text import MAX_TEXT_BYTES, count, escape_card, one_line, when
from bot.webex.ids import bare_id
from bot.webex.report_families import FAMILIES, Family

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from bot.db.subscriptions import Subscription
    from bot.messages.names import Names
    from bot.webex.types import Card

CONFIRM: Final = "confirm"
"""Stands before the token in the data of the button **Subscribe**."""
LONGEST_LABEL: Final = 120
MOST_SHOWN: Final = 5
"""Subscriptions on one page, each with two buttons."""
MOST_MEANT: Final = 4
"""Titles that a mistyped word may be meant for."""
NEVER: Final = "Reports created in Control Hub or Partner Hub never come: they aren't available to bots."
HOW: Final = (
    "What should I announce? Type `subscribe` and words of a report's title, such as `subscribe calling usage`, or "
    "`subscribe all`. Add `card only` for cards without files."
)
NO_OUTSIDERS: Final = {
    "outsiders": (
        "There are external people in this space, so I don't announce reports here. Subscribe in a space without them, "
        "or message me directly."
    ),
    "members_unknown": "I can't see who is in this space, so I don't announce reports here. Message me directly.",
    "asker_left": "Only someone who is in this space can subscribe it.",
}
"""By policy's reason."""
UNUSABLE: Final = {
    Unusable.ANOTHER_PERSONS: "Only the person who asked can confirm this. To subscribe, ask me yourself.",
    Unusable.USED: "You've already confirmed this.",
    Unusable.LAPSED: "This question has expired. Ask me to subscribe again.",
}
"""What is said to a press that subscribes nothing."""
TO_SUBSCRIBE: Final = "Type `subscribe calling usage` to have matching reports posted as soon as they're ready."
FULL_ONLY: Final = (
    "Only full administrators can see the subscriptions of all spaces. Type `subscriptions` for this one."
)
NEUTRAL: Final = "I've sent you the list of subscriptions in a direct message."
PUBLIC: Final = "This space is public: anyone in your organization can find it, join it, and read along."
ONLY_NEW: Final = "I'll post only what becomes ready from now on."
NOT_LATER: Final = "What becomes ready until then isn't announced later."


@dataclass(frozen=True, slots=True)
class Readers:
    """Who reads what is announced."""

    direct: bool
    people: int = 0
    """Members of the space, without the bot."""
    public: bool = False
    """Anyone of the organization can find the space and join it."""


@dataclass(frozen=True, slots=True)
class Matches:
    """What the reports that Webex lists now say of a subscription."""

    listed: int
    matching: int
    not_shown: tuple[str, ...] = ()
    """Sentences about families that Webex does not list now."""
    others: str = ""
    """Which families the person may not use."""
    unknown: bool = False
    """No report and no template has exactly these words."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked before a subscription is made."""

    token: str
    until: datetime
    instead: tuple[tuple[str, str], ...] = ()
    """Titles that may be meant, each with what is typed for it."""


class Described(Protocol):
    """A subscription, or what is to become one."""

    @property
    def words(self) -> str:
        """Return the words of the reports; none for all."""

    @property
    def family(self) -> str | None:
        """Return the family of reports; None for all that the owner may use."""

    @property
    def region(self) -> str | None:
        """Return the region; None for the home region."""

    @property
    def card_only(self) -> bool:
        """Return True for cards without files."""

    @property
    def on_behalf_of(self) -> str | None:
        """Return the sub-partner organization."""


def label(one: Described) -> str:
    """Return what people call a subscription, to be escaped: ``calling usage in the EU``, ``all partner reports``."""
    said = one.words or f"all {_kind(one)}s"
    return f"{said}{_where(one)}{f' for organization {bare_id(one.on_behalf_of)}' if one.on_behalf_of else ''}"


def _where(one: Described) -> str:
    return "" if one.region is None else f" in {'the ' if one.region in {'US', 'EU'} else ''}{one.region}"


def _kind(one: Described) -> str:
    return "report" if one.family is None else FAMILIES[Family(one.family)].name


def argument_of(one: Described) -> str:
    """Return what is typed after ``subscribe`` for the same."""
    family = {None: "", Family.PARTNER.value: "partner", Family.ORGANIZATION.value: "organization"}[one.family]
    parts = [one.words or "all", family, one.region or "", "card only" if one.card_only else ""]
    return " ".join(filter(None, [*parts, f"for {one.on_behalf_of}" if one.on_behalf_of else ""]))


def _shown(one: Described) -> str:
    return escape_card(label(one), LONGEST_LABEL)


def subscribed(one: Subscription, matches: Matches, readers: Readers, owner: str, now: datetime) -> tuple[str, Card]:
    """Return the text and the card that tell what a subscription announces from now on."""
    whose = "" if readers.direct or not owner else _in_name_of(escape_card(owner, LONGEST_NAME))
    lines = [_what(one), *_about(one, matches, readers), whose, NEVER]
    return _card("Subscribed to", one, lines, now)


def exists(one: Subscription, now: datetime) -> tuple[str, Card]:
    """Return the text and the card for a subscription that stands already."""
    other = "with files" if one.card_only else "for cards only"
    lines = [_what(one), f"To have it {other}, unsubscribe first."]
    return _card("Already subscribed to", one, lines, now)


def question(one: Described, matches: Matches, readers: Readers, asked: Question) -> tuple[str, Card]:
    """Return the text and the card that ask whether a subscription is meant."""
    head = "Subscribe?" if readers.direct else "Subscribe this space?"
    doubt = ""
    if matches.unknown:
        doubt = f"No {_kind(one)} or template has exactly these words: “{escape_card(one.words, LONGEST_LABEL)}”."
        doubt += " Did you mean one of those below?" if asked.instead else ""
    lines = [*filter(None, [doubt, _what(one), *_about(one, matches, readers), PUBLIC if readers.public else ""])]
    who = "You can confirm this" if readers.direct else "Only the person who asked can confirm this,"
    body = [
        text(head, size="Medium", weight="Bolder"),
        text(_shown(one), weight="Bolder", spacing="Small"),
        *(text(sentence_in_card(line), size="Small", spacing="Small") for line in lines),
        text(f"{who} until {asked.until:%H:%M} UTC.", size="Small", isSubtle=True, spacing="Small"),
    ]
    anyway = button("Subscribe anyway" if matches.unknown else "Subscribe", "subscribe", f"{CONFIRM} {asked.token}")
    instead = [button(one_line(title, 40), "subscribe", argument) for title, argument in asked.instead]
    said = "\n".join(
        [f"**{head}** {_shown(one)}", "", *lines, "To confirm, press the button in an app that shows cards."]
    )
    return said, card(body, [*instead, anyway] if instead else [primary(anyway)], instead=said)


def _what(one: Described) -> str:
    what = "a card, without the file, for each" if one.card_only else "the file of each"
    return f"I'll post {what} matching {_kind(one)} as soon as it's ready, no matter who runs it."


def _about(one: Described, matches: Matches, readers: Readers) -> list[str]:
    """Return how many reports match now, and who will read what comes."""
    verb = "matches" if matches.matching == 1 else "match"
    if matches.unknown:
        now = ""
    elif not matches.listed:
        now = f"Webex lists no {_kind(one)}s{_where(one)} now."
    elif not matches.matching:
        now = f"Webex lists {count(matches.listed, 'report')} now, and none matches."
    elif matches.matching == matches.listed:
        which = "The only report" if matches.listed == 1 else f"All {matches.listed} reports"
        now = f"{which} that Webex lists now {verb}. {ONLY_NEW}"
    else:
        now = f"{matches.matching} of the {matches.listed} reports that Webex lists now {verb}. {ONLY_NEW}"
    if readers.direct:
        who = "Only you will see it."
    else:
        people = count(readers.people, "person").replace("persons", "people")
        who = f"Everyone in this space ({people}) will see it: members need no administrator role."
    return [" ".join([now, *matches.not_shown]).lstrip(), who, matches.others]


def _in_name_of(owner: str) -> str:
    return f"I get the reports in {owner}'s name, so I stop if {owner} may no longer have them."


def _card(head: str, one: Subscription, lines: Sequence[str], now: datetime) -> tuple[str, Card]:
    lines = [line for line in lines if line]
    body = [
        text(head, size="Small", isSubtle=True),
        text(_shown(one), size="Medium", weight="Bolder", spacing="None"),
        *(text(sentence_in_card(line), size="Small", spacing="Small") for line in lines),
        text(f"Reference {one.reference}", size="Small", isSubtle=True, spacing="Small"),
    ]
    end = f"Reference {one.reference}. To end it, type `unsubscribe {one.reference}`."
    said = "\n".join([f"{head} **{_shown(one)}**.", "", *lines, end])
    return said, card(body, _buttons(one, now), instead=said)


def _is_muted(one: Subscription, now: datetime) -> bool:
    return one.muted_until is not None and now < one.muted_until


def _buttons(one: Subscription, now: datetime) -> list[dict[str, Any]]:
    if one.is_offered and not one.direct:
        first = button("Take over", "takeover", one.reference)
    elif one.state is OriginState.PAUSED and not one.waits:
        first = button("Resume", "resume", one.reference)
    elif _is_muted(one, now):
        first = button("Unmute", "unmute", one.reference)
    else:
        first = button("Mute for a week", "mute", one.reference)
    return [first, button("Unsubscribe", "unsubscribe", one.reference)]


def state_of(one: Subscription, now: datetime) -> tuple[str, str]:
    """Return the state in words, and its color."""
    if one.state is OriginState.PAUSED:
        return f"Paused. {one.reason or ''}".rstrip(), "Warning"
    if one.muted_until is not None and _is_muted(one, now):
        return f"Muted until {when(one.muted_until)}", "Warning"
    return "Active", "Good"


def subscription_list(
    shown: Sequence[Subscription], names: Names, head: str, now: datetime, *, more: str = "", places: bool = False
) -> tuple[str, Card]:
    """Return a page of subscriptions; ``more``: what is typed for the next one, ``places``: where each one is."""
    body = [text(head, size="Medium", weight="Bolder")]
    lines = [f"**{head}**", ""]
    for one in shown:
        state, color = state_of(one, now)
        place = names.place(one.room_id, direct=one.direct) if places else ""
        what = "cards only" if one.card_only else "with files"
        what = what if one.family is None else f"{_kind(one)}s {what}"
        by = f"subscribed by {escape_card(names.person(one.person_id), LONGEST_NAME)}"
        about = " · ".join(filter(None, [what, place, by, f"reference {one.reference}"]))
        parts = [
            text(_shown(one), weight="Bolder"),
            text(f"● {sentence_in_card(state)}", color=color, size="Small", spacing="None"),
            text(about, size="Small", isSubtle=True, spacing="None"),
            {"type": "ActionSet", "actions": [*_buttons(one, now), button("History", "history", one.reference)]},
        ]
        body.append({"type": "Container", "separator": True, "items": parts})
        line = f"- **{_shown(one)}**: {state}. {about}"
        if len("\n".join([*lines, line]).encode()) <= MAX_TEXT_BYTES:
            lines.append(line)
    said = "\n".join(lines)
    return said, card(body, [button("More", "subscriptions", more)] if more else [], instead=said)


def head_of(
    total: int, start: int, shown: int, *, direct: bool, everyone: bool, elsewhere: bool = False, hidden: bool = False
) -> str:
    """Return the title of a page; ``elsewhere``: the answer about a space is read directly.

    ``hidden``: there are others, which the person may not see.
    """
    number = count(total, "subscription")
    here = " in that space" if elsewhere else " in this space"
    where = " in your organization" if everyone else "" if direct else here
    pages = "" if shown == total else f", {start + 1}–{start + shown}"
    return f"{number}{where}{THAT_YOU_MAY_SEE if hidden else ''}{pages}"


def no_subscriptions(*, direct: bool, everyone: bool, elsewhere: bool = False, hidden: bool = False) -> str:
    """Return what is said where there is none; ``elsewhere``: the answer about a space is read directly.

    ``hidden``: there are some that the person may not see.
    """
    here = "That space has" if elsewhere else "This space has"
    who = "There are" if everyone else "You have" if direct else here
    return f"{who} no subscriptions{f'{THAT_YOU_MAY_SEE}.' if hidden else f'. {TO_SUBSCRIBE}'}"


def unsubscribed(one: Subscription, place: str = "") -> tuple[str, Card]:
    """Return that a subscription has ended, with the button that makes it again; ``place``: `` in **Admin reports**``.

    It has a place where the answer stands elsewhere.
    """
    said = f"Unsubscribed from **{_shown(one)}**{place}."
    return said, card([text(said)], [button("Subscribe again", "subscribe", argument_of(one))], instead=said)


def muted(one: Subscription, place: str = "", *, was_muted: bool) -> tuple[str, Card]:
    """Return until when nothing is announced, or that it goes on; ``place`` as above."""
    if one.muted_until is None:
        no_longer = "is no longer muted" if was_muted else "isn't muted"
        said = f"**{_shown(one)}**{place} {no_longer}. I'll post what becomes ready from now on."
        action = button("Mute for a week", "mute", one.reference)
    else:
        said = f"**{_shown(one)}**{place} is muted until {when(one.muted_until)}. {NOT_LATER}"
        action = button("Unmute", "unmute", one.reference)
    return said, card([text(said)], [action], instead=said)
