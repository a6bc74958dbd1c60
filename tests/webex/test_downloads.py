"""Downloads: where the token goes, what is a report, and what is left on the disk."""

from __future__ import annotations

import gzip
import hashlib
import io
import shutil
import tempfile
import threading
import traceback
import zipfile
from collections import namedtuple
from datetime import UTC, datetime

import pytest

from bot.errors import BotError, ChecksumDiffers, FileRejected, WebexError
from bot.files import storage
from bot.files.downloader import Downloader
from bot.webex.download import DownloadClient
from bot.webex.report import Report
from bot.webex.report_families import Family
from bot.webex.reports_api import ReportsApi
from bot.webex.session import Timeouts
from bot.webex.tokens import StaticToken
from tests.webex.loopback import ALL_ERRORS, Loopback

SECRET = "top-secret-token-0123456789"
CSV = b"\xef\xbb\xbfNAME,MINUTES\r\nAda,5\r\n"
HERE = ("127.0.0.1",)


def zipped(content: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("report.csv", content)
    return packed.getvalue()


def unzipped(packed: bytes) -> bytes:
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        return archive.read(archive.namelist()[0])


def report(url: str, **more) -> Report:
    return Report(id="x", family=Family.PARTNER, status="done", download_url=url, **more)


@pytest.fixture
def link(loopback):
    return f"http://{loopback.host}/api?reportId=x&signature=hush"


@pytest.fixture
def fetch(link, closed, tmp_path):
    """Download to `tmp_path/report`, with what the test says about the report and about the limits."""

    def fetch(url: str = link, hosts=HERE, limits=None, longest=60.0, twin="", **about):
        client = closed(DownloadClient(StaticToken(SECRET), hosts, timeouts=Timeouts(2, 1, longest)))
        made = Downloader(client, **(limits or {}))
        return made.download(report(url, **about), tmp_path / "report", twin=twin)

    return fetch


@pytest.fixture
def fails(fetch, tmp_path):
    """Return the error of a download that must fail; nothing is left, and no secret is in the error."""

    def fails(*arguments, **about) -> BotError:
        (tmp_path / "report").write_bytes(b"the one before")
        with pytest.raises((WebexError, FileRejected)) as caught:
            fetch(*arguments, **about)
        shown = "".join(traceback.format_exception(caught.value)) + repr(caught.value.__dict__)
        for secret in (SECRET, "hush", "/api"):
            assert secret not in shown
        assert [path.name for path in tmp_path.iterdir()] == ["report"]
        assert (tmp_path / "report").read_bytes() == b"the one before"
        assert isinstance(caught.value, BotError)
        return caught.value

    return fails


@pytest.mark.parametrize(("body", "kind"), [(CSV, "csv"), (zipped(CSV), "zip"), (b"", "csv"), (zipped(b""), "zip")])
def test_a_report_is_told_by_its_bytes_whatever_the_header_says(loopback, fetch, tmp_path, body, kind):
    loopback.always(200, body, {"Content-Type": "application/zip" if kind == "csv" else "text/html"})
    got = fetch()
    assert (got.kind, got.size, got.sha256) == (kind, len(body), hashlib.sha256(body).hexdigest())
    assert got.path == tmp_path / "report"
    assert got.path.read_bytes() == body
    assert [path.name for path in tmp_path.iterdir()] == ["report"]
    assert loopback.asked[0].headers["Authorization"] == f"Bearer {SECRET}"


@pytest.mark.parametrize("family", ["partner", "organization"])
@pytest.mark.parametrize("as_zip", [False, True])
def test_the_whole_way_through_the_emulator(live, closed, tmp_path, family, as_zip):
    made = live.emulator.world.add_report(
        family=family, title="Hosts", status="done", content=CSV, as_zip=as_zip, checksum="sha256"
    )
    details = ReportsApi(live.admin).details(Family(family), made.id)
    got = Downloader(closed(DownloadClient(StaticToken(live.admin_token), HERE))).download(details, tmp_path / "x")
    assert got.kind == ("zip" if as_zip else "csv")
    content = got.path.read_bytes()
    assert (unzipped(content) if as_zip else content) == CSV


def test_a_file_that_comes_packed_is_unpacked(loopback, fetch):
    loopback.always(200, gzip.compress(CSV), {"Content-Encoding": "gzip"})
    assert fetch().path.read_bytes() == CSV
    assert loopback.asked[0].headers["Accept-Encoding"] == "identity"


@pytest.mark.parametrize("status", ALL_ERRORS)
def test_every_status_is_an_error_with_its_wait(loopback, fails, status):
    loopback.always(status, {"message": f"see https://x?hush {SECRET}"}, {"trackingId": "T_1", "Retry-After": "7"})
    error = fails()
    assert isinstance(error, WebexError)
    assert (error.status, error.tracking_id, error.retry_after) == (status, "T_1", 7.0)


@pytest.mark.parametrize(
    "body", [b"<!DOCTYPE html><p>Sign in", b'{"message":"no"}', b"\x7fELF\x02\x00", b"PK\x03\x04damaged"]
)
def test_what_is_no_report_is_refused(loopback, fails, body):
    loopback.always(200, body)
    assert isinstance(fails(), FileRejected)


def test_a_large_page_is_refused_before_the_rest_of_it_is_fetched(loopback, fails):
    sent = []

    def endless(exchange, asked):
        exchange.send_response(200)
        exchange.send_header("Content-Length", str(10**9))
        exchange.end_headers()
        for _ in range(1000):
            exchange.wfile.write(b"<html>" + b" " * 100_000)
            sent.append(1)

    loopback.answer(endless)
    assert isinstance(fails(), FileRejected)
    assert len(sent) < 1000


@pytest.mark.parametrize("algorithm", ["md5", "sha1", "sha256"])
@pytest.mark.parametrize("body", [CSV, zipped(CSV)])
def test_a_checksum_of_a_known_length_is_enforced(loopback, fetch, fails, algorithm, body):
    loopback.always(200, body)
    digest = hashlib.new(algorithm, body).hexdigest()
    assert fetch(checksum=digest).size == len(body)
    assert fetch(checksum=f" {digest.upper()} ").size == len(body)
    error = fails(checksum=hashlib.new(algorithm, b"other").hexdigest())
    assert "checksum" in error.sentence


def test_a_checksum_may_be_that_of_the_csv_within_the_zip(loopback, fetch):
    loopback.always(200, zipped(CSV))
    assert fetch(checksum=hashlib.md5(CSV).hexdigest()).kind == "zip"


@pytest.mark.parametrize("body", [CSV, zipped(CSV)])
def test_the_same_bytes_twice_are_taken_though_the_checksum_fits_nothing(loopback, fetch, fails, body):
    loopback.always(200, body)
    error = fails(checksum="0" * 64)
    assert isinstance(error, ChecksumDiffers)
    assert error.sha256 == hashlib.sha256(body).hexdigest()
    assert "checksum" in fails(checksum="0" * 64, twin=hashlib.sha256(b"other").hexdigest()).sentence
    got = fetch(checksum="0" * 64, twin=error.sha256)
    assert (got.path.read_bytes(), got.checksum_differs) == (body, True)
    assert not fetch(checksum=hashlib.md5(body).hexdigest(), twin=error.sha256).checksum_differs


@pytest.mark.parametrize(
    ("headers", "taken"),
    [
        ({"Connection": "close"}, False),
        ({"Transfer-Encoding": "chunked"}, True),
        ({"Content-Length": str(len(CSV))}, True),
    ],
)
def test_a_csv_whose_end_nothing_proves_is_not_taken(loopback, fetch, fails, headers, taken):
    """Both may be cut off at the same place; only a zip has its end in itself."""

    def answer(exchange, asked):
        exchange.send_response(200)
        for name, value in headers.items():
            exchange.send_header(name, value)
        exchange.end_headers()
        chunked = b"%x\r\n%b\r\n0\r\n\r\n" % (len(CSV), CSV)
        exchange.wfile.write(chunked if "Transfer-Encoding" in headers else CSV)
        exchange.close_connection = True

    loopback.answer(answer)
    twin = hashlib.sha256(CSV).hexdigest()
    if taken:
        assert fetch(checksum="0" * 64, twin=twin).checksum_differs
    else:
        assert "checksum" in fails(checksum="0" * 64, twin=twin).sentence


@pytest.mark.parametrize(("file_size", "taken"), [(None, True), (25, False)])
def test_nothing_twice_is_not_taken_for_a_file_that_has_a_size(loopback, fetch, fails, file_size, taken):
    """A blank report is possible; so is a host that answers with nothing for a while."""
    loopback.always(200, b"")
    about = {"checksum": "0" * 64, "twin": hashlib.sha256(b"").hexdigest(), "file_size": file_size}
    if taken:
        assert fetch(**about).checksum_differs
    else:
        assert "checksum" in fails(**about).sentence


@pytest.mark.parametrize("checksum", ["", "12345", "z" * 32, "1" * 33, "0" * 128])
def test_a_checksum_that_says_nothing_is_not_enforced(loopback, fetch, checksum):
    loopback.always(200, CSV)
    assert fetch(checksum=checksum).size == len(CSV)


def test_a_size_in_an_unknown_unit_proves_nothing(loopback, fetch):
    loopback.always(200, CSV)
    assert fetch(file_size=1).size == len(CSV)


def test_a_file_that_ends_too_early_passes(loopback, fails):
    loopback.answer(lambda exchange, asked: exchange.reply(200, CSV, length=5000))
    error = fails()
    assert isinstance(error, WebexError)
    assert (error.status, error.passing) == (None, True)


def test_a_silent_host_passes(live, closed, tmp_path):
    made = live.emulator.world.add_report(family="partner", title="X", status="done", content=CSV * 1000)
    details = ReportsApi(live.admin).details(Family.PARTNER, made.id)
    live.emulator.faults.add(method="GET", path="/api", host="download", cut="middle", times=1)
    made_files = Downloader(closed(DownloadClient(StaticToken(live.admin_token), HERE)))
    with pytest.raises(WebexError) as caught:
        made_files.download(details, tmp_path / "x")
    assert caught.value.passing
    assert list(tmp_path.iterdir()) == []
    assert made_files.download(details, tmp_path / "x").size == len(CSV) * 1000


def test_a_redirect_to_a_permitted_host_is_followed_with_the_token(loopback, fetch):
    def answer(exchange, asked):
        if asked.path.startswith("/api"):
            exchange.reply(302, b"", {"Location": "/elsewhere?signature=hush"})
        else:
            exchange.reply(200, CSV)

    loopback.answer(answer)
    assert fetch().size == len(CSV)
    assert [asked.headers.get("Authorization") for asked in loopback.asked] == [f"Bearer {SECRET}"] * 2


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_cannot_carry_the_token_elsewhere(loopback, fails, status):
    """The other server listens on this machine too, but under a name that no pattern permits."""
    elsewhere = Loopback()
    try:
        target = f"http://localhost:{elsewhere.host.rpartition(':')[2]}/api?signature=hush"
        loopback.always(status, b"", {"Location": target})
        error = fails()
        assert isinstance(error, FileRejected)
        assert "n't encrypted" in error.sentence
        assert elsewhere.asked == []
    finally:
        elsewhere.stop()


def test_a_redirect_is_decided_anew_each_time(loopback, fails):
    hops = iter(["/1", "/2", "http://evil.example/"])
    loopback.answer(lambda exchange, asked: exchange.reply(302, b"", {"Location": next(hops)}))
    assert isinstance(fails(), FileRejected)
    assert len(loopback.asked) == 3


def test_redirects_in_a_circle_end(loopback, fails):
    loopback.answer(lambda exchange, asked: exchange.reply(302, b"", {"Location": "/api"}))
    assert "circles" in fails().sentence
    assert len(loopback.asked) == 6


def test_an_address_that_is_not_permitted_is_not_asked(loopback, fails):
    assert isinstance(fails(hosts=("*.webex.com",)), FileRejected)
    assert isinstance(fails(url=""), FileRejected)
    assert loopback.asked == []


def test_neither_netrc_nor_proxy_comes_between(loopback, fetch, tmp_path_factory, monkeypatch):
    netrc = tmp_path_factory.mktemp("home") / "netrc"
    netrc.write_text("machine 127.0.0.1 login eve password evil\n")
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    loopback.always(200, CSV)
    fetch()
    assert loopback.asked[0].headers["Authorization"] == f"Bearer {SECRET}"


def test_a_refused_token_is_renewed_once(loopback, link, closed, tmp_path):
    class Source(StaticToken):
        def renew(self, stale: str) -> str:
            return "newer"

    loopback.answer(
        lambda exchange, asked: exchange.reply(200 if asked.headers["Authorization"] == "Bearer newer" else 401, CSV)
    )
    assert Downloader(closed(DownloadClient(Source(SECRET), HERE))).download(report(link), tmp_path / "x").size == len(
        CSV
    )


def test_more_than_the_limit_is_refused(loopback, fails):
    loopback.always(200, CSV * 100)
    assert "larger than" in fails(limits={"max_bytes": 100}).sentence


def test_a_download_that_takes_for_ever_is_given_up(loopback, fails):
    loopback.always(200, CSV)
    error = fails(longest=-1.0)
    assert isinstance(error, WebexError)
    assert error.passing


def test_a_nearly_full_disk_is_said(loopback, fails, monkeypatch):
    usage = namedtuple("usage", "free")  # noqa: PYI024
    loopback.always(200, CSV)
    monkeypatch.setattr("shutil.disk_usage", lambda path: usage(10))
    assert "disk" in fails().sentence


def test_room_for_the_announced_file_is_looked_for_first(loopback, fails):
    loopback.answer(lambda exchange, asked: exchange.reply(200, CSV, length=10**15))
    assert "disk" in fails().sentence


def test_what_is_free_is_there_once_for_all_downloads_together(loopback, link, closed, tmp_path, monkeypatch):
    """Each of two fits, both do not: the second one waits, and is no failure."""
    whole = CSV * 50_000
    usage = namedtuple("usage", "free")  # noqa: PYI024
    monkeypatch.setattr("shutil.disk_usage", lambda path: usage(1000 + len(whole) * 3 // 2))
    made = Downloader(closed(DownloadClient(StaticToken(SECRET), HERE)), keep_free=1000)
    begun, go_on = threading.Event(), threading.Event()

    def slowly(exchange, asked):
        exchange.send_response(200)
        exchange.send_header("Content-Length", str(len(whole)))
        exchange.end_headers()
        exchange.wfile.write(whole[: len(whole) // 2])
        exchange.wfile.flush()
        go_on.wait(10)
        exchange.wfile.write(whole[len(whole) // 2 :])

    loopback.answer(slowly)
    told = {"progress": lambda *_: begun.set()}
    first = threading.Thread(target=made.download, args=(report(link), tmp_path / "first"), kwargs=told)
    first.start()
    assert begun.wait(10)
    loopback.always(200, whole)
    with pytest.raises(FileRejected, match="until other downloads are finished") as caught:
        made.download(report(link), tmp_path / "second")
    go_on.set()
    first.join()

    assert caught.value.passing
    assert caught.value.retry_after == storage.WAIT_FOR_OTHERS
    assert (tmp_path / "first").read_bytes() == whole
    assert made.download(report(link), tmp_path / "second").size == len(whole)


def test_what_another_download_still_needs_is_not_taken_by_one_without_a_length(tmp_path, monkeypatch):
    usage = namedtuple("usage", "free")  # noqa: PYI024
    free = [100]
    monkeypatch.setattr("shutil.disk_usage", lambda path: usage(free[0]))
    monkeypatch.setattr(storage, "CHECK_ROOM_EVERY", 10)
    coming = storage.Coming(keep_free=20)
    with coming.counted(tmp_path, 60) as known, coming.counted(tmp_path, 0) as unknown:
        free[0] -= 15
        unknown(15)
        free[0] -= 30
        known(30)
        free[0] -= 10
        with pytest.raises(FileRejected, match="until other downloads") as caught:
            unknown(25)
        free[0] -= 20
        with pytest.raises(FileRejected, match="nearly full") as full:
            known(50)

    assert caught.value.passing
    assert not full.value.passing


def test_a_full_disk_is_said(loopback, fails, monkeypatch):
    make = tempfile.NamedTemporaryFile

    def full(data):
        raise OSError(28, "No space left on device")

    def on_a_full_disk(**options):
        made = make(**options)
        made.write = full  # type: ignore[method-assign]
        return made

    loopback.always(200, CSV)
    monkeypatch.setattr("bot.files.downloader.tempfile.NamedTemporaryFile", on_a_full_disk)
    assert "disk" in fails().sentence


def test_a_folder_that_is_not_there_is_said(loopback, link, closed, tmp_path):
    loopback.always(200, CSV)
    with pytest.raises(FileRejected, match="folder"):
        Downloader(closed(DownloadClient(StaticToken(SECRET), HERE))).download(report(link), tmp_path / "missing" / "x")


def test_progress_is_told_and_every_download_observed_without_its_address(loopback, link, closed, tmp_path):
    loopback.always(200, CSV * 50_000)
    seen: list[tuple[object, ...]] = []
    told: list[tuple[int, int]] = []
    made = Downloader(closed(DownloadClient(StaticToken(SECRET), HERE, observe=lambda *call: seen.append(call))))
    got = made.download(report(link), tmp_path / "x", progress=lambda *so_far: told.append(so_far))
    assert told[-1] == (got.size, got.size)
    assert told == sorted(told)
    assert len(told) > 1
    assert [call[:3] for call in seen] == [("GET", "download", 200)]


def test_a_link_that_has_expired_says_so(live, closed, tmp_path):
    made = live.emulator.world.add_report(family="partner", title="X", status="done", content=CSV)
    details = ReportsApi(live.admin, now=lambda: datetime(2026, 1, 1, tzinfo=UTC)).details(Family.PARTNER, made.id)
    live.emulator.world.set_report(made.id, infected=True)
    with pytest.raises(WebexError) as caught:
        Downloader(closed(DownloadClient(StaticToken(live.admin_token), HERE))).download(details, tmp_path / "x")
    assert (caught.value.status, bool(caught.value.tracking_id)) == (410, True)
    assert shutil.disk_usage(tmp_path).free
