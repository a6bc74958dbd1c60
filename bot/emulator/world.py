"""The world that the emulator plays: everything in one object, safe to use from many threads."""

from bot.emulator.calls import CallLog
from bot.emulator.reports import Reports
from bot.emulator.things import Person

LAST_SHOWN = 15


class World(Reports):
    """Organizations, people, spaces, messages, webhooks and reports; see the parts for what each can do.

    `page_size` is the most that one page of a list holds whatever `max` says, so that clients must follow pages.
    `lists_threads` is whether a bot may list a group space's thread by `parentId`: it most likely may not, and
    nobody has documented it.
    """

    def __init__(self) -> None:
        super().__init__()
        self.calls = CallLog()
        self.page_size = 100
        self.lists_threads = False

    @property
    def bot(self) -> Person | None:
        """Return the bot of this world: the first one that was added."""
        return next((person for person in self.people.values() if person.is_bot), None)

    @property
    def home_org_id(self) -> str | None:
        """Return the organization that was added first: everyone of another one is external."""
        return next(iter(self.organizations), None)

    def account(self) -> str:
        """Return what there is, in words."""
        lines = []
        for space in self.spaces.values():
            lines.append(f"space {space.title!r}:")
            for message in self.messages(space)[-LAST_SHOWN:]:
                author = self.people[message.person_id].display_name
                kinds = [kind for kind, there in (("card", message.card), ("file", message.files)) if there]
                words = (message.markdown or message.text or "")[:200]
                lines.append(f"  {author}: {words!r} {' '.join(kinds)}".rstrip())
        lines.extend(
            f"report {report.title!r} ({report.family}): {report.status}, polls {report.polls}, "
            f"downloads {report.downloads}"
            for report in self.reports.values()
        )
        lines.extend(
            f"webhook {hook.name!r} {hook.resource}/{hook.event}: {hook.status}" for hook in self.webhooks.values()
        )
        lines.extend(
            f"delivery of {delivery.event.resource}/{delivery.event.event}: {delivery.status or delivery.problem}"
            for delivery in self.deliveries[-LAST_SHOWN:]
        )
        lines.extend(f"call {call.method} {call.path}: {call.status}" for call in list(self.calls)[-LAST_SHOWN:])
        return "\n".join(lines) or "nothing at all"
