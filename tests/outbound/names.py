"""Names that lead where a test says; no other name is looked up."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

from bot.webex.addresses import is_address

if TYPE_CHECKING:
    import pytest

REALLY_KNOWN = {"localhost", "localhost."}


class Names:
    """``at``: the addresses of a name. What is looked up is in ``asked``."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, at: dict[str, list[str]]) -> None:
        self.at = at
        self.asked: list[str] = []
        self._look_up = socket.getaddrinfo
        monkeypatch.setattr(socket, "getaddrinfo", self._resolve)

    def _resolve(self, host: Any, port: Any, *args: Any, **more: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else str(host)
        if name in self.at:
            self.asked.append(name)
            return [found for one in self.at[name] for found in self._look_up(one, port, *args, **more)]
        if not is_address(name) and name not in REALLY_KNOWN:
            raise socket.gaierror(socket.EAI_NONAME, "no such name in a test")
        return self._look_up(name, port, *args, **more)
