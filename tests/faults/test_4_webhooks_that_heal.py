"""The bot's webhooks: an inactive one is revived, a missing one made again, one that leads elsewhere is left alone."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from bot import app, manifest
from bot.db.migrations import Migration
from bot.emulator import Emulator
from bot.errors import DatabaseUnavailable, WebexError
from bot.ops.checks.webhooks import EVERY, WebhookRepair
from bot.queue import open_queue
from bot.webex.chat import Chat
from bot.webex.tokens import StaticToken
from bot.webex.webhooks import BotWebhooks
from tests.stage import SECRET, Stage

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bot.manifest import Existing
    from bot.queue import Depth

HERE = "https://bot.example.com/webhooks/webex"
OLD_SECRET = "the-secret-before-the-rotation"
ELSEWHERE = "https://other.example.com/webhooks/webex"


class Ward:
    """Webhook care beside the emulator, with a clock that the test turns."""

    def __init__(self, stage: Stage) -> None:
        self.emulator = stage.emulator
        settings = stage.settings()
        self.database = app.open_database(settings)
        Migration(self.database)()
        self.queue = open_queue(self.database, settings.data_dir)
        self.chat = Chat(stage.emulator.api_url, StaticToken(stage.bot_token))
        self.webhooks = BotWebhooks(self.chat)
        self.wanted = manifest.read()
        self.time = 0.0
        self.care = WebhookRepair(
            database=self.database,
            queue=self.queue,
            webhooks=self.webhooks,
            wanted=self.wanted,
            target_url=HERE,
            secrets=[SECRET, OLD_SECRET],
            now=app.now,
            clock=lambda: self.time,
        )

    def look(self) -> str | None:
        """Look when it is time."""
        self.time += EVERY
        return self.care.look()

    def register(self, target: str = HERE) -> None:
        for wanted in self.wanted.webhooks:
            self.webhooks.create(wanted, target, SECRET)

    def there(self) -> list[Existing]:
        return self.webhooks.all()

    def disable(self, hook: Existing) -> None:
        """Let Webex disable it: nobody else can."""
        self.emulator.world.webhooks[hook.id].status = "inactive"

    def depth(self) -> Depth:
        with self.database.read() as tx:
            return self.queue.depth(tx)

    def close(self) -> None:
        self.chat.close()
        self.database.close()


@pytest.fixture
def ward(tmp_path: Path) -> Iterator[Ward]:
    with Emulator() as emulator:
        made = Ward(Stage(emulator, tmp_path / "data"))
        yield made
        made.close()


def test_webhooks_as_wanted_are_left_as_they_are(ward: Ward) -> None:
    ward.register()
    before = ward.there()

    assert ward.look() is None
    assert ward.there() == before


@pytest.mark.parametrize("status", [400, 404])
def test_a_webhook_that_is_gone_needs_no_deletion(ward: Ward, status: int) -> None:
    ward.emulator.faults.add("DELETE", "/v1/webhooks/*", status=status)
    ward.webhooks.delete("gone")


def test_an_inactive_webhook_is_revived_and_said(ward: Ward) -> None:
    ward.register()
    first = ward.there()[0]
    ward.disable(first)

    said = ward.look()

    assert said is not None
    assert "had disabled" in said
    assert {hook.status for hook in ward.there()} == {"active"}
    assert ward.look() is None, "the next look finds it well, so that the operators hear that it is over"


def test_a_missing_webhook_is_made_anew(ward: Ward) -> None:
    ward.register()
    ward.webhooks.delete(ward.there()[0].id)

    said = ward.look()

    assert said is not None
    assert "was not there: I have created it" in said
    assert len(ward.there()) == len(ward.wanted.webhooks)


def test_a_webhook_that_leads_elsewhere_is_reported_and_not_touched(ward: Ward) -> None:
    ward.register(ELSEWHERE)

    said = ward.look()

    assert said is not None
    assert "leads to another address" in said
    assert {hook.target_url for hook in ward.there()} == {ELSEWHERE}


@pytest.mark.parametrize(
    "other", [{"resource": "rooms"}, {"event": "updated"}, {"webhook_filter": "roomType=group"}], ids=str
)
def test_a_webhook_that_brings_something_else_is_made_anew(ward: Ward, other: dict[str, str]) -> None:
    ward.register()
    first = next(hook for hook in ward.there() if hook.resource == "messages")
    ward.webhooks.delete(first.id)
    given = {"resource": "messages", "event": "created"} | other
    ward.chat.create_webhook(name=first.name, target_url=HERE, secret=SECRET, **given)

    said = ward.look()

    assert said is not None
    assert "brought something else: I have made it anew" in said
    assert [(hook.resource, hook.event, hook.filter) for hook in ward.there() if hook.name == first.name] == [
        ("messages", "created", "")
    ]
    assert ward.look() is None


def test_a_webhook_with_another_secret_is_given_the_right_one(ward: Ward) -> None:
    ward.register()
    first = ward.there()[0]
    ward.chat.update_webhook(first.id, name=first.name, target_url=HERE, secret="somebody-else-s-secret")

    said = ward.look()

    assert said is not None
    assert "not signed with WEBEX_WEBHOOK_SECRET" in said
    assert {hook.secret for hook in ward.there()} == {SECRET}
    assert ward.look() is None


def test_a_webhook_that_has_lost_its_secret_is_given_it_where_webex_shows_secrets(ward: Ward) -> None:
    ward.register()
    first = ward.there()[0]
    ward.emulator.world.webhooks[first.id].secret = None

    said = ward.look()

    assert said is not None
    assert "not signed with WEBEX_WEBHOOK_SECRET" in said
    assert {hook.secret for hook in ward.there()} == {SECRET}
    assert ward.look() is None


def test_a_secret_that_webex_never_shows_is_set_once(ward: Ward, monkeypatch: pytest.MonkeyPatch) -> None:
    ward.register()
    there = ward.webhooks.all
    monkeypatch.setattr(ward.webhooks, "all", lambda: [replace(there()[0], secret=None), *there()[1:]])

    assert ward.look() is not None
    assert ward.look() is None


def test_where_webex_shows_no_secrets_that_is_no_trouble(ward: Ward) -> None:
    ward.register()
    for hook in ward.there():
        ward.emulator.world.webhooks[hook.id].secret = None

    assert ward.look() is None


def test_a_webhook_by_another_name_that_stands_in_the_way_is_named(ward: Ward) -> None:
    ward.register()
    first = ward.there()[0]
    ward.chat.update_webhook(first.id, name="my own", target_url=HERE)

    assert "by another name" in (ward.look() or "")


def test_a_webhook_with_the_secret_before_the_rotation_is_left_as_it_is(ward: Ward) -> None:
    ward.register()
    first = ward.there()[0]
    ward.chat.update_webhook(first.id, name=first.name, target_url=HERE, secret=OLD_SECRET)

    assert ward.look() is None


def test_webhooks_that_webex_does_not_show_are_reported_after_five_minutes(ward: Ward) -> None:
    ward.register()
    ward.emulator.faults.add(method="GET", path="/v1/webhooks", status=403)
    for _ in range(5):
        with pytest.raises(WebexError):
            ward.look()

    assert "I cannot look after my webhooks." in (ward.look() or "")
    ward.emulator.faults.clear()
    assert ward.look() is None


def test_after_a_revival_what_was_missed_is_looked_for(ward: Ward) -> None:
    ward.register()
    first = ward.there()[0]
    ward.disable(first)

    ward.look()

    assert ward.depth()["due"] == 1


def test_while_the_database_is_away_the_repair_is_told_and_the_look_is_owed(
    ward: Ward, monkeypatch: pytest.MonkeyPatch
) -> None:
    ward.register()
    ward.webhooks.delete(ward.there()[0].id)

    def away(*_: object) -> None:
        raise DatabaseUnavailable(OSError())

    with monkeypatch.context() as patched:
        patched.setattr(ward.database, "begin", away)
        assert "I have created it" in (ward.look() or "")
    assert ward.depth()["due"] == 0

    ward.care.look()

    assert ward.depth()["due"] == 1


def test_after_somebody_else_put_it_right_what_was_missed_is_looked_for(ward: Ward) -> None:
    ward.register(ELSEWHERE)
    ward.look()
    assert ward.depth()["due"] == 0
    for hook in ward.there():
        ward.chat.update_webhook(hook.id, name=hook.name, target_url=HERE)

    assert ward.look() is None

    assert ward.depth()["due"] == 1


def test_nothing_is_asked_before_its_time(ward: Ward) -> None:
    ward.emulator.calls.clear()

    assert ward.care.look() is None
    assert list(ward.emulator.calls) == []
