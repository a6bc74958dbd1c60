"""What the people who run the bot read in their space; ``{since}`` stands for the time when it was first found.

The space may be any that the bot is in, so no sentence holds a token, a link, an id or a name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bot.text import when

if TYPE_CHECKING:
    from datetime import datetime, timedelta

SINCE: Final = "{since}"
WILL_RESUME: Final = "Pending requests will resume automatically."
STILL_TRYING: Final = f"I'm still trying. {WILL_RESUME}"


def dated(text: str, since: datetime) -> str:
    """Return a problem's text with the time when it was first found."""
    return text.replace(SINCE, when(since))


def problem(text: str) -> str:
    """Return the message that tells of a problem."""
    return f"**⚠ Problem:** {text}"


def resolved(text: str) -> str:
    """Return the message that tells that a problem is over."""
    return f"**✅ Resolved:** {text}"


def lasted(since: datetime, until: datetime) -> str:
    """Return the sentence about a problem that nobody could be told of while it lasted."""
    return f"The problem lasted {from_to(since, until)}."


def from_to(since: datetime, until: datetime) -> str:
    """Return ``from Nov 30, 01:40 to 02:10 UTC``; the second day only where it is another one."""
    first = when(since)
    if since.date() == until.date():
        return f"from {first.removesuffix(' UTC')} to {until:%H:%M} UTC"
    return f"from {first} to {when(until)}"


ANSWERING_EVERYWHERE: Final = "I'm answering everywhere again."


def answers_stopped(most: int, within: timedelta, pause: timedelta, outcome: str) -> str:
    """Return what is told when someone was answered too often; ``outcome``: by which the audit log shows them."""
    return (
        f"I stopped answering someone in a space: I answered more than {most} of their messages within "
        f"{within.total_seconds():.0f} seconds, as happens when two bots answer each other. I'll answer there again "
        f"after {pause.total_seconds() / 60:.0f} minutes. `reportbot audit` shows who and where it is, by `{outcome}`. "
        "If it is another bot, remove one of us from that space."
    )


AWAY: Final = (
    "I was away {from_to}. I'm now answering what was written {written}; if you pressed a button, press it again."
)


def away(since: datetime, until: datetime, longest: timedelta) -> str:
    """Return what people read where messages were missed; ``longest``: how far back they are answered."""
    hours = longest.total_seconds() / 3600
    written = "in the meantime" if until - since <= longest else f"in the last {hours:.0f} hours"
    return AWAY.format(from_to=from_to(since, until), written=written)


# Webex and the network
BOT_UNREACHABLE: Final = f"I haven't been able to reach Webex since {SINCE}, so nobody gets an answer. {STILL_TRYING}"
BOT_REACHABLE: Final = f"I can reach Webex again. {WILL_RESUME}"
ADMIN_UNREACHABLE: Final = (
    f"Webex hasn't responded to requests with the admin token since {SINCE}, so nobody gets a report. {STILL_TRYING} "
    "If this continues, check status.webex.com and this machine's network."
)
ADMIN_REACHABLE: Final = f"Webex responds to requests with the admin token again. {WILL_RESUME}"


def reports_unreachable(family: str) -> str:
    """Return the problem that Webex doesn't answer for one family of reports."""
    return f"Webex's {family} reports haven't responded since {SINCE}. {STILL_TRYING}"


def reports_reachable(family: str) -> str:
    """Return what ends it."""
    return f"Webex's {family} reports respond again. {WILL_RESUME}"


MISSED_MESSAGES: Final = (
    "I received no webhook for at least one message and found it by polling a few minutes later. Button presses can't "
    "be found this way. Check that PUBLIC_URL leads to this bot from outside (address, certificate, proxy), and that "
    "`reportbot manifest plan` finds no differences."
)
WEBHOOKS_ARRIVE: Final = "Webhooks for new messages arrive again."


def rejected_calls(more_than: int) -> str:
    """Return the problem that many webhook calls aren't Webex's, or that the secret is wrong."""
    return (
        f"More than {more_than} webhook calls in five minutes failed signature verification. Webex disables a webhook "
        "after 100 failures in five minutes and doesn't re-enable it. If nobody gets an answer, WEBEX_WEBHOOK_SECRET "
        "isn't the secret that the webhooks were registered with: correct it, and run `reportbot manifest apply`. If "
        "everything else works, someone is probing the endpoint."
    )


CALLS_VERIFY: Final = "No more webhook calls fail signature verification."

# Webhooks
WEBHOOKS_OK: Final = "The bot's webhooks are set up correctly."
WEBHOOKS_REPAIRED: Final = (
    "I'm looking for messages that were missed. Check that PUBLIC_URL can be reached from outside."
)
DISABLED: Final = "Webex disabled the webhook “{name}”."
ENABLED: Final = "I re-enabled it."
NOT_SIGNED: Final = "The webhook “{name}” wasn't signed with WEBEX_WEBHOOK_SECRET."
SIGNED: Final = "I re-signed it."
OTHER_EVENTS: Final = "The webhook “{name}” was registered for other events."
RECREATED: Final = "I recreated it."
MISSING: Final = "The webhook “{name}” was missing."
ELSEWHERE: Final = (
    "The webhook “{name}” leads to another address. If this installation should receive its events, run `reportbot "
    "manifest apply`; otherwise stop this installation, or give it a bot of its own."
)
NOT_REPAIRED: Final = "I couldn't repair it. {cause}"

