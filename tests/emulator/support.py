"""What the emulator's tests share: a small client, a setup of people and spaces, and a listener for webhooks."""

import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import requests

from bot.emulator import Emulator, Organization, Person, Space, World
from bot.emulator.things import FULL_ADMIN, PARTNER_FULL_ADMIN


class Client:
    """Calls the emulator with one token; paths begin after `/v1`."""

    def __init__(self, base: str, token: str) -> None:
        self.base = base
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.headers["Authorization"] = f"Bearer {token}"

    def close(self) -> None:
        self.session.close()

    def call(self, method: str, path: str, **more: Any) -> requests.Response:
        url = path if path.startswith("http") else self.base + path
        return self.session.request(method, url, timeout=10, allow_redirects=False, **more)

    def get(self, path: str, /, **params: Any) -> requests.Response:
        return self.call("GET", path, params=params)

    def post(self, path: str, /, **fields: Any) -> requests.Response:
        return self.call("POST", path, json=fields)

    def put(self, path: str, /, **fields: Any) -> requests.Response:
        return self.call("PUT", path, json=fields)

    def delete(self, path: str) -> requests.Response:
        return self.call("DELETE", path)

    def upload(self, name: str, content: Any, **fields: str) -> requests.Response:
        return self.call("POST", "/messages", files={"files": (name, content, "text/csv")}, data=fields)


@dataclass
class LiveBot:
    """Acme, a partner: Ada (full administrator of both kinds), Nora (no role), the bot, a group; and Globex's Ethan."""

    emulator: Emulator
    world: World
    acme: Organization
    globex: Organization
    ada: Person
    nora: Person
    ethan: Person
    bot: Person
    space: Space
    clients: list[Client]

    def client(self, person: Person, **token: Any) -> Client:
        made = Client(self.emulator.api_url, self.world.add_token(person, **token))
        self.clients.append(made)
        return made


def set_stage(emulator: Emulator) -> LiveBot:
    world = emulator.world
    acme = world.add_organization("Acme", is_partner=True)
    globex = world.add_organization("Globex")
    ada = world.add_person("Ada Lovelace", acme, roles=[FULL_ADMIN, PARTNER_FULL_ADMIN])
    nora = world.add_person("Nora Jones", acme)
    ethan = world.add_person("Ethan Hunt", globex)
    bot = world.add_bot("Report Bot", acme)
    space = world.add_space("Reports", [ada, nora, bot])
    return LiveBot(emulator, world, acme, globex, ada, nora, ethan, bot, space, [])


class Listener:
    """Receives webhooks on loopback and answers with `status`."""

    def __init__(self) -> None:
        self.status = 200
        self.received: list[tuple[dict[str, str], bytes]] = []
        listener = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                listener.received.append((dict(self.headers), body))
                self.send_response(listener.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args: Any) -> None:
                """Quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/hook"

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
