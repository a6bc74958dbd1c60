"""Processes: they start while Webex is down, come back when they die, and never outlive anyone who started them."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from bot.cli.serve import CannotServe, Child, Supervisor, listen
from bot.emulator import Emulator
from bot.emulator.sample_data import furnish
from bot.settings import Settings
from tests.ports import free_port
from tests.waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent
PATIENCE = 20.0


def answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def alive(pid: int) -> bool:
    """True while the process is there and no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def environ(folder: Path, port: int) -> dict[str, str]:
    """Return the contract's variables; Webex is down (nothing listens there) and the database is empty."""
    mine = {name: value for name, value in os.environ.items() if name.lower() not in Settings.model_fields}
    return mine | {
        "WEBEX_BOT_TOKEN": "bot-token-0123456789",
        "WEBEX_ADMIN_TOKEN": "admin-token-0123456789",
        "WEBEX_WEBHOOK_SECRET": "webhook-secret-0123456789",
        "WEBEX_API_URL": f"http://127.0.0.1:{free_port()}/v1",
        "DATA_DIR": str(folder / "data"),
        "PORT": str(port),
        "LOG_FORMAT": "json",
    }


class Serving:
    """A running ``reportbot serve`` and its log."""

    def __init__(self, folder: Path, **more: str) -> None:
        self.port = free_port()
        self.log = folder / "log"
        with self.log.open("wb") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "bot", "serve"],
                cwd=ROOT,
                env=environ(folder, self.port) | more,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )

    def lines(self, event: str) -> list[dict[str, Any]]:
        found = [json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{")]
        return [line for line in found if line["event"] == event]

    def pid_of(self, child: str, start: int = 1) -> int:
        """Return the process of a child's first, second … start; waits for it."""
        starts = until(
            lambda: (
                (found := [line for line in self.lines("child_started") if line["child"] == child])[start - 1 :]
                and found
            )
        )
        return int(starts[start - 1]["pid"])

    def up(self) -> None:
        until(lambda: answers(self.port))
        until(lambda: self.lines("queue_worker_started"))


@pytest.fixture
def serving(tmp_path) -> Iterator[Serving]:
    with running(tmp_path) as made:
        yield made


@contextmanager
def running(folder: Path, **more: str) -> Iterator[Serving]:
    made = Serving(folder, **more)
    try:
        yield made
    finally:
        _end(made)


def _end(made: Serving) -> None:
    if made.process.poll() is None:
        made.process.terminate()
        made.process.terminate()
    made.process.wait(PATIENCE)
    for line in made.lines("child_started"):
        assert not alive(line["pid"]), "a child outlived its test"


def test_serve_comes_up_with_webex_down_brings_back_what_dies_and_ends_in_order(serving):
    """Also: no call is refused while web restarts, and SIGTERM is exit code 0 with no process left."""
    serving.up()
    web, worker = serving.pid_of("web"), serving.pid_of("worker")
    assert os.getpriority(os.PRIO_PROCESS, worker) > os.getpriority(os.PRIO_PROCESS, web)
    os.kill(worker, signal.SIGKILL)
    os.kill(web, signal.SIGKILL)
    until(lambda: not alive(web))
    assert answers(serving.port), "the port stays open while web restarts"
    assert serving.pid_of("web", 2) != web
    assert serving.pid_of("worker", 2) != worker
    until(lambda: len(serving.lines("queue_worker_started")) == 2)
    assert {line["child"] for line in serving.lines("child_died")} == {"web", "worker"}
    serving.process.send_signal(signal.SIGTERM)
    assert serving.process.wait(PATIENCE) == 0
    assert not alive(serving.pid_of("web", 2))
    assert not alive(serving.pid_of("worker", 2))
    assert "Traceback" not in serving.log.read_text()


def test_without_public_url_serve_says_what_to_do(serving):
    (line,) = until(lambda: serving.lines("no_webhooks"))
    assert line["advice"].startswith("PUBLIC_URL is not set (the https address where Webex reaches the bot)")


def test_the_first_start_creates_the_webhooks_also_when_webex_comes_late_and_the_second_one_nothing(tmp_path):
    with Emulator() as webex:
        webex.deliver_webhooks = False
        demo = furnish(webex.world)
        webex.faults.add(path="/v1/webhooks", method="GET", status=503, times=2)
        settings = {"WEBEX_API_URL": webex.api_url, "WEBEX_BOT_TOKEN": demo.bot_token}
        settings |= {"WEBEX_ADMIN_TOKEN": demo.admin_token, "PUBLIC_URL": "https://bot.example.com"}
        with running(tmp_path, **settings) as first:
            (line,) = until(lambda: first.lines("webhooks_created"))
            assert line["address"] == "https://bot.example.com/webhooks/webex"
            assert sorted(line["created"]) == sorted(hook.name for hook in webex.world.webhooks.values())
            assert len(line["created"]) == 3
            assert first.lines("webhooks_not_created"), "Webex was away at first"
        ids = set(webex.world.webhooks)
        with running(tmp_path, **settings | {"PUBLIC_URL": "https://new.example.com"}) as second:
            (line,) = until(lambda: second.lines("webhooks_differ"))
            assert line["advice"] == "Run reportbot manifest apply."
        assert set(webex.world.webhooks) == ids
        assert {hook.target_url for hook in webex.world.webhooks.values()} == {"https://bot.example.com/webhooks/webex"}


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="this machine has no IPv6")
def test_every_address_is_of_both_families():
    with listen("::", free_port()) as listener:
        for address in ("127.0.0.1", "::1"):
            socket.create_connection((address, listener.getsockname()[1]), timeout=5).close()


def test_when_the_supervisor_is_killed_its_children_end_by_themselves(serving):
    serving.up()
    children = [serving.pid_of("web"), serving.pid_of("worker")]
    serving.process.kill()
    serving.process.wait(PATIENCE)
    until(lambda: not any(map(alive, children)))
    until(lambda: not answers(serving.port))


def test_a_taken_port_is_one_sentence_and_exit_code_1(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = subprocess.run(
            [sys.executable, "-m", "bot", "serve"],
            cwd=ROOT,
            env=environ(tmp_path, port),
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
    assert done.returncode == 1
    reason = f"Can't listen on 127.0.0.1 port {port}: Address already in use"
    assert done.stderr == f"reportbot: {reason}. Free the port, or set PORT or HOST.\n"


def test_an_address_that_is_not_ours_is_a_sentence():
    with pytest.raises(CannotServe, match=r"Can't listen on 192\.0\.2\.1 port \d+: Cannot assign"):
        listen("192.0.2.1", free_port())


def test_web_of_the_procfile_starts_on_its_own_and_stops_on_sigterm(tmp_path):
    """As a starter runs it: the line itself, from the root, with the environment's bin folder on the PATH."""
    line = dict(line.split(": ", 1) for line in (ROOT / "Procfile").read_text().splitlines())["web"]
    port = free_port()
    settings = environ(tmp_path, port) | {"HOST": "127.0.0.1"}
    settings["PATH"] = f"{Path(sys.executable).parent}:{settings['PATH']}"
    with (tmp_path / "log").open("wb") as out:
        web = subprocess.Popen(["/bin/sh", "-c", f"exec {line}"], cwd=ROOT, env=settings, stdout=out, stderr=out)
    try:
        until(lambda: answers(port))
    finally:
        web.terminate()
        assert web.wait(PATIENCE) == 0
    text = (tmp_path / "log").read_text()
    assert all(json.loads(line)["process"] == "web" for line in text.splitlines()), text


def program(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def test_a_child_that_can_never_start_ends_the_supervisor_with_a_sentence_and_the_other_child():
    doomed = Child("web", program("raise SystemExit(3)"), pause=0.01)
    other = Child("worker", program("import signal; signal.pause()"))
    started: list[int] = []

    class Watching(Supervisor):
        def _start(self, child: Child) -> None:
            super()._start(child)
            assert child.process is not None
            started.append(child.process.pid)

    with pytest.raises(CannotServe, match=r"web can't start: it ended 4 times at once \(exit code 3\)"):
        Watching([doomed, other], os.environ).run()
    assert len(started) == 5
    assert not any(map(alive, started))


def test_a_child_that_has_lived_is_started_again_for_ever_at_growing_intervals():
    child = Child("web", ["true"])
    child.starts = 100
    child.died(now=10.0, code=1)
    assert not child.hopeless
    pauses = []
    for _ in range(8):
        child.started = 0.0
        child.died(now=1.0, code=1)
        pauses.append(child.paused)
    assert pauses == sorted(pauses)
    assert pauses[-1] == 30.0
    child.died(now=61.0, code=1)
    assert child.paused == 0.5


def test_a_child_that_a_signal_ends_at_its_start_is_no_reason_to_give_up():
    """As SIGBUS does on a full disk, or the kernel for want of memory: there may be room again."""
    child = Child("worker", ["true"])
    child.starts = 100
    child.died(now=0.1, code=-7)
    assert not child.hopeless


STUBBORN = "import signal, sys; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); signal.pause()"


@pytest.mark.parametrize("asked_twice", [False, True], ids=["after the grace", "at once when asked twice"])
def test_a_child_that_does_not_stop_is_killed(asked_twice, capfd):
    child = Child("worker", program(STUBBORN))
    supervisor = Supervisor([child], os.environ, grace=60.0 if asked_twice else 0.3)
    thread = threading.Thread(target=supervisor.run)
    thread.start()
    until(lambda: "up" in capfd.readouterr().out.split())
    supervisor.request_stop()
    if asked_twice:
        supervisor.request_stop()
    thread.join(PATIENCE)
    assert not thread.is_alive()
    assert child.process is not None
    assert child.process.returncode == -signal.SIGKILL


def test_the_demo_starts_shows_its_page_and_leaves_nothing_behind(tmp_path):
    port = free_port()
    settings = {**os.environ, "TMPDIR": str(tmp_path), "DEMO_PORT": str(port), "WEBEX_BOT_TOKEN": "not for the demo"}
    settings.pop("PORT", None)
    demo = subprocess.Popen(
        [sys.executable, "-m", "bot", "demo"], cwd=ROOT, env=settings, stdout=subprocess.PIPE, text=True
    )
    assert demo.stdout is not None
    told = ""
    try:
        while "Ctrl-C" not in told:
            line = demo.stdout.readline()
            assert line, f"the demo ended: {told}"
            told += line
        assert f"http://127.0.0.1:{port}/emulator/" in told
        log = next(tmp_path.glob("*/reportbot.log")).read_text()
        assert ": Up to date." in log
    finally:
        demo.send_signal(signal.SIGINT)
        rest, _ = demo.communicate(timeout=PATIENCE)
    assert demo.returncode == 0
    assert "Stopping…" in rest
    assert list(tmp_path.iterdir()) == []
    assert not answers(port)


def test_a_demo_on_a_taken_port_says_so():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        settings = {**os.environ, "DEMO_PORT": str(taken.getsockname()[1]), "PORT": "x"}
        done = subprocess.run(
            [sys.executable, "-m", "bot", "demo"],
            cwd=ROOT,
            env=settings,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
    assert done.returncode == 2
    assert "is in use. Choose another" in done.stderr
    assert "PORT must be a whole number" in done.stderr
