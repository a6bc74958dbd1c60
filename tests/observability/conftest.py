"""Metrics and the log of the program in pieces."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import pytest
from prometheus_client import mmap_dict, values

from bot import metrics
from bot.logs import start_logging
from bot.ops.gauges import Gauges

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.stepped_bot import SteppedBot


@pytest.fixture
def counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """This process counts, from zero, until the test ends."""
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", "")  # so that it is unset again
    monkeypatch.setattr(metrics._Running, "metrics", None)
    monkeypatch.setattr(values, "ValueClass", values.ValueClass)  # that of what another test has started
    opened: list[Any] = []
    open_it: Any = mmap_dict.MmapedDict.__init__

    def remembered(self: Any, *args: Any, **more: Any) -> None:
        open_it(self, *args, **more)
        opened.append(self)

    monkeypatch.setattr(mmap_dict.MmapedDict, "__init__", remembered)
    metrics.start_metrics(tmp_path / "counted", "worker")
    yield
    for file in opened:
        file.close()


@pytest.fixture
def figures(stepped: SteppedBot, counted: None) -> Callable[[], dict[str, float]]:
    """What ``/metrics`` says, by the series."""

    def read() -> dict[str, float]:
        text = metrics.render(Gauges(stepped.database, stepped.queue, stepped.folder, stepped.clock).read()).decode()
        pairs = (line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
        return {series: float(value) for series, value in pairs}

    return read


class Log:
    """The log's lines as objects."""

    def __init__(self) -> None:
        self.stream = io.StringIO()

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.stream.getvalue().splitlines()]

    def grep(self, word: str) -> list[dict[str, Any]]:
        """Return the lines with this word in them."""
        return [json.loads(line) for line in self.stream.getvalue().splitlines() if word in line]


@pytest.fixture
def log() -> Iterator[Log]:
    made = Log()
    start_logging("test", form="json", stream=made.stream)
    yield made
    start_logging("test")
