"""The admin token is sent to the API and to permitted download hosts; no answer of theirs can lead it elsewhere.

A file may be elsewhere: ``test_hosts_that_are_not_webex.py``.

Every name that the program would look up and every address that it would dial is on record; all but this machine's are
refused, so a test that fails sends nothing either.
"""

from __future__ import annotations

import base64
import socket
from typing import TYPE_CHECKING, Any

import pytest

from bot.errors import FileRejected, WebexError
from bot.files.downloader import Downloader
from bot.webex.chat import Chat
from bot.webex.client import Client
from bot.webex.download import DownloadClient
from bot.webex.download_hosts import permitted_host
from bot.webex.report import Report
from bot.webex.report_families import Family
from bot.webex.tokens import StaticToken

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.webex.loopback import Asked, Exchange, Loopback

TOKEN = "admin-token-that-stays-home"
HERE = "127.0.0.1"
ROOM = base64.b64encode(b"ciscospark://us/ROOM/1").decode()

ELSEWHERE = (
    "https://evil.example/x",
    "https://webex.com.evil.example/x",
    "https://files.webex.com.evil.example/x",
    "https://evil.example/files.webex.com",
    "https://files.webex.com@evil.example/x",
    "https://admin:x@files.webex.com/x",
    "https://evil.example\\@files.webex.com/x",
    "https://evil.example#@files.webex.com/x",
    "https://files.webex.com./x",
    "https://FILES.WEBEX.COM.EVIL.EXAMPLE/x",
    "https://evilwebex.com/x",
    "https://webex.com/x",
    "https://files.w\u0435bex.com/x",
    "https://files.xn--wbex-hva.com/x",
    "https://files.webe\uff58.com/x",
    "https://files.webex\u3002com/x",
    "https://files\u2024webex.com/x",
    "https://files.webex.com%2eevil.example/x",
    "https://files.webex.com%00.evil.example/x",
    "https://files.webex.com:443@evil.example/x",
    "https://files.webex.com:x/",
    "http://files.webex.com/x",
    "HTTP://FILES.WEBEX.COM/x",
    "ftp://files.webex.com/x",
    "//evil.example/x",
    "\\\\evil.example\\x",
    "/\\evil.example/x",
    "https:evil.example/x",
    "https:///evil.example/x",
    "http://2130706433/x",
    "http://0x7f.1/x",
    "http://127.1/x",
    "http://[::ffff:127.0.0.1]/x",
    "http://0.0.0.0/x",
    "http://169.254.169.254/latest/meta-data",
    "http://localhost.evil.example/x",
    "file:///etc/passwd",
)
"""Where a redirect, a link to the next page or a download link might lead. Spelled as attackers do."""
FOLLOWED = {
    "https://evil.example/x": "evil.example",
    "https://webex.com.evil.example/x": "webex.com.evil.example",
    "https://files.webex.com.evil.example/x": "files.webex.com.evil.example",
    "https://evil.example/files.webex.com": "evil.example",
    "https://evil.example#@files.webex.com/x": "evil.example",
    "https://FILES.WEBEX.COM.EVIL.EXAMPLE/x": "files.webex.com.evil.example",
    "https://evilwebex.com/x": "evilwebex.com",
    "https://webex.com/x": "webex.com",
    "https://files.xn--wbex-hva.com/x": "files.xn--wbex-hva.com",
}
"""Those of them that a redirect of a download may lead to without the token, if they are public; and their hosts."""


