"""The playground in a real browser, with everything started by the command that a newcomer types."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import subprocess
import sys
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

START = 40.0
"""Seconds until the demo must answer."""
SOON = 20_000
"""Milliseconds until something must have appeared on the page."""
WATCHED = 60_000
"""Milliseconds for the report that is ready twelve seconds after it was asked for."""


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    port = free_port()
    environ = os.environ | {"DEMO_PORT": str(port), "PORT": str(free_port())}
    log = tmp_path_factory.mktemp("demo") / "log"
    with log.open("wb") as out:
        demo = subprocess.Popen([sys.executable, "-m", "bot", "demo"], env=environ, stdout=out, stderr=out)
    try:
        deadline = time.monotonic() + START
        while "The demo is running" not in log.read_text():
            assert demo.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}/emulator/"
    finally:
        demo.send_signal(signal.SIGTERM)
        demo.wait(timeout=30)


@pytest.fixture(scope="module")
def in_progress(browser: Browser, address: str) -> Iterator[Page]:
    """Grace's page, where a report that is in progress was asked for: it gets ready during the other tests."""
    context = browser.new_context()
    found = context.new_page()
    found.set_default_timeout(SOON)
    found.goto(address)
    found.get_by_role("button", name="Grace Hopper").first.click()
    found.get_by_test_id("composer").wait_for()
    ask(found, "Active Hosts")
    found.get_by_test_id("card").last.get_by_text("● In progress").wait_for()
    yield found
    context.close()


@pytest.fixture
def opened(browser: Browser, address: str, in_progress: Page) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 860})
    found = context.new_page()
    found.set_default_timeout(SOON)
    found.goto(address)
    yield found
    context.close()


def ask(opened: Page, title: str) -> str:
    """Write `report <id>` for the report of that title, as a person would; gives the id."""
    button = opened.get_by_role("button", name=f"Ask for {title}", exact=True).first
    report_id = (button.get_attribute("data-testid") or "").removeprefix("report-ask-")
    opened.get_by_test_id("composer").fill(f"report {report_id}")
    opened.get_by_test_id("composer").press("Enter")
    return report_id


@pytest.mark.usefixtures("renderer")
def test_report_gives_card_and_file(opened: Page) -> None:
    ask(opened, "License Consumption")

    card = opened.get_by_test_id("card").last
    card.get_by_text("● Ready").wait_for()
    assert card.get_by_text("License Consumption", exact=True).is_visible()
    details = card.get_by_text("Report ID")
    assert not details.is_visible(), "the rest of the fields hides behind the toggle"
    card.get_by_role("button", name="Details", exact=True).click()
    details.wait_for(state="visible")
    link = opened.get_by_test_id("file-link").last
    link.wait_for()
    with opened.expect_download() as download:
        link.click()
    rows = list(csv.reader(io.StringIO(Path(download.value.path()).read_text(encoding="utf-8-sig"))))
    assert len(rows) > 100
    assert download.value.suggested_filename.endswith(".csv")


@pytest.mark.usefixtures("renderer")
def test_the_link_of_why_shows_the_message_with_the_file(opened: Page) -> None:
    report_id = ask(opened, "App Version")
    opened.get_by_test_id("file-link").filter(has_text="App Version").wait_for()
    link = opened.get_by_role("link", name="open message")
    deadline = time.monotonic() + SOON / 1000
    while link.count() == 0:  # the page shows a file a moment before the bot has Webex's answer, and the link
        assert time.monotonic() < deadline, "no answer to why has the link"
        cards = opened.get_by_test_id("card").count()
        opened.get_by_test_id("composer").fill(f"why {report_id}")
        opened.get_by_test_id("composer").press("Enter")
        opened.wait_for_function("n => document.querySelectorAll('[data-testid=card]').length > n", arg=cards)

    link.last.click()

    opened.locator(":focus").get_by_test_id("file-link").wait_for()


def test_somebody_without_a_role_is_refused(opened: Page) -> None:
    opened.get_by_role("button", name="Nora Jones").first.click()
    opened.get_by_test_id("composer").wait_for()

    ask(opened, "Calling Usage")

    opened.get_by_text("Only Webex administrators can get this report.").last.wait_for()