# Tokens
ADMIN_TOKEN_OK: Final = "Webex accepts the admin token, and it can read roles."
ADMIN_TOKEN_REJECTED: Final = (
    "Webex no longer accepts the admin token, so nobody gets a report. Create a new token, set WEBEX_ADMIN_TOKEN, and "
    "restart the bot. If you set the three WEBEX_ADMIN_CLIENT_… variables, I can renew the token myself."
)
RENEW: Final = (
    "Authorize the Service App or the integration again, set WEBEX_ADMIN_REFRESH_TOKEN (and WEBEX_ADMIN_CLIENT_SECRET, "
    "if it's new), and restart the bot."
)
REFRESH_REJECTED: Final = (
    "Webex refuses to renew the admin token, so nobody gets a report once the current token has expired."
)


def refresh_token_ends(at: datetime, *, over: bool) -> str:
    """Return the problem that the admin token can't be renewed after a day."""
    day = f"{at:%b} {at.day}, {at.year}"
    if over:
        return f"The admin token's refresh token expired on {day}, so I can't renew the admin token any more. {RENEW}"
    return f"The admin token's refresh token expires on {day}, and no renewal has extended it. {RENEW}"


ADMIN_TOKEN_LASTS: Final = "I can renew the admin token, for long enough."
ADMIN_TOKEN_EXPIRES: Final = (
    "WEBEX_ADMIN_TOKEN will expire (12 hours for a personal token, 14 days for an integration's). Set the three "
    "WEBEX_ADMIN_CLIENT_… variables so that I can renew it."
)
ADMIN_IS_BOT: Final = (
    "WEBEX_ADMIN_TOKEN belongs to a bot, and a bot has no administrator rights. Use an administrator's token."
)
SAME_ACCOUNT: Final = (
    "The admin token and WEBEX_BOT_TOKEN belong to the same account. A bot has no administrator rights: use an "
    "administrator's token as the admin token."
)
ROLES_UNREADABLE: Final = (
    "The admin token can't read roles, so nobody counts as an administrator and nobody gets a report. It needs "
    "spark:people_read, spark-admin:people_read and spark-admin:roles_read, and must belong to an administrator."
)
NO_ROLE: Final = (
    "The owner of the admin token has no administrator role, so Webex gives the token no reports. Use the token of a "
    "full, read-only or partner administrator."
)
OWNER_NOT_SHOWN: Final = (
    "Webex doesn't tell whose the admin token is, so nobody gets a report. It needs the scope spark:people_read; or "
    "set WEBEX_ORG_ID to the ID of its organization."
)
BOT_TOKEN_REJECTED: Final = (
    "Webex no longer accepts WEBEX_BOT_TOKEN. Create a new one at developer.webex.com/my-apps, and restart the bot."
)
BOT_NOT_A_BOT: Final = "WEBEX_BOT_TOKEN belongs to a person. It must be a bot's token (developer.webex.com/my-apps)."
BOT_TOKEN_OK: Final = "WEBEX_BOT_TOKEN belongs to a bot."


def family_refused(family: str, needs: str) -> str:
    """Return the problem that Webex refuses one family of reports; ``needs``: its scopes and who can grant them."""
    return (
        f"Webex refuses {family} reports to the admin token (403), so nobody gets one. They need {needs}. Add what's "
        f"missing, or remove {family} from REPORT_FAMILIES."
    )


def family_allowed(family: str) -> str:
    """Return what ends it."""
    return f"Webex gives the admin token {family} reports."


# This machine
DISK_FULL: Final = "The disk of DATA_DIR is almost full, so I've stopped downloading files. Free up space."
CANNOT_WRITE: Final = (
    "I can't write to my folder for files in DATA_DIR, so nobody gets one. Make it writable for the bot's user."
)
STORAGE_OK: Final = "I can write to my folder for files again."


def database_unavailable(since: datetime, until: datetime) -> str:
    """Return the problem that is known once it is over."""
    return (
        f"The database was unavailable {from_to(since, until)}. It's back. Webhook calls were refused in the meantime, "
        f"so I'm looking for messages that were missed. {WILL_RESUME}"
    )


def long_wait(seconds: float) -> str:
    """Return the problem that the bot is too slow to begin to answer."""
    return (
        f"Someone waited more than {seconds:.0f} seconds before I started to answer. Either this machine is too slow "
        "for the load, or Webex responds slowly. Check `reportbot_queue_oldest_due_seconds` and the durations of "
        "Webex calls in `/metrics`, and the log."
    )


NO_LONG_WAIT: Final = "I start to answer within a minute again."

# Settings
NOT_IN_SPACE: Final = (
    "I'm not in the space that OPERATORS_SPACE names, so problems appear only in the log. Add me to that space, or "
    "correct OPERATORS_SPACE."
)
IN_SPACE: Final = "I'm in the space that OPERATORS_SPACE names."
FINISH_ROTATION: Final = (
    "The old one still verifies webhook calls. Run `reportbot manifest apply` if you haven't yet, then set "
    "WEBEX_WEBHOOK_SECRET to the new secret alone, and restart the bot."
)
TWO_SECRETS: Final = f"Two webhook secrets have been set since {SINCE}. {FINISH_ROTATION}"
ONE_SECRET: Final = "Only one webhook secret is set. The old one is no longer valid."