@pytest.fixture
def dialled(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return every host that was looked up or dialled; only this machine answers."""
    found: list[str] = []
    look_up = socket.getaddrinfo

    def watched(host: Any, *args: Any, **more: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else str(host)
        found.append(name)
        if name != HERE:
            raise socket.gaierror(socket.EAI_NONAME, "no such name in a test")
        return look_up(host, *args, **more)

    monkeypatch.setattr(socket, "getaddrinfo", watched)
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "HTTP_PROXY", "http_proxy"):
        monkeypatch.delenv(name, raising=False)
    return found


@pytest.fixture
def fetch(closed: Callable[[Any], Any], tmp_path: Path) -> Callable[[str], None]:
    files = Downloader(closed(DownloadClient(StaticToken(TOKEN), ("*.webex.com", HERE))))

    def download(url: str) -> None:
        files.download(Report("id", Family.PARTNER, "done", download_url=url), tmp_path / "file")

    return download


def as_header(url: str) -> str:
    """Return an address as it would go over the wire: letters beyond ASCII as raw UTF-8."""
    return url.encode().decode("latin-1")


@pytest.mark.parametrize("url", ELSEWHERE)
def test_a_download_link_leads_nowhere_else(dialled: list[str], fetch: Callable[[str], None], url: str) -> None:
    with pytest.raises(FileRejected):
        fetch(url)

    assert dialled == []


@pytest.mark.parametrize("hops", [1, 3])
@pytest.mark.parametrize("url", ELSEWHERE)
def test_a_chain_of_redirects_leads_nowhere_else(
    dialled: list[str], loopback: Loopback, fetch: Callable[[str], None], url: str, hops: int
) -> None:
    def answer(exchange: Exchange, asked: Asked) -> None:
        hop = int(asked.path.rpartition("/")[2])
        there = as_header(url) if hop == hops else f"/hop/{hop + 1}"
        exchange.reply(302, b"", {"Location": there})

    loopback.answer(answer)
    with pytest.raises((FileRejected, WebexError)):
        fetch(f"http://{loopback.host}/hop/1")

    assert set(dialled) - {HERE} == ({FOLLOWED[url]} if url in FOLLOWED else set()), "looked up, to no avail"
    assert {one.headers["Host"] for one in loopback.asked} == {loopback.host}


@pytest.mark.parametrize("url", ELSEWHERE)
@pytest.mark.parametrize("kind", ["roles", "members"])
def test_a_link_to_the_next_page_leads_nowhere_else(
    dialled: list[str], loopback: Loopback, closed: Callable[[Any], Any], url: str, kind: str
) -> None:
    """A link that stays on the API's host is a page like any other and fails there; it is not followed for ever."""
    loopback.always(200, {"items": []}, {"Link": f'<{as_header(url)}>; rel="next"'})
    client, chat = closed(Client(loopback.url, StaticToken(TOKEN))), closed(Chat(loopback.url, StaticToken(TOKEN)))
    ask = (lambda: list(client.pages("roles", most=3))) if kind == "roles" else (lambda: chat.members(ROOM))
    with pytest.raises(WebexError):
        ask()

    assert set(dialled) == {HERE}
    assert {one.headers["Host"] for one in loopback.asked} == {loopback.host}


@pytest.mark.parametrize("url", ELSEWHERE)
def test_a_redirect_of_the_api_is_not_followed(
    dialled: list[str], loopback: Loopback, closed: Callable[[Any], Any], url: str
) -> None:
    client = closed(Client(loopback.url, StaticToken(TOKEN)))
    for status in (301, 302, 303, 307, 308):
        loopback.always(status, b"", {"Location": as_header(url)})
        with pytest.raises(WebexError):
            client.call("GET", "people/me")

    assert set(dialled) == {HERE}
    assert len(loopback.asked) == 5


@pytest.mark.parametrize(
    "an_id",
    [
        "../people/me",
        "..",
        ".",
        "a/../../x",
        "a%2f..%2fx",
        "a?x=1",
        "a#x",
        "a\\..\\x",
        "@evil.example",
        "a\r\nHost: x",
        "",
    ],
)
def test_an_id_reaches_no_other_path(
    dialled: list[str], loopback: Loopback, closed: Callable[[Any], Any], an_id: str
) -> None:
    client, chat = closed(Client(loopback.url, StaticToken(TOKEN))), closed(Chat(loopback.url, StaticToken(TOKEN)))
    asks: list[Callable[[], Any]] = [
        lambda: client.call("GET", f"people/{an_id}"),
        lambda: chat.message(an_id),
        lambda: chat.action(an_id),
    ]
    for ask in asks:
        with pytest.raises(WebexError):
            ask()

    assert loopback.asked == []


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://FILES.Webex.COM:8443/x", "files.webex.com"),
        ("https://reportdownload-a.webex.com/x?u=https://evil.example", "reportdownload-a.webex.com"),
    ],
)
def test_upper_case_and_ports_are_the_same_host(url: str, host: str) -> None:
    assert permitted_host(url, ("*.webex.com",)) == host