@pytest.mark.usefixtures("renderer")
def test_a_bot_that_is_added_to_a_space_introduces_itself(opened: Page) -> None:
    opened.get_by_role("button", name="Admin reports").click()
    membership = opened.get_by_test_id("bot-membership")
    opened.get_by_role("button", name="Remove the bot").click()
    opened.get_by_role("button", name="Add the bot").wait_for()
    assert "Report Bot" not in opened.locator("#space-members").inner_text()
    assert not opened.get_by_test_id("mention").is_visible(), "nobody to mention"
    before = opened.get_by_test_id("card").count()

    membership.click()

    opened.get_by_role("button", name="Remove the bot").wait_for()
    opened.wait_for_function("n => document.querySelectorAll('[data-testid=card]').length > n", arg=before)
    assert opened.get_by_test_id("card").last.get_by_text("Webex reports", exact=True).is_visible()


def test_the_page_without_its_renderer_still_shows_the_texts(browser: Browser, address: str) -> None:
    context = browser.new_context()
    context.route("**/node_modules/**", lambda route: route.abort())
    found = context.new_page()
    found.goto(address)
    found.get_by_test_id("no-renderer-note").wait_for(timeout=SOON)
    found.set_default_timeout(SOON)

    ask(found, "Meeting Details")

    found.get_by_text("The file follows below").last.wait_for()
    context.close()


def test_a_report_in_progress_comes_within_a_minute_by_itself(in_progress: Page) -> None:
    in_progress.wait_for_function("() => document.querySelector('[data-testid=file-link]') !== null", timeout=WATCHED)


def test_when_the_clock_is_moved_a_schedule_runs_and_who_subscribed_gets_its_report(opened: Page) -> None:
    clock = opened.get_by_test_id("clock-now")
    clock.wait_for()
    before = datetime.fromisoformat(clock.get_attribute("datetime") or "")

    opened.get_by_role("button", name="+1 hour").click()

    opened.wait_for_function(
        "wanted => Date.parse(document.querySelector('[data-testid=clock-now]').dateTime) >= wanted",
        arg=(before + timedelta(hours=1)).timestamp() * 1000,
        timeout=SOON,
    )
    for space in ("Admin reports", "Calling team"):
        opened.get_by_role("button", name=space).click()
        opened.get_by_test_id("file-link").filter(has_text="Calling Usage").last.wait_for()


def test_another_system_delivers_a_report_by_the_api_and_is_told_by_a_signed_event(opened: Page) -> None:
    opened.get_by_role("button", name="Admin reports").click()
    assert not opened.get_by_test_id("api-path").is_visible(), "closed at first"
    opened.get_by_test_id("api-toggle").click()
    opened.get_by_test_id("api-prepared").select_option(label="Deliver the newest report of a title")
    body = opened.get_by_test_id("api-body")
    body.fill(body.input_value().replace("license consumption", "meeting details"))

    opened.get_by_test_id("api-send").click()

    opened.get_by_test_id("api-status").get_by_text("202 Accepted").wait_for()
    delivery = json.loads(opened.get_by_test_id("api-json").inner_text())["id"]
    event = opened.get_by_test_id("event").filter(has_text=delivery)
    event.get_by_text("signature verified", exact=True).wait_for()
    assert "delivery.delivered" in event.inner_text()
    opened.get_by_test_id("api-follow").click()
    opened.get_by_test_id("api-json").get_by_text('"status": "delivered"').wait_for()
    message_id = json.loads(opened.get_by_test_id("api-json").inner_text())["messageId"]
    opened.get_by_test_id(f"message-{message_id}").get_by_test_id("file-link").wait_for()


def test_an_event_that_was_refused_comes_again(opened: Page) -> None:
    opened.get_by_test_id("api-toggle").click()
    opened.get_by_test_id("event-refuse").click()
    opened.get_by_text("The next event is answered 500.").wait_for()

    opened.get_by_test_id("event-test").click()

    event = opened.get_by_test_id("event").filter(has_text="webhook.test").first
    event.get_by_text("answered 500, then 204", exact=True).wait_for()
    assert event.get_by_text("signature verified", exact=True).is_visible()


def test_what_somebody_else_sends_to_the_receiver_is_shown_as_text_and_not_verified(opened: Page, address: str) -> None:
    script = "document.documentElement.dataset.pwned=1"
    body = json.dumps({"type": f"<img src=x onerror='{script}'>", "data": f"<script>{script}</script>"})
    opened.get_by_test_id("api-toggle").click()

    answer = opened.request.post(f"{address}api/events", data=body)

    assert answer.status == 400
    event = opened.get_by_test_id("event").filter(has_text="not verified").first
    event.get_by_text("answered 400", exact=True).wait_for()
    assert script in event.locator("pre").inner_text()
    assert opened.evaluate("document.documentElement.dataset.pwned") is None
