"""What the API takes and gives, in JSON with names in camelCase as Webex's own."""

from __future__ import annotations

from datetime import date, datetime  # noqa: TC003 pydantic reads them
from enum import StrEnum
from functools import cache
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, model_validator
from pydantic.alias_generators import to_camel

from bot.web.api.json_schemas import both_or_none, either

Id = Annotated[str, StringConstraints(min_length=1, max_length=512, pattern=r"^[^\s\x00-\x1f]+$")]
# No text has a NUL: PostgreSQL can't store it.
Words = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=r"^[^\x00]*[^\s\x00][^\x00]*$"),
]
Email = Annotated[str, StringConstraints(strip_whitespace=True, max_length=320, pattern=r"^[^@\s\x00]+@[^@\s\x00]+$")]
FamilyName = Literal["partner", "organization"]


def _no_text(value: Any) -> Any:
    if isinstance(value, bool | str):
        raise ValueError("Send a number or a text.")  # noqa: TRY004 pydantic tells ValueError to the caller
    return value


TemplateId = Annotated[int, BeforeValidator(_no_text), Field(ge=0, lt=10**15)] | Id
Region = Annotated[str, StringConstraints(max_length=64, pattern=r"^\w+$")]
Sites = Annotated[str, StringConstraints(max_length=2000, pattern=r"^[^\x00]*$")] | list[Words] | None


def _sites_of(given: str | list[str] | None) -> tuple[str, ...]:
    names = given.split(",") if isinstance(given, str) else given or []
    return tuple(filter(None, (one.strip() for one in names)))


