"""Files posted to a space: streamed, named, and refused as Webex refuses them."""

from __future__ import annotations

import hashlib
import json
import os
import socket
import subprocess
import sys
import traceback

import pytest

from bot.errors import FileRejected, WebexError
from bot.webex import upload
from bot.webex.chat import Chat
from bot.webex.growing_file import HELD_BACK, GrowingFile
from bot.webex.retry import RetryPolicy
from bot.webex.session import BLOCK, Timeouts
from bot.webex.tokens import StaticToken
from bot.webex.types import Posted, Target
from tests.webex.loopback import ALL_ERRORS

SECRET = "top-secret-token-0123456789"
LARGE = 60 * 1024 * 1024
BIG = 8 * 1024 * 1024
MEMORY_FOR_ANY_SIZE = 16 * 1024 * 1024
FETCH_AND_POST = """
import json, resource, sys
from pathlib import Path
from bot.webex.types import Target
from bot.webex.report import Report
from bot.webex.report_families import Family
from bot.webex.chat import Chat
from bot.files.downloader import Downloader
from bot.webex.download import DownloadClient
from bot.webex.tokens import StaticToken

given = json.load(sys.stdin)
chat = Chat(given["api"], StaticToken(given["bot_token"]))
host = DownloadClient(StaticToken(given["admin_token"]), ["127.0.0.1"])
chat.me()
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
before = peak()
report = Report("x", Family.PARTNER, "done", download_url=given["link"])
got = Downloader(host).download(report, Path(given["to"]))
posted = chat.upload(
    Target(room_id=given["room"]), path=got.path, name="r.csv", content_type="text/csv", markdown="large"
)
print(json.dumps({"grown": peak() - before, "size": got.size, "sha256": got.sha256, "message": posted.message_id}))
chat.close()
host.close()
"""


@pytest.fixture
def scripted(loopback, closed):
    return closed(Chat(loopback.url, StaticToken(SECRET), timeouts=Timeouts(2, 2)))


@pytest.fixture
def path(tmp_path):
    made = tmp_path / "0123.part"
    made.write_bytes(b"A,B\n1,2\n")
    return made


def send(chat, path, target=None, name="Hosts é.csv") -> Posted:
    posted: Posted = chat.upload(
        target or Target(room_id="r"), path=path, name=name, content_type="text/csv", markdown="**two** rows"
    )
    return posted


def test_a_file_that_webex_is_too_busy_for_is_sent_again_from_its_beginning(live, closed, path):
    world = live.emulator.world
    space = world.add_space("Reports", [live.ada, live.bot])
    retries = RetryPolicy((0.0, 0.0))
    chat = closed(Chat(live.emulator.api_url, StaticToken(live.bot_token), retries=retries))
    live.emulator.faults.add("POST", "/v1/messages", status=429, headers={"Retry-After": "0"}, times=2)

    send(chat, path, Target(room_id=space.id))

    (message,) = world.messages(space)
    assert message.files[0].sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("status", [status for status in ALL_ERRORS if status != 429])
def test_a_file_that_may_be_there_is_not_sent_again(loopback, closed, path, status):
    chat = closed(Chat(loopback.url, StaticToken(SECRET), retries=RetryPolicy((0.0,))))
    loopback.always(status)
    with pytest.raises(WebexError):
        send(chat, path)
    assert len(loopback.asked) == 1


def test_a_file_is_posted_under_its_name_with_its_line_in_the_thread(live, path):
    world = live.emulator.world
    space = world.add_space("Reports", [live.ada, live.bot])
    said = world.say(live.ada, space, "report x", mention=live.bot)
    posted = send(live.chat, path, Target(room_id=space.id, parent_id=said.id))
    message = world.messages(space)[-1]
    assert (posted, message.parent_id) == (Posted(message.id, space.id), said.id)
    assert message.markdown == "**two** rows"
    (file,) = message.files
    assert (file.name, file.content_type) == ("Hosts é.csv", "text/csv")
    assert file.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_file_may_go_to_a_person(live, path):
    posted = send(live.chat, path, Target(person_id=live.ada.id))
    assert posted.room_id == live.emulator.world.direct_space(live.ada, live.bot).id


