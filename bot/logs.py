"""The log: one line an event on stderr, without secrets.

The bot's own lines (structlog) and those of libraries (logging) go through one formatter, and its last step masks the
finished line: however a registered secret got in, by a keyword, a traceback or a library, it does not come out.
"""

from __future__ import annotations

import io
import json
import logging
import re
import secrets
import sys
import threading
from typing import TYPE_CHECKING, Any, Final, TextIO
from urllib.parse import quote

import structlog

from bot.text import CONTROL_CHARACTERS, LOOK_ALIKES
from bot.tracing import add_trace

if TYPE_CHECKING:
    from types import TracebackType

    from structlog.typing import EventDict, ExcInfo, Processor, WrappedLogger

MASK: Final = "***"
SHORTEST_HIDDEN: Final = 6
"""Masking anything shorter would hit ordinary words."""
REFERENCE_LETTERS: Final = "23456789abcdefghjkmnpqrstuvwxyz"
REFERENCE_LENGTH: Final = 8
QUIET: Final = ("urllib3", "webexteamssdk", "werkzeug", "alembic", "sqlalchemy", "requests_toolbelt", "asyncio")
"""Libraries that log from ``warning`` up: below it they log every call, with its address."""

_KEY = re.compile(r"\b(rb[a-z]_)[\w-]{12,}")
"""A key of the API, or the token in a hook's address; a command that makes one shows it, and no line of the log."""
_BEARER = re.compile(r"\b(bearer\s+)[\w.~+/=-]{8,}", re.IGNORECASE)
_USER_IN_ADDRESS = re.compile(r"(://)[^\s/@:]*:[^\s/@]*@")
# A query is looked for in plain Python within a run of letters: one pattern for it all would begin again at each "/".
_RUN = re.compile(r"""[^\s"'<>]+""")
_PATH = re.compile(r"(?<![\w?])/")
_QUERY_END = re.compile(r"[)\\]")


class _Hidden:
    """The values to mask, and one pattern that finds them all; the longest first, in case one contains another."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._values: set[str] = set()
        self.pattern: re.Pattern[str] | None = None

    def add(self, values: tuple[str, ...]) -> None:
        shapes = {shape for value in values for shape in (value, json.dumps(value)[1:-1], quote(value, safe=""))}
        with self._lock:
            self._values |= {shape for shape in shapes if len(shape) >= SHORTEST_HIDDEN}
            ordered = sorted(self._values, key=len, reverse=True)
            self.pattern = re.compile("|".join(map(_in_any_look, ordered))) if ordered else None


def _in_any_look(value: str) -> str:
    """Return a pattern that also finds a value whose markdown characters were replaced by look-alikes."""
    return "".join(f"[{re.escape(one + LOOK_ALIKES[one])}]" if one in LOOK_ALIKES else re.escape(one) for one in value)


_hidden = _Hidden()


def register_secrets(*values: str) -> None:
    """Register secret values, renewed tokens too: from now on no log line of this process shows them."""
    _hidden.add(values)


def redact(text: str) -> str:
    """Replace registered secrets only: for sentences that people read."""
    pattern = _hidden.pattern
    return text if pattern is None else pattern.sub(MASK, text)


def mask(text: str) -> str:
    """Replace registered secrets, bearer tokens, passwords in addresses and the queries of addresses."""
    text = _BEARER.sub(rf"\1{MASK}", redact(text))
    if "/" not in text:
        return text
    return _RUN.sub(_without_queries, _USER_IN_ADDRESS.sub(rf"\1{MASK}@", text))


def _without_queries(found: re.Match[str]) -> str:
    """Mask what follows the ``?`` of an address or a path, in linear time."""
    run, parts, at = found[0], [], 0
    while (mark := run.find("?", at)) >= 0:
        parts.append(run[at : mark + 1])
        is_address = _PATH.search(run, at, mark) is not None
        at = mark + 1
        if is_address:
            end = _QUERY_END.search(run, at)
            stop = end.start() if end else len(run)
            if stop > at:
                parts.append(MASK)
                at = stop
    return "".join([*parts, run[at:]])


def escape_control_characters(text: str) -> str:
    """Escape, as JSON does, what could move a terminal's cursor, forge a line or change the reading direction."""
    return CONTROL_CHARACTERS.sub(_escaped, text)


def _escaped(found: re.Match[str]) -> str:
    return re.sub("....", r"\\u\g<0>", found[0].encode("utf-16-be", "surrogatepass").hex())


def new_reference() -> str:
    """Return a new reference that a person can read out: eight letters and digits without look-alikes."""
    return "".join(secrets.choice(REFERENCE_LETTERS) for _ in range(REFERENCE_LENGTH))


class _MaskingFormatter(structlog.stdlib.ProcessorFormatter):
    def format(self, record: logging.LogRecord) -> str:
        return _KEY.sub(rf"\1{MASK}", mask(super().format(record)))


def start_logging(process: str, *, level: str = "info", form: str | None = None, stream: TextIO | None = None) -> None:
    """Send every log line of this process to ``stream`` (stderr), as ``json`` or ``text``.

    ``process`` (web, worker, serve …) is in each line. ``form=None`` means text on a terminal, otherwise JSON.
    Calling it again replaces the previous setup.
    """
    out = stream or sys.stderr

    def name_process(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        event["process"] = process
        return event

    shared: list[Processor] = [
        add_trace,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        name_process,
    ]
    handler = logging.StreamHandler(out)
    handler.setFormatter(
        _MaskingFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_rendering(out, form)],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.processors.StackInfoRenderer(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )


def catch_crashes() -> None:
    """Log exceptions that end a process or a thread, so that their tracebacks are masked like any line."""
    log = structlog.get_logger(__name__)

    def crashed(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            return
        log.critical("crashed", exc_info=(kind, error, trace))

    def thread_crashed(what: threading.ExceptHookArgs) -> None:
        if what.exc_value is not None and not issubclass(what.exc_type, SystemExit):
            crashed(what.exc_type, what.exc_value, what.exc_traceback)

    sys.excepthook = crashed
    threading.excepthook = thread_crashed


def _name_visibly(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Escape the event's name, which the text form does not quote: a library's may contain anything."""
    event["event"] = escape_control_characters(str(event.get("event", "")))
    return event


def _traceback(out: TextIO, error: ExcInfo) -> None:
    """Write a traceback with indented lines, so that an exception's text cannot pass for a log line."""
    plain = io.StringIO()
    structlog.dev.plain_traceback(plain, error)
    out.write("\n".join("    " + escape_control_characters(line) for line in plain.getvalue().strip("\n").split("\n")))


def _json(*args: Any, **more: Any) -> str:
    """Return JSON that a terminal may show: what ``json`` leaves unescaped is escaped too."""
    return escape_control_characters(json.dumps(*args, **more))


def _rendering(out: TextIO, form: str | None) -> list[Any]:
    """Return the last steps. Tracebacks never show local variables, which may contain anything."""
    terminal = out.isatty()
    if form == "text" or (form is None and terminal):
        return [_name_visibly, structlog.dev.ConsoleRenderer(colors=terminal, exception_formatter=_traceback)]
    return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(_json, ensure_ascii=False)]
