"""Sentences about a request for a report: how it goes on, and how it ended."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bot.errors import (
    ADMIN_TOKEN,
    DOWNLOAD,
    FewDownloadsLeft,
    FileRejected,
    Refused,
    WebexError,
    refuses_token,
    without_tracking_id,
)
from bot.messages.elements import RUN_IT_AGAIN
from bot.text import duration, escape_markdown
from bot.webex.responses import SPACE_CLOSED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.db.reports import ReportRow
    from bot.db.requests import Request
    from bot.errors import BotError

REPORTS_AWAY: Final = "Webex Reports isn't responding right now."
KEEP_TRYING: Final = "I'll keep trying; no action needed."
KEEP_WAITING: Final = "I'll keep trying, and continue by myself when that's done."
TROUBLE_TOO_LONG: Final = "Webex kept returning errors, so I stopped trying. Ask again to start over."
SPACE_CLOSED_NOTICE: Final = "Webex doesn't let me post the answer in this space, so I've replied to you directly."
REMOVED: Final = (
    "Webex doesn't let me post in the space where you asked, perhaps because I was removed. I'm answering you here."
)
OWNER_FORGOTTEN: Final = "Everything about its owner was deleted."
SENT_DIRECTLY: Final = "I've sent you the details directly."
CANCELED: Final = "Canceled. I won't post this report here."
NOT_SHOWN_YET: Final = "Webex has created the report but doesn't show it yet."
NEVER_SHOWN: Final = (
    "Webex has created this report but doesn't show it. Type `reports` in a few minutes to see whether it's there."
)
RUN_CANCELED: Final = "Canceled. I won't run this report."
RUN_CANCELED_LATE: Final = "Canceled. I won't post this report here, but Webex may create it all the same."
STILL_WAITING: Final = "Others in this space are still waiting."
TOO_LATE: Final = "It's too late to cancel: the file is being posted."
NOT_WAITING: Final = "Nobody is waiting for this report here."
NONE_TO_CANCEL: Final = "I found no request for this report here that you may cancel."
REPORT_DELETED: Final = "The report was deleted, so I won't post it here."
ANOTHER_CANCELED: Final = "Another administrator canceled this request."
RESTORED: Final = (
    "I was restored from a backup and don't know whether I've posted this report. Please look, and ask again if it's "
    "missing."
)
PICK_ONE: Final = "Which report? Pick one below, or type `report` and its title or ID."
LATER: Final = "Try again later."
CONTACT: Final = "Retrying won't help; please contact whoever runs this bot."
REMEDIES: Final = {401: LATER, 409: "", 413: "Run the report for a shorter period."}
"""What to do when Webex refuses a file, by the status of its answer."""


def canceled(*, by_another: bool, others: bool) -> str:
    """Return what is told of a canceled request; ``others``: the file is posted there all the same."""
    if not by_another:
        return f"Your request is canceled. {STILL_WAITING}" if others else CANCELED
    return f"{ANOTHER_CANCELED} {STILL_WAITING if others else CANCELED.removeprefix('Canceled. ')}"


def canceled_elsewhere(title: str | None, *, others: bool) -> str:
    """Return what is said directly to a person who has canceled what they asked for in a space."""
    what = f"**{escape_markdown(title)}**" if title else "this report"
    if others:
        return f"Your request for {what} is canceled. Others in the space where you asked for it are still waiting."
    return f"Canceled. I won't post {what} in the space where you asked for it."


def others_cancel(what: str) -> str:
    """Return what is said to who may not cancel a report that comes for a subscription or schedule."""
    return f"This report comes for {what}. Only its owner, and administrators who may run reports, can cancel it."


def had_enough(most: int, few: int, times: int) -> str:
    """Return what a person is told who was sent a file often, while few of the ``most`` downloads are left."""
    return (
        f"Webex allows {most} downloads of a report, and the last {few} of this one are for others: I've sent it to "
        f"you {times} times. Use a file that I sent, or run the report again."
    )


def odd_ids(words: Sequence[str]) -> str:
    """Return the answer to words that cannot be report IDs."""
    said = ", ".join(f"“{escape_markdown(one, 60)}”" for one in words[:5])
    isnt = "isn't a valid report ID" if len(words) == 1 else "aren't valid report IDs"
    return f"{said} {isnt}. IDs have only letters, digits, `_`, `=` and `-`."


def too_many_ids(most: int, left: int) -> str:
    """Return what is said when a message names more reports than are taken from one."""
    return f"I take {most} reports from one message; the last {left} were skipped. Please send them again."


def no_answer(why: str) -> str:
    """Return what is said to a message that could not be answered."""
    return f"I couldn't answer this. {why}"


def over_limit(most: int, skipped: int) -> str:
    """Return what a person is told whose requests were skipped."""
    what = "1 was skipped. Please resend it." if skipped == 1 else f"{skipped} were skipped. Please resend them."
    return f"You've hit the limit of {most} requests a minute; {what}"


def named(title: str | None) -> str:
    """Return the report as the subject of a sentence."""
    return f"The report **{escape_markdown(title)}**" if title else "The report"


def failed(title: str | None) -> str:
    """Return what is said when Webex could not generate a report."""
    what = f"the report **{escape_markdown(title)}**" if title else "this report"
    return f"Webex couldn't generate {what}. {RUN_IT_AGAIN}"


def generating_again(title: str | None) -> str:
    """Return what is said when Webex generates a report again while its file is being posted."""
    return f"{named(title)} was ready, and Webex is generating it again. Ask again to wait for the new one."


def usually(seconds: float) -> str:
    """Return how long such a report usually takes in this organization."""
    return f"Usually about {duration(max(10.0, round(seconds, -1)))} here."


def expired(request: Request, row: ReportRow) -> str:
    """Return what is said when a request reaches its deadline."""
    waited = duration((request.deadline_at - request.asked_at).total_seconds())
    status = f" Its last status was “{escape_markdown(row.status)}”." if row.status else ""
    return f"{named(row.title)} wasn't ready after {waited}, so I stopped waiting.{status} Ask again to keep waiting."


def gone(title: str | None) -> str:
    """Return what is said when Webex no longer knows a report."""
    return f"{named(title)} isn't in Webex any more. It was probably deleted; run it again."


def not_downloaded(error: BotError, title: str | None) -> str:
    """Return what is said when a report is ready and its file cannot be had."""
    if isinstance(error, WebexError) and error.status == 404 and error.call != DOWNLOAD:  # noqa: PLR2004
        return gone(title)
    if isinstance(error, WebexError) and error.status == 428 and error.call == DOWNLOAD:  # noqa: PLR2004
        return f"{named(title)} is ready, but {error.sentence}"
    not_posted = isinstance(error, (FileRejected, FewDownloadsLeft))
    what = "its file wasn't posted" if not_posted else "I couldn't download its file"
    return f"{named(title)} is ready, but {what}. {error.sentence}"


def not_posted(error: BotError, title: str | None, *, direct: bool, there: int = 0, parts: int = 1) -> str:
    """Return what is said when the file is here and Webex does not take it, or nobody can know who would read it.

    ``direct``: it was to go to the person directly. ``there``: so many of its ``parts`` are posted.
    """
    if isinstance(error, Refused):
        return error.sentence
    status = error.status if isinstance(error, WebexError) else None
    if status in SPACE_CLOSED:
        if direct:
            return f"{named(title)} is ready, but Webex doesn't let me post its file here. {CONTACT}"
        return f"{named(title)} is ready, but Webex doesn't let me post its file where you asked. Ask me directly."
    remedy = LATER if status is None or error.passing else REMEDIES.get(status, CONTACT)
    if there:
        are = "is" if there == 1 else "are"
        return (
            f"{named(title)} isn't complete: {there} of its {parts} parts {are} here, and Webex rejected the next. "
            f"{error.sentence} {remedy}"
        ).rstrip()
    return f"{named(title)} is ready, but Webex rejected its file. {error.sentence} {remedy}".rstrip()


def trouble(error: WebexError) -> str:
    """Return what is told of an error while the bot keeps trying."""
    if refuses_token(error):
        return without_tracking_id(error.sentence)  # another ID with each try would be another sentence
    if error.status == 429:  # noqa: PLR2004
        return "Webex is asking me to slow down right now."
    if "/report" in error.call or "/partner" in error.call:
        return REPORTS_AWAY
    if error.status is None or error.status >= 500:  # noqa: PLR2004
        return "Webex isn't responding right now."
    return "Webex is keeping me waiting right now."


def keeps_trying(cause: str | None) -> str:
    """Return what a person is told who waits while Webex has trouble; ``cause``: see :func:`trouble`."""
    return f"{cause or ''} {KEEP_WAITING if ADMIN_TOKEN in (cause or '') else KEEP_TRYING}".lstrip()


def tried_too_long(cause: str | None) -> str:
    """Return what is said when a request ends with its deadline because of trouble."""
    if ADMIN_TOKEN in (cause or ""):
        return f"{cause} I've stopped trying. Ask again when that's done."
    return f"{cause} I've stopped trying." if (cause or "").startswith("The bot's ") else TROUBLE_TOO_LONG


def not_created(title: str, cause: str) -> str:
    """Return why a report was not run; ``cause``: a sentence, or nothing."""
    return f"I couldn't run “{escape_markdown(title, 100)}”. {cause}".rstrip()


NOTHING_REQUESTED: Final = (
    "You haven't requested a report here yet. To get one, type `report` and its title; to ask about a request of "
    "someone else, type `why` and its reference."
)
NOTHING_RUN: Final = "You haven't run a report here yet. Type `new` to run one."
ALREADY_RUNNING: Final = "I'm already running this report. It's posted where it was asked for first."
WHICH_TEMPLATE: Final = "Which report do you want to run?"


def no_template(words: str) -> str:
    """Return that no template has this name."""
    return f"I couldn't find a template “{escape_markdown(words, 60)}”."


def not_understood(words: str) -> str:
    """Return that some words of a form's answer mean nothing."""
    return f"I didn't understand “{escape_markdown(words, 60)}”."


def in_the_future(words: str) -> str:
    """Return that there is no data for a period such as "tomorrow"."""
    return f"“{escape_markdown(words, 60)}” is in the future; Webex has no data for it yet."


def about_press(word: str, space: str) -> str:
    """Return what a message is about that answers a press elsewhere; without a name for the space, nothing."""
    return f"You pressed a button for `{escape_markdown(word, 20)}` in **{escape_markdown(space)}**." if space else ""
