"""``make demo``: run the emulated Webex in this process, and the bot in another, by one clock that the page moves.

No account, no token, no traffic beyond this machine. Everything it writes is in one temporary folder, and the bot ends
with it, also when it is killed: then its standard input ends.
"""

from __future__ import annotations

import http.client
import json
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import ExitStack, suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bot.cli.demo_api import ApiPart, BotApi, NoAnswer
from bot.cli.demo_clock import Move, MovingClock
from bot.cli.demo_receiver import Receiver
from bot.emulator import Emulator
from bot.emulator.sample_data import furnish
from bot.errors import BotError, SettingsError
from bot.process import on_stop_signal
from bot.setting_types import port as read_port
from bot.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from bot.emulator import World
    from bot.emulator.sample_data import Demo

HOST: Final = "127.0.0.1"
PAGE_PORT: Final = 8080
SOON: Final = 30.0
"""Seconds before the report that is scheduled runs, at least."""
START_SECONDS: Final = 30.0
STOP_SECONDS: Final = 20.0
LOOK_SECONDS: Final = 0.1
LINES_SHOWN: Final = 30
REPORTBOT: Final = (sys.executable, "-m", "bot")
KEY: Final = ("keys", "create", "--name", "demo", "--space", "all", "--can", "deliver,create,manage")
BOT: Final = (sys.executable, "-m", "bot.cli.demo_bot")


class DemoFailed(BotError):
    """The demo could not be started."""


def run(environ: Mapping[str, str], say: Callable[[str], None]) -> int:
    """Run until Ctrl-C or SIGTERM, then return 0. Raises ``DemoFailed`` or ``SettingsError`` with a sentence."""
    stop = threading.Event()
    on_stop_signal(stop.set)
    page_port, bot_port = _ports(environ)
    say("Starting an emulated Webex and the bot…")
    with ExitStack() as things:
        folder = Path(tempfile.mkdtemp(prefix="reportbot-demo-"))
        things.callback(shutil.rmtree, folder, ignore_errors=True)
        clock = MovingClock()
        receiver = Receiver(clock.now)
        api = ApiPart(BotApi(bot_port), receiver, clock.now)
        emulator = things.enter_context(Emulator(port=page_port, parts=[api.blueprint()]))
        emulator.world.clock = clock.seconds
        receiver.on_change = emulator.world.touch
        demo = furnish(emulator.world)
        own = {name: value for name, value in environ.items() if name.lower() not in Settings.model_fields}
        child_environ = {**own, **_settings(emulator, demo, folder, bot_port)}
        log = folder / "reportbot.log"
        try:
            _command(child_environ, log, "manifest", "apply")
            key = _command(child_environ, log, *KEY, secret=True).split()[-1]
            bot = _start(child_environ, log, things)
            emulator.world.move_clock = partial(_move, clock, bot)
            _wait_until_up(bot, bot_port, stop)
            if not stop.is_set():
                _connect(api, key, emulator, demo)
                at = _begin(emulator.world, demo)
                for line in _welcome(emulator, at):
                    say(line)
            _wait_until_stopped(bot, stop)
            say("")  # behind the ^C that the terminal shows
            say("Stopping…")
        except DemoFailed as error:
            last = log.read_text(encoding="utf-8", errors="replace").splitlines()[-LINES_SHOWN:]
            raise DemoFailed("\n".join([error.sentence, "The end of its log:", *last])) from error
    return 0


def _ports(environ: Mapping[str, str]) -> tuple[int, int]:
    """Return the ports of the page and the bot: as asked for; else 8080 for the page if it is free; else free ones."""
    problems, chosen = [], []
    for name, usual in (("DEMO_PORT", PAGE_PORT), ("PORT", None)):
        asked = environ.get(name, "").strip()
        try:
            number = read_port(asked) if asked else usual
        except ValueError as error:
            problems.append(f"{name} {error}")
            continue
        free = _free_port(number)
        if free is None and asked:
            problems.append(f"{name} {asked} is in use. Choose another, or leave it out.")
        chosen.append(free or _free_port(None) or 0)
    if problems:
        raise SettingsError(problems)
    return chosen[0], chosen[1]


def _free_port(number: int | None) -> int | None:
    try:
        with socket.create_server((HOST, number or 0)) as probe:
            return int(probe.getsockname()[1])
    except OSError:
        return None


def _settings(emulator: Emulator, demo: Demo, folder: Path, port: int) -> dict[str, str]:
    """Return the settings that a user would make, nothing else."""
    return {
        "WEBEX_BOT_TOKEN": demo.bot_token,
        "WEBEX_ADMIN_TOKEN": demo.admin_token,
        "WEBEX_WEBHOOK_SECRET": secrets.token_hex(16),
        "WEBEX_API_URL": emulator.api_url,
        "REPORT_DOWNLOAD_HOSTS": HOST,
        "PUBLIC_URL": f"http://{HOST}:{port}",
        "HOST": HOST,
        "PORT": str(port),
        "DATA_DIR": str(folder / "data"),
        "OUTBOUND_ALLOWED_NETWORKS": f"{HOST}/32",
        "POLL_INTERVAL": "2",
        "LOG_FORMAT": "text",
    }


