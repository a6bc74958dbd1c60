"""The stage for dialogues: the emulator plays Webex, the real program answers, and people talk.

The program runs in this process (web, queue and worker, wired as in production); the tests that kill processes start
real ones, see ``tests/killed``.
"""

from __future__ import annotations

import os
import shutil
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from werkzeug.serving import WSGIRequestHandler, make_server

from bot import app as application
from bot import manifest
from bot.db import request_search
from bot.db.database import Database
from bot.emulator.things import FULL_ADMIN, PARTNER_FULL_ADMIN, PARTNER_READONLY_ADMIN, READONLY_ADMIN
from bot.emulator.webhooks import new_webhook
from bot.files.data_dir import OTHERS
from bot.settings import Settings, load
from bot.web.application import build_web
from tests.waiting import until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from bot.db.requests import State
    from bot.emulator import Emulator
    from bot.emulator.things import Family, Message, Person, Space
    from tests.postgresql import Databases

SECRET = "a secret of the tests"
ADMIN_OF_BOTH = [FULL_ADMIN, PARTNER_FULL_ADMIN]
"""The roles of someone who may have, make and delete the reports of both families."""
OPS_TOKEN = "an-ops-token-of-the-tests"
OPS = {"Authorization": f"Bearer {OPS_TOKEN}"}
"""The header that shows the figures and details for those who run the bot."""
PATIENCE = 15.0
"""Seconds until a dialogue that does not go on has failed."""
FAILED = "● Failed\nWebex couldn't generate this report. Run it again."
"""What the card of a report that failed shows below its title."""
CSV = "\ufeffName,Minutes\r\nAda,12\r\nGrace,30\r\n".encode()


class QuietHandler(WSGIRequestHandler):
    """The web server of the tests: keep-alive, no access log."""

    protocol_version = "HTTP/1.1"

    def log(self, *_: Any) -> None:
        """Say nothing."""


@dataclass(frozen=True)
class BotMessage:
    """A message of the bot's, as a person sees it."""

    message: Message

    @property
    def words(self) -> str:
        return self.message.text or ""

    @property
    def card(self) -> dict[str, Any] | None:
        return self.message.card

    @property
    def shown(self) -> str:
        """Return every text on the card, in order, one a line."""
        return "\n".join(texts_of(self.card))

    @property
    def actions(self) -> list[dict[str, Any]]:
        """Return the card's actions, in order."""
        return actions_of(self.card)

    @property
    def buttons(self) -> dict[str, dict[str, Any]]:
        """Return the card's submit buttons by their title."""
        return {one["title"]: one["data"] for one in actions_of(self.card) if one["type"] == "Action.Submit"}

    @property
    def fields(self) -> dict[str, str]:
        """Return what stands in the card's fields, by their names, as a client sends it with each press."""
        return {one["id"]: one.get("value", "") for one in inputs_of(self.card)}

    @property
    def file(self) -> Any:
        return self.message.files[0] if self.message.files else None

    @property
    def content(self) -> bytes:
        return bytes(self.file.path.read_bytes())


class Conversation:
    """What someone wrote, and what the bot answers to it in its thread."""

    def __init__(self, live: LiveBot, person: Person, message: Message) -> None:
        self._stage = live
        self._person = person
        self.message = message
        self._root = message.parent_id or message.id

    def answers(self, number: int = 1) -> list[BotMessage]:
        """Wait for so many answers in this thread, and give all there are."""
        self._stage.emulator.world.wait_for(lambda _: len(self._there()) >= number, timeout=PATIENCE)
        return self._there()

    def answer(self) -> BotMessage:
        """Wait for the first answer."""
        return self.answers(1)[0]

    def card(self) -> BotMessage:
        """Wait for a card."""
        return self._first(lambda heard: heard.card is not None)

    def file(self) -> BotMessage:
        """Wait for a file."""
        return self._first(lambda heard: heard.file is not None)

    def hears(self, words: str) -> BotMessage:
        """Wait for an answer with these words."""
        return self._first(lambda heard: words in heard.words)

    def _first(self, wanted: Callable[[BotMessage], bool]) -> BotMessage:
        self._stage.emulator.world.wait_for(lambda _: any(map(wanted, self._there())), timeout=PATIENCE)
        return next(filter(wanted, self._there()))

    def _there(self) -> list[BotMessage]:
        world = self._stage.emulator.world
        found = world.messages(world.spaces[self.message.room_id])
        bot = self._stage.bot.id
        return [
            BotMessage(one) for one in found if one.person_id == bot and one.parent_id == self._root and not one.deleted
        ]