@pytest.mark.parametrize("status", ALL_ERRORS)
def test_every_status_is_an_error(loopback, scripted, path, status):
    loopback.always(status, {"message": f"no {SECRET}"}, {"trackingId": "T_1", "Retry-After": "0"})
    with pytest.raises(WebexError) as caught:
        send(scripted, path)
    assert (caught.value.status, caught.value.tracking_id, caught.value.reached) == (status, "T_1", True)
    assert SECRET not in "".join(traceback.format_exception(caught.value))
    assert len(loopback.asked) == 1


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"{}", b'{"roomId":"r"}'])
def test_an_answer_that_cannot_be_read_is_unsure(loopback, scripted, path, body):
    loopback.always(200, body)
    with pytest.raises(WebexError) as caught:
        send(scripted, path)
    assert (caught.value.status, caught.value.reached) == (None, None)


def test_a_lost_answer_is_unsure_and_nothing_is_sent_twice(live, path):
    space = live.emulator.world.direct_space(live.ada, live.bot)
    live.emulator.faults.add(method="POST", path="/v1/messages", cut="after", times=1)
    with pytest.raises(WebexError) as caught:
        send(live.chat, path, Target(room_id=space.id))
    assert caught.value.reached is None
    assert len(live.emulator.world.messages(space)) == 1


def test_what_webex_would_refuse_as_too_large_is_not_sent(loopback, scripted, path):
    os.truncate(path, upload.MAX_FILE_BYTES + 1)
    with pytest.raises(FileRejected, match="100 MB"):
        send(scripted, path)
    assert loopback.asked == []


def test_a_file_that_is_gone_is_said(scripted, path):
    path.unlink()
    with pytest.raises(FileRejected, match="no longer"):
        send(scripted, path)


def test_an_upload_may_take_longer_than_other_calls():
    assert upload.TIMEOUT[1] >= 300


