"""The command line. What a command needs is imported when it runs, so that ``--help`` and a wrong setting are quick.

Exit codes: 0 done; 1 something could not be done, one sentence on stderr says what; 2 wrong settings or a wrong call;
130 interrupted; 141 the reader of the output has closed the pipe (``| head``).
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from bot import __version__
from bot.errors import BotError, SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bot.db.database import Database
    from bot.settings import Settings, StorageSettings

DONE: Final = 0
FAILED: Final = 1
WRONG_SETTINGS: Final = 2
INTERRUPTED: Final = 130
PIPE_CLOSED: Final = 141
"""As a shell reports a program that SIGPIPE ended."""
WORKER_NICENESS: Final = 5
"""The web process answers first when both want the processor."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; expected errors become sentences on stderr."""
    try:
        try:
            return _run(argv)
        finally:
            sys.stdout.flush()  # argparse's output too: at the interpreter's end it would be too late
            sys.stderr.flush()
    except BrokenPipeError:
        _discard_output()
        return PIPE_CLOSED


def _run(argv: Sequence[str] | None) -> int:
    arguments = _parser().parse_args(argv)
    run: Callable[[argparse.Namespace], int] = arguments.run
    try:
        if "env_file" in arguments:
            from bot.cli.env_file import read_env_file  # noqa: PLC0415

            os.environ.update({**read_env_file(arguments.env_file), **os.environ})  # the environment wins
        return run(arguments)
    except SettingsError as error:
        _print_errors("These settings are wrong:", *(f"  {problem}" for problem in error.problems))
        return WRONG_SETTINGS
    except BotError as error:
        _print_errors(f"reportbot: {error.in_full}")
        return FAILED
    except KeyboardInterrupt:
        return INTERRUPTED


def _discard_output() -> None:
    """Send what Python still flushes at its end to /dev/null."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):  # a stream of a test has no descriptor
            stream.flush()
            continue
        with contextlib.suppress(OSError, ValueError):
            os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def _parser() -> argparse.ArgumentParser:
    every = argparse.ArgumentParser(add_help=False)
    every.add_argument(
        "--env-file",
        metavar="FILE",
        default=argparse.SUPPRESS,  # allowed before and after the command: neither default overwrites the other
        help="read settings from lines of NAME=value; the environment wins",
    )
    parser = argparse.ArgumentParser(prog="reportbot", description="The Webex report bot.", parents=[every])
    parser.add_argument("--version", action="version", version=f"reportbot {__version__}")
    commands = parser.add_subparsers(required=True, metavar="command")

    def add(name: str, run: Callable[[argparse.Namespace], int], meaning: str) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=meaning, description=meaning, parents=[every])
        made.set_defaults(run=run)
        return made

    add("serve", _serve, "run the web process and the worker together, supervised")
    add("worker", _worker, "run the worker alone; web runs by gunicorn -c python:bot.web.gunicorn_conf")
    doctor = add("doctor", _doctor, "check settings, database, tokens, scopes and webhooks")
    doctor.add_argument("--person", metavar="EMAIL", help="show what this person may have, and why")
    add("demo", _demo, "run the bot against an emulated Webex in the browser; needs no settings")
    audit = add("audit", _audit, "show who requested which reports and what happened, oldest first")
    audit.add_argument("--json", action="store_true", help="JSON, one object a line")
    audit.add_argument(
        "--person", metavar="ID|EMAIL", type=str.strip, help="only about this person; an address is looked up in Webex"
    )
    audit.add_argument("--report", metavar="ID", help="only about this report")
    audit.add_argument("--since", metavar="TIME", type=_time, help="from this time on, such as 2026-03-24T17:13 (UTC)")
    audit.add_argument("--limit", metavar="N", type=_row_count, help="at most this many rows, the oldest ones")
    forget = add("forget", _forget, "replace a person by a pseudonym in everything that is kept")
    forget.add_argument("person", metavar="ID|EMAIL", type=str.strip, help="an address is looked up in Webex")
    forget.add_argument("--yes", action="store_true", help="do it; otherwise it only shows what it would do")
    why = add("why", _why, "show what happened to the requests for a report, newest first, from the database alone")
    why.add_argument("wanted", metavar="ID|REFERENCE", help="a report's ID, or the reference that the bot gave")
    why.add_argument("--json", action="store_true", help="JSON, one object a line")
    manifest = commands.add_parser("manifest", help="compare or set up the bot's webhooks in Webex")
    steps = manifest.add_subparsers(required=True, metavar="step")
    steps.add_parser("plan", help="show what differs, change nothing", parents=[every]).set_defaults(run=_plan)
    steps.add_parser("apply", help="migrate the database and set up the webhooks", parents=[every]).set_defaults(
        run=_apply
    )
    return parser


def _time(text: str) -> datetime:
    """Read a time from the command line; without a zone it is UTC."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"Not a valid time: “{text}”. Write it like 2026-03-24T17:13.") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _row_count(text: str) -> int:
    """Read a number of rows from the command line."""
    if not text.isascii() or not text.isdigit():
        raise argparse.ArgumentTypeError(f"Not a valid number of rows: “{text}”.")
    return int(text)


