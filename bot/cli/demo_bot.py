"""The bot of the demo: the web process and the worker as one process, by a clock that the demo moves.

It is put together as anywhere else, but for the clock. The demo writes each move on its standard input, and when that
ends, so does the bot.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from typing import TYPE_CHECKING, Any, Final

from werkzeug.serving import WSGIRequestHandler, make_server

from bot.app import build_services, build_worker
from bot.cli.demo_clock import Move, MovingClock
from bot.logs import register_secrets, start_logging
from bot.process import on_stop_signal
from bot.queue.wakeup import notify
from bot.settings import load
from bot.web.application import build_web

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

STEP: Final = 0.02
"""Seconds between looks for what is due while the clock is moved: a minute of the clock."""


class QuietHandler(WSGIRequestHandler):
    """Keep connections open, and log no line for each call."""

    protocol_version = "HTTP/1.1"

    def log(self, *_: Any) -> None:
        """Log nothing."""


def main() -> None:
    """Run until SIGTERM, or until the demo is gone."""
    settings = load(os.environ)
    register_secrets(*settings.secret_values())
    start_logging("demo", level=settings.log_level, form=settings.log_format)
    stop, clock = threading.Event(), MovingClock()
    on_stop_signal(stop.set)
    follow = (clock, settings.data_dir, sys.stdin)
    threading.Thread(target=follow_moves, args=follow, name="clock", daemon=True).start()
    app = build_web(settings, stop, clock)
    server = make_server(settings.host or "", settings.port, app, threaded=True, request_handler=QuietHandler)
    threading.Thread(target=server.serve_forever, name="web", daemon=True).start()
    build_worker(build_services(settings, clock=clock)).run(stop)
    server.shutdown()


def follow_moves(clock: MovingClock, data_dir: Path, lines: Iterable[str]) -> None:
    """Move the clock as each line says, and have the worker look for what is due meanwhile."""
    for line in lines:
        clock.move(Move(**json.loads(line)))
        while clock.moves:
            notify(data_dir)
            time.sleep(STEP)
        notify(data_dir)
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main()
