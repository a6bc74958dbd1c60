"""The Dockerfile's lines make a bot that works as another user and writes ``/data`` alone."""

from __future__ import annotations

import os
import shutil
import sys
from typing import TYPE_CHECKING

import pytest
import yaml

from tests.deploy import dockerfile
from tests.deploy.image import ROOT, Image, running
from tests.ports import free_port
from tests.waiting import until

if TYPE_CHECKING:
    from tests.live_bot import LiveBot

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="needs Linux, as the image does"),
    pytest.mark.skipif(shutil.which("bwrap") is None, reason="bubblewrap is not installed: apt-get install bubblewrap"),
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to run the image's processes as another user"),
]


@pytest.fixture
def image(tmp_path_factory: pytest.TempPathFactory) -> Image:
    folder = tmp_path_factory.mktemp("image")
    folder.chmod(0o755)
    return Image(folder)


def test_the_image_is_made_and_works_as_process_1_with_all_but_data_read_only(
    image: Image, stage_alone: LiveBot
) -> None:
    """One test, since the image takes twenty seconds."""
    image.build()
    installed = {path.name.lower() for path in image.of("/app").glob("lib/python*/site-packages/*")}
    assert {"bot", "gunicorn", "webexteamssdk"} <= installed
    assert not installed & {"pip", "setuptools", "wheel", "hatchling"}
    assert not list(image.of("/app").glob("bin/pip*"))

    web_command = dockerfile.words(image.stage.last("CMD"))
    web_is_alive = dockerfile.words(image.stage.last("HEALTHCHECK"))
    worker_service = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]["worker"]
    worker_is_alive = worker_service["healthcheck"]["test"][1:]
    with running(image, web_command, {}) as web:
        assert web.process.wait(20) == 2
        assert "WEBEX_BOT_TOKEN is not set" in web.log.read_text()

    live, port = stage_alone, free_port()
    environ = {**live.environ, "PORT": str(port), "HOST": "127.0.0.1", "DATA_DIR": image.environ["DATA_DIR"]}
    with running(image, web_command, environ) as web, running(image, worker_service["command"], environ) as worker:
        until(lambda: web.run(web_is_alive) == 0, "an answer to the health check")
        live.register(f"http://127.0.0.1:{port}")
        live.at(live.ada).says(f"report {live.partner_report().id}").file()
        assert worker.run(worker_is_alive) == 0
        os.utime(image.of("/data") / "reportbot" / "worker.alive", (0, 0))
        assert worker.run(worker_is_alive) == 1
        live.emulator.deliver_webhooks = False
        assert worker.stop() == 0
        assert web.stop() == 0
        assert web.run(web_is_alive) == 1
        written = web.log.read_text() + worker.log.read_text()
    assert "Traceback" not in written
    assert '"level": "error"' not in written
    assert "open_to_others" not in written
    assert "Read-only" not in written
