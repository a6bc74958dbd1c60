"""Run web and worker in one supervised command, for a machine without a process manager of its own.

The supervisor opens the port itself and hands the socket to gunicorn, so that a port in use is one clear sentence and
no webhook is refused while web restarts. It restarts a child that died, at growing intervals, and ends both in order.
Children run in sessions of their own: a Ctrl-C reaches only the supervisor, which tells them. If the supervisor is
killed, they notice by a pipe (``process.py``).
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import structlog

from bot import manifest, process
from bot.cli.manifest import register_first
from bot.errors import BotError
from bot.process import on_stop_signal
from bot.settings import web_environ

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from bot.manifest import Manifest
    from bot.settings import Settings

log = structlog.get_logger(__name__)

DEFAULT_HOST: Final = "127.0.0.1"
BACKLOG: Final = 2048
LOOK_SECONDS: Final = 0.2
"""Between two checks of the children."""
LIVES_SECONDS: Final = 5.0
"""A child that runs this long has started."""
SETTLED_SECONDS: Final = 60.0
"""A child that ran this long is restarted at once when it dies."""
FIRST_PAUSE: Final = 0.5
LONGEST_PAUSE: Final = 30.0
MOST_STARTS: Final = 4
"""Failed starts before the supervisor gives up on a child that has never run."""
GRACE_SECONDS: Final = 65.0
"""gunicorn gives requests 60 seconds to end, the worker its jobs 55."""

REGISTER_SECONDS: Final = 20.0
"""For how long the webhooks' first registration is tried; it ends well before the worker first repairs them, a minute
after its start, so that none is created twice."""
REGISTER_PAUSE: Final = 4.0

WEB: Final = (sys.executable, "-m", "gunicorn", "-c", "python:bot.web.gunicorn_conf")
WORKER: Final = (sys.executable, "-m", "bot", "worker")


class CannotServe(BotError):
    """The bot cannot be started."""


@dataclass(slots=True)
class Child:
    """One process to keep running."""

    name: str
    command: Sequence[str]
    hand_down: tuple[int, ...] = ()
    """Descriptors that it inherits."""
    environ: Callable[[Mapping[str, str]], dict[str, str]] = dict
    """Selects what it is given of the supervisor's environment."""
    holds_socket: bool = False
    """True when the listening socket is among them."""
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    due: float = 0.0
    """When to start it (monotonic)."""
    pause: float = FIRST_PAUSE
    """Seconds before the next restart but one."""
    paused: float = 0.0
    """Seconds before the next restart."""
    starts: int = 0
    lived: bool = False

    def died(self, now: float, code: int) -> None:
        """Record its end, and decide when to restart it. One that a signal ended has not failed to start."""
        ran = now - self.started
        self.lived = self.lived or ran >= LIVES_SECONDS or code < 0
        if ran >= SETTLED_SECONDS:
            self.pause = FIRST_PAUSE
        self.due, self.paused = now + self.pause, self.pause
        self.pause = min(LONGEST_PAUSE, self.pause * 2)
        self.process = None

    @property
    def hopeless(self) -> bool:
        """Return True when it has never run and was started often enough."""
        return not self.lived and self.starts >= MOST_STARTS


