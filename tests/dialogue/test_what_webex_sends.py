"""What comes of a download: reports of every spelling arrive to the byte, and what is no report never does."""

from __future__ import annotations

import base64
import hashlib
import hmac
import io
import ssl
import zipfile
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509

from bot import app
from bot.messages.file_message import CHECKSUM_DIFFERS
from bot.webex.download import DownloadClient
from tests.webex.certificates import Authority
from tests.webex.loopback import Loopback

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.live_bot import LiveBot

TABLE = "Name,Minutes\r\nAda,12\r\nGrace,30\r\n"
CSV = TABLE.encode()
COUNTED = "2 rows, 2 columns"
PROGRAM = b"\x7fELF\x02\x01\x01" + bytes(57)


def zipped(*entries: tuple[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in entries:
            made.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return out.getvalue()


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (CSV.replace(b"Name", b"Name\x0bof the host"), COUNTED),
        (CSV + bytes(5000), COUNTED),
        (TABLE.encode("utf-16-le"), COUNTED),
        (TABLE.encode("utf-16-be"), COUNTED),
        (TABLE.encode("utf-16"), COUNTED),
        (b"[Name],[Minutes]\r\nAda,12\r\nGrace,30\r\n", COUNTED),
        (b"{Name},{Minutes}\r\nAda,12\r\nGrace,30\r\n", COUNTED),
        (b"<Name>,<Minutes>\r\nAda,12\r\nGrace,30\r\n", COUNTED),
        (b"#!" + CSV, COUNTED),
        (CSV.replace(b",", b"\t"), COUNTED),
        (CSV.replace(b",", b";"), COUNTED),
        (b"", "There are no values in this file"),
        (b"\xef\xbb\xbf", "There are no values in this file"),
        (b"\xff\xfe", "There are no values in this file"),
        (zipped(("acme.webex.com_usage", CSV)), COUNTED),
        (zipped(("usage.tsv", CSV.replace(b",", b"\t"))), COUNTED),
        (zipped(("read me.txt", b"Hello"), ("usage", CSV)), COUNTED),
        (zipped(("read me.txt", b"Hello"), ("more/", b""), ("usage.csv", CSV)), COUNTED),
        (zipped(("usage.csv", TABLE.encode("utf-16-le"))), COUNTED),
        (zipped(("usage.csv", b"")), "There are no values in this file"),
    ],
)
def test_a_report_arrives_to_the_byte_however_it_is_written(live: LiveBot, content: bytes, line: str) -> None:
    report = live.partner_report(content=content)

    file = live.at(live.ada).says(f"report {report.id}").file()

    assert file.content == content
    assert line in file.words
    assert file.file.name == f"Calling Usage 2026-01-01 2026-01-31.{'zip' if content.startswith(b'PK') else 'csv'}"


@pytest.mark.parametrize("first", [CSV, b"Name\r\n"])
def test_of_several_tables_in_a_zip_no_rows_are_told(live: LiveBot, first: bytes) -> None:
    """Those of one would be taken for those of all, or the zip for an empty one."""
    content = zipped(("summary.csv", first), ("usage.csv", CSV))
    report = live.partner_report(content=content)

    file = live.at(live.ada).says(f"report {report.id}").file()

    assert file.content == content
    assert "row" not in file.words
    assert "header" not in file.words


@pytest.mark.parametrize(
    "content",
    [
        b"<!DOCTYPE html><p>Please sign in",
        "<html><p>Please sign in".encode("utf-16-le"),
        b'{"message":"The report is not available","trackingId":"X"}',
        PROGRAM,
        b"MZ\x90\x00\x03" + bytes(59),
        b"\xcf\xfa\xed\xfe\x07\x00\x00\x01" + bytes(24),
        b"#!/bin/sh\necho hello\n",
        b"\x1f\x8b\x08\x00" + bytes(range(256)),
        b"ID;PWXL;N;E\r\nC;Y1;X1;K0;E1+1\r\n",
        b"WEB\r\n1\r\nhttps://evil.example/\r\n",
        bytes(100),
        zipped(("usage.csv", zipped(("usage.csv", CSV)))),
        zipped(("usage.zip", CSV)),
        zipped(("usage", PROGRAM)),
        zipped(("usage", b"#!/bin/sh\n")),
        zipped(("usage.csv", b"<html>")),
        zipped(("usage.csv", CSV), ("usage.exe", CSV)),
        zipped(("usage.csv", b"ID;PWXL;N;E\r\n")),
        zipped(("usage.iqy", b"https://evil.example/")),
        zipped(("usage.csv", CSV), ("nul.csv", CSV)),
        zipped(("usage.csv:stream.csv", CSV)),
        zipped(("usage.csv", CSV), ("Usage.CSV", CSV)),
        zipped(("usage", CSV), ("usage/more.csv", CSV)),
        zipped(("[Content_Types].xml", b"<?xml?>"), ("xl/workbook.xml", b"<?xml?>")),
    ],
)
def test_what_is_no_report_is_told_and_never_posted(live: LiveBot, content: bytes) -> None:
    report = live.partner_report(content=content)

    line = live.at(live.ada).says(f"report {report.id}")

    line.hears("The zip that Webex sent" if content.startswith(b"PK") else "so I didn't post it")
    assert all(heard.file is None for heard in line.answers())


def digest(of: bytes, algorithm: str = "md5") -> bytes:
    return hashlib.new(algorithm, of).digest()


