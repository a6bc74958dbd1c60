"""Webex's report APIs, as data: all that differs between families of reports. To add a family, add a row."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Family(StrEnum):
    """A report API of Webex's, by the name that settings and the database use."""

    PARTNER = "partner"
    ORGANIZATION = "organization"


@dataclass(frozen=True, slots=True)
class ReportFamily:
    """What is particular to one family."""

    key: Family
    name: str
    """As people read it, in the singular."""
    path: str
    """Of its list, and before a report's ID."""
    templates_path: str
    """Of the list of what it can run."""
    write_scopes: tuple[str, ...]
    """What the admin token needs to create and delete its reports."""
    scopes: tuple[str, ...]
    """What the admin token needs to read it; ``manifest/scopes.yaml`` gives the reasons."""
    roles: tuple[str, ...]
    """Whom Webex gives these reports, unless the settings name others."""
    roles_setting: str
    """The variable that names others."""
    also_needs: str = ""
    """What else Webex requires of the organization."""
    roles_have_no_id: bool = False
    """True where the roles' IDs are published nowhere, so that they are known by name, or proved by a list call."""
    takes_region: bool = False
    """True where a list call is for one region (``regionId``) and may be made for a sub-partner."""

    @property
    def needs(self) -> str:
        """Return what reading it takes, for the people who run the bot."""
        scopes = " and ".join(f"`{scope}`" for scope in self.scopes)
        more = f", {self.also_needs}," if self.also_needs else ""
        return f"{self.name}s need the scope{'s' * (len(self.scopes) > 1)} {scopes}{more} and {' or '.join(self.roles)}"

    @property
    def write_needs(self) -> str:
        """Return what running and deleting it takes, for the people who run the bot."""
        scopes = " and ".join(f"`{scope}`" for scope in self.write_scopes)
        plural = "s" * (len(self.write_scopes) > 1)
        more = f", {self.also_needs}," if self.also_needs else ""
        return f"running and deleting {self.name}s needs the scope{plural} {scopes}{more} and {self.roles[0]}"

    def is_report_call(self, path: str) -> bool:
        """Return True for a call's path, without host, that asks this family for reports."""
        found = next((one for one in _LONGEST_FIRST if f"/{one.path}/" in f"{path}/"), None)
        return found is self


FAMILIES: Final = {
    one.key: one
    for one in (
        ReportFamily(
            key=Family.PARTNER,
            name="partner report",
            path="partner/reports",
            templates_path="partner/reports/templates",
            write_scopes=("spark-admin:reports_write", "identity:people_read"),
            scopes=("spark-admin:reports_read", "identity:people_read"),
            roles=("Partner Full Administrator", "Partner Read-only Administrator"),
            roles_setting="ALLOWED_PARTNER_ROLES",
            roles_have_no_id=True,
            takes_region=True,
        ),
        ReportFamily(
            key=Family.ORGANIZATION,
            name="organization report",
            path="reports",
            templates_path="report/templates",
            write_scopes=("analytics:read_all",),
            scopes=("analytics:read_all",),
            roles=("Full Administrator", "Read-only Administrator"),
            roles_setting="ALLOWED_ROLES",
            also_needs="Pro Pack",
        ),
    )
}
_LONGEST_FIRST: Final = sorted(FAMILIES.values(), key=lambda one: -len(one.path))
PROVEN_BY_LISTING: Final = next(one.key for one in FAMILIES.values() if one.roles_have_no_id)
"""The family whose list proves by which role the admin token reads it."""
