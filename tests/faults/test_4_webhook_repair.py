"""The bot's webhooks: a disabled one is enabled, a missing one created; one that leads elsewhere is left alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bot import app, manifest
from bot.db.migrations import Migration
from bot.emulator import Emulator
from bot.errors import DatabaseUnavailable, WebexError
from bot.ops.checks.webhooks import WebhookCheck, WebhookRepair
from bot.queue import open_queue
from bot.webex.chat import Chat
from bot.webex.tokens import StaticToken
from bot.webex.webhooks import BotWebhooks
from tests.live_bot import SECRET, LiveBot

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bot.manifest import Existing

HERE = "https://bot.example.com/webhooks/webex"
OLD_SECRET = "the-secret-before-the-rotation"
ELSEWHERE = "https://other.example.com/webhooks/webex"


class CheckedWebhooks:
    """The check of the webhooks and their repair, beside the emulator."""

    def __init__(self, live: LiveBot) -> None:
        self.emulator = live.emulator
        settings = live.settings()
        self.database = app.open_database(settings)
        Migration(self.database)()
        self.queue = open_queue(self.database, settings.data_dir)
        self.chat = Chat(live.emulator.api_url, StaticToken(live.bot_token))
        self.webhooks = BotWebhooks(self.chat)
        self.wanted = manifest.read()
        self.check = WebhookCheck(self.webhooks, self.wanted, HERE, [SECRET, OLD_SECRET])
        self.repair = WebhookRepair(self.check, self.database, self.queue, app.now).repair

    def look(self) -> str | None:
        """Look, repair what is found, and return what is told."""
        found = self.check.look()
        return None if found is None else self.repair() or found

    def register(self, target: str = HERE) -> None:
        for wanted in self.wanted.webhooks:
            self.webhooks.create(wanted, target, SECRET)

    def there(self) -> list[Existing]:
        return self.webhooks.all()

    def disable(self, hook: Existing) -> None:
        """Let Webex disable it: nobody else can."""
        self.emulator.world.webhooks[hook.id].status = "inactive"

    def jobs(self) -> int:
        with self.database.read() as tx:
            depth = self.queue.depth(tx)
        return depth["due"] + depth["delayed"]

    def close(self) -> None:
        self.chat.close()
        self.database.close()


@pytest.fixture
def checked(tmp_path: Path) -> Iterator[CheckedWebhooks]:
    with Emulator() as emulator:
        made = CheckedWebhooks(LiveBot(emulator, tmp_path / "data"))
        yield made
        made.close()


def test_webhooks_as_wanted_are_left_as_they_are(checked: CheckedWebhooks) -> None:
    checked.register()
    before = checked.there()

    assert checked.look() is None
    assert checked.there() == before


@pytest.mark.parametrize("status", [400, 404])
def test_a_webhook_that_is_gone_needs_no_deletion(checked: CheckedWebhooks, status: int) -> None:
    checked.emulator.faults.add("DELETE", "/v1/webhooks/*", status=status)
    checked.webhooks.delete("gone")


def test_a_disabled_webhook_is_enabled_and_told(checked: CheckedWebhooks) -> None:
    checked.register()
    first = checked.there()[0]
    checked.disable(first)

    said = checked.look()

    assert said is not None
    assert "Webex disabled the webhook" in said
    assert {hook.status for hook in checked.there()} == {"active"}
    assert checked.look() is None, "the next look finds nothing, so that the operators are told that it is over"


def test_a_missing_webhook_is_recreated(checked: CheckedWebhooks) -> None:
    checked.register()
    checked.webhooks.delete(checked.there()[0].id)

    said = checked.look()

    assert said is not None
    assert "was missing. I recreated" in said
    assert len(checked.there()) == len(checked.wanted.webhooks)


def test_a_webhook_that_leads_elsewhere_is_reported_and_not_touched(checked: CheckedWebhooks) -> None:
    checked.register(ELSEWHERE)

    said = checked.look()

    assert said is not None
    assert "leads to another address" in said
    assert {hook.target_url for hook in checked.there()} == {ELSEWHERE}


@pytest.mark.parametrize(
    "other", [{"resource": "rooms"}, {"event": "updated"}, {"webhook_filter": "roomType=group"}], ids=str
)
def test_a_webhook_for_other_events_is_recreated(checked: CheckedWebhooks, other: dict[str, str]) -> None:
    checked.register()
    first = next(hook for hook in checked.there() if hook.resource == "messages")
    checked.webhooks.delete(first.id)
    given = {"resource": "messages", "event": "created"} | other
    checked.chat.create_webhook(name=first.name, target_url=HERE, secret=SECRET, **given)

    said = checked.look()

    assert said is not None
    assert "was registered for other events. I recreated" in said
    assert [(hook.resource, hook.event, hook.filter) for hook in checked.there() if hook.name == first.name] == [
        ("messages", "created", "")
    ]
    assert checked.look() is None


def test_a_webhook_with_another_secret_is_given_the_right_one(checked: CheckedWebhooks) -> None:
    checked.register()
    first = checked.there()[0]
    checked.chat.update_webhook(first.id, name=first.name, target_url=HERE, secret="somebody-else-s-secret")

    said = checked.look()

    assert said is not None
    assert "wasn't signed with WEBEX_WEBHOOK_SECRET. I re-signed" in said
    assert {hook.secret for hook in checked.there()} == {SECRET}
    assert checked.look() is None


def test_a_webhook_that_has_lost_its_secret_is_given_it_where_webex_shows_secrets(checked: CheckedWebhooks) -> None:
    checked.register()
    first = checked.there()[0]
    checked.emulator.world.webhooks[first.id].secret = None

    said = checked.look()

    assert said is not None
    assert "wasn't signed with WEBEX_WEBHOOK_SECRET. I re-signed" in said
    assert {hook.secret for hook in checked.there()} == {SECRET}
    assert checked.look() is None


def test_where_webex_shows_no_secrets_that_is_no_trouble(checked: CheckedWebhooks) -> None:
    checked.register()
    for hook in checked.there():
        checked.emulator.world.webhooks[hook.id].secret = None

    assert checked.look() is None


def test_a_webhook_by_another_name_that_stands_in_the_way_is_named(checked: CheckedWebhooks) -> None:
    checked.register()
    first = checked.there()[0]
    checked.chat.update_webhook(first.id, name="my own", target_url=HERE)

    said = checked.look() or ""
    assert "I couldn't repair" in said
    assert "under another name" in said


def test_a_webhook_with_the_secret_before_the_rotation_is_left_as_it_is(checked: CheckedWebhooks) -> None:
    checked.register()
    first = checked.there()[0]
    checked.chat.update_webhook(first.id, name=first.name, target_url=HERE, secret=OLD_SECRET)

    assert checked.look() is None


def test_webhooks_that_webex_does_not_show_are_unknown(checked: CheckedWebhooks) -> None:
    checked.emulator.faults.add(method="GET", path="/v1/webhooks", status=403)
    with pytest.raises(WebexError):
        checked.look()


def test_a_look_changes_nothing(checked: CheckedWebhooks) -> None:
    checked.emulator.calls.clear()
    assert "was missing" in (checked.check.look() or "")
    assert [call.method for call in checked.emulator.calls] == ["GET"]


def test_a_repair_has_missed_messages_looked_for_after_it(checked: CheckedWebhooks) -> None:
    checked.register()
    checked.disable(checked.there()[0])
    assert checked.jobs() == 0

    checked.look()

    assert checked.jobs() == 1


def test_while_the_database_is_away_nothing_is_repaired(
    checked: CheckedWebhooks, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that what was missed is looked for whenever something was repaired."""
    checked.register()
    checked.webhooks.delete(checked.there()[0].id)

    def away(*_: object) -> None:
        raise DatabaseUnavailable(OSError())

    with monkeypatch.context() as patched:
        patched.setattr(checked.database, "begin", away)
        with pytest.raises(DatabaseUnavailable):
            checked.look()
    assert checked.jobs() == 0

    assert "I recreated" in (checked.look() or "")
    assert checked.jobs() == 1


def test_webhooks_that_are_not_the_bots_are_never_touched(checked: CheckedWebhooks) -> None:
    checked.register()
    checked.chat.create_webhook(
        name="somebody else's", target_url=ELSEWHERE, secret="their own", resource="messages", event="created"
    )
    checked.disable(next(hook for hook in checked.there() if hook.name == "somebody else's"))
    before = [hook for hook in checked.there() if hook.target_url == ELSEWHERE]

    assert checked.look() is None
    assert [hook for hook in checked.there() if hook.target_url == ELSEWHERE] == before
