"""``reportbot worker``: run the worker process."""

from __future__ import annotations

import os
import threading
from contextlib import nullcontext
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import structlog

from bot import process
from bot.files.data_dir import log_open
from bot.files.own_folder import own_folder
from bot.metrics import start_metrics
from bot.queue.processor import keep_to_one_processor
from bot.spans import start_spans

if TYPE_CHECKING:
    from bot.settings import Settings

log = structlog.get_logger(__name__)

NICENESS: Final = 5
"""The web process answers first when both want the processor."""


def run(settings: Settings) -> None:
    """Work until SIGTERM, SIGINT or SIGHUP."""
    process.pause_garbage_collection()
    process.limit_malloc_arenas()
    process.limit_thread_stacks()
    process.set_thread_switch_interval()
    keep_to_one_processor()
    stop = threading.Event()
    process.on_stop_signal(stop.set)
    process.exit_with_parent()
    os.nice(NICENESS)
    start_metrics(settings.data_dir, "worker")
    start_spans(os.environ, "worker", urlsplit(settings.webex_api_url).hostname)
    for remark in settings.remarks():
        log.warning("settings_remark", remark=remark)
    log_open(settings)
    from bot.app import build_services, build_worker  # noqa: PLC0415 only now, with the arenas' limit

    shared = settings.database_url.get_secret_value().startswith("postgresql:")
    with own_folder(settings.data_dir) if shared else nullcontext(settings.data_dir) as folder:
        worker = build_worker(build_services(settings, folder=folder))
        process.resume_garbage_collection()
        worker.run(stop)
