"""A redirect of a download leads to a host that isn't Webex's: its file may come, and the token never goes there."""

from __future__ import annotations

import socket
import ssl
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509

from bot.errors import FileRejected, WebexError
from bot.files.downloader import Downloader
from bot.webex.addresses import is_address, is_public
from bot.webex.download import DownloadClient
from bot.webex.report import Report
from bot.webex.report_families import Family
from bot.webex.session import Timeouts
from bot.webex.tokens import StaticToken
from tests.webex.certificates import Authority
from tests.webex.loopback import Loopback

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.webex.loopback import Asked, Exchange

TOKEN = "admin-token-that-stays-home"
CSV = b"NAME,MINUTES\r\nAda,5\r\n"
HERE = "127.0.0.1"
STORAGE = "storage.example.net"
WEBEX = "files.webex.com"
PUBLIC = "93.184.216.34"


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "93.184.216.34", "2606:2800:220:1::1", "::ffff:8.8.8.8", "64:ff9b::808:808"]
)
def test_addresses_of_the_internet_are_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "127.1.2.3", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254"),
        *("100.64.0.1", "192.0.2.1", "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255"),
        *("::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd12::1", "fec0::1", "ff02::1", "2001:db8::1"),
        *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1", "2002:7f00:1::", "2002:a00:1::", "64:ff9b::a00:1"),
        *("64:ff9b:1::808:808", "2001:0:a00:1::f5ff:fffe", "localhost", "", "2130706433", "127.1"),
    ],
)
def test_all_others_are_not(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("host", ["8.8.8.8", "::1", "2130706433", "0x7f.1", "127.1", "a.b.0x", "1.", "example.7"])
def test_what_is_read_as_an_address_is_no_name(host: str) -> None:
    assert is_address(host)


@pytest.mark.parametrize("host", ["a", "storage.example.net", "1.example.net", "7b", "x0", "3com"])
def test_what_is_a_name_is_no_address(host: str) -> None:
    assert not is_address(host)


class FakeDns:
    """Names that lead to servers on this machine. ``at`` is what a name resolves to, one look-up after another."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.at: dict[str, list[str]] = {name: [HERE] for name in (STORAGE, WEBEX)}
        self._look_up = socket.getaddrinfo
        monkeypatch.setattr(socket, "getaddrinfo", self._resolve)

    def _resolve(self, host: Any, port: Any, *args: Any, **more: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else str(host)
        if name in self.at:
            found = self.at[name]
            address = found.pop(0) if len(found) > 1 else found[0]
            if not address:
                raise socket.gaierror(socket.EAI_AGAIN, "no answer for now in a test")
            return self._look_up(address, port, *args, **more)
        if not is_address(name):
            raise socket.gaierror(socket.EAI_NONAME, "no such name in a test")
        return self._look_up(name, port, *args, **more)


@pytest.fixture
def dns(monkeypatch: pytest.MonkeyPatch) -> FakeDns:
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    return FakeDns(monkeypatch)


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Loopback, Path]]:
    authority = Authority(tmp_path_factory.mktemp("certificates"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority.leaf(*map(x509.DNSName, (STORAGE, WEBEX))))
    made = Loopback(context)
    yield made, authority.file
    made.stop()


@pytest.fixture
def storage(secured: tuple[Loopback, Path], monkeypatch: pytest.MonkeyPatch) -> Loopback:
    """Return a server that speaks https under every name of the internet; it has the file."""
    server, authority = secured
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(authority))
    server.forget()
    server.always(200, CSV)
    return server


def here_is_public(address: str) -> bool:
    """Take this machine for a host of the internet."""
    return address == HERE or is_public(address)


@pytest.fixture
def fetch(dns: FakeDns, loopback: Loopback, closed: Callable[[Any], Any], tmp_path: Path) -> Callable[..., bytes]:
    """Fetch a file from Webex's host, which redirects to these addresses."""

    def fetch(*to: str, public: Callable[[str], bool] = here_is_public, status: int = 302) -> bytes:
        leads = iter(to)
        loopback.answer(lambda exchange, _: exchange.reply(status, b"", {"Location": next(leads)}))
        hosts, timeouts = ("*.webex.com", HERE), Timeouts(2, 2)
        client = closed(DownloadClient(Token(TOKEN), hosts, timeouts=timeouts, observe=observe, public=public))
        files = Downloader(client)
        report = Report("id", Family.PARTNER, "done", download_url=f"http://{loopback.host}/api?signature=hush")
        return bytes(files.download(report, tmp_path / "file").path.read_bytes())

    observed: list[int | None] = []

    def observe(_method: str, _path: str, status: int | None, _seconds: float) -> None:
        observed.append(status)

    fetch.observed = observed  # type: ignore[attr-defined]
    return fetch


class Token(StaticToken):
    """Nobody in these tests refuses it but hosts that were not sent it."""

    def renew(self, stale: str) -> str:
        raise AssertionError("nobody refused the token")


def tokens(server: Loopback) -> list[str | None]:
    return [one.headers.get("Authorization") for one in server.asked]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_the_file_comes_and_the_token_stays(
    fetch: Callable[..., bytes], loopback: Loopback, storage: Loopback, status: int
) -> None:
    assert fetch(f"https://{STORAGE}:{storage.port}/file?signature=theirs", status=status) == CSV

    assert tokens(loopback) == [f"Bearer {TOKEN}"]
    assert tokens(storage) == [None]
    assert [one.path for one in storage.asked] == ["/file?signature=theirs"]
    assert TOKEN not in str(storage.asked)
    assert "hush" not in str(storage.asked)


def test_a_relative_redirect_of_such_a_host_is_followed(fetch: Callable[..., bytes], storage: Loopback) -> None:
    def answer(exchange: Exchange, asked: Asked) -> None:
        exchange.reply(302, b"", {"Location": "/b"}) if asked.path == "/a" else exchange.reply(200, CSV)

    storage.answer(answer)
    assert fetch(f"https://{STORAGE}:{storage.port}/a") == CSV
    assert tokens(storage) == [None, None]


def test_the_token_does_not_come_back_after_such_a_host(fetch: Callable[..., bytes], storage: Loopback) -> None:
    """Not for a host that would be sent it otherwise: who redirects there may have invented the address."""

    def answer(exchange: Exchange, asked: Asked) -> None:
        back = {"Location": f"https://{WEBEX}:{storage.port}/file"}
        exchange.reply(302, b"", back) if asked.headers["Host"].startswith(STORAGE) else exchange.reply(200, CSV)

    storage.answer(answer)
    assert fetch(f"https://{STORAGE}:{storage.port}/a") == CSV
    assert [one.headers["Host"].partition(":")[0] for one in storage.asked] == [STORAGE, WEBEX]
    assert tokens(storage) == [None, None]


def test_a_host_of_webex_is_sent_the_token_before_that(fetch: Callable[..., bytes], storage: Loopback) -> None:
    def answer(exchange: Exchange, asked: Asked) -> None:
        on = {"Location": f"https://{STORAGE}:{storage.port}/file"}
        exchange.reply(302, b"", on) if asked.headers["Host"].startswith(WEBEX) else exchange.reply(200, CSV)

    storage.answer(answer)
    assert fetch(f"https://{WEBEX}:{storage.port}/a") == CSV
    assert tokens(storage) == [f"Bearer {TOKEN}", None]


def test_plain_http_is_refused_there_and_after_it(
    fetch: Callable[..., bytes], loopback: Loopback, storage: Loopback
) -> None:
    with pytest.raises(FileRejected, match="n't encrypted"):
        fetch(f"http://{STORAGE}:{loopback.port}/file")
    storage.always(302, b"", {"Location": f"http://{HERE}:{loopback.port}/file"})
    with pytest.raises(FileRejected, match="n't encrypted"):
        fetch(f"https://{STORAGE}:{storage.port}/file")
    assert len(loopback.asked) == 2, "only Webex's own"


def test_hops_are_few(fetch: Callable[..., bytes], storage: Loopback) -> None:
    storage.always(302, b"", {"Location": "/again"})
    with pytest.raises(FileRejected, match="circles"):
        fetch(f"https://{STORAGE}:{storage.port}/file")
    assert len(storage.asked) == 5


def test_who_has_no_certificate_for_the_name_is_asked_nothing(
    dns: FakeDns, fetch: Callable[..., bytes], storage: Loopback
) -> None:
    dns.at["other.example.net"] = [HERE]
    with pytest.raises(WebexError):
        fetch(f"https://other.example.net:{storage.port}/file")
    assert storage.asked == []


def test_an_address_that_is_not_public_is_not_connected_to(fetch: Callable[..., bytes], storage: Loopback) -> None:
    for host in (STORAGE, "127.0.0.2", "127.1", "2130706433", "0x7f.1", "[::1]", "[::ffff:127.0.0.1]"):
        with pytest.raises(FileRejected) as caught:
            fetch(f"https://{host}:{storage.port}/file?signature=theirs", public=is_public)
        assert "theirs" not in str(caught.value)
    assert storage.connections == 0


def test_one_address_of_several_that_is_not_public_is_enough(
    fetch: Callable[..., bytes], storage: Loopback, monkeypatch: pytest.MonkeyPatch
) -> None:
    both = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, storage.port)) for one in (PUBLIC, HERE)]
    look_up = socket.getaddrinfo
    monkeypatch.setattr(
        socket, "getaddrinfo", lambda host, *more, **kw: both if host == STORAGE else look_up(host, *more, **kw)
    )
    with pytest.raises(FileRejected, match="public"):
        fetch(f"https://{STORAGE}:{storage.port}/file", public=is_public)
    assert storage.connections == 0


