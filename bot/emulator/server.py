"""`Emulator`: the world, its two hosts and its webhook courier, started and stopped as one."""

from collections.abc import Sequence
from types import TracebackType
from typing import Self

from flask import Blueprint

from bot.emulator import api, files
from bot.emulator.calls import CallLog
from bot.emulator.faults import Faults
from bot.emulator.gate import Gate
from bot.emulator.serving import LOOPBACK, WsgiServer
from bot.emulator.things import Event
from bot.emulator.webhooks import Courier
from bot.emulator.world import World


class Emulator:
    """Webex on 127.0.0.1: the API (with the page) on one port, the download host on another; 0 takes free ones.

    ``parts`` are more routes beneath ``/emulator/``, as closed to others as the page's own; it knows them by name.
    """

    def __init__(self, port: int = 0, download_port: int = 0, parts: Sequence[Blueprint] = ()) -> None:
        self.world = World()
        self.faults = Faults()
        self._ports = (port, download_port)
        self._servers: tuple[WsgiServer, WsgiServer] | None = None
        self._line_speed = 0.0
        world = self.world
        self._api_gate = Gate(api.make_app(world, self.faults, parts), host="api", world=world, faults=self.faults)
        self._download_gate = Gate(files.make_app(world), host="download", world=world, faults=self.faults)

    def start(self) -> Self:
        """Listen and serve in daemon threads."""
        if self._servers is not None:
            raise RuntimeError("the emulator runs already")
        first = WsgiServer(self._api_gate, self._ports[0])
        try:
            second = WsgiServer(self._download_gate, self._ports[1])
        except OSError:
            first.abandon()
            raise
        self._servers = (first, second)
        self.line_speed = self._line_speed
        self.world.download_url = self.download_url
        self.world.courier = Courier(self.world.note_delivery)
        for server in self._servers:
            server.start()
        return self

    def stop(self) -> None:
        """End every thread and connection, and throw the files away. An emulator is not started twice."""
        if self._servers is None:
            return
        self._api_gate.closing.set()
        self._download_gate.closing.set()
        with self.world.lock:  # no event is on its way to a courier that has left
            courier, self.world.courier = self.world.courier, None
        if courier is not None:
            courier.stop()
        self.world.closing.set()
        self.world.nudge()  # anyone who streams events to a page ends now
        for server in self._servers:
            server.stop()
        self.world.close()
        self._servers = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _port(self, index: int) -> int:
        if self._servers is None:
            raise RuntimeError("the emulator does not run")
        return self._servers[index].port

    @property
    def api_url(self) -> str:
        """Return what the bot gets as `WEBEX_API_URL`."""
        return f"http://{LOOPBACK}:{self._port(0)}/v1"

    @property
    def page_url(self) -> str:
        """Return where a browser finds the page."""
        return f"http://{LOOPBACK}:{self._port(0)}/emulator/"

    @property
    def download_url(self) -> str:
        """Return the download host."""
        return f"http://{LOOPBACK}:{self._port(1)}"

    @property
    def calls(self) -> CallLog:
        """Return every call to either host, without the control API's."""
        return self.world.calls

    @property
    def latency(self) -> float:
        """Seconds that every answer of the API takes longer; the download host is not slowed."""
        return self._api_gate.latency

    @latency.setter
    def latency(self, seconds: float) -> None:
        self._api_gate.latency = seconds

    @property
    def line_speed(self) -> float:
        """Bytes a second that each request and each answer may have, on both hosts; 0 is as fast as they can."""
        return self._line_speed

    @line_speed.setter
    def line_speed(self, bytes_per_second: float) -> None:
        self._line_speed = bytes_per_second
        for server in self._servers or ():
            server.line_speed = bytes_per_second

    @property
    def deliver_webhooks(self) -> bool:
        """Off: events are kept in `undelivered`, for `world.redeliver`."""
        return self.world.deliver_webhooks

    @deliver_webhooks.setter
    def deliver_webhooks(self, on: bool) -> None:
        self.world.deliver_webhooks = on

    @property
    def undelivered(self) -> list[Event]:
        """Events that were kept back."""
        return self.world.undelivered
