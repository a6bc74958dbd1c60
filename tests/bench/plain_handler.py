"""What people write first: a Flask handler that answers a webhook with a card before its 200, with Webex's SDK.

It has none of the bot's duties: no signature, no policy, no database, no file. The bot is measured against its rate.
"""

from __future__ import annotations

import multiprocessing
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import requests
from flask import Flask, request
from webexteamssdk import WebexTeamsAPI
from werkzeug.serving import make_server

from tests.live_bot import QuietHandler

if TYPE_CHECKING:
    from collections.abc import Sequence
    from multiprocessing.connection import Connection as Pipe

    from tests.bench.world import Addresses, Asked, World


def _serve(addresses: Addresses, card: tuple[str, list[dict[str, Any]]], pipe: Pipe) -> None:
    app = Flask("plain")
    chat = WebexTeamsAPI(access_token=addresses.bot_token, base_url=f"{addresses.api}/")
    reports = requests.Session()
    reports.headers["Authorization"] = f"Bearer {addresses.admin_token}"
    words, attachments = card

    @app.post("/<path:_any>")
    def answer(_any: str) -> str:
        message = chat.messages.get(request.get_json()["data"]["id"])
        reports.get(f"{addresses.api}/partner/reports/{message.text.split()[-1]}").raise_for_status()
        chat.messages.create(roomId=message.roomId, parentId=message.id, markdown=words, attachments=attachments)
        return "ok"

    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=QuietHandler)
    pipe.send(server.port)
    server.serve_forever()


def rate(world: World, senders: int, each: int, card: tuple[str, list[dict[str, Any]]]) -> float:
    """Return how many cards a second it gives to so many senders, each of whom waits for the one before."""
    spawn = multiprocessing.get_context("spawn")
    pipe, far_end = spawn.Pipe()
    process = spawn.Process(target=_serve, args=(world.addresses, card, far_end), daemon=True)
    process.start()
    url, sessions = f"http://127.0.0.1:{pipe.recv()}/webhook", [requests.Session() for _ in range(senders)]

    def ask(index: int, row: Sequence[Asked]) -> None:
        for one in row:
            sessions[index].post(url, data=one.body, headers={"Content-Type": "application/json"}).raise_for_status()

    def ask_all(number: int) -> float:
        asked, began = world.ask(senders, number), time.perf_counter()
        with ThreadPoolExecutor(senders) as pool:
            for done in [pool.submit(ask, index, row) for index, row in enumerate(asked)]:
                done.result()
        return time.perf_counter() - began

    ask_all(1)  # opens the connections
    elapsed = ask_all(each)
    for session in sessions:
        session.close()
    process.kill()
    process.join()
    return senders * each / elapsed