class User:
    """A person in a space."""

    def __init__(self, live: LiveBot, person: Person, space: Space) -> None:
        self._stage = live
        self.person = person
        self.space = space

    def says(self, text: str, **how: Any) -> Conversation:
        """Write something; in a group space to the bot, by a mention."""
        world = self._stage.emulator.world
        if self.space.type == "group":
            how.setdefault("mention", self._stage.bot)
        return Conversation(self._stage, self.person, world.say(self.person, self.space, text, **how))

    def presses(self, heard: BotMessage, button: str, fields: dict[str, str] | None = None, **how: Any) -> Conversation:
        """Press a button of a card, with what was entered; what comes of it stands in the card's thread."""
        entered = heard.fields | (fields or {})
        assert entered.keys() == heard.fields.keys(), "the card has no such field"
        self._stage.emulator.world.press(self.person, heard.message.id, heard.buttons[button] | entered, **how)
        return Conversation(self._stage, self.person, heard.message)

    def hears_privately(self, words: str) -> BotMessage:
        """Wait for words of the bot in the 1:1 space with it."""
        world = self._stage.emulator.world
        space = world.direct_space(self.person, self._stage.bot)

        def there() -> list[BotMessage]:
            mine = (BotMessage(one) for one in world.messages(space) if one.person_id == self._stage.bot.id)
            return [heard for heard in mine if words in heard.words]

        world.wait_for(lambda _: there(), timeout=PATIENCE)
        return there()[0]


