"""Answer whether a webhook may be registered, and with which secret: the web process asks it of the worker."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bot.outbound.addresses import NotAllowed, NotFound, place_of, resolve
from bot.outbound.secrets import sealed, secret_of
from bot.settings import secret_keys

if TYPE_CHECKING:
    from bot.settings import Settings


def check_webhook(settings: Settings, question: dict[str, Any]) -> dict[str, Any]:
    """Return the encrypted secret for a webhook whose address is allowed; else the problem."""
    try:
        resolve(place_of(question["url"]), settings.outbound_allowed_networks)
    except (NotAllowed, NotFound) as error:
        return {"problem": "address-not-allowed", "detail": error.sentence}
    secret = secret_of(secret_keys(settings)[0], question["reference"], 1)
    return {"ok": {"secret": sealed(secret, settings.webex_bot_token.get_secret_value())}}
