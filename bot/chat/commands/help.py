"""``help``, the introduction to a group space, and what is said to a message that is no command."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import structlog

from bot.access.policy import Action, Verdict
from bot.chat.back_in_space import clean_up_space, resume_in_space
from bot.chat.commands.refresh import refresh
from bot.chat.commands.report import is_title, of_sentence, report
from bot.chat.commands.reports import reports
from bot.chat.plain_language import Politeness, argument, politeness, wish
from bot.chat.registry import registry
from bot.db import audit
from bot.errors import BotError, WebexError
from bot.messages import help as messages
from bot.webex.report import looks_like_report_id

if TYPE_CHECKING:
    from bot.access.policy import Decision
    from bot.chat.invocation import Invocation
    from bot.chat.plain_language import Wish
    from bot.chat.registry import Command

log = structlog.get_logger(__name__)

POLITE: Final = frozenset({"please", "pls", "thanks", "thx"})
"""Words beside an ID that change nothing."""
ANSWERS: Final = {
    Politeness.HELLO: messages.HELLO,
    Politeness.THANKS: messages.WELCOME,
    Politeness.OKAY: messages.OKAY,
}


@registry.command(
    "help",
    usage="help [command]",
    summary="Show what you can do here, or how to use a command.",
    examples=("help", "help report"),
    action=None,
)
def help_(invocation: Invocation) -> None:
    """Answer with what the person may do here, or with one command; a space is told who may ask, and how."""
    if not invocation.person_id:
        name = invocation.services.identity.person().display_name
        clean_up_space(invocation)
        resume_in_space(invocation)
        invocation.say("help", *messages.introduction_card(name))
        return
    rights = _rights(invocation)
    command = _named(invocation)
    if command is None:
        allowed = [_suited(one, rights) for one in registry if _may(rights, one)]
        note = messages.RIGHTS_UNKNOWN if rights is None else _note(rights[Action.READ])
        invocation.say("help", *messages.help_card(allowed, place=_place(invocation, rights), note=note))
        return
    note = _note(rights[command.action]) if rights and command.action else ""
    invocation.say("help", *messages.command_card(_suited(command, rights), note))


def _rights(invocation: Invocation) -> dict[Action, Decision] | None:
    """Return what policy says of each action of the person here; None while Webex has trouble."""
    try:
        return invocation.services.authorizer.rights(
            invocation.person_id, room_id=invocation.room_id, direct=invocation.direct
        )
    except WebexError as error:
        log.info("rights_unknown", cause=str(error))
        return None


def _place(invocation: Invocation, rights: dict[Action, Decision] | None) -> str:
    """Return what is to know in a group space: also who sees the answers, where the person gets some."""
    if invocation.direct:
        return ""
    try:
        shown = rights is None or rights[Action.READ].verdict is Verdict.REFUSED or invocation.may_be_shown()
    except WebexError as error:
        log.info("members_unknown", cause=str(error))
        shown = True
    return messages.IN_GROUP if shown else messages.IN_GROUP_ALONE


def _suited(command: Command, rights: dict[Action, Decision] | None) -> Command:
    """Return a command with examples about reports that the person may have."""
    families = rights[Action.READ].families if rights else ()
    return replace(command, examples=tuple(messages.suited(one, families) for one in command.examples))


def _may(rights: dict[Action, Decision] | None, command: Command) -> bool:
    """Return True for what the person may do beside help; when that isn't known now, what every administrator may."""
    if command.action is None or rights is None:
        return command.action is Action.READ
    return rights[command.action].verdict is not Verdict.REFUSED


def _note(decision: Decision) -> str:
    """Return why a person may not do something; empty when they may."""
    return messages.NOTES.get(decision.reason, decision.sentence) if decision.verdict is Verdict.REFUSED else ""


def _named(invocation: Invocation) -> Command | None:
    """Return the command about which help is asked, also a mistyped one."""
    for word in invocation.rest:
        found = registry.find(word)
        if found is not None:
            return found
    guess = wish(invocation.rest[:1], registry.words)
    return registry.find(guess.word) if guess is not None and not guess.clear else None


def unknown(invocation: Invocation) -> None:
    """Answer what begins with no command.

    Report IDs alone are asked for; among other words, their cards are shown, which have a button for each wish. What
    only is polite gets two lines; a sentence that says clearly what it wants is done; else a button does what was
    probably meant.
    """
    said = (invocation.word, *invocation.rest)
    others = [one for one in said if not looks_like_report_id(one)]
    names_report = len(others) < len(said)
    meant = wish(said, registry.words)
    if names_report and all(one.casefold() in POLITE for one in others):
        report(replace(invocation, word="report", rest=said))
        return
    if names_report and (meant is None or meant.clear or len(others) > 1):
        refresh(replace(invocation, word="refresh", rest=said))
        return
    kind = politeness(said)
    if kind is not None:
        invocation.say("help", messages.small_talk(ANSWERS[kind]))
    elif not _understood(invocation, said, meant):
        invocation.trail.outcome = audit.ANSWERED  # nothing was allowed: the words were only looked for
        guess = registry.find(meant.word) if meant is not None and not meant.clear else None
        if guess is not None and not _may_do(invocation, guess):
            guess = None
        rest = argument(invocation.argument(meant.rest).split()) if meant is not None else ()
        invocation.say("help", *messages.unknown_card(" ".join(said).strip(), guess, rest))


def _may_do(invocation: Invocation, command: Command) -> bool:
    """Return False for a command that would refuse the person; True also when that isn't known now."""
    try:
        return command.action is not Action.CHANGE or invocation.may(command.action)
    except BotError as error:
        log.info("rights_unknown", cause=str(error))
        return True


def _understood(invocation: Invocation, said: tuple[str, ...], meant: Wish | None) -> bool:
    """Do what a sentence clearly asks for. Return False when that is nothing."""
    if meant is None:
        return is_title(invocation, said)
    if not meant.clear:
        return False
    asked = replace(invocation, word=meant.word, rest=meant.rest)
    if meant.word == "report":
        return of_sentence(asked)
    (help_ if meant.word == "help" else reports)(asked)
    return True
