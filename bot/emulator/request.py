"""What a request carries: its token, its JSON, and an upload that is hashed on its way to disk."""

import hashlib
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any, cast

from flask import Flask, Request, current_app, g, request
from werkzeug.datastructures import FileStorage

from bot.emulator.problems import Refusal
from bot.emulator.things import Person, Token
from bot.emulator.world import World

WORLD = "webex-emulator-world"


def world() -> World:
    """Return the world that the current application plays."""
    return cast("World", current_app.extensions[WORLD])


def caller() -> Token:
    """Return the valid token of the current request; 401 otherwise."""
    if "token" not in g:
        g.token = world().token_of(request.headers.get("Authorization", ""))
    return cast("Token", g.token)


def me() -> Person:
    """Return whose token it is."""
    return caller().person


def json_body() -> dict[str, Any]:
    """Return the JSON object of the request: 415 for another content type, 400 for anything that is no object."""
    if request.mimetype != "application/json":
        raise Refusal(415, "Content type must be application/json.")
    body = request.get_json(silent=True)
    if not isinstance(body, dict):
        raise Refusal(400, "POST without a valid JSON body.")
    return body


def require(body: Mapping[str, Any], *names: str) -> None:
    """400 unless all these fields are there and hold texts."""
    for name in names:
        if not isinstance(body.get(name), str) or not body[name]:
            raise Refusal(400, f"'{name}' is missing or not a text.")


class Upload:
    """A file on disk that knows its length and SHA-256 by the time it is complete."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.size = 0
        self._sum = hashlib.sha256()
        self._file: IO[bytes] = path.open("w+b")

    @property
    def sha256(self) -> str:
        """Hex."""
        return self._sum.hexdigest()

    def write(self, piece: bytes) -> int:
        """Append a piece."""
        self.size += len(piece)
        self._sum.update(piece)
        return self._file.write(piece)

    def seek(self, position: int, whence: int = 0) -> int:
        """The parser rewinds a finished part."""
        return self._file.seek(position, whence)

    def read(self, size: int = -1) -> bytes:
        """Read on."""
        return self._file.read(size)

    def close(self) -> None:
        """Release the file; it stays on disk."""
        self._file.close()


class SpooledRequest(Request):
    """A request whose uploaded files go straight to the emulator's folder."""

    max_form_memory_size = 1 << 20

    def _get_file_stream(
        self,
        total_content_length: int | None,
        content_type: str | None,
        filename: str | None = None,
        content_length: int | None = None,
    ) -> IO[bytes]:
        del total_content_length, content_type, filename, content_length
        upload = Upload(world().folder / f"upload-{uuid.uuid4().hex}")
        g.setdefault("uploads", []).append(upload)
        return cast("IO[bytes]", upload)


def upload_of(storage: FileStorage) -> Upload:
    """Return the upload behind a file of the form."""
    upload = cast("Upload", storage.stream)
    upload.close()
    return upload


def close_uploads(_: BaseException | None = None) -> None:
    """After each request: no file stays open."""
    for upload in g.pop("uploads", []):
        upload.close()


def attach(app: Flask, the_world: World) -> None:
    """Give an application its world."""
    app.extensions[WORLD] = the_world
    app.request_class = SpooledRequest
    app.teardown_request(close_uploads)
