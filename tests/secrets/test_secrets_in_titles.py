"""Anyone who can name a report could have learned a secret: kept and shown it is masked, like any other text."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bot import logs

if TYPE_CHECKING:
    from tests.stepped_bot import SteppedBot

SECRET = "a-registered-secret-0123456789"


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "_hidden", logs._Hidden())
    logs.register_secrets(SECRET)


@pytest.mark.sqlite("its file is read")
@pytest.mark.parametrize("field", ["title", "status", "file_name"])
def test_a_secret_in_webex_s_own_words_is_kept_nowhere(stepped: SteppedBot, field: str) -> None:
    report = stepped.setup.partner_report("Usage")
    stepped.world.set_report(report.id, **{field: f"Usage {SECRET}"})
    stepped.receive(stepped.setup.ada, f"report {report.id}")
    stepped.work(until="watch")
    stepped.receive(stepped.setup.ada, f"why {report.id}")
    stepped.work(until="watch")

    on_disk = b"".join(path.read_bytes() for path in stepped.folder.parent.rglob("*") if path.is_file())
    assert report.id.encode() in on_disk
    assert SECRET.encode() not in on_disk
    said = stepped.said()
    assert len(said) >= 2
    assert not any(SECRET in str(vars(one)) for one in said)
