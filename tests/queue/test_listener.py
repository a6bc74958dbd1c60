"""What wakes a worker on PostgreSQL, while the server goes and comes."""

from __future__ import annotations

import pytest

from bot.db.database import Database
from bot.queue import listener as module
from bot.queue.listener import Listener
from tests.postgresql import MISSING, available, server


@pytest.mark.skipif(not available(), reason=MISSING)
@pytest.mark.parametrize("how", ["fast", "immediate"])
def test_a_server_that_stops_is_listened_to_again_when_it_is_back(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "AGAIN", 0.0)
    with server() as running:
        database = Database(running.url.render_as_string(hide_password=False))
        listener = Listener(database)
        listener.listen()
        assert listener.listening
        running.stop(how)
        while listener.listening:
            listener.wait(5.0)
        assert not listener.wait(0.0)  # away: nothing is raised, and nothing is heard
        running.start()
        assert listener.wait(5.0)
        assert listener.listening
        listener.close()
        database.close()
