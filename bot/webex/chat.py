"""Spaces, messages, buttons and webhooks with the bot's token: the only user of Webex's SDK.

The SDK knows the calls; how they travel is ours (``http.py``). The SDK's own session would sleep in the thread
after a 429, follow redirects, give everything 60 seconds and crash on a malformed ``Retry-After``, so it is given our
transport in its place: it needs only ``request``, and the token never gets into the SDK at all.
"""

from __future__ import annotations

from itertools import islice, takewhile
from typing import TYPE_CHECKING, Any, Final, TypeVar
from urllib.parse import urlsplit

from bot.errors import BOT_TOKEN
from bot.webex import parsing
from bot.webex import upload as upload_call
from bot.webex.client import MOST_PAGES, segment
from bot.webex.http import HttpTransport, RateLimitGate
from bot.webex.ids import same_id
from bot.webex.responses import endless, next_page, unreadable
from bot.webex.retry import NO_RETRY
from bot.webex.sdk import WebexTeamsAPI, dict_data_factory, webexteamssdkException
from bot.webex.session import DEFAULT_TIMEOUTS, Timeouts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import datetime
    from pathlib import Path

    from bot.webex.growing_file import GrowingFile
    from bot.webex.http import Observe, TokenSource
    from bot.webex.parsing import Webhook
    from bot.webex.retry import RetryPolicy
    from bot.webex.types import Action, Card, Membership, Message, Person, Posted, Space, Target

    Json = Mapping[str, Any]

CARD_TYPE: Final = "application/vnd.microsoft.card.adaptive"
RECENT: Final = 50
"""Messages looked at: Webex gives so many in one page."""
MOST_MISSED: Final = 1000
"""Messages of one space that are looked through after an absence."""
LARGEST_PAGE: Final = 1000
"""Spaces or members in one page, at most."""
MOST_ITEMS: Final = 5000
"""Members or webhooks read; a space with more members counts as unreadable rather than as a smaller one."""

T = TypeVar("T")


class _Listing:
    """What the SDK asks the pages of one listing of: its own session, but neither the same page twice nor for ever."""

    def __init__(self, sdk: Any) -> None:
        self._sdk = sdk
        self._asked: set[str] = set()
        self._params: Mapping[str, str] | None = None

    def request(self, method: str, url: str, *expected: int, **options: Any) -> Any:
        """Ask for one page; all but the first by the link of the page before."""
        if url in self._asked or len(self._asked) == MOST_PAGES:
            raise endless(f"{method} {urlsplit(url).path}", circles=url in self._asked)
        self._asked.add(url)
        self._params = self._params or options.get("params")
        response = self._sdk.request(method, url, *expected, **options)
        if (following := next_page(url, response.headers, self._params)) is not None:
            response.headers["Link"] = f'<{following}>; rel="next"'
        return response