class LiveBot:
    """Emulator, people, spaces and the program."""

    databases: Databases | None = None
    """Where the program's database is made, if not in a file."""

    def __init__(self, emulator: Emulator, folder: Path, **environ: str) -> None:
        self.emulator = emulator
        world = emulator.world
        self.acme = world.add_organization("Acme", is_partner=True)
        self.globex = world.add_organization("Globex")
        self.ada = world.add_person("Ada Lovelace", self.acme, roles=[FULL_ADMIN, PARTNER_FULL_ADMIN])
        self.grace = world.add_person("Grace Hopper", self.acme, roles=[READONLY_ADMIN, PARTNER_READONLY_ADMIN])
        self.nora = world.add_person("Nora Jones", self.acme, roles=[])
        self.ethan = world.add_person("Ethan Hunt", self.globex, roles=[FULL_ADMIN])
        self.bot = world.add_bot("Report Bot", self.acme)
        self.bot_token = world.add_token(self.bot, kind="bot")
        self.admin_token = world.add_token(self.ada, kind="integration")
        self.group = world.add_space("Admin reports", [self.ada, self.grace, self.nora, self.bot])
        self.outside = world.add_space("Project with Globex", [self.ada, self.ethan, self.bot])
        self.folder = folder
        self.environ = {
            "WEBEX_BOT_TOKEN": self.bot_token,
            "WEBEX_ADMIN_TOKEN": self.admin_token,
            "WEBEX_WEBHOOK_SECRET": SECRET,
            "WEBEX_API_URL": emulator.api_url,
            "REPORT_DOWNLOAD_HOSTS": "127.0.0.1",
            "DATA_DIR": str(folder),
            "POLL_INTERVAL": "0.1",
            "OPS_TOKEN": OPS_TOKEN,
        } | environ
        if self.databases is not None and "DATABASE_URL" not in environ:
            self.environ |= {"DATABASE_URL": self.databases.migrated(), "SECRET_KEY": "k" * 32} | environ

    def has_database(self, migrated: Path) -> None:
        """Begin with a copy of a migrated, empty database: half of a start is migrations."""
        self.folder.mkdir(mode=0o700)
        if self.databases is None:
            shutil.copy(migrated, self.folder / "reportbot.db")

    def settings(self) -> Settings:
        """Return the program's settings."""
        return load(self.environ)

    def at(self, person: Person, space: Space | None = None) -> User:
        """Someone in a space, or 1:1 with the bot."""
        return User(self, person, space or self.emulator.world.direct_space(person, self.bot))

    def partner_report(self, title: str = "Calling Usage", **more: Any) -> Any:
        """Return a partner report, done unless told otherwise."""
        return self._report("partner", title, more)

    def organization_report(self, title: str = "Meeting Details", **more: Any) -> Any:
        """Return an organization report."""
        return self._report("organization", title, more)

    def _report(self, family: Family, title: str, more: dict[str, Any]) -> Any:
        given = {"status": "done", "content": CSV} | more
        return self.emulator.world.add_report(family=family, title=title, **given)

    def on_record(self, report_id: str, state: State) -> None:
        """Wait until the database has this state: what is seen in a space comes a moment before it is on record."""
        database = Database(self.settings().database_url.get_secret_value())

        def is_so() -> bool:
            with database.read() as tx:
                about = request_search.about(tx, report_id)
            return any(one.state is state and one.found_at is not None for one in about)

        try:
            until(is_so, f"{report_id} is {state}")
        finally:
            database.close()

    def register(self, url: str) -> None:
        """Have Webex deliver its events to this address, as it does after ``manifest apply``."""
        world, wanted = self.emulator.world, manifest.read()
        for hook in wanted.webhooks:
            if hook.resource != "rooms":
                fields = {"name": hook.name, "targetUrl": f"{url}{wanted.path}", "secret": SECRET}
                made = new_webhook(self.bot, fields | {"resource": hook.resource, "event": hook.event}, world.clock())
                with world.change():
                    world.webhooks[made.id] = made

    def let_go(self) -> None:
        """Answer at once what the emulator holds up, from now on: nobody need wait for it when a test has ended."""
        for gate in (self.emulator._api_gate, self.emulator._download_gate):
            gate.closing.set()

    @contextmanager
    def program(self) -> Iterator[str]:
        """Web and worker, in this process; gives the address of web."""
        settings = self.settings()
        umask = os.umask(OTHERS)  # that of the processes
        stop = threading.Event()
        app = build_web(settings, stop)
        server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=QuietHandler)
        serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        serving.start()
        services = application.build_services(settings)
        worker = application.build_worker(services)
        working = threading.Thread(target=worker.run, args=(stop,), name="queue")
        working.start()
        try:
            yield f"http://127.0.0.1:{server.port}"
        finally:
            self.emulator.deliver_webhooks = False
            stop.set()
            working.join()
            services.close()
            server.shutdown()
            serving.join()
            server.server_close()
            os.umask(umask)


def texts_of(part: Any) -> list[str]:
    """Return every text of a card."""
    if isinstance(part, list):
        return [text for one in part for text in texts_of(one)]
    if not isinstance(part, dict):
        return []
    if part.get("type") == "FactSet":
        return [f"{fact['title']}: {fact['value']}" for fact in part["facts"]]
    own = [part["text"]] if "text" in part else []
    return own + [text for name in ("body", "items", "columns", "actions") for text in texts_of(part.get(name))]


def inputs_of(part: Any) -> list[dict[str, Any]]:
    """Return every field of a card, wherever it is."""
    if isinstance(part, list):
        return [found for one in part for found in inputs_of(one)]
    if not isinstance(part, dict):
        return []
    own = [part] if str(part.get("type", "")).startswith("Input.") else []
    return own + [found for value in part.values() for found in inputs_of(value)]


def actions_of(part: Any) -> list[dict[str, Any]]:
    """Return every action of a card."""
    if isinstance(part, list):
        return [action for one in part for action in actions_of(one)]
    if not isinstance(part, dict):
        return []
    own = [part] if str(part.get("type", "")).startswith("Action.") else []
    return own + [action for name in ("body", "items", "columns", "actions") for action in actions_of(part.get(name))]
