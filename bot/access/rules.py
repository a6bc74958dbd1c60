"""The rules of access that the settings hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.access.policy import Rules

if TYPE_CHECKING:
    from bot.settings import Settings


def rules(settings: Settings, our_org: str) -> Rules:
    """Return the settings as policy reads them."""
    return Rules(
        our_org=our_org,
        families=settings.report_families,
        roles=settings.allowed_roles,
        partner_roles=settings.allowed_partner_roles,
        people=frozenset(email.lower() for email in settings.allowed_people),
        spaces=frozenset(settings.allowed_spaces) or None,
        partner_orgs=frozenset(settings.allowed_orgs),
    )