class Chat:
    """What the bot does in Webex, with its own token. Every call raises ``WebexError``; threads may share it."""

    def __init__(
        self,
        base_url: str,
        token: TokenSource,
        *,
        timeouts: Timeouts = DEFAULT_TIMEOUTS,
        observe: Observe | None = None,
        gate: RateLimitGate | None = None,
        retries: RetryPolicy = NO_RETRY,
    ) -> None:
        self._transport = HttpTransport(
            base_url,
            token,
            whose=BOT_TOKEN,
            timeouts=timeouts,
            observe=observe,
            gate=gate,
            retries=retries,
        )
        self._api = WebexTeamsAPI(
            access_token="(set by the transport)",  # noqa: S106 the SDK insists on one
            base_url=self._transport.base_url,
            single_request_timeout=None,
            wait_on_rate_limit=False,
            object_factory=dict_data_factory,
        )
        sdk = self._api._session  # noqa: SLF001 the SDK has no other way in; it is pinned
        sdk._req_session = self._transport  # noqa: SLF001
        pages = type(sdk).get_pages
        sdk.get_pages = lambda *arguments, **options: pages(_Listing(sdk), *arguments, **options)

    def close(self) -> None:
        """Close idle connections."""
        self._transport.close()

    def me(self) -> Person:
        """Return who the bot's token belongs to."""
        return self._one("GET people/me", parsing.person, self._api.people.me)

    def message(self, message_id: str) -> Message:
        """Read a message that the bot may see. 404 right after its webhook can be lag."""
        return self._one("GET messages/{id}", parsing.message, lambda: self._api.messages.get(segment(message_id)))

    def action(self, action_id: str) -> Action:
        """Read the press of a button with its inputs."""
        return self._one(
            "GET attachment/actions/{id}",
            parsing.action,
            lambda: self._api.attachment_actions.get(segment(action_id)),
        )

    def post(self, target: Target, *, markdown: str, card: Card | None = None) -> Posted:
        """Post a message; with a card, ``markdown`` is what clients without cards show."""
        attachments = None if card is None else [{"contentType": CARD_TYPE, "content": card}]
        return self._one(
            "POST messages",
            lambda raw: parsing.posted(raw, target.room_id),
            lambda: self._api.messages.create(
                **upload_call.address(target), markdown=markdown, attachments=attachments
            ),
        )

    def upload(self, target: Target, *, path: Path, name: str, content_type: str, markdown: str) -> Posted:
        """Post a file from our disk under ``name``. Raises ``FileRejected`` when it is too large for Webex."""
        return upload_call.upload(
            self._transport, target, path=path, name=name, content_type=content_type, markdown=markdown
        )

    def begin_upload(
        self, target: Target, growing: GrowingFile, *, name: str, content_type: str, room: int
    ) -> upload_call.PendingUpload:
        """Upload a file that is still being downloaded; ``room``: bytes for the line, which its ``finish`` is given."""
        return upload_call.begin(self._transport, target, growing, name=name, content_type=content_type, room=room)

    def edit(self, message_id: str, room_id: str, *, markdown: str) -> None:
        """Change a message of ours. Webex refuses it for one with a card or a file, and after ten times."""
        self._call(
            "PUT messages/{id}",
            lambda: self._api.messages.edit(segment(message_id), roomId=room_id, markdown=markdown),
        )

    def delete(self, message_id: str) -> None:
        """Take a message of ours back."""
        self._call("DELETE messages/{id}", lambda: self._api.messages.delete(segment(message_id)))

    def recent(self, target: Target, since: datetime | None = None) -> list[Message]:
        """List the newest messages of a thread or of a 1:1 space, newest first; Webex lets a bot look nowhere else.

        Those of one page, and with ``since`` those before it that were written since then.
        """

        def newest() -> list[Message]:
            if target.room_id is None:
                listed = self._api.messages.list_direct(personId=target.person_id, parentId=target.parent_id)
            else:
                listed = self._api.messages.list(target.room_id, parentId=target.parent_id, max=RECENT)
            found = map(parsing.message, islice(listed, MOST_MISSED if since else RECENT))
            page = list(islice(found, RECENT))
            return page + list(takewhile(lambda one: since and one.created and one.created >= since, found))

        return self._call("GET messages" if target.room_id else "GET messages/direct", newest)

    def members(self, room_id: str) -> list[Membership]:
        """Return everyone in a space, all pages. Raises ``WebexError`` rather than leave someone out."""

        def of_this_space() -> Iterator[Any]:
            listed = self._api.memberships.list(room_id, max=LARGEST_PAGE)
            return (raw for raw in listed if not raw.get("roomId") or same_id(raw["roomId"], room_id))

        return self._all("GET memberships", parsing.membership, of_this_space)

    def is_member(self, room_id: str, person_id: str) -> bool:
        """Return True for a person who is in a space that the bot is in."""
        found = self._all(
            "GET memberships", parsing.membership, lambda: self._api.memberships.list(room_id, personId=person_id)
        )
        here = (one for one in found if same_id(one.room_id or room_id, room_id))
        return any(same_id(one.person_id, person_id) for one in here)

    def membership(self, membership_id: str) -> Membership:
        """Read one membership of a space that the bot is in."""
        return self._one(
            "GET memberships/{id}", parsing.membership, lambda: self._api.memberships.get(segment(membership_id))
        )

    def spaces(self) -> list[Space]:
        """Return every space that the bot is in."""
        return self._all("GET rooms", parsing.space, self._api.rooms.list)

    def active_spaces(self, since: datetime, most: int) -> list[Space]:
        """Return at most ``most`` spaces with something new since then, the latest active ones first."""

        def active() -> list[Space]:
            # Every space is looked at: that Webex sorts as it is asked to is nothing to lose a message over.
            rooms = islice(self._api.rooms.list(sortBy="lastactivity", max=LARGEST_PAGE), MOST_ITEMS)
            spaces = [parsing.space(raw) for raw in rooms]
            found = [space for space in spaces if space.last_activity is None or space.last_activity >= since]
            found.sort(key=lambda space: -space.last_activity.timestamp() if space.last_activity else 0.0)
            return found[:most]

        return self._call("GET rooms", active)

    def written_to_bot(self, space: Space, since: datetime) -> list[Message]:
        """Return a 1:1 space's messages since then, or a group space's that mention the bot; newest first."""
        mentioned = "me" if space.kind == "group" else None

        def written() -> list[Message]:
            listed = self._api.messages.list(space.id, mentionedPeople=mentioned, max=RECENT)
            found = map(parsing.message, islice(listed, MOST_MISSED))
            return list(takewhile(lambda one: one.created is None or one.created >= since, found))

        return self._call("GET messages", written)

    def space(self, room_id: str) -> Space:
        """Read one space."""
        return self._one("GET rooms/{id}", parsing.space, lambda: self._api.rooms.get(segment(room_id)))

    def webhooks(self) -> list[Webhook]:
        """Return every webhook of this token, also those that are not ours."""
        return self._all("GET webhooks", parsing.webhook, self._api.webhooks.list)

    def create_webhook(
        self, *, name: str, target_url: str, resource: str, event: str, secret: str, webhook_filter: str | None = None
    ) -> Webhook:
        """Register a webhook."""
        return self._one(
            "POST webhooks",
            parsing.webhook,
            lambda: self._api.webhooks.create(
                name, target_url, resource, event, filter=webhook_filter or None, secret=secret
            ),
        )

    def update_webhook(self, webhook_id: str, *, name: str, target_url: str, secret: str | None = None) -> Webhook:
        """Change name, address or secret, and revive it; the filter cannot be changed. ``secret=None`` keeps it."""
        more = {"status": "active"} | ({"secret": secret} if secret else {})
        return self._one(
            "PUT webhooks/{id}",
            parsing.webhook,
            lambda: self._api.webhooks.update(segment(webhook_id), name=name, targetUrl=target_url, **more),
        )

    def delete_webhook(self, webhook_id: str) -> None:
        """Unregister a webhook."""
        self._call("DELETE webhooks/{id}", lambda: self._api.webhooks.delete(segment(webhook_id)))

    def _one(self, call: str, read: Callable[[Json], T], ask: Callable[[], Any]) -> T:
        return self._call(call, lambda: read(ask()))

    def _all(self, call: str, read: Callable[[Json], T], ask: Callable[[], Any]) -> list[T]:
        found = self._several(call, read, ask, MOST_ITEMS + 1)
        if len(found) > MOST_ITEMS:
            raise unreadable(call)
        return found

    def _several(self, call: str, read: Callable[[Json], T], ask: Callable[[], Any], most: int) -> list[T]:
        # The SDK's listing asks for its pages while it is read.
        return self._call(call, lambda: [read(item) for item in islice(ask(), most)])

    @staticmethod
    def _call(call: str, do: Callable[[], T]) -> T:
        try:
            return do()
        except (webexteamssdkException, ValueError, TypeError, AssertionError, AttributeError, RecursionError):
            # The transport has raised what Webex answered; what is left is a body that the SDK or we cannot read.
            failure = unreadable(call)
        raise failure
