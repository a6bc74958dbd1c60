"""What can go wrong, in one tree.

    BotError                   one clear sentence for the person, and whether trying again can help
    ├── Refused                policy said no; the sentence says what is missing
    ├── WebexError             Webex answered with an error, or with nothing useful
    ├── FileRejected           the download is not a report that may be posted
    │   └── ChecksumDiffers    it is one, but Webex's checksum fits nothing of it
    ├── FewDownloadsLeft       the last downloads of a report are for people, not for schedules
    ├── DatabaseUnavailable    our database cannot be reached
    │   └── TokenNotLocked     the file that locks the admin token cannot be opened
    └── SettingsError          the program is set up wrongly; every mistake at once

Adapters translate foreign errors into these at once. ``queue/runner.py`` turns those of jobs into a sentence in Webex
and a line in the log, both with the same reference; ``chat/error_answer.py`` those of messages.
"""

from __future__ import annotations

import re
from typing import Final

from bot.text import escape_markdown


class BotError(Exception):
    """Something went wrong on the bot's side. Try again later."""

    passing = False
    """True when the same call may succeed later by itself."""
    retry_after: float | None = None
    """Seconds that Webex asked to wait, if it did."""
    advice = ""
    """The cause and the remedy, for the people who run the bot; may be empty."""

    def __init__(self, sentence: str | None = None) -> None:
        self.sentence = sentence or " ".join((type(self).__doc__ or "").split())
        super().__init__(self.sentence)

    @property
    def in_full(self) -> str:
        """Return the sentence and the advice, for the people who run the bot."""
        return f"{self.sentence} {self.advice}".strip()


class Refused(BotError):
    """You can't do this here."""

    def __init__(self, sentence: str | None = None, *, reason: str = "refused", details: str = "") -> None:
        super().__init__(sentence)
        self.reason = reason
        """A short, stable name for the log and the database."""
        self.details = details
        """For the asker alone: roles, scopes and settings are not shown in a group space."""


class FileRejected(BotError):
    """What Webex sent is not a report file, so it was not posted. Ask again later, or run the report again."""


class ChecksumDiffers(FileRejected):
    """The file that Webex sent does not match the report's checksum, so it was not posted. Ask again later."""

    def __init__(self, sha256: str) -> None:
        super().__init__()
        self.sha256 = sha256
        """Of the file, in hex: the same bytes in a second download are accepted."""


class FewDownloadsLeft(BotError):
    """Webex allows few more downloads of this report, and nobody asks for it just now."""


_LOGIN: Final = r"authentication failed for user|no password supplied|role \".*\" does not exist|no pg_hba.conf entry"
_REFUSED: Final = (
    (re.compile(_LOGIN), "The database's server refuses the bot's user or password."),
    (re.compile(r"database \".*\" does not exist"), "The database's server has no database with this name."),
)
"""How PostgreSQL refuses a connection, and what is said of it: the error has no SQLSTATE."""


class DatabaseUnavailable(BotError):
    """The bot's database can't be reached, has been locked for too long, or is full. Try again later."""

    passing = True

    def __init__(self, cause: BaseException) -> None:
        super().__init__()
        self.cause = cause
        self.advice = f"The cause: {driver_says(cause)}"

    @property
    def in_full(self) -> str:
        """Return what to correct where PostgreSQL refuses the user or the database: that doesn't pass by itself."""
        refused = next((words for said, words in _REFUSED if said.search(self.advice)), None)
        return super().in_full if refused is None else f"{refused} Check DATABASE_URL. {self.advice}"


class TokenNotLocked(DatabaseUnavailable):
    """The bot can't use its admin token just now. Try again later."""

    def __init__(self, cause: BaseException, remedy: str) -> None:
        super().__init__(cause)
        self.advice = remedy


def driver_says(cause: BaseException) -> str:
    """Return the first line of a database driver's error, which names no password. SQLAlchemy wraps it."""
    return str(getattr(cause, "orig", cause)).partition("\n")[0]


