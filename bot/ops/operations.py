"""Put together what looks at the bot itself: the checks and their alerts, repairs, catching up and maintenance.

To add a check: write a function that returns what is wrong, or None (its sentences go to ``messages/alerts.py``), make
a ``Check`` of it in ``ops/checks``, and add a line to the list here.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from bot import manifest
from bot.db.leader import Leader
from bot.db.retention import Retention
from bot.ops.alerts import Alerts
from bot.ops.catch_up import CatchUp, missed_messages
from bot.ops.checks import families, oldest_job, operators_space, rejected_calls, storage, webhook_secrets, webhooks
from bot.ops.checks.connectivity import upstreams
from bot.ops.checks.tokens import TokenChecks
from bot.ops.maintenance import Maintenance
from bot.webex.tokens import RefreshableToken
from bot.webex.webhooks import BotWebhooks

if TYPE_CHECKING:
    from bot.ops.alerts import Check
    from bot.ops.checks.connectivity import Connectivity
    from bot.services import Services


@dataclass(frozen=True, slots=True)
class Operations:
    """What looks at the bot itself."""

    alerts: Alerts
    bot_upstream: Connectivity
    catch_up: CatchUp
    maintenance: Maintenance


def build_operations(services: Services, *more: Check) -> Operations:
    """Make the checks, beside ``more``, and subscribe those that observe calls to Webex."""
    settings, database, queue, now = services.settings, services.database, services.queue, services.now
    admin, chat, directory = services.admin_token, services.chat, services.directory
    look_soon = threading.Event()
    refreshable = admin if isinstance(admin, RefreshableToken) else None
    tokens = TokenChecks(directory, services.identity.person, refreshable, look_soon)
    services.calls.subscribe(tokens.observed, "admin", "refresh", "download")
    wanted = manifest.read()
    listings = {family: partial(services.catalog.listing, family, None) for family in settings.report_families}
    bot_upstream, admin_upstreams = upstreams(chat.me, directory.me, listings, now)
    services.calls.subscribe(bot_upstream.observed, "bot")
    for one in admin_upstreams:
        services.calls.subscribe(one.observed, "admin")
    checks = [
        *(operators_space.check(one, chat.spaces, database, now) for one in [settings.operators_space] if one),
        *tokens.all(),
        *more,
        rejected_calls.check(database, now),
        *_webhooks(services, wanted),
        webhook_secrets.check(settings),
        missed_messages(database),
        oldest_job.check(database, queue),
        storage.folder(services.folder),
        storage.database_outage(database, now),
        *(one.check() for one in (bot_upstream, *admin_upstreams)),
        # After the upstreams, which observe their first question.
        *(families.check(family, wanted.scopes, ask) for family, ask in listings.items()),
    ]
    leaders = alerts, maintenance = Leader(database, "alerts"), Leader(database, "maintenance")
    for leader in leaders:
        services.resources.callback(leader.close)
    retention = Retention(database, settings.audit_days, now)
    return Operations(
        alerts=Alerts(
            database, services.outbox, settings.operators_space, checks, now, leader=alerts, look_soon=look_soon
        ),
        bot_upstream=bot_upstream,
        catch_up=CatchUp(services),
        maintenance=Maintenance(
            database,
            queue,
            services.folder,
            now,
            retention=retention,
            leader=maintenance,
            outage=bot_upstream.outage,
        ),
    )


def _webhooks(services: Services, wanted: manifest.Manifest) -> list[Check]:
    """Return the check of the webhooks, if it is known where they must lead."""
    settings = services.settings
    if not settings.public_url:
        return []
    secrets = [secret.get_secret_value() for secret in settings.webex_webhook_secret]
    look = webhooks.WebhookCheck(BotWebhooks(services.chat), wanted, f"{settings.public_url}{wanted.path}", secrets)
    return [webhooks.check(look, webhooks.WebhookRepair(look, services.database, services.queue, services.now))]
