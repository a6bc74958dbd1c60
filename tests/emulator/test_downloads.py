"""The download host: who gets a file, what it is, and all the ways in which it can go wrong."""

import hashlib
import io
import tracemalloc
import zipfile
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests


def link(live, client, report) -> Any:
    return client.get(f"/partner/reports/{report.id}").json()["downloadURL"]


def fetched(live, client, **fields) -> Any:
    return client.get(link(live, client, live.world.add_report(family="partner", **fields)))


def test_the_host_is_another_one_and_wants_the_administrators_token(live, admin):
    url = link(live, admin, live.world.add_report(family="partner"))
    assert urlsplit(url).port != urlsplit(live.emulator.api_url).port
    assert requests.get(url, timeout=5).status_code == 401
    assert live.client(live.bot).get(url).status_code == 403
    assert live.client(live.nora).get(url).status_code == 403
    globex_admin = live.world.add_person("Eve", live.globex, roles=["id_full_admin"])
    assert live.client(globex_admin).get(url).status_code == 403
    assert admin.get(url).status_code == 200


def test_a_csv_from_text_starts_with_a_bom_and_calls_itself_octets(live, admin):
    answer = fetched(live, admin, content="Name\r\nÅsa\r\n")
    assert answer.content == b"\xef\xbb\xbfName\r\n\xc3\x85sa\r\n"
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["Content-Length"] == str(len(answer.content))


def test_a_zip_holds_the_csv_under_its_name(live, admin):
    answer = fetched(live, admin, content=b"a,b\n1,2\n", as_zip=True, file_name="Usage.csv")
    assert answer.content.startswith(b"PK\x03\x04")
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.namelist() == ["Usage.csv"]
        assert archive.read("Usage.csv") == b"a,b\n1,2\n"


@pytest.mark.parametrize("algorithm", ["md5", "sha1", "sha256"])
@pytest.mark.parametrize("as_zip", [False, True])
def test_size_and_checksum_are_those_of_the_file_as_served(live, admin, algorithm, as_zip):
    report = live.world.add_report(family="partner", checksum=algorithm, as_zip=as_zip)
    details = admin.get(f"/partner/reports/{report.id}").json()
    content = admin.get(details["downloadURL"]).content
    assert details["checksum"] == hashlib.new(algorithm, content).hexdigest()
    assert details["fileSize"] == len(content)


def test_a_checksum_can_be_a_lie_or_absent(live, admin):
    lie = live.world.add_report(family="partner", checksum="12345")
    none = live.world.add_report(family="partner", checksum=None)
    assert admin.get(f"/partner/reports/{lie.id}").json()["checksum"] == "12345"
    assert "checksum" not in admin.get(f"/partner/reports/{none.id}").json()


def test_a_link_expires_and_cannot_be_made_up(live, admin):
    report = live.world.add_report(family="partner", link_seconds=60)
    url = link(live, admin, report)
    assert admin.get(url).status_code == 200
    assert admin.get(url.replace("signature=", "signature=0")).status_code == 404
    assert admin.get(f"{live.emulator.download_url}/api", reportId=report.id).status_code == 404
    now = live.world.clock()
    live.world.clock = lambda: now + 61
    expired = admin.get(url)
    assert (expired.status_code, "expired" in expired.json()["message"]) == (410, True)
    assert admin.get(link(live, admin, report)).status_code == 200


def test_a_redirect_leads_elsewhere_or_to_the_same_host(live, admin):
    away = fetched(live, admin, redirect_to="http://127.0.0.1:9/stolen")
    assert (away.status_code, away.headers["Location"]) == (302, "http://127.0.0.1:9/stolen")
    here = fetched(live, admin, redirect_to="here")
    assert here.status_code == 302
    assert admin.get(here.headers["Location"]).status_code == 200


def test_an_html_page_may_come_instead_with_200(live, admin):
    answer = fetched(live, admin, html_error=True)
    assert answer.status_code == 200
    assert answer.content.startswith(b"<!DOCTYPE html>")


def test_a_locked_file_is_released_after_some_tries(live, admin):
    url = link(live, admin, live.world.add_report(family="partner", locked_times=2, retry_after="7"))
    answers = [admin.get(url) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [423, 423, 200]
    assert answers[0].headers["Retry-After"] == "7"


def test_an_unscannable_file_comes_only_when_forced(live, admin):
    url = link(live, admin, live.world.add_report(family="partner", unscannable=True))
    refused = admin.get(url)
    assert (refused.status_code, "force downloaded" in refused.json()["message"]) == (428, True)
    assert admin.get(f"{url}&allow=unscannable").status_code == 200


def test_an_infected_file_is_gone(live, admin):
    assert fetched(live, admin, infected=True).status_code == 410


def test_downloads_can_be_limited_and_are_counted(live, admin):
    report = live.world.add_report(family="partner", download_limit=2)
    assert [admin.get(link(live, admin, report)).status_code for _ in range(3)] == [200, 200, 403]
    assert report.downloads == 2


def test_a_length_can_be_wrong_or_absent(live, admin):
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        fetched(live, admin, content=b"short", claimed_length=50)
    answer = fetched(live, admin, content=b"a,b\n", without_length=True)
    assert "Content-Length" not in answer.headers
    assert answer.content == b"a,b\n"


def test_60_mb_stream_both_ways_in_bounded_memory(live, admin, bot):
    """A download from a generator and an upload: neither is ever whole in the emulator's memory."""
    piece, count = b"0123456789abcdef" * 4096, 960
    size = len(piece) * count
    report = live.world.add_report(family="partner", content=lambda: iter([piece] * count), size=size)
    url = link(live, admin, report)
    boundary = "boundary"
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="roomId"\r\n\r\n{live.space.id}\r\n'
    head += f'--{boundary}\r\nContent-Disposition: form-data; name="files"; filename="big.csv"\r\n\r\n'
    tail = f"\r\n--{boundary}--\r\n"

    class Upload:
        """A body of known length that is made as it is sent."""

        def __len__(self) -> Any:
            return len(head) + size + len(tail)

        def __iter__(self) -> Any:
            yield head.encode()
            for _ in range(count):
                yield piece
            yield tail.encode()

    tracemalloc.start()
    try:
        with admin.session.get(url, stream=True, timeout=10) as answer:
            received = sum(len(part) for part in answer.iter_content(1 << 16))
        headers = {"Content-Type": f"multipart/form-data; boundary={boundary}", "Content-Length": str(len(Upload()))}
        posted = bot.call("POST", "/messages", data=Upload(), headers=headers)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert received == size
    assert posted.status_code == 200
    stored = live.world.messages(live.space)[-1].files[0]
    assert (stored.size, stored.sha256) == (size, hashlib.sha256(piece * count).hexdigest())
    assert peak < 8_000_000


def test_a_file_over_100_mb_is_refused(live, bot, monkeypatch):
    """The limit is lowered here so that the test stays short; what lies on disk is thrown away."""
    monkeypatch.setattr("bot.emulator.api_messages.MAX_FILE_BYTES", 1000)
    assert bot.upload("a.csv", b"x" * 1000, roomId=live.space.id).status_code == 200
    assert bot.upload("a.csv", b"x" * 1001, roomId=live.space.id).status_code == 400
    assert len(list(live.world.folder.glob("upload-*"))) == 1
