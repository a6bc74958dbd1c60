"""A report of 90 MB against the bare copy of the same bytes, down and up, in the same run.

The bare copy is what a careful script does: it asks for the details, streams the download to the disk, and streams the
upload from there. It neither counts nor checks anything. The bot's time is from its card to its file.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import requests
from requests_toolbelt import MultipartEncoder

from tests.bench.senders import closed_loop, request_bytes

if TYPE_CHECKING:
    from tests.bench.product import Product
    from tests.bench.world import Large, World

TIMES: Final = 3
CHUNK: Final = 256 * 1024
LINES: Final = (0.0, 50e6)
"""Bytes a second of each connection to Webex; 0 is as fast as the emulator gives and takes."""
EXTRA_MEMORY: Final = 35.0
RATIO: Final = 1.1
AIM: Final = 0.6
MEGA: Final = 1e6
MEBI: Final = 1024 * 1024
PATIENCE: Final = 60.0


@dataclass(frozen=True)
class Figures:
    """Medians in seconds, and the worker's growth in MiB."""

    bot: float
    bare: float
    grown: float

    @property
    def ratio(self) -> float:
        """Return the bot's time by the bare copy's."""
        return self.bot / self.bare


def compare(world: World, product: Product, large: Large, line: float) -> Figures:
    """Turn and turn about, on a fresh database."""
    bot, bare = [], []
    world.behave(line=line)
    with product.running() as pids, tempfile.TemporaryDirectory(prefix="reportbot-bench-") as folder:
        _deliver(world, product, world.addresses.small)  # everything is loaded and open
        before = _peak(pids["worker"])
        for _ in range(TIMES):
            bare.append(_copy(world, large, Path(folder) / "copy"))
            bot.append(_deliver(world, product, large.report_id))
        grown = (_peak(pids["worker"]) - before) / MEBI
    world.behave()
    return Figures(statistics.median(bot), statistics.median(bare), grown)


def _deliver(world: World, product: Product, report_id: str) -> float:
    asked = world.ask_for(report_id)
    closed_loop(product.port, [[request_bytes(asked)]], PATIENCE)
    card = world.card_at(asked.message_id)
    return world.file_at(asked.message_id) - card


def _copy(world: World, large: Large, path: Path) -> float:
    addresses = world.addresses
    admin = {"Authorization": f"Bearer {addresses.admin_token}"}
    began = time.perf_counter()
    with closing(requests.Session()) as session:
        link = session.get(f"{addresses.api}/partner/reports/{large.report_id}", headers=admin).json()["downloadURL"]
        with session.get(link, headers=admin, stream=True) as answer, path.open("wb") as file:
            for piece in answer.iter_content(CHUNK):
                file.write(piece)
        with path.open("rb") as file:
            body = MultipartEncoder(
                {"roomId": large.room_id, "markdown": "a copy", "files": (path.name, file, "application/octet-stream")}
            )
            headers = {"Authorization": f"Bearer {addresses.bot_token}", "Content-Type": body.content_type}
            session.post(f"{addresses.api}/messages", data=body, headers=headers).raise_for_status()
    return time.perf_counter() - began


def _peak(pid: int) -> int:
    """Return the most memory that the process ever had, in bytes."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))