class Model(BaseModel):
    """The ground of every model."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid")

    @classmethod
    def model_json_schema(cls, *args: Any, **more: Any) -> dict[str, Any]:
        """Return the schema; the plain one is made once, since flask-openapi3 asks for it at each call."""
        return super().model_json_schema(*args, **more) if args or more else _plain_schema(cls)


@cache
def _plain_schema(model: type[Model]) -> dict[str, Any]:
    return super(Model, model).model_json_schema()


class Status(StrEnum):
    """How a delivery stands."""

    OPEN = "open"
    DELIVERED = "delivered"
    FAILED = "failed"
    REFUSED = "refused"
    CANCELED = "canceled"
    EXPIRED = "expired"
    UNSURE = "unsure"


class NewDelivery(Model):
    """Deliver one report to one space or person."""

    model_config = ConfigDict(
        json_schema_extra={"allOf": [either("reportId", "title"), either("spaceId", "personEmail")]}
    )

    report_id: Id | None = None
    title: Words | None = Field(None, description="words of the title; the newest report that is ready")
    space_id: Id | None = None
    person_email: Email | None = Field(None, description="who may ask for this report themselves; keys for all spaces")
    card_only: bool = Field(default=False, strict=True)

    @model_validator(mode="after")
    def _one_of_each(self) -> Self:
        if (self.report_id is None) == (self.title is None):
            raise ValueError("Send either reportId or title.")
        if (self.space_id is None) == (self.person_email is None):
            raise ValueError("Send either spaceId or personEmail.")
        return self


class Delivery(Model):
    """A delivery, open or ended."""

    id: str
    status: Status
    report_id: str | None = None
    space_id: str | None = None
    card_only: bool
    created_at: datetime
    closed_at: datetime | None = None
    reason: str | None = Field(None, description="why there is no file, in words")
    reference: str = Field(description="by it, `reportbot why` and the log find it")
    message_id: str | None = Field(None, description="Webex's, of the first message with the file, or of the card")


class Deliveries(Model):
    """Deliveries, the newest first."""

    items: list[Delivery]
    next: str | None = None


class Page(Model):
    """Which part of a list."""

    cursor: Annotated[str, StringConstraints(max_length=18, pattern=r"^[0-9]+$")] | None = None
    max: int = Field(50, ge=1, le=100)


class ReportQuery(Page):
    """Which reports."""

    family: FamilyName | None = None
    words: Words | None = Field(None, description="words of the title, service, region or status")
    region_id: Region | None = None


class Wait(Model):
    """How long to wait for the end of a delivery."""

    wait: int = Field(0, ge=0, le=30, description="seconds; where too many calls wait, it is answered at once")


class ByReference(Model):
    """The address of a delivery."""

    delivery_id: Annotated[str, StringConstraints(max_length=64)] = Field(alias="delivery_id")


class ByReport(Model):
    """The address of a report."""

    report_id: Id = Field(alias="report_id")


class Idempotent(Model):
    """The header that makes a repeated call harmless."""

    model_config = ConfigDict(extra="ignore", populate_by_name=True)

    idempotency_key: Annotated[str, StringConstraints(max_length=255, pattern=r'[^"\s]')] | None = Field(
        None, alias="Idempotency-Key", description="quoted or bare, kept a day"
    )


class Report(Model):
    """A report as Webex has it; never a link to its file."""

    id: str
    family: FamilyName
    title: str
    status: Literal["pending", "ready", "failed"]
    webex_status: str
    service: str | None = None
    template_id: str | None = None
    region_id: str | None = None
    site_list: list[str] = []
    start_date: date | None = None
    end_date: date | None = None
    created_at: datetime | None = None
    expires_at: datetime | None = None


class Reports(Model):
    """Reports, the newest first."""

    items: list[Report]
    next: str | None = None


class Template(Model):
    """What can be run."""

    id: str
    family: FamilyName
    title: str
    service: str | None = None
    max_days: int | None = None
    data_start_date: date | None = None
    data_end_date: date | None = None
    required: list[str] = []
    takes_time_zone: bool = False


class Templates(Model):
    """Templates."""

    items: list[Template]
    next: str | None = None


class FamilyQuery(Model):
    """Which family."""

    family: FamilyName | None = None


class DeliverTo(Model):
    """Where the report goes when it is ready."""

    space_id: Id


class NewReport(Model):
    """Run a report."""

    model_config = ConfigDict(json_schema_extra=both_or_none("startDate", "endDate"))

    family: FamilyName
    template_id: TemplateId
    start_date: date | None = None
    end_date: date | None = None
    region_id: Region | None = None
    site_list: Sites = None
    deliver_to: DeliverTo | None = None

    @model_validator(mode="after")
    def _days(self) -> Self:
        if (self.start_date is None) != (self.end_date is None):
            raise ValueError("Send both startDate and endDate, or neither.")
        return self

    @property
    def sites(self) -> tuple[str, ...]:
        """Return the names of the sites."""
        return _sites_of(self.site_list)


class Created(Model):
    """A report that is being run."""

    id: str | None = Field(None, description="Webex's; absent when no answer came in time")
    delivery_id: str | None = None
    status: Status
    reason: str | None = Field(None, description="why there is no report, in words")
    reference: str
    created_at: datetime


class Standing(StrEnum):
    """How a subscription or schedule stands."""

    ACTIVE = "active"
    PAUSED = "paused"


class ByStanding(Model):
    """The address of a subscription or schedule."""

    reference: Annotated[str, StringConstraints(max_length=64)]


class NewSubscription(Model):
    """Have matching reports announced in a space as soon as they are ready."""

    words: Words = Field(description="words of the title, service or template; `all` for all reports")
    family: FamilyName | None = None
    region_id: Region | None = None
    space_id: Id
    card_only: bool = Field(default=False, strict=True)


class Subscription(Model):
    """A subscription of a space."""

    id: str
    words: str
    family: str | None = None
    region_id: str | None = None
    space_id: str
    card_only: bool
    status: Standing
    reason: str | None = Field(None, description="why it is paused, in words")
    created_at: datetime


class Subscriptions(Model):
    """Subscriptions, the oldest first."""

    items: list[Subscription]
    next: str | None = None


class NewSchedule(Model):
    """Run a report regularly, and have it delivered."""

    family: FamilyName
    template_id: TemplateId
    period: Words | None = Field(None, description="in words, read on the day of each run: `last week`")
    space_id: Id
    dtstart: Words = Field(description="local time and zone: `2026-11-30T08:00:00[Europe/Berlin]`")
    rrule: Words = Field(description="RFC 5545: `FREQ=WEEKLY;BYDAY=MO`; at most one run an hour")
    only_if: Words | None = Field(None, description="of: `not blank`, `changed`, `more than 100 rows`; with commas")
    name: Words | None = None
    region_id: Region | None = None
    site_list: Sites = None

    @property
    def sites(self) -> tuple[str, ...]:
        """Return the names of the sites."""
        return _sites_of(self.site_list)


class ChangedSchedule(Model):
    """What is to be different; what is left out stays."""

    period: Words | None = None
    dtstart: Words | None = None
    rrule: Words | None = None
    only_if: Words | None = None
    name: Words | None = None
    status: Standing | None = None


class Schedule(Model):
    """A schedule."""

    id: str
    name: str | None = None
    family: str
    template_id: str
    title: str
    period: str | None = None
    region_id: str | None = None
    site_list: list[str] = []
    space_id: str
    dtstart: str
    rrule: str
    only_if: str | None = None
    status: Standing
    reason: str | None = Field(None, description="why it is paused, in words")
    next_run_at: datetime | None = None
    created_at: datetime


class Schedules(Model):
    """Schedules, the oldest first."""

    items: list[Schedule]
    next: str | None = None


class ScheduleRun(Model):
    """One run of a schedule, and how its delivery ended."""

    id: str
    why: str | None = Field(None, description="`due`, `late` after a downtime, `test`, `by_hand`, `retry`")
    planned_at: datetime | None = None
    started_at: datetime
    closed_at: datetime | None = None
    start_date: date | None = None
    end_date: date | None = None
    status: str = Field(description="as of a delivery, or `halted`: a condition did not hold")
    reason: str | None = None
    report_id: str | None = None
    reference: str


class ScheduleRuns(Model):
    """Runs, the newest first."""

    items: list[ScheduleRun]
    next: str | None = None


class Fault(Model):
    """One thing that is wrong with a request."""

    at: str
    message: str


class Error(Model):
    """Problem details of RFC 9457."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    detail: str | None = None
    errors: list[Fault] | None = None
    choices: list[dict[str, Any]] | None = None
    reference: str | None = None
