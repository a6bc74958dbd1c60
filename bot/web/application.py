"""The Flask app with its routes."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from flask import Flask

from bot.web import health, webhook

if TYPE_CHECKING:
    from bot.web.health import Health
    from bot.web.webhook import WebhookEndpoint


def create_app(door: WebhookEndpoint, ops_: Health, webhook_path: str, public_url: str | None = None) -> Flask:
    """The Flask app with its routes. Nothing here asks Webex.

    When ``public_url`` has a path, Webex calls the webhook beneath it. A proxy may take that path away or leave it: the
    webhook is served both ways.
    """
    app = Flask("bot", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = webhook.MAX_BODY
    beneath = unquote(urlsplit(public_url or "").path)
    webhook.add_routes(app, door, dict.fromkeys((webhook_path, f"{beneath}{webhook_path}")))
    health.add_routes(app, ops_)
    return app
