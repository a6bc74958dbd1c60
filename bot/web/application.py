"""Put the web process together: the Flask app with its routes, and the heartbeat beside it.

It imports nothing that asks Webex, so that the process stays small; the worker is put together in ``bot/app.py``.
"""

from __future__ import annotations

import os
import threading
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from flask import Flask

import bot
from bot import manifest, metrics
from bot.access.bot_identity import CachedBotIdentity
from bot.db.availability import LoggedDatabase
from bot.db.migrations import Migration
from bot.logs import new_reference, register_secrets, start_logging
from bot.outbound.secrets import opened
from bot.queue import open_queue
from bot.services import Clock
from bot.settings import load_web
from bot.spans import start_spans
from bot.web import health, webhook
from bot.web.api.mounted import Mounted
from bot.web.health import Health
from bot.web.heartbeat import Heartbeat
from bot.web.rejected_calls import RejectedCalls
from bot.web.webhook import WebhookEndpoint, event_recorder

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from wsgiref.types import WSGIApplication

    from bot.db.database import Database
    from bot.queue import Queue
    from bot.settings import WebSettings


def web() -> Flask:
    """Return the app for gunicorn, by the environment. Wrong settings end the process: the command line tells them."""
    settings = load_web(os.environ)
    start_logging("web", level=settings.log_level, form=settings.log_format)
    register_secrets(*settings.secret_values())
    metrics.start_metrics(settings.data_dir, "web")
    start_spans(os.environ, "web")
    return build_web(settings)


def build_web(settings: WebSettings, stop: threading.Event | None = None, clock: Clock | None = None) -> Flask:
    """Return the Flask app; it never asks Webex. What runs beside it ends with ``stop``, or with the process."""
    stop, clock = stop or threading.Event(), clock or Clock()
    now = clock.now
    settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    database = LoggedDatabase(settings.database_url.get_secret_value(), now=now)
    queue = open_queue(database, settings.data_dir, clock.seconds)
    migration = Migration(database)
    rejected = RejectedCalls()
    heartbeat = Heartbeat(database, queue, now, rejected.count)

    def beside() -> None:
        migration.until_done(stop)
        heartbeat.forever(stop)

    threading.Thread(target=beside, name="heartbeat", daemon=True).start()
    endpoint = WebhookEndpoint(
        record=event_recorder(queue, now),
        secrets=[secret.get_secret_value().encode() for secret in settings.webex_webhook_secret],
        bot=CachedBotIdentity(database, settings.webex_bot_token.get_secret_value()).person,
        ready=migration,
        count=metrics.webhook_answered,
        rejected=rejected,
        refused=heartbeat.refused,
    )
    pages = Health(
        database=database,
        queue=queue,
        folder=settings.data_dir,
        now=now,
        render=metrics.render,
        migrated=migration,
        version=bot.__version__,
        rejected_calls=rejected.count,
        writable=lambda: database.writable,
        token=None if settings.ops_token is None else settings.ops_token.get_secret_value(),
    )
    path = manifest.read().path
    app = create_app(endpoint, pages, path, settings.public_url)
    make = partial(_api, settings, database, queue, migration, now)
    api = Mounted(make, app.wsgi_app, settings.public_url, path)
    app.wsgi_app = api  # type: ignore[method-assign]
    return app


def _api(
    settings: WebSettings, database: Database, queue: Queue, migration: Migration, now: Callable[[], datetime]
) -> WSGIApplication:
    """Return the API; imported here, since only those pay for its library in memory who call it."""
    from bot.web.api.application import create_api  # noqa: PLC0415
    from bot.web.api.context import ApiContext  # noqa: PLC0415

    deadline = timedelta(seconds=settings.watch_deadline)
    open_secret = partial(opened, bot_token=settings.webex_bot_token.get_secret_value())
    context = ApiContext(database, queue, now, new_reference, deadline, migration, open_secret, settings.public_url)
    return create_api(context).wsgi_app


def create_app(endpoint: WebhookEndpoint, pages: Health, webhook_path: str, public_url: str | None = None) -> Flask:
    """Return the Flask app with its routes.

    When ``public_url`` has a path, Webex calls the webhook beneath it. A proxy may take that path away or leave it: the
    webhook is served both ways.
    """
    app = Flask("bot", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = webhook.MAX_BODY
    beneath = unquote(urlsplit(public_url or "").path)
    webhook.add_routes(app, endpoint, dict.fromkeys((webhook_path, f"{beneath}{webhook_path}")))
    health.add_routes(app, pages)
    return app