def test_sixty_megabytes_are_fetched_and_posted_in_bounded_memory(live, tmp_path):
    """In a process of its own, whose peak must not grow with the file."""
    world = live.emulator.world
    line = b"2024-03-24,ada@acme.example,12\n" * 2048

    def content():
        left = LARGE
        while left:
            piece = line[:left]
            left -= len(piece)
            yield piece

    made = world.add_report(family="partner", title="Large", status="done", content=content, size=LARGE)
    space = world.direct_space(live.ada, live.bot)
    given = {
        "api": live.emulator.api_url,
        "bot_token": live.bot_token,
        "admin_token": live.admin_token,
        "link": world.download_link(made),
        "to": str(tmp_path / "large"),
        "room": space.id,
    }
    done = subprocess.run(
        [sys.executable, "-c", FETCH_AND_POST],
        input=json.dumps(given),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["size"] == LARGE
    (file,) = world.messages(space)[-1].files
    assert (file.size, file.sha256) == (LARGE, said["sha256"])
    assert said["grown"] < MEMORY_FOR_ANY_SIZE


@pytest.fixture
def growing(tmp_path):
    """Return a file of which all has come, but nothing is released."""
    path = tmp_path / "large.part"
    path.write_bytes(b"0123456789abcdef" * (BIG // 16))
    made = GrowingFile(path, BIG, "csv")
    made.came(BIG)
    yield made
    made.abandon()


def pass_on(chat: Chat, growing: GrowingFile, target: Target, room: int = 100) -> upload.PendingUpload:
    return chat.begin_upload(target, growing, name="Hosts.csv", content_type="text/csv", room=room)


def test_what_still_comes_is_sent_on_and_posted_with_its_words_when_it_is_released(live, growing):
    world = live.emulator.world
    space = world.add_space("Reports", [live.ada, live.bot])
    said = world.say(live.ada, space, "report x", mention=live.bot)
    begun = pass_on(live.chat, growing, Target(room_id=space.id, parent_id=said.id))
    posted = begun.finish("**two** rows, é")
    (message,) = [one for one in world.messages(space) if one.files]
    assert (posted, message.parent_id) == (Posted(message.id, space.id), said.id)
    assert (message.text or "").strip() == "two rows, é"
    (file,) = message.files
    assert (file.name, file.content_type, file.size) == ("Hosts.csv", "text/csv", BIG)
    assert file.path.read_bytes() == b"0123456789abcdef" * (BIG // 16)


def test_most_of_it_is_on_its_way_before_it_is_released_and_nothing_is_posted(closed, growing):
    """Webex waits for the rest: a peer that counts what it gets sees all but the end."""
    with socket.create_server(("127.0.0.1", 0)) as peer:
        chat = closed(
            Chat(f"http://127.0.0.1:{peer.getsockname()[1]}/v1", StaticToken(SECRET), timeouts=Timeouts(2, 2))
        )
        begun = pass_on(chat, growing, Target(room_id="r"))
        connection, _ = peer.accept()
        with connection:
            connection.settimeout(5)
            got = b""
            while len(got) < BIG - HELD_BACK - BLOCK:  # it is sent in blocks
                got += connection.recv(1 << 20)
            assert len(got) < BIG
            begun.abandon()
            while piece := connection.recv(1 << 20):
                got += piece
    assert b"Content-Length" in got
    assert len(got) < BIG, "it was broken off, and the other end can see that it is not whole"


@pytest.mark.parametrize("status", [401, 403, 404, 413, 429, 500, 503])
def test_an_upload_that_webex_refuses_before_its_end_posts_nothing_and_says_so(closed, growing, status):
    """The file is on the disk by then: who waits posts it from there, and gets the refusal first-hand."""
    with socket.create_server(("127.0.0.1", 0)) as peer:
        chat = closed(
            Chat(f"http://127.0.0.1:{peer.getsockname()[1]}/v1", StaticToken(SECRET), timeouts=Timeouts(2, 2))
        )
        begun = pass_on(chat, growing, Target(room_id="r"))
        connection, _ = peer.accept()
        with connection:
            connection.recv(1000)
            connection.sendall(f"HTTP/1.1 {status} No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
    begun._thread.join(10)
    assert begun.finish("words") is None


def test_without_threads_nothing_is_passed_on(scripted, growing, monkeypatch):
    def none_left(_):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr("threading.Thread.start", none_left)
    begun = pass_on(scripted, growing, Target(room_id="r"))
    assert begun.finish("words") is None
    begun.abandon()


def test_more_words_than_there_is_room_for_are_not_cut(live, growing):
    space = live.emulator.world.direct_space(live.ada, live.bot)
    assert pass_on(live.chat, growing, Target(room_id=space.id), room=10).finish("eleven words") is None
    assert live.emulator.world.messages(space) == []


@pytest.mark.parametrize("status", ALL_ERRORS)
def test_every_status_at_the_end_is_the_error_of_a_plain_upload(loopback, scripted, growing, status):
    loopback.always(status, {"message": f"no {SECRET}"}, {"trackingId": "T_1", "Retry-After": "0"})
    begun = pass_on(scripted, growing, Target(room_id="r"))
    with pytest.raises(WebexError) as caught:
        begun.finish("words")
    assert (caught.value.status, caught.value.tracking_id, caught.value.reached) == (status, "T_1", True)
    assert SECRET not in "".join(traceback.format_exception(caught.value))


def test_a_lost_answer_of_what_was_passed_on_is_unsure(live, growing):
    space = live.emulator.world.direct_space(live.ada, live.bot)
    live.emulator.faults.add(method="POST", path="/v1/messages", cut="after", times=1)
    with pytest.raises(WebexError) as caught:
        pass_on(live.chat, growing, Target(room_id=space.id)).finish("words")
    assert caught.value.reached is None
    assert len(live.emulator.world.messages(space)) == 1