def _print_errors(*lines: str) -> None:
    print(*map(_clean, lines), sep="\n", file=sys.stderr)


def _say(line: str) -> None:
    print(_clean(line), flush=True)


def _clean(line: str) -> str:
    """Mask secrets and escape control characters: a line may contain names from Webex."""
    from bot.logs import escape_control_characters, mask  # noqa: PLC0415

    return escape_control_characters(mask(line))


def _say_with_links(line: str) -> None:
    """Print a line with links that the bot made; ``mask`` would hide their queries, since Webex's hold tokens."""
    from bot.logs import escape_control_characters, redact  # noqa: PLC0415

    print(escape_control_characters(redact(line)), flush=True)


def _begin(process: str) -> Settings:
    """Read the settings and start the log; raises ``SettingsError``."""
    from bot.settings import load  # noqa: PLC0415

    settings = load(os.environ)
    _start(process, settings)
    return settings


def _begin_reading(process: str) -> StorageSettings:
    """Read the settings of a command that only needs the database, and start the log; raises ``SettingsError``."""
    from bot.settings import load_storage  # noqa: PLC0415

    settings = load_storage(os.environ)
    _start(process, settings)
    return settings


def _start(process: str, settings: StorageSettings) -> None:
    from bot.files.data_dir import log_closed, prepare_folder  # noqa: PLC0415
    from bot.logs import catch_crashes, register_secrets, start_logging  # noqa: PLC0415

    closed = prepare_folder(settings)
    register_secrets(*settings.secret_values())
    start_logging(process, level=settings.log_level, form=settings.log_format)
    catch_crashes()
    log_closed(closed)


def _find_person(email: str, database: Database) -> str | None:
    """Look up an address in Webex; only this needs Webex's settings. Raises ``SettingsError``, ``WebexError``."""
    from bot.cli import audit  # noqa: PLC0415
    from bot.logs import register_secrets  # noqa: PLC0415
    from bot.settings import load  # noqa: PLC0415

    try:
        settings = load(audit.NOT_NEEDED | os.environ)
    except SettingsError as error:
        raise SettingsError([audit.ADDRESS_NEEDS_WEBEX, *error.problems]) from None
    register_secrets(*settings.secret_values())
    return audit.find_person(email, settings, database)


def _serve(_: argparse.Namespace) -> int:
    settings = _begin("serve")
    from bot.cli.serve import serve  # noqa: PLC0415
    from bot.process import exit_with_parent  # noqa: PLC0415

    exit_with_parent()
    serve(settings, os.environ)
    return DONE


def _worker(_: argparse.Namespace) -> int:
    settings = _begin("worker")
    from bot import process  # noqa: PLC0415
    from bot.files.data_dir import log_open  # noqa: PLC0415
    from bot.metrics import start_metrics  # noqa: PLC0415

    process.limit_malloc_arenas()
    process.set_thread_switch_interval()
    stop = threading.Event()
    process.on_stop_signal(stop.set)
    process.exit_with_parent()
    os.nice(WORKER_NICENESS)
    start_metrics(settings.data_dir, "worker")
    _log_remarks(settings)
    log_open(settings)
    from bot.app import build_services, build_worker  # noqa: PLC0415

    build_worker(build_services(settings)).run(stop)
    return DONE


def _log_remarks(settings: Settings) -> None:
    """Log at start what is not wrong but good to know about the settings."""
    import structlog  # noqa: PLC0415

    for remark in settings.remarks():
        structlog.get_logger(__name__).warning("settings_remark", remark=remark)


def _plan(_: argparse.Namespace) -> int:
    settings = _begin("manifest")
    from bot.cli import manifest  # noqa: PLC0415

    return manifest.plan(settings, _say)


def _apply(_: argparse.Namespace) -> int:
    settings = _begin("manifest")
    from bot.cli import manifest  # noqa: PLC0415

    return manifest.apply(settings, _say)


def _doctor(arguments: argparse.Namespace) -> int:
    settings = _begin("doctor")
    from bot.cli import doctor  # noqa: PLC0415

    return doctor.run(settings, _say, arguments.person)


def _audit(arguments: argparse.Namespace) -> int:
    settings = _begin_reading("audit")
    from bot.cli import audit  # noqa: PLC0415

    wanted = audit.Wanted(arguments.person, arguments.report, arguments.since, arguments.limit)
    return audit.export(settings, wanted, _say, find=_find_person, as_json=arguments.json)


def _forget(arguments: argparse.Namespace) -> int:
    settings = _begin_reading("forget")
    from bot.cli import audit  # noqa: PLC0415

    return audit.forget(settings, arguments.person, _say, find=_find_person, sure=arguments.yes)


def _why(arguments: argparse.Namespace) -> int:
    settings = _begin_reading("why")
    from bot.cli import why  # noqa: PLC0415

    return why.tell(settings, arguments.wanted, _say_with_links, as_json=arguments.json)


def _demo(_: argparse.Namespace) -> int:
    from bot.cli import demo  # noqa: PLC0415

    return demo.run(os.environ, _say)
