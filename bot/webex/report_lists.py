"""Which of Webex's lists a report is in: what one list call is about, and one job watches."""

from __future__ import annotations

from typing import NamedTuple


class ReportList(NamedTuple):
    """A list of reports, by what its call names."""

    family: str
    region: str | None = None
    """None: the home region, or of a family without regions."""
    on_behalf_of: str | None = None
    """The sub-partner organization whose reports they are; None: the partner's own."""

    @property
    def key(self) -> str:
        """Return it as a job's key: ``family:region``, with ``:organization`` for a sub-partner's."""
        return f"{self.family}:{self.region or ''}" + (f":{self.on_behalf_of}" if self.on_behalf_of else "")


def list_of_key(key: str) -> ReportList:
    """Return the list that a job's key names."""
    family, region, on_behalf_of, *_ = [*key.split(":"), "", ""]
    return ReportList(family, region or None, on_behalf_of or None)
