"""Find out from the admin token itself which role besides those known by name reads partner reports here.

The ids of Webex's partner roles are published nowhere, and their names can be read only with another scope. But the
admin token's own person has such a role when Webex gives the token partner reports. So where that person has exactly
one role that says "partner", and Webex has listed partner reports for the token, that role is proved, and counts for
others who have it.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Final

from bot.access.policy import may_be_partner_role, says_partner
from bot.errors import Refused, WebexError
from bot.webex.ids import is_uuid

if TYPE_CHECKING:
    from collections.abc import Callable

    from bot.webex.people import Directory
    from bot.webex.types import Role

BELIEVED_SECONDS: Final = 3600.0
ASKED_AGAIN_SECONDS: Final = 300.0
"""How long it is believed that nothing is proved: a scope or a role may be added at any time."""


class PartnerRole:
    """The proof, asked of Webex when someone's right depends on it, and remembered. Threads may share it."""

    def __init__(
        self,
        directory: Directory,
        list_partner_reports: Callable[[], object],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._directory = directory
        self._list_partner_reports = list_partner_reports
        self._clock = clock
        self._lock = threading.Lock()
        self._until = float("-inf")
        self._role: Role | None = None

    def proven(self) -> Role | None:
        """Return the role, or None. Raises ``WebexError`` while Webex has trouble."""
        with self._lock:
            if self._clock() >= self._until:
                self._role = self._ask()
                self._until = self._clock() + (BELIEVED_SECONDS if self._role else ASKED_AGAIN_SECONDS)
            return self._role

    def _ask(self) -> Role | None:
        try:
            held = self._directory.roles_of(self._directory.me().id).roles
            found = [role for role in held if says_partner(role)]
            # A role that shows neither a name nor a word in its id may be the one that reads the reports.
            nameless = any(not role.name and is_uuid(role.id) for role in held)
            if nameless or len(found) != 1 or not may_be_partner_role(found[0]):
                return None
            self._list_partner_reports()
        except Refused:
            return None
        except WebexError as error:
            if error.passing:
                raise
            return None
        return found[0]