@dataclass(slots=True)
class Supervisor:
    """Keep the children running until it is asked to stop."""

    children: list[Child]
    environ: Mapping[str, str]
    web_ended: Callable[[], None] = lambda: None
    """Called when web has ended while the worker is still ending: new connections are then refused at once."""
    grace: float = GRACE_SECONDS
    stop: threading.Event = field(default_factory=threading.Event)
    hurry: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Block until stopped and all children have ended; raises ``CannotServe`` when one cannot start."""
        try:
            while not self.stop.is_set():
                for child in self.children:
                    self._check(child)
                self.stop.wait(LOOK_SECONDS)
        finally:
            self._end()

    def request_stop(self) -> None:
        """End in order; when called again, at once."""
        if self.stop.is_set():
            self.hurry.set()
        self.stop.set()

    def _check(self, child: Child) -> None:
        now = time.monotonic()
        if child.process is None:
            if now >= child.due:
                self._start(child)
            return
        code = child.process.poll()
        if code is None:
            return
        _signal_all(child.process, signal.SIGTERM)  # processes of its own that outlived it
        child.died(now, code)
        if child.hopeless:
            raise CannotServe(
                f"{child.name} can't start: it ended {child.starts} times at once (exit code {code}); see the log."
            )
        log.error("child_died", child=child.name, exit_code=code, restart_in_seconds=child.paused)

    def _start(self, child: Child) -> None:
        child.process = subprocess.Popen(  # noqa: S603 our own commands
            child.command,
            env=child.environ(self.environ),
            stdin=subprocess.DEVNULL,
            pass_fds=child.hand_down,
            start_new_session=True,
        )
        child.started = time.monotonic()
        child.starts += 1
        log.info("child_started", child=child.name, pid=child.process.pid)

    def _end(self) -> None:
        living = [child.process for child in self.children if child.process is not None]
        for one in living:
            one.terminate()
        deadline = time.monotonic() + self.grace
        while any(process.poll() is None for process in living):
            if all(child.process.poll() is not None for child in self.children if child.process and child.holds_socket):
                self.web_ended()
            if self.hurry.is_set() or time.monotonic() >= deadline:
                log.warning("children_killed", asked=self.hurry.is_set())
                break
            self.hurry.wait(LOOK_SECONDS / 4)
        for one in living:
            _signal_all(one, signal.SIGKILL)
            one.wait()


def _signal_all(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    """Signal what is left of a child's session, if anything."""
    try:
        os.killpg(process.pid, number)
    except (ProcessLookupError, PermissionError):  # macOS says the second for a group of which only zombies are left
        return


def listen(host: str, port: int) -> socket.socket:
    """Open the port; raises ``CannotServe`` with one sentence."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        both = address[0] == "::" and socket.has_dualstack_ipv6()  # "every address": of IPv4, too
        return socket.create_server(address[:2], family=family, backlog=BACKLOG, dualstack_ipv6=both)
    except OSError as exc:
        # A name that does not resolve has a negative number with words of its own.
        reason = os.strerror(exc.errno) if exc.errno is not None and exc.errno > 0 else exc.strerror
        raise CannotServe(f"Can't listen on {host} port {port}: {reason}. Free the port, or set PORT or HOST.") from exc


def _register(settings: Settings, wanted: Manifest, stop: threading.Event) -> None:
    """Create the webhooks at the first start, in a thread, since Webex may be down. Later the worker checks them."""
    latest = time.monotonic() + REGISTER_SECONDS
    while not register_first(settings, wanted) and time.monotonic() < latest:
        if stop.wait(REGISTER_PAUSE):
            return


def serve(settings: Settings, environ: Mapping[str, str]) -> None:
    """Run web and worker until SIGTERM, SIGINT or SIGHUP; raises ``CannotServe``."""
    host = settings.host or DEFAULT_HOST
    with listen(host, settings.port) as listener:
        reading, writing = os.pipe()  # the writing end is this process's alone: it closes when the process ends
        supervisor = Supervisor(
            [
                Child("web", WEB, (listener.fileno(), reading), web_environ, holds_socket=True),
                Child("worker", WORKER, (reading,)),
            ],
            {**environ, process.LISTEN_VARIABLE: str(listener.fileno()), process.LIFELINE_VARIABLE: str(reading)},
            listener.close,
        )
        on_stop_signal(supervisor.request_stop)
        wanted = manifest.read()
        threading.Thread(
            target=_register, args=(settings, wanted, supervisor.stop), name="webhooks", daemon=True
        ).start()
        log.info("serving", address=f"http://{host}:{settings.port}")
        try:
            supervisor.run()
        finally:
            os.close(writing)
            os.close(reading)
