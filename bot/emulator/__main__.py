"""`python -m bot.emulator`: the emulator on its own, until it is told to stop."""

import argparse
import json
import signal
import sys
import threading

from bot.emulator.sample_data import furnish
from bot.emulator.server import Emulator


def main(arguments: list[str] | None = None) -> int:
    """Serve until SIGINT or SIGTERM. Prints one line of JSON: the addresses and, with --demo, the tokens."""
    parser = argparse.ArgumentParser(prog="python -m bot.emulator", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="of the API and the page; 0 takes a free one")
    parser.add_argument("--download-port", type=int, default=0, help="of the download host; 0 takes a free one")
    parser.add_argument("--demo", action="store_true", help="begin with the demo's people, spaces and reports")
    chosen = parser.parse_args(arguments)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    with Emulator(chosen.port, chosen.download_port) as emulator:
        told = {"api": emulator.api_url, "downloads": emulator.download_url, "page": emulator.page_url}
        if chosen.demo:
            demo = furnish(emulator.world)
            told |= {"botToken": demo.bot_token, "adminToken": demo.admin_token}
        sys.stdout.write(json.dumps(told) + "\n")
        sys.stdout.flush()
        stop.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
