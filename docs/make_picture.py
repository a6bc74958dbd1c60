"""Make the README's picture from the demo with headless Chromium: ``make picture``.

With options it shows any answer of the bot, for a look at a card: ``docs/make_picture.py OUT --say "why …" --width 390
--dark``.
"""
# ruff: noqa: INP001 a script, not part of a package

from __future__ import annotations

import argparse
import os
import shutil
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from playwright.sync_api import sync_playwright

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Page

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
MOST_SECONDS = 60


def main() -> None:
    """Start the demo, ask for a report, and save what its thread shows."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("out", nargs="?", default=Path(__file__).parent / "card.png")
    parser.add_argument("--title", default="Calling Usage", help="the report to ask for")
    parser.add_argument("--say", metavar="TEXT", help="type this instead; {id} is that report's ID")
    parser.add_argument("--person", default="Ada Lovelace")
    parser.add_argument("--width", type=int, default=1280)
    parser.add_argument("--dark", action="store_true")
    parser.add_argument("--wait", metavar="TEXT", help="wait for this text instead of the file")
    arguments = parser.parse_args()
    browser_path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser_path is None:
        sys.exit("This needs Chromium.")
    with demo() as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path, args=["--no-sandbox"])
        page = browser.new_page(
            viewport={"width": arguments.width, "height": 2400},
            device_scale_factor=2,
            color_scheme="dark" if arguments.dark else "light",
            locale="en-US",
        )
        page.set_default_timeout(MOST_SECONDS * 1000)
        page.goto(address)
        page.add_style_tag(content=".thread { padding: 24px }")
        ask(page, arguments)
        page.locator(".thread").last.screenshot(path=arguments.out)
        browser.close()


def ask(page: Page, arguments: argparse.Namespace) -> None:
    """Type the command as the person, and wait until the answer is complete."""
    page.get_by_role("button", name=arguments.person, include_hidden=True).first.dispatch_event("click")
    button = page.get_by_role("button", name=f"Ask for {arguments.title}", include_hidden=True).first
    report_id = (button.get_attribute("data-testid") or "").removeprefix("report-ask-")
    page.get_by_test_id("composer").fill((arguments.say or "report {id}").replace("{id}", report_id))
    page.get_by_test_id("composer").press("Enter")
    if arguments.wait:
        page.get_by_text(arguments.wait).last.wait_for()
    else:
        page.get_by_test_id("file-link").last.wait_for()
    page.wait_for_timeout(1000)  # for what follows in the same thread


@contextmanager
def demo() -> Iterator[str]:
    """Run the demo, and yield the address of its page."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    environ = os.environ | {"DEMO_PORT": str(port)}
    process = subprocess.Popen([sys.executable, "-m", "bot", "demo"], env=environ, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        for line in process.stdout:
            if "Ctrl-C" in line:
                break
        yield f"http://127.0.0.1:{port}/emulator/"
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=MOST_SECONDS)


if __name__ == "__main__":
    main()
