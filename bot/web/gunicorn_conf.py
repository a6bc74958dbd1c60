"""How gunicorn runs the web process: ``gunicorn -c python:bot.web.gunicorn_conf``, in the Procfile and under ``serve``.

One process, measured: a webhook call does little, and on two cores one process answers sooner than two.
A reverse proxy that buffers requests stands in front (``docs/reverse-proxy.md``), so a thread never waits for a slow
sender. The names in lower case are gunicorn's own settings.
"""

from __future__ import annotations

import gc
import logging
import os
import sys
from typing import TYPE_CHECKING, Any, Final

from gunicorn.glogging import Logger

from bot import process
from bot.errors import SettingsError
from bot.files.data_dir import OTHERS, log_closed, prepare_folder
from bot.logs import catch_crashes, register_secrets, start_logging
from bot.metrics import start_metrics
from bot.process import exit_with_parent, limit_malloc_arenas, limit_thread_stacks, set_thread_switch_interval
from bot.settings import load, load_web, web_environ
from bot.web.api import polls
from bot.web.api.concurrency import MOST_CALLS

if TYPE_CHECKING:
    from gunicorn.arbiter import Arbiter
    from gunicorn.workers.base import Worker

WRONG_SETTINGS: Final = 2
"""The exit code of every command for settings that are missing or wrong."""
LARGEST_HEADER: Final = 33 * 1024
"""Bytes of one header with its name. A service mesh passes on a client's certificate chain in one of 32 kB."""

CHECKED: Final = "REPORTBOT_SETTINGS_CHECKED"
"""Set once all settings were found to be right and those that are not for the web process were removed."""


_alone = not {CHECKED, process.LISTEN_VARIABLE} & os.environ.keys()
"""True when no one has checked all settings yet: neither the supervisor of ``serve`` nor this process before."""
try:
    _settings = load(os.environ) if _alone else load_web(os.environ)
    _closed = prepare_folder(_settings)
except SettingsError as error:
    sys.stderr.write("These settings are wrong:\n" + "".join(f"  {problem}\n" for problem in error.problems))
    sys.exit(WRONG_SETTINGS)

register_secrets(*_settings.secret_values())
start_logging("web", level=_settings.log_level, form=_settings.log_format)
catch_crashes()
log_closed(_closed)
if _alone:
    # With the settings of the web process alone. A variable that is merely deleted stays readable in the process's
    # memory and in /proc/<pid>/environ.
    os.execve(sys.executable, sys.orig_argv, {**web_environ(os.environ), CHECKED: "1"})  # noqa: S606 our own command


class PlainLogger(Logger):  # type: ignore[misc]
    """Give gunicorn's lines to our log instead of handlers of its own."""

    def setup(self, cfg: Any) -> None:
        """Called by gunicorn when it starts and when it reads its settings again."""
        super().setup(cfg)
        for log in (logging.getLogger("gunicorn.error"), logging.getLogger("gunicorn.access")):
            log.handlers.clear()
            log.propagate = True


def _address() -> str:
    if process.LISTEN_VARIABLE in os.environ:  # under the supervisor, which listens already
        return f"fd://{os.environ[process.LISTEN_VARIABLE]}"
    host = _settings.host or "0.0.0.0"  # noqa: S104 the Procfile's web runs behind a router on another address
    return f"[{host}]:{_settings.port}" if ":" in host else f"{host}:{_settings.port}"


wsgi_app = "bot.web.application:web()"
bind = _address()
logger_class = PlainLogger
loglevel = _settings.log_level
worker_class = "gthread"
workers = 1
threads = 32 + polls.MOST_POLLS + MOST_CALLS
"""32 for the webhook and whatever is answered at once, and those that only wait, which cost little."""
worker_connections = 500
"""Open at once; further ones wait to be accepted. Below the usual limit of 1,024 open files."""
graceful_timeout = 60
limit_request_field_size = LARGEST_HEADER
keepalive = 75
control_socket_disable = True
forwarded_allow_ips = ""
forwarder_headers = ""
"""Nobody is believed: gunicorn trusts whatever comes over loopback, which behind a proxy on this machine is everyone,
and ``SCRIPT_NAME`` in a header would lead round the proxy's rules for paths."""
umask = OTHERS
proc_name = "reportbot web"


def on_starting(_server: Arbiter) -> None:
    """End with the parent; called once, in gunicorn's first process."""
    exit_with_parent()


def pre_fork(_server: Arbiter, _worker: Worker) -> None:
    """Keep the garbage collector off the memory that both processes share: it would be copied, 6 MiB of it."""
    gc.collect()
    gc.freeze()


def post_worker_init(worker: Worker) -> None:
    """Let calls that wait be answered when the process is told to end, so that a stop does not take half a minute."""
    process.resume_garbage_collection()
    polls.is_ending = lambda: not worker.alive


def post_fork(_server: Arbiter, _worker: Worker) -> None:
    """Prepare the process that answers: it counts figures in files of its own."""
    process.pause_garbage_collection()
    limit_malloc_arenas()
    limit_thread_stacks()
    set_thread_switch_interval()
    start_metrics(_settings.data_dir, "web")
