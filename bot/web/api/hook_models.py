"""What the API takes and gives about incoming hooks."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 pydantic reads it
from typing import Annotated, Any, Self

from pydantic import ConfigDict, Field, StringConstraints, model_validator

from bot.db.hooks import HookAction
from bot.web.api.models import FamilyName, Id, Model, TemplateId, Words

Secret = Annotated[str, StringConstraints(min_length=16, max_length=256, pattern=r"^[!-~]+$")]


def _none(*names: str) -> dict[str, Any]:
    return {name: {"type": "null"} for name in names}


class NewHook(Model):
    """Make a hook, which does one thing in one space."""

    model_config = ConfigDict(
        json_schema_extra={
            "oneOf": [
                {"properties": {"action": {"const": "deliver"}, **_none("family", "templateId", "period")}},
                {
                    "required": ["family", "templateId"],
                    "properties": {
                        "action": {"const": "create"},
                        "family": {"type": "string"},
                        "templateId": {"anyOf": [{"type": "string"}, {"type": "integer"}]},
                        **_none("title"),
                    },
                },
            ]
        }
    )

    action: HookAction
    space_id: Id
    title: Words | None = Field(None, description="words of the title; without, each call's body says them")
    family: FamilyName | None = None
    template_id: TemplateId | None = None
    period: Words | None = Field(None, description="such as `last month`; without, each call's body may say it")
    secret: Secret | None = Field(None, description="calls must then be signed with it (X-Hub-Signature-256)")

    @model_validator(mode="after")
    def _of_action(self) -> Self:
        if self.action is HookAction.DELIVER and (self.family or self.template_id is not None or self.period):
            raise ValueError("Send family, templateId and period only with the action create.")
        if self.action is HookAction.CREATE and (self.title or not self.family or self.template_id is None):
            raise ValueError("Send family and templateId, and no title, with the action create.")
        return self


class MadeHook(Model):
    """A hook that was just made."""

    id: str
    url: str = Field(description="shown only now; who knows it can call the hook")


class HookInfo(Model):
    """A hook."""

    id: str
    action: HookAction
    space_id: str
    title: str | None = None
    family: FamilyName | None = None
    template_id: str | None = None
    period: str | None = None
    signed: bool = Field(description="calls must be signed")
    created_at: datetime
    called_at: datetime | None = None


class Hooks(Model):
    """Hooks, the newest first."""

    items: list[HookInfo]
    next: str | None = None


class ByHook(Model):
    """The address of a hook in the API."""

    hook_id: Annotated[str, StringConstraints(max_length=64)] = Field(alias="hook_id")


class Called(Model):
    """What a call of a hook is answered."""

    reference: str
