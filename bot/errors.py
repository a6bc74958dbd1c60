"""What can go wrong, in one tree.

    BotError                   one clear sentence for the person, and whether trying again can help
    ├── Refused                policy said no; the sentence says what is missing
    ├── WebexError             Webex answered an error, or nothing that is of use
    ├── FileRejected           the download is not a report that may be posted
    │   └── ChecksumDiffers    it is one, but Webex's checksum fits nothing of it
    ├── StoreUnavailable       our database cannot be reached
    └── SettingsError          the program is set up wrongly; every mistake at once

Adapters translate foreign errors into these at once. ``worker.py`` is the one place that turns them into a
sentence in Webex and a line in the log, both with the same reference.
"""

from __future__ import annotations

from bot.text import escape_markdown


class BotError(Exception):
    """Something went wrong on the bot's side. Try again in a while."""

    passing = False
    """True when the same call may succeed later without anybody doing anything."""
    retry_after: float | None = None
    """Seconds that Webex asked to wait, if it did."""
    advice = ""
    """Why, with the remedy, as a sentence for the people who run the bot; empty when there is no more to say."""

    def __init__(self, sentence: str | None = None) -> None:
        self.sentence = sentence or " ".join((type(self).__doc__ or "").split())
        super().__init__(self.sentence)

    @property
    def in_full(self) -> str:
        """The sentence and the advice, for anyone who runs the bot."""
        return f"{self.sentence} {self.advice}".strip()


class Refused(BotError):
    """You may not do this here."""

    def __init__(self, sentence: str | None = None, *, reason: str = "refused", details: str = "") -> None:
        super().__init__(sentence)
        self.reason = reason
        """A short, stable name for the log and the ledger."""
        self.details = details
        """More for the asker alone: roles, scopes and what can be set are not for a group space."""


class FileRejected(BotError):
    """What Webex sent is not a report file, so it was not posted. Ask again later, or make the report anew."""


class ChecksumDiffers(FileRejected):
    """The file that Webex sent does not match the report's checksum, so it was not posted. Ask again later."""

    def __init__(self, sha256: str) -> None:
        super().__init__()
        self.sha256 = sha256
        """Of the file, in hex: the same bytes in a second download are believed."""


class DatabaseUnavailable(BotError):
    """The bot's database cannot be reached, is locked for too long, or cannot store any more. Try again in a while."""

    passing = True

    def __init__(self, cause: BaseException) -> None:
        super().__init__()
        self.cause = cause


class SettingsError(BotError):
    """The settings are wrong."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        super().__init__("\n".join(problems))


ADMIN_TOKEN = "the bot's admin token"  # noqa: S105 words about it, not the token
BOT_TOKEN = "the bot's own token"  # noqa: S105 likewise
"""The two tokens, as people read of them."""

DOWNLOAD = "GET download"
"""How a download is called in errors and logs: its address is a secret."""

LOST_BEHIND_A_GATEWAY = frozenset({408, 499, 502, 504, *range(520, 600)})
"""What a gateway says when Webex's answer did not come: the call may have taken effect."""
PASSING_STATUSES = LOST_BEHIND_A_GATEWAY | {423, 425, 429, 500, 503}


class WebexError(BotError):
    """Webex did not do what was asked.

    ``status`` is the HTTP status, or None when no complete answer came (time-out, reset, truncated or malformed body).
    ``message`` is what Webex said, cleaned; without a status it is ours, and those in ``NO_USE`` have a sentence.
    ``reached`` is False when the request certainly took no effect (no connection), True when Webex answered,
    None when nobody can know: then a POST may have taken effect.
    The text never holds a token, a link or a body; ``call`` is the method and the path without its query.
    ``whose`` names the token that the call was made with. ``advice`` is told to anyone who runs the bot, not in chat.
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


UNREADABLE = "the answer cannot be read"
TOO_LARGE = "the answer is too large"
IN_CIRCLES = "the pages lead round in circles"
TOO_MANY_PAGES = "more pages than are followed"
ELSEWHERE = "not Webex's address"
TOO_SLOW = "the download took too long"
"""Our own messages in a ``WebexError`` without a status: something came, but it is of no use."""

NO_USE = {
    UNREADABLE: "Webex answered, but not in a way that the bot can read. If that happens again, tell the bot's "
    "operators",
    TOO_LARGE: "Webex's answer is larger than the bot reads, so none of it was used. Tell the bot's operators",
    IN_CIRCLES: "Webex's list leads round in circles, so none of it was used. If that happens again, tell the bot's "
    "operators",
    TOO_MANY_PAGES: "Webex's list is longer than the bot reads, so none of it was used. Tell the bot's operators",
    ELSEWHERE: "Webex pointed to an address that is not its own, and the bot did not ask there. Tell the bot's "
    "operators",
    TOO_SLOW: "Webex sent the file so slowly that it was not whole in time. Ask again in a while",
}

SENTENCES = {
    400: "Webex says the request was wrong",
    401: "Webex does not accept {whose} any more; its operators must renew it",
    403: "Webex refuses this to {whose}",
    404: "Webex does not know this",
    405: "Webex says the request was wrong",
    409: "Webex reports a conflict; try again in a minute",
    410: "Webex says this is gone",
    413: "Webex says this is too large",
    415: "Webex says the request was wrong",
    423: "Webex has locked this for the moment",
    428: "Webex wants something first that the bot cannot give",
    429: "Webex asks the bot to slow down",
    451: "Webex keeps this in another region, where the bot cannot reach it",
}

SENTENCES_OF_DOWNLOADS = SENTENCES | {
    410: "Webex says this is gone: the link has expired, or the file was found infected. Make the report anew",
    423: "Webex is still scanning the file for malware",
    428: "Webex could not scan this file for malware, so it was not fetched",
}


def sentence_for(
    status: int | None, message: str = "", tracking_id: str = "", whose: str = ADMIN_TOKEN, call: str = ""
) -> str:
    """Say what a status of a call means for the person, with what Webex's support asks for."""
    sentences = SENTENCES_OF_DOWNLOADS if call == DOWNLOAD else SENTENCES
    if status is None:
        said = NO_USE.get(message, "Webex did not answer")
    elif status in sentences:
        said = sentences[status].format(whose=whose)
    else:
        trouble = status in PASSING_STATUSES or status >= 500  # noqa: PLR2004 HTTP's server errors
        said = "Webex has trouble" if trouble else f"Webex answered {status}"
    words = escape_markdown(message)
    if words and status in {400, 403, 409, 415} and call != DOWNLOAD:  # a host of files may say anything
        said += f" (“{words}”)"
    return f"{said}. Webex tracking id: {tracking_id}." if tracking_id else f"{said}."