def test_a_name_that_changes_its_address_in_between_is_sent_nothing(
    dns: FakeDns, fetch: Callable[..., bytes], storage: Loopback
) -> None:
    """It resolves to a public address when it is looked at, and to this machine when it is connected to."""
    dns.at[STORAGE] = [PUBLIC, HERE]
    with pytest.raises(FileRejected, match="public"):
        fetch(f"https://{STORAGE}:{storage.port}/file", public=is_public)
    assert dns.at[STORAGE] == [HERE], "it was looked up once before"
    assert storage.asked == []


def test_a_name_that_resolves_only_when_it_is_connected_to_is_not(
    dns: FakeDns, fetch: Callable[..., bytes], storage: Loopback
) -> None:
    dns.at[STORAGE] = ["", HERE]
    with pytest.raises(WebexError) as caught:
        fetch(f"https://{STORAGE}:{storage.port}/file", public=is_public)
    assert caught.value.passing
    assert dns.at[STORAGE] == [HERE], "it was looked up once"
    assert storage.connections == 0


def test_a_name_that_does_not_resolve_passes(fetch: Callable[..., bytes]) -> None:
    with pytest.raises(WebexError) as caught:
        fetch("https://nowhere.example/file?signature=theirs")
    assert caught.value.passing
    assert "nowhere.example" in caught.value.sentence
    assert "theirs" not in str(caught.value)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 429, 500, 503])