class SettingsError(BotError):
    """The settings are wrong."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        super().__init__("\n".join(problems))


ADMIN_TOKEN = "the bot's admin token"  # noqa: S105 words about it, not the token
BOT_TOKEN = "the bot's own token"  # noqa: S105 likewise
"""The two tokens, in sentences for people."""

DOWNLOAD = "GET download"
"""The name of a download in errors and logs, since its address is a secret."""

LOST_BEHIND_A_GATEWAY = frozenset({408, 499, 502, 504, *range(520, 600)})
"""What a gateway answers when Webex did not: the call may have taken effect."""
PASSING_STATUSES = LOST_BEHIND_A_GATEWAY | {423, 425, 429, 500, 503}


class WebexError(BotError):
    """Webex did not do what it was asked to.

    ``status`` is the HTTP status, or None when no complete answer came (time-out, reset, truncated or malformed body).
    ``message`` is Webex's, cleaned; without a status it is the bot's, and those in ``UNUSABLE`` have a sentence.
    ``reached`` is False when the request certainly took no effect (no connection), True when Webex answered,
    None when nobody can know: then a POST may have taken effect.
    The text never holds a token, a link or a body; ``call`` is the method and the path without its query.
    ``whose`` names the token that the call was made with. ``advice`` is for the people who run the bot, not for chat.
    """

    def __init__(
        self,
        call: str,
        status: int | None,
        *,
        message: str = "",
        tracking_id: str = "",
        retry_after: float | None = None,
        reached: bool | None = True,
        passing: bool | None = None,
        whose: str = ADMIN_TOKEN,
        advice: str = "",
    ) -> None:
        self.advice = advice
        self.call = call
        self.status = status
        self.message = message
        self.tracking_id = tracking_id
        self.retry_after = retry_after
        self.reached = reached
        self.passing = (status is None or status in PASSING_STATUSES) if passing is None else passing
        super().__init__(sentence_for(status, message, tracking_id, whose, call))

    def __str__(self) -> str:
        said = f"{self.call} -> {self.status or 'no answer'} {self.message} (tracking id {self.tracking_id or 'none'})"
        return f"{said} {self.advice}".strip()


def refuses_token(error: object) -> bool:
    """Return True for an answer that is about a token, or what it may do, and tells nothing of what was asked for."""
    return isinstance(error, WebexError) and error.status in {401, 403}


UNREADABLE = "the answer cannot be read"
TOO_LARGE = "the answer is too large"
IN_CIRCLES = "the pages lead round in circles"
TOO_MANY_PAGES = "more pages than are followed"
ELSEWHERE = "not Webex's address"
TOO_SLOW = "the download took too long"
"""The bot's own messages in a ``WebexError`` without a status: an answer came, but it can't be used."""

CONTACT = "Please contact whoever runs this bot."
TELL = "Please tell the people who run this bot"
UNUSABLE = {
    UNREADABLE: f"Webex's answer couldn't be read. If this happens again: {TELL[0].lower()}{TELL[1:]}",
    TOO_LARGE: f"Webex's answer is too large, so none of it was used. {TELL}",
    IN_CIRCLES: f"Webex's list never ends, so none of it was used. {TELL}",
    TOO_MANY_PAGES: f"Webex's list is too long, so none of it was used. {TELL}",
    ELSEWHERE: f"Webex pointed to an address that isn't its own, so the bot didn't go there. {TELL}",
    TOO_SLOW: "Webex sent the file too slowly. Ask again later",
}

SENTENCES = {
    400: "Webex rejected the request",
    401: "Webex no longer accepts {whose}; the people who run this bot must renew it",
    403: "Webex doesn't allow this for {whose}",
    404: "Webex couldn't find this",
    405: "Webex rejected the request",
    409: "Webex reports a conflict; try again in a minute",
    410: "Webex no longer has this",
    413: "Webex says this is too large",
    415: "Webex rejected the request",
    423: "Webex has locked this for now",
    428: "Webex requires something first that the bot can't provide",
    429: "Webex asks the bot to slow down",
    451: "Webex keeps this in another region, which the bot can't reach",
}

SENTENCES_OF_DOWNLOADS = SENTENCES | {
    410: "Webex no longer offers this file: the link expired or a scan flagged it. Run the report again",
    423: "Webex is still scanning this file for malware",
    428: "Webex couldn't scan it for malware, so I didn't download it. Run the report again",
}


_TRACKING_ID = re.compile(r" Webex tracking (?:ID|id): \S+")


def without_tracking_id(sentence: str) -> str:
    """Return a sentence for comparing: Webex gives another tracking ID with each answer."""
    return _TRACKING_ID.sub("", sentence)


def sentence_for(
    status: int | None, message: str = "", tracking_id: str = "", whose: str = ADMIN_TOKEN, call: str = ""
) -> str:
    """Return what a call's status means for a person, with the tracking ID that Webex's support asks for."""
    sentences = SENTENCES_OF_DOWNLOADS if call == DOWNLOAD else SENTENCES
    if status is None:
        said = UNUSABLE.get(message, "Webex didn't respond")
    elif status in sentences:
        said = sentences[status].format(whose=whose)
    else:
        said = f"Webex returned an error ({status})"
    words = escape_markdown(message)
    if words and status in {400, 403, 409, 415} and call != DOWNLOAD:  # a download host may say anything
        said += f" (“{words}”)"
    return f"{said}. Webex tracking ID: {tracking_id}." if tracking_id else f"{said}."
