"""The part of Webex that the bot uses, played on this machine: with state, signatures, roles, scopes and refusals.

It knows nothing of the bot. Tests, benchmark and demo use the same one.
"""

from bot.emulator.calls import Call, CallLog
from bot.emulator.faults import Fault, Faults
from bot.emulator.problems import Refusal
from bot.emulator.report import Report, Shape
from bot.emulator.server import Emulator
from bot.emulator.things import (
    AttachmentAction,
    Delivery,
    Event,
    Membership,
    Message,
    Organization,
    Person,
    Refreshable,
    Space,
    StoredFile,
    Template,
    Webhook,
)
from bot.emulator.world import World

__all__ = [
    "AttachmentAction",
    "Call",
    "CallLog",
    "Delivery",
    "Emulator",
    "Event",
    "Fault",
    "Faults",
    "Membership",
    "Message",
    "Organization",
    "Person",
    "Refreshable",
    "Refusal",
    "Report",
    "Shape",
    "Space",
    "StoredFile",
    "Template",
    "Webhook",
    "World",
]
