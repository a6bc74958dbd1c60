"""The web process behind the nginx of ``docs/reverse-proxy.md``, while others hold connections without sending."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.ports import free_port
from tests.waiting import until
from tests.web.running_web import (
    HALF_BODY,
    HALF_HEAD,
    ROOT,
    SOON,
    START_SECONDS,
    Web,
    answers,
    codes,
    held,
    running,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NGINX = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")
MAIN = """
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 1000; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    {server}
}}
"""
HALF_CHUNK = HALF_HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\n{"
REQUEST = b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"

pytestmark = pytest.mark.skipif(NGINX is None, reason="nginx is not installed: apt-get install nginx-light")


def documented_server(port: int, upstream: int) -> str:
    """Return the server of the documentation, without TLS, on a loopback port of the test's."""
    page = (ROOT / "docs" / "reverse-proxy.md").read_text()
    block = re.search(r"```nginx\n(.*?)```", page, re.DOTALL)
    assert block is not None
    lines = [line for line in block[1].splitlines() if not line.strip().startswith("ssl_certificate")]
    server = "\n".join(lines)
    for documented, here in (("443 ssl", f"127.0.0.1:{port}"), ("127.0.0.1:8000", f"127.0.0.1:{upstream}")):
        assert documented in server
        server = server.replace(documented, here)
    return server


@contextmanager
def nginx_before(web: Web, folder: Path) -> Iterator[Web]:
    """Start nginx in front of a web process; what is given connects to nginx."""
    port = free_port()
    (folder / "nginx.conf").write_text(MAIN.format(folder=folder, server=documented_server(port, web.port)))
    assert NGINX is not None
    process = subprocess.Popen(
        [
            NGINX,
            "-p",
            str(folder),
            "-c",
            str(folder / "nginx.conf"),
            "-e",
            str(folder / "error.log"),
            "-g",
            "daemon off;",
        ]
    )
    front = Web(web.log.parent, port, web.process)

    def is_up() -> bool:
        assert process.poll() is None, (folder / "error.log").read_text()
        try:
            front.seconds("GET", "/healthz")
        except OSError:
            return False
        return True

    try:
        until(is_up, seconds=START_SECONDS)
        yield front
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(15)


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    folder = tmp_path_factory.mktemp("behind")
    folder.chmod(0o755)
    with running(folder) as made, nginx_before(made, folder) as front:
        yield front
    assert "Traceback" not in made.log.read_text()
    assert made.process.returncode == 0


def test_events_are_answered_at_once_beside_250_slow_connections(web: Web) -> None:
    with (
        held(web, 60, HALF_BODY),
        held(web, 60, HALF_HEAD),
        held(web, 60, HALF_CHUNK),
        held(web, 70, b""),
    ):
        assert web.slowest(30) < SOON


def test_events_are_answered_at_once_beside_connections_that_send_a_byte_now_and_then(web: Web) -> None:
    with held(web, 100, HALF_HEAD + b"X-A: ") as slow, held(web, 100, HALF_BODY) as bodies:
        for _ in range(5):
            for connection in (*slow, *bodies):
                connection.sendall(b"x")
            assert web.slowest(3) < SOON


def test_a_signed_event_is_taken_in_one_piece_in_chunks_and_after_100_continue(web: Web) -> None:
    for more in (b"", b"Expect: 100-continue\r\n"):
        body, headers = web.event()
        signed = "".join(f"{name}: {value}\r\n" for name, value in headers.items()).encode()
        head = HALF_HEAD + signed + more + b"Connection: close\r\n"
        with web.connect(head + b"Content-Length: %d\r\n\r\n" % len(body) + body) as connection:
            assert codes(answers(connection))[-1] == 200
        body, headers = web.event()
        signed = "".join(f"{name}: {value}\r\n" for name, value in headers.items()).encode()
        head = HALF_HEAD + signed + more + b"Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
        with web.connect(head + b"%x\r\n" % len(body) + body + b"\r\n0\r\n\r\n") as connection:
            assert codes(answers(connection))[-1] == 200


def test_a_body_that_is_too_large_is_413(web: Web) -> None:
    with web.connect(HALF_HEAD + b"Content-Length: 70000\r\n\r\n") as connection:
        assert codes(connection.recv(1000)) == [413]


def test_a_header_of_32_kb_passes(web: Web) -> None:
    body, headers = web.event()
    signed = "".join(f"{name}: {value}\r\n" for name, value in headers.items()).encode()
    certificate = b"X-Forwarded-Client-Cert: " + b"c" * 32 * 1024 + b"\r\n"
    head = HALF_HEAD + certificate + signed + b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(body)
    with web.connect(head + body) as connection:
        assert codes(answers(connection)) == [200]


def test_sigterm_ends_the_web_process_within_five_seconds(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    with (
        running(tmp_path) as direct,
        nginx_before(direct, tmp_path) as front,
        held(front, 50, HALF_BODY),
        held(front, 50, b""),
        held(front, 20, REQUEST),
        held(front, 20, REQUEST.replace(b"Connection: close\r\n", b"")),
        held(direct, 20, REQUEST.replace(b"Connection: close\r\n", b"")),
    ):
        assert front.slowest(1) < SOON
        began = time.monotonic()
        direct.process.send_signal(signal.SIGTERM)
        assert direct.process.wait(10) == 0
        assert time.monotonic() - began < 5


def test_what_came_to_the_proxy_by_plain_http_is_refused_whatever_its_sender_says(web: Web) -> None:
    request = b"GET /api/v1/deliveries HTTP/1.1\r\nHost: x\r\nX-Forwarded-Proto: https\r\nConnection: close\r\n\r\n"
    with web.connect(request) as connection:
        answer = answers(connection)
    assert codes(answer) == [403]
    assert b"https-required" in answer
