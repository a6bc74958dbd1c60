"""Gathers what policy needs to know and asks it: roles with the admin token, a space's members with the bot's."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from bot.errors import Refused, WebexError
from bot.policy import Act, Decision, Place, Rules, Verdict, decide
from bot.webex_ids import bare_id

if TYPE_CHECKING:
    from collections.abc import Callable

    from bot.ports import Chat, Directory

CLOSED_TO_US = frozenset({403, 404})
"""Webex does not show the members: the bot was removed, or the space is gone. It then counts as an outside space."""


class Guard:
    """Says whether a person may have reports in a space, now. Raises ``WebexError`` while Webex has trouble."""

    def __init__(
        self,
        directory: Directory,
        chat: Chat,
        bot_id: Callable[[], str],
        rules: Callable[[str], Rules],
    ) -> None:
        self._directory = directory
        self._chat = chat
        self._bot_id = bot_id
        self._rules = rules

    def decide(self, person_id: str, act: Act, *, room_id: str | None, direct: bool) -> Decision:
        """Ask policy with fresh facts about the space."""
        rules = with_bare_ids(self._rules(self._directory.our_org()))
        try:
            who = self._directory.roles_of(person_id)
            who = replace(who, org_id=bare_id(who.org_id))
        except Refused as refused:
            return Decision(Verdict.REFUSED, refused.reason, refused.sentence)
        # The members are asked only for somebody who may ask at all: it is a call for each page.
        room = None if room_id is None else bare_id(room_id)
        alone = decide(who, act, Place(room, direct=True), rules)
        if direct or alone.verdict is Verdict.REFUSED:
            return alone
        return decide(who, act, Place(room, direct=False, member_orgs=self._member_orgs(room_id)), rules)

    def _member_orgs(self, room_id: str | None) -> frozenset[str] | None:
        if room_id is None:
            return None
        try:
            members = self._chat.members(room_id)
        except WebexError as error:
            if error.status in CLOSED_TO_US:
                return None
            raise
        bot = self._bot_id()
        if not any(member.person_id != bot for member in members):
            return None
        return frozenset(bare_id(member.person_org_id) for member in members if member.person_id != bot)


def with_bare_ids(rules: Rules) -> Rules:
    """The same rules by bare ids: an operator may paste an id either way."""
    return replace(
        rules,
        our_org=bare_id(rules.our_org),
        partner_orgs=frozenset(map(bare_id, rules.partner_orgs)),
        spaces=None if rules.spaces is None else frozenset(map(bare_id, rules.spaces)),
    )
