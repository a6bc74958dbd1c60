"""The doors in: the webhook, and what operators look at."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Flask

from bot.web import ops, webhook

if TYPE_CHECKING:
    from bot.web.ops import Ops
    from bot.web.webhook import Door


def create_app(door: Door, ops_: Ops, webhook_path: str) -> Flask:
    """The Flask app with its routes. Nothing here asks Webex."""
    app = Flask("bot", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = webhook.MAX_BODY
    webhook.add_route(app, door, webhook_path)
    ops.add_routes(app, ops_)
    return app