def _command(environ: Mapping[str, str], log: Path, *words: str, secret: bool = False) -> str:
    """Run one of our own commands; what it prints goes to the log, or is returned if it is secret."""
    named = f"reportbot {words[0]} {words[1]}"
    with log.open("ab") as out:
        try:
            done = subprocess.run(  # noqa: S603 our own command
                [*REPORTBOT, *words],
                env=dict(environ),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE if secret else out,
                stderr=out,
                timeout=START_SECONDS,
                check=False,
                text=True,
            )
        except subprocess.TimeoutExpired as exc:
            raise DemoFailed(f"{named} did not end within {START_SECONDS:.0f} seconds.") from exc
    if done.returncode != 0:
        raise DemoFailed(f"{named} failed (exit code {done.returncode}).")
    return done.stdout or ""


def _start(environ: Mapping[str, str], log: Path, things: ExitStack) -> subprocess.Popen[str]:
    """Start the bot in a session of its own, so that Ctrl-C reaches only us; when we are gone, its input ends."""
    with log.open("ab") as out:
        bot = subprocess.Popen(  # noqa: S603 our own command
            BOT,
            env=dict(environ),
            stdin=subprocess.PIPE,
            stdout=out,
            stderr=out,
            start_new_session=True,
            text=True,
        )
    things.callback(_end, bot)
    return bot


def _move(clock: MovingClock, bot: subprocess.Popen[str], seconds: float) -> None:
    """Move the clock of Webex and of the bot."""
    move = Move(time.monotonic(), seconds)
    assert bot.stdin is not None
    with suppress(OSError):  # it has ended, which is told elsewhere
        bot.stdin.write(f"{json.dumps(move.as_json())}\n")
        bot.stdin.flush()
    clock.move(move)


def _end(bot: subprocess.Popen[str]) -> None:
    """Tell it to stop; tell it again, which means at once, when it takes too long."""
    for seconds in (STOP_SECONDS, STOP_SECONDS):
        bot.terminate()
        try:
            bot.wait(seconds)
        except subprocess.TimeoutExpired:
            continue
        return
    bot.kill()
    bot.wait()


def _wait_until_up(bot: subprocess.Popen[str], port: int, stop: threading.Event) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not _answers(port):
        if bot.poll() is not None:
            raise DemoFailed(f"The bot ended at its start (exit code {bot.returncode}).")
        if time.monotonic() > deadline:
            raise DemoFailed(f"The bot did not answer within {START_SECONDS:.0f} seconds.")
        if stop.wait(LOOK_SECONDS):
            return


def _wait_until_stopped(bot: subprocess.Popen[str], stop: threading.Event) -> None:
    while not stop.wait(LOOK_SECONDS):
        if bot.poll() is not None:
            raise DemoFailed(f"The bot ended by itself (exit code {bot.returncode}).")


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection(HOST, port, timeout=1)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _connect(api: ApiPart, key: str, emulator: Emulator, demo: Demo) -> None:
    try:
        api.begin(key, f"{emulator.page_url}api/events", demo.spaces["Admin reports"].id)
    except NoAnswer as error:
        raise DemoFailed(error.sentence) from error


def _begin(world: World, demo: Demo) -> str:
    """Have a space subscribe, and a report scheduled in another, by messages; return when it runs."""
    ada, spaces = demo.admin, demo.spaces
    world.say(ada, spaces["Calling team"], "subscribe calling usage", mention=demo.bot)
    minute = int((world.clock() + SOON) // 60 + 1) * 60
    at = f"{datetime.fromtimestamp(minute, UTC):%H:%M}"
    words = f"schedule calling usage every day {at} UTC yesterday named Daily usage"
    world.say(ada, spaces["Admin reports"], words, mention=demo.bot)
    return at


def _welcome(emulator: Emulator, at: str) -> list[str]:
    return [
        "",
        f"  The demo is running:  {emulator.page_url}",
        "",
        "  Open it in a browser. Five things to try:",
        "  1. As Ada, an administrator, write to the bot:  report calling usage",
        "     A card appears, then the file. “new calling usage last week” runs a report, ready after 20 seconds.",
        "  2. As Nora, who has no role, ask for the same report: the bot refuses, and says why.",
        "  3. As Ada, ask in “Project with Globex”: the bot answers directly, because that space has external people.",
        f"  4. In “Admin reports”, a report is scheduled for {at} UTC. Press “+1 minute”: it runs and is posted there,",
        "     and in “Calling team”, which is subscribed. “history daily usage” tells of it. “+1 day” runs it again.",
        "  5. Press “API” to call the bot as another system does, and to see the signed events that it sends.",
        "",
        "  Press Ctrl-C to stop. Nothing is left behind.",
    ]