@pytest.mark.parametrize(
    ("checksum", "said"),
    [
        (digest(CSV, "sha1").hex().upper(), False),
        (digest(zipped(("usage.csv", CSV))).hex(), False),
        (digest(CSV[3:]).hex(), True),
        (digest(b"\xef\xbb\xbf" + CSV, "sha256").hex(), True),
        (hmac.digest(b"key", CSV, "sha1").hex(), True),
        (base64.b64encode(digest(CSV[3:])).decode(), False),
        (f"md5:{digest(CSV[3:]).hex()}", False),
        (digest(CSV[3:], "sha512").hex(), False),
        ("1234567890", False),
        ("NA", False),
    ],
    ids=[
        *("of the CSV, in capitals", "of the zip", "of something else", "with a mark", "with a key"),
        *("base64", "with its name", "SHA-512", "a number", "none"),
    ],
)
@pytest.mark.parametrize("size", [None, 2])
def test_a_checksum_or_size_that_nobody_understands_withholds_nothing(
    live: LiveBot, checksum: str, said: bool, size: int | None
) -> None:
    """The zip is fetched twice only where its checksum should fit and does not; that is told in a line."""
    zipped_report = zipped(("usage.csv", CSV))
    report = live.partner_report(content=zipped_report, checksum=checksum)
    if size is not None:  # in kB, or of something else
        live.emulator.world.set_report(report.id, announced_size=size)

    file = live.at(live.ada).says(f"report {report.id}").file()

    assert file.content == zipped_report
    assert COUNTED in file.words
    assert (CHECKSUM_DIFFERS in file.words) is said
    assert len([call for call in live.emulator.calls if call.host == "download"]) == 1 + said


@pytest.fixture
def storage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Loopback]:
    """Return a host outside REPORT_DOWNLOAD_HOSTS with the file, which stands for one of the internet."""
    authority = Authority(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority.leaf(x509.DNSName("localhost")))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(authority.file))
    public = partial(DownloadClient, public=lambda address: address in {"127.0.0.1", "::1"})
    monkeypatch.setattr(app, "DownloadClient", public)
    server = Loopback(context)
    server.always(200, CSV)
    yield server
    server.stop()


def test_a_file_on_another_host_comes_without_the_token(storage: Loopback, live: LiveBot) -> None:
    report = live.partner_report(content=CSV, redirect_to=f"https://localhost:{storage.port}/file?signature=theirs")

    file = live.at(live.ada).says(f"report {report.id}").file()

    assert file.content == CSV
    assert COUNTED in file.words
    assert [one.headers.get("Authorization") for one in storage.asked] == [None]


def test_a_file_within_our_network_is_not_fetched(live: LiveBot) -> None:
    """Nobody is asked to send the admin token there instead."""
    report = live.partner_report(content=CSV, redirect_to="https://localhost/file?signature=theirs")

    line = live.at(live.ada).says(f"report {report.id}")

    said = line.hears("isn't known to be a public address").words
    assert "“localhost”" in said
    assert "theirs" not in said
    assert "REPORT_DOWNLOAD_HOSTS" not in said


@pytest.mark.parametrize("family", ["partner", "organization"])
@pytest.mark.parametrize(("title", "name"), [("PC/Server usage", "PC-Server usage"), ("Audio\\Video", "Audio-Video")])
def test_the_file_has_the_whole_title_in_both_families(live: LiveBot, family: str, title: str, name: str) -> None:
    made: Any = live.partner_report if family == "partner" else live.organization_report
    report = made(title, start="2026-10-01", end="2026-10-31")

    file = live.at(live.ada).says(f"report {report.id}").file()

    assert file.file.name == f"{name} 2026-10-01 2026-10-31.csv"


@pytest.mark.parametrize("group", [False, True])
def test_a_list_instead_of_the_details_brings_nobody_anothers_report(live: LiveBot, group: bool) -> None:
    report, other, third = live.partner_report(), live.partner_report("Salaries"), live.partner_report("Bonuses")
    items = [{"reportId": one.id, "title": one.title, "status": "done"} for one in (other, third)]
    live.emulator.faults.add("GET", f"/v1/partner/reports/{report.id}", status=200, body={"items": items})

    line = live.at(live.ada, live.group if group else None).says(f"report {report.id}")

    line.hears("I couldn't find that report.")
    assert len(line.answers()) == 1


@pytest.mark.parametrize("group", [False, True])
def test_details_without_their_id_are_those_that_were_asked_for(live: LiveBot, group: bool) -> None:
    report = live.partner_report(content=CSV)
    details = live.emulator.world.details_view(report) | {"reportId": None}
    live.emulator.faults.add("GET", f"/v1/partner/reports/{report.id}", status=200, body=details)

    line = live.at(live.ada, live.group if group else None).says(f"report {report.id}")

    assert line.file().content == CSV
    assert report.id in line.card().shown


def test_a_list_in_another_wrapping_is_not_told_as_no_reports(live: LiveBot) -> None:
    """What the other family lists is shown all the same."""
    live.organization_report("Meeting Details")
    live.emulator.faults.add("GET", "/v1/partner/reports", status=200, body={"reports": [{"reportId": "A"}]})

    shown = live.at(live.ada).says("reports").card().shown

    assert "Meeting Details" in shown
    assert "Partner reports are missing from this list. Webex's answer couldn't be read." in shown
