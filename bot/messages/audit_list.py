"""Rows of the audit as people read them in a chat: one card, or the text that stands in for it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from bot.db import audit
from bot.db.audit import Channel
from bot.messages.api_acts import API_ACTS, HOOK_DEEDS, KEY_DEEDS, LOOKED_AT, WEBHOOK_DEEDS
from bot.messages.elements import card, sentence_in_card, text
from bot.messages.names import LONGEST_ADDRESS, LONGEST_NAME
from bot.messages.origins import named
from bot.text import escape_card, escape_markdown, when

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bot.db.audit import Row
    from bot.db.schedules import Schedule
    from bot.db.subscriptions import Subscription
    from bot.messages.names import Names
    from bot.webex.types import Card

DIRECTLY: Final = "in a direct message"
LONGEST_TITLE: Final = 100
ID_END: Final = 8
"""Letters of a report's ID that stand for one without a known title."""
NEUTRAL: Final = "I've sent you the audit log in a direct message."
USAGE: Final = (
    "Type `audit` for the latest entries, `audit` and a report ID, or `audit` and an email address. Add a number for "
    "an earlier page, as in `audit 2`."
)
COLORS: Final = {"delivered": "Good", "refused": "Attention", "failed": "Attention", "error": "Attention"}
RUN: Final = "run"
"""The act of a command, and of the bot when it has had a report created."""
DELETE: Final = "delete"
PAUSE, RESUME = "pause", "resume"
"""Acts of commands, and of the bot when it pauses or resumes one by itself."""
ON_ORIGIN: Final = {
    "history": ("asked what {} has done", "a schedule or subscription"),
    "retry": ("retried what {} didn't bring", "a schedule or subscription"),
    PAUSE: ("asked to pause {}", "a subscription or schedule"),
    RESUME: ("asked to resume {}", "a subscription or schedule"),
    "takeover": ("asked to take over {}", "a subscription or schedule"),
    "reassign": ("asked to give {} to another owner", "subscriptions or schedules"),
    "subscribe": ("asked for {}", "a subscription"),
    "unsubscribe": ("asked to end {}", "a subscription"),
    "mute": ("asked to mute {}", "a subscription"),
    "unmute": ("asked to unmute {}", "a subscription"),
    "schedule": ("asked to make or change {}", "a schedule"),
    "unschedule": ("asked to end {}", "a schedule"),
    RUN: ("asked to run {}", "a report again"),
}
"""What commands did with a subscription or schedule, and what stands in the braces where it isn't known which."""
COMMANDS: Final = (
    {act: said.format(unnamed) for act, (said, unnamed) in ON_ORIGIN.items()}
    | API_ACTS
    | {
        "report": "requested {}",
        "again": "requested the file of {} again",
        "refresh": "checked the status of {}",
        "cancel": "asked to stop waiting for {}",
        "why": "asked what happened to {}",
        DELETE: "asked to delete {}",
        "subscriptions": "listed the subscriptions",
        "schedules": "listed the schedules",
        "new": "asked to run {}",
        "last": "asked to run a report again",
        "reports": "listed the reports",
        "templates": "listed the templates",
        "pending": "listed their pending requests",
        "audit": "viewed the audit log",
        "help": "asked for help",
        audit.UNKNOWN_WORD: "sent a message that is no command",
        audit.REQUEST: "sent a message or pressed a button",
        audit.FORGET: "forgot a user",
        audit.IMPORT: "imported a subscription or schedule",
    }
)
"""What each command did; the braces stand for the report."""
BY_OUTCOME: Final = {audit.KEYS: KEY_DEEDS, audit.WEBHOOKS: WEBHOOK_DEEDS, audit.HOOK: HOOK_DEEDS} | {
    audit.SETTINGS: {audit.CHANGED: "changed the settings"}
}
"""What was done by an act that does several things, by the outcome."""
ENDED: Final = {
    "delivered": "got {}",
    "halted": "didn't get {}",
    "failed": "didn't get {}",
    "refused": "wasn't given {}",
    "canceled": "isn't waiting for {} anymore",
    "cancelled": "isn't waiting for {} anymore",
    "expired": "waited too long for {}",
    "unsure": "may not have got {}",
    "unknown": "may not have got {}",
}
"""How a request ended for a person."""
OUTCOMES: Final = {
    "delivered": "Delivered",
    "halted": "Not posted",
    "failed": "Failed",
    "refused": "Refused",
    "canceled": "Canceled",
    "cancelled": "Canceled",
    "expired": "Stopped waiting",
    "unsure": "Delivery not confirmed",
    "unknown": "Delivery not confirmed",
    audit.DELETED: "Deleted",
    "error": "Error",
    "limited": "Skipped, over the limit",
    "ignored": "Ignored",
    "repeated": "Repeated within a minute",
    "stopped": "Not answered",
    "not_allowed": "Its owner may not have it",
    "outsiders": "External people in the space",
    "space_closed": "Removed from the space, or may not post there",
    "failures": "Failed too often in a row",
    "by_itself": "What paused it has passed",
    "disabled": "Disabled",
}
CAUSES: Final = {
    "directly": "answered directly",
    "privately": "answered directly",  # as version 0.1.0 recorded it
    "report_deleted": "the report was deleted",
    "by_webex": "Webex couldn't generate it",
    "blank": "it's blank",
    "unchanged": "it hasn't changed",
    "few_rows": "it has too few rows",
    "not_administrator": "not an administrator",
    "read_only": "read-only administrator",
    "other_organization": "another organization",
    "outsiders": "external people in the space",
    "outside_space": "nobody of your organization in the space",
    "too_many_answers": "too many answers in a row",
    "not_done_in_time": "not ready in time",
    "trouble_for_too_long": "Webex had errors for too long",
    "given_up": "gave up",
    "not_ours": "not on a card of mine",
    "webex_silent": "Webex didn't respond",
    "gone": "it answered 410 (gone)",
    "no_success": "it took no event for 75 hours",
    "no_title": "no title was said",
    "no_report": "no report that's ready has its title",
    "several_reports": "several reports have its title",
    "no_period": "its period isn't one",
    "key_revoked": "the API key is revoked",
    "right_missing": "the API key may not do this",
    "space_not_of_key": "the API key doesn't reach the space",
}
SILENT: Final = frozenset(
    {audit.ASKED, audit.ANSWERED, "allowed", "done", "delivered", audit.CHANGED, "created", "revoked"}
    | {"registered", "tested", "recovered", "replayed", "rotated"}
)
"""Outcomes that are what is expected, so the sentence alone is said, with the detail that is behind the colon."""
CHANNELS: Final = {Channel.CLI: "command line", Channel.BUTTON: "button", Channel.API: "API"}