def test_an_error_of_such_a_host_is_no_word_of_webex(
    fetch: Callable[..., bytes], storage: Loopback, status: int
) -> None:
    """Nor does it make the bot renew its token, or count among Webex's answers."""

    storage.always(status, {"message": "Click here"}, {"Retry-After": "7", "trackingId": "THEIRS"})
    with pytest.raises(WebexError) as caught:
        fetch(f"https://{STORAGE}:{storage.port}/file")

    error = caught.value
    assert (error.status, error.retry_after) == (status, 7.0)
    assert error.passing is (status in {429, 500, 503})
    assert error.sentence == f"“{STORAGE}”, where Webex's download link leads, returned an error ({status})."
    assert "Click here" not in str(error)
    assert fetch.observed == [302]  # type: ignore[attr-defined]


class Proxy:
    """A proxy that leads everyone to one port of this machine; ``asked`` lists what it was asked to connect to."""

    def __init__(self, port: int) -> None:
        self.asked: list[str] = []
        self._port = port
        self._listening = socket.create_server((HERE, 0))
        self.url = f"http://{HERE}:{self._listening.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                head += client.recv(1)
            self.asked.append(head.split()[1].decode())
            with client, socket.create_connection((HERE, self._port)) as server:
                client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
                there = threading.Thread(target=self._pass_on, args=(client, server), daemon=True)
                there.start()
                self._pass_on(server, client)
                there.join()

    @staticmethod
    def _pass_on(one: socket.socket, other: socket.socket) -> None:
        with suppress(OSError):
            while data := one.recv(65536):
                other.sendall(data)
            other.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._thread.join(5)


@pytest.fixture
def proxy(dns: FakeDns, storage: Loopback, closed: Callable[[Any], Any], monkeypatch: pytest.MonkeyPatch) -> Proxy:
    made: Proxy = closed(Proxy(storage.port))
    monkeypatch.setenv("HTTPS_PROXY", made.url)
    return made


def test_through_a_proxy_a_name_that_is_public_here_is_asked(
    dns: FakeDns, fetch: Callable[..., bytes], proxy: Proxy, storage: Loopback
) -> None:
    """The proxy itself need not be public."""
    dns.at[STORAGE] = [PUBLIC]
    assert fetch(f"https://{STORAGE}/file", public=is_public) == CSV
    assert proxy.asked == [f"{STORAGE}:443"]
    assert tokens(storage) == [None]


@pytest.mark.parametrize(
    "host",
    ["8.8.8.8", "[2606:2800:220:1::1]", "134744072", "0x8.8.8.8", "nowhere.example", "inside.example", "127.0.0.2"],
)
def test_through_a_proxy_neither_addresses_nor_names_that_are_not_public_here(
    dns: FakeDns, fetch: Callable[..., bytes], proxy: Proxy, host: str
) -> None:
    dns.at["inside.example"] = ["10.0.0.7"]
    with pytest.raises(FileRejected):
        fetch(f"https://{host}/file", public=is_public)
    assert proxy.asked == []
