"""What the API takes and gives about webhooks for outbound events."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal, Self

from pydantic import AwareDatetime, Field, StringConstraints, field_validator, model_validator

from bot.web.api.models import Model

EventName = Literal["report.ready", "delivery.delivered", "delivery.failed", "schedule.paused", "webhook.test"]


class NewWebhook(Model):
    """Have events sent to an address."""

    url: Annotated[str, StringConstraints(min_length=1, max_length=2000)]
    events: Annotated[list[EventName], Field(min_length=1, json_schema_extra={"uniqueItems": True})]

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        if len(set(self.events)) != len(self.events):
            raise ValueError("Name each event once.")
        return self


class LastAttempt(Model):
    """What the receiver answered last."""

    event_id: str
    at: datetime
    status: int | None = Field(None, description="the HTTP status; null when there was no answer")
    answer: str = Field(description="the first 2,048 characters, or why there was no answer")


class Webhook(Model):
    """A webhook of this key."""

    id: str
    url: str
    events: list[EventName]
    created_at: datetime
    failing_since: datetime | None = Field(None, description="since when it has not taken an event that is sent again")
    disabled_at: datetime | None = None
    disabled_reason: Literal["gone", "no_success"] | None = Field(
        None, description="gone: it answered 410; no_success: it took no event for 75 hours"
    )
    pending: int = Field(description="events that wait to be sent")
    last_attempt: LastAttempt | None = None


class RegisteredWebhook(Webhook):
    """A webhook with its secret, which is told once."""

    secret: str = Field(description="verifies the signatures: whsec_ and 32 bytes in Base64")


class Webhooks(Model):
    """Webhooks, the oldest first."""

    items: list[Webhook]
    next: str | None = None


class ByWebhook(Model):
    """The address of a webhook."""

    webhook_id: Annotated[str, StringConstraints(max_length=64)] = Field(alias="webhook_id")


class Tested(Model):
    """The event that was sent as a test."""

    event_id: str


class Recover(Model):
    """Since when events are sent again."""

    since: AwareDatetime

    @field_validator("since")
    @classmethod
    def _in_utc(cls, since: datetime) -> datetime:
        try:
            return since.astimezone(UTC)
        except OverflowError:
            raise ValueError("This time is before year 1 or after year 9999 in UTC.") from None


class Recovered(Model):
    """How many events are sent again."""

    events: int