def note_of(number: int, before: int, asked: str) -> str:
    """Return the line above the rows: which they are."""
    about = f" about “{escape_markdown(asked, 100)}”" if asked else ""
    if not number:
        return f"No {'earlier ' if before else ''}entries{about}."
    latest = "The latest entry" if number == 1 else f"The latest {number} entries"
    which = f"Entries {before + 1}–{before + number}" if before else latest
    order = ", newest first" if number > 1 else ""
    return f"{which}{about}{order}."


def nobody(address: str) -> str:
    """Return the answer for an address that Webex does not know."""
    return f"No Webex user has the address “{escape_markdown(address, 100)}”."


@dataclass(frozen=True, slots=True)
class AuditView:
    """What it takes to show rows to someone: names of people and spaces, and titles of reports."""

    names: Names
    titles: Mapping[str, str]
    """By the IDs of reports, and by the references of what was asked to be run."""
    namesakes: frozenset[str] = frozenset()
    """Names that several people on the page have, so that their email addresses are shown."""
    origins: Mapping[str, Schedule | Subscription] = field(default_factory=dict)
    """By their own references, and by those of the requests and runs that were made for them."""

    def sentence(self, row: Row) -> str:
        """Return ``**Ada** requested **Calling Usage** in **Admin reports**``; foreign text in it is escaped."""
        who = f"**{escape_card(self.names.person(row.person_id), LONGEST_NAME)}**"
        return " ".join(filter(None, (who, self.deed(row), self.where(row))))

    def deed(self, row: Row) -> str:
        """Return ``requested **Calling Usage**``."""
        word, _, _ = row.outcome.partition(":")
        if row.channel is Channel.SYSTEM and (done := self.done_by_itself(row)):
            return done
        if row.act in BY_OUTCOME:
            return BY_OUTCOME[row.act].get(word, LOOKED_AT.get(row.act, word)).format(self.report(row))
        if row.act == audit.DELIVERY:
            return f"{ENDED.get(word, 'is done with {}').format(self.report(row))}{self.made_for(row)}"
        owned = self.origins.get(row.reference or "")
        if owned is not None and row.act in ON_ORIGIN:
            return ON_ORIGIN[row.act][0].format(named(owned))
        return COMMANDS.get(row.act, row.act).format(self.report(row))

    def done_by_itself(self, row: Row) -> str:
        """Return what the bot has done without being asked just then; empty for other acts."""
        if row.act == audit.SETTINGS:
            return "noted its settings"
        if row.act == RUN:
            ran = f"ran {self.report(row)}" if row.report_id else "got no report from Webex"
            return f"{ran}{self.made_for(row)}"
        if row.act == DELETE:
            return f"has a schedule that made room by deleting {self.report(row)}"
        return f"owns what was {row.act}d by itself" if row.act in {PAUSE, RESUME} else ""

    def made_for(self, row: Row) -> str:
        """Return `` for the schedule **Weekly usage**``, where it was."""
        owned = self.origins.get(row.reference or "")
        return f" for {named(owned)}" if owned is not None else ""

    def ended(self, row: Row) -> str:
        """Return ``Refused: not an administrator``, or nothing where it went as expected."""
        word, _, cause = row.outcome.partition(":")
        why = _cause(cause) if cause != word else ""  # as older versions recorded it
        if word in SILENT:
            return why[:1].upper() + why[1:]
        return f"{OUTCOMES.get(word, word.replace('_', ' ').capitalize())}{f': {why}' if why else ''}"

    def report(self, row: Row) -> str:
        """Return the report's title, or the end of its ID."""
        if not row.report_id:
            title = self.titles.get(row.reference or "")
            return f"**{escape_card(title, LONGEST_TITLE)}**" if title else "a report"
        title = self.titles.get(row.report_id)
        return f"**{escape_card(title, LONGEST_TITLE)}**" if title else f"report …{row.report_id[-ID_END:]}"

    def where(self, row: Row) -> str:
        """Return the place as a part of the sentence, where there is one."""
        if audit.is_direct(row.room_id):
            return DIRECTLY
        return self.names.place(row.room_id, direct=False) if row.room_id else ""

    def about(self, row: Row) -> str:
        """Return when it was, by what means, and the reference, as far as they are known."""
        name, address = self.names.person(row.person_id), self.names.address(row.person_id)
        told_apart = escape_card(address, LONGEST_ADDRESS) if name in self.namesakes else ""
        reference = f"Reference {row.reference}" if row.reference else ""
        at = when(row.at) if row.at else ""
        return " · ".join(filter(None, (at, CHANNELS.get(row.channel, ""), told_apart, reference)))

    def line(self, row: Row) -> str:
        """Return all of it, for an answer without a card."""
        return f"{'. '.join(filter(None, (self.sentence(row), self.ended(row))))}. {self.about(row)}"


