"""Everything that the program lets out, gathered and searched for secrets."""

from __future__ import annotations

import gc
import io
import json
import logging
from collections import deque
from types import FunctionType, MethodType, ModuleType
from typing import TYPE_CHECKING, Any

from bot.logs import start_logging

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from bot.emulator import Emulator
    from bot.emulator.things import Person

SHORTEST_PIECE = 16
"""So many letters of a secret in a row count as the secret."""
HINT = SHORTEST_PIECE // 2
"""Letters by which it is seen quickly that a text may hold a piece: texts of 10 MB are searched for 1,000 pieces."""
NEVER_SEARCHED = frozenset({"secret.key"})
"""The one file whose content is a secret, for its owner only."""
MOST_CAUSES = 8


class Outputs:
    """What came out, by where it came out."""

    def __init__(self) -> None:
        self._found: list[tuple[str, str]] = []

    def add(self, where: str, what: Any) -> None:
        """Add something as it could be read: text, bytes, JSON."""
        if isinstance(what, bytes):
            what = what.decode("latin-1")
        elif not isinstance(what, str):
            what = json.dumps(what, ensure_ascii=False, default=repr)
        self._found.append((where, what))

    def add_all(self, where: str, them: Iterable[Any]) -> None:
        """Add several things."""
        for one in them:
            self.add(where, one)

    @property
    def places(self) -> frozenset[str]:
        """Return where something came out."""
        return frozenset(where for where, what in self._found if what)

    def leaks(self, secrets: dict[str, str]) -> list[str]:
        """Each secret that can be read somewhere, whole or a good piece of it, with the place and its surroundings."""
        found = []
        pieces = [(name, piece) for name, secret in secrets.items() for piece in pieces_of(secret)]
        hints: dict[str, set[tuple[str, str]]] = {}
        for name, piece in pieces:
            for at in range(len(piece) - HINT + 1):
                hints.setdefault(piece[at : at + HINT], set()).add((name, piece))
        for where, what in self._found:
            # A piece of twice a hint's length holds at least one whole block of the text, wherever it stands.
            blocks = {what[at : at + HINT] for at in range(0, len(what), HINT)}
            for name, piece in set().union(*(hints[block] for block in blocks & hints.keys())):
                if (at := what.find(piece)) >= 0:
                    found.append(f"{name} in {where}: {what[max(0, at - 120) : at + 40]!r}")
        return found


def log_in_both_forms() -> dict[str, io.StringIO]:
    """Send every log line of this process to two streams, as JSON and as text; return them by form."""
    logs, handlers = {form: io.StringIO() for form in ("json", "text")}, []
    for form, stream in logs.items():
        start_logging("test", level="debug", form=form, stream=stream)
        handlers.extend(logging.getLogger().handlers)
    logging.getLogger().handlers[:] = handlers
    return logs


def pieces_of(secret: str) -> set[str]:
    """Return the beginning and the end of a secret; either gives it away."""
    assert len(secret) >= SHORTEST_PIECE, "a secret of the tests is long enough to be found by a piece"
    return {secret[:SHORTEST_PIECE], secret[-SHORTEST_PIECE:]}


def said_by(emulator: Emulator, bot: Person) -> Iterator[str]:
    """Return every message, card and file name of the bot's, in all spaces, those it deleted too."""
    world = emulator.world
    for space in list(world.spaces.values()):
        for message in world.messages(space):
            if message.person_id == bot.id:
                yield "\n".join([message.text or "", message.markdown or "", message.html or ""])
                yield json.dumps(message.card, ensure_ascii=False)
                yield "\n".join(file.name for file in message.files)


def kept_in(folder: Path) -> Iterator[bytes]:
    """Return the bytes of every file that the program keeps, and the files' names."""
    for path in folder.rglob("*"):
        yield str(path.relative_to(folder)).encode()
        if path.is_file() and path.name not in NEVER_SEARCHED:
            yield path.read_bytes()


def told_by(error: BaseException) -> Iterator[str]:
    """Return what an exception and everything that hangs on it can be made to say."""
    current: BaseException | None = error
    for _ in range(MOST_CAUSES):
        if current is None:
            return
        yield "\n".join([str(current), repr(current), repr(current.args), str(getattr(current, "sentence", ""))])
        current = current.__cause__ or current.__context__


def reprs_within(*roots: Any) -> Iterator[str]:
    """``repr`` of every object of the program that hangs on these."""
    seen: set[int] = set()
    todo: deque[Any] = deque(roots)
    while todo:
        one = todo.popleft()
        if id(one) in seen or isinstance(one, ModuleType | type | str | bytes):
            continue
        seen.add(id(one))
        if isinstance(one, FunctionType):
            todo.extend(cell.cell_contents for cell in one.__closure__ or () if cell is not None)
            continue
        if type(one).__module__.startswith("bot."):
            yield f"{type(one).__qualname__}: {one!r}"
            todo.extend(getattr(one, name, None) for name in getattr(type(one), "__slots__", ()))
            todo.extend(vars(one).values() if hasattr(one, "__dict__") else ())
        elif isinstance(one, dict | list | tuple | set | frozenset | MethodType):
            todo.extend(gc.get_referents(one))