def _cause(cause: str) -> str:
    if cause.startswith("webex_") and cause not in CAUSES:
        return f"Webex answered {cause.removeprefix('webex_')}"
    if cause.isdecimal():
        return f"HTTP {cause}"
    return CAUSES.get(cause, cause.replace("_", " "))


def audit_card(rows: Sequence[Row], view: AuditView, note: str, more: Sequence[dict[str, object]] = ()) -> Card:
    """Return the rows, one below the other, and the button for the page before."""
    body = [
        text("Audit log", size="Medium", weight="Bolder"),
        text(sentence_in_card(note), isSubtle=True, spacing="Small"),
    ]
    return card(body + [_block(row, view) for row in rows], more, instead=audit_text(rows, view, note))


def _block(row: Row, view: AuditView) -> dict[str, Any]:
    color = COLORS.get(row.outcome.partition(":")[0], "Default")
    ended = view.ended(row)
    items = [
        text(view.sentence(row)),
        *([text(escape_card(ended), color=color, size="Small", spacing="None")] if ended else []),
        text(view.about(row), size="Small", isSubtle=True, spacing="None"),
    ]
    return {"type": "Container", "separator": True, "spacing": "Small", "items": items}


def audit_text(rows: Sequence[Row], view: AuditView, note: str) -> str:
    """Return the same for a client that shows no cards; report IDs are whole there."""
    lines = [f"- {view.line(row)}" + (f" · `{row.report_id}`" if row.report_id else "") for row in rows]
    return "\n".join([note, "", *lines])
