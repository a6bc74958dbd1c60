"""The command line. What a command needs is imported when it runs, so that ``--help`` and a wrong setting are quick.

Exit codes: 0 done; 1 something could not be done, one sentence on stderr says what; 2 wrong settings or a wrong call.
"""

from __future__ import annotations

import argparse
import os
import sys
import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from bot import __version__
from bot.errors import BotError, SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bot.settings import Settings

DONE: Final = 0
FAILED: Final = 1
WRONG_SETTINGS: Final = 2
INTERRUPTED: Final = 130
"""What a shell says of a program that Ctrl-C ended."""
WORKER_NICENESS: Final = 5
"""The door answers first when both want the processor."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and give its exit code; errors that are expected become sentences on stderr."""
    arguments = _parser().parse_args(argv)
    run: Callable[[argparse.Namespace], int] = arguments.run
    try:
        return run(arguments)
    except SettingsError as error:
        _complain("The settings are wrong:", *(f"  {problem}" for problem in error.problems))
        return WRONG_SETTINGS
    except BotError as error:
        _complain(f"reportbot: {error.in_full}")
        return FAILED
    except KeyboardInterrupt:
        return INTERRUPTED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="reportbot", description="The Webex report bot.")
    parser.add_argument("--version", action="version", version=f"reportbot {__version__}")
    commands = parser.add_subparsers(required=True, metavar="command")
    for name, run, meaning in (
        ("serve", _serve, "web and worker in one supervised command"),
        ("worker", _worker, "the worker alone; web runs by gunicorn -c python:bot.gunicorn_conf"),
        ("doctor", _doctor, "check settings, database, tokens, scopes and webhooks"),
        ("demo", _demo, "the whole product against an emulated Webex, in the browser; needs no settings"),
    ):
        commands.add_parser(name, help=meaning, description=meaning).set_defaults(run=run)
    _add_audit(commands)
    meaning = "what became of the requests for a report, the newest first, from the ledger"
    why = commands.add_parser("why", help=meaning, description=meaning)
    why.add_argument("wanted", metavar="ID|REFERENCE", help="a report's id, or the reference that the bot gave")
    why.add_argument("--json", action="store_true", help="JSON, one object a line")
    why.set_defaults(run=_why)
    manifest = commands.add_parser("manifest", help="what must exist on Webex's side")
    steps = manifest.add_subparsers(required=True, metavar="step")
    steps.add_parser("plan", help="show what differs, change nothing").set_defaults(run=_plan)
    steps.add_parser("apply", help="migrate the database, make the webhooks as wanted").set_defaults(run=_apply)
    return parser


def _add_audit(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    meaning = "who asked for what and what came of it, oldest first"
    audit = commands.add_parser("audit", help=meaning, description=meaning)
    audit.add_argument("--json", action="store_true", help="JSON, one object a line")
    audit.add_argument("--person", metavar="ID|EMAIL", help="only about this person; an address is looked up in Webex")
    audit.add_argument("--report", metavar="ID", help="only about this report")
    audit.add_argument("--since", metavar="ISO", type=_moment, help="from this time on, as 2026-03-24T17:13 (UTC)")
    audit.add_argument("--limit", metavar="N", type=_number, help="at most so many rows, the oldest ones")
    audit.set_defaults(run=_audit)
    meaning = "put a pseudonym in a person's place in everything that is kept; there is no way back"
    forget = commands.add_parser("forget", help=meaning, description=meaning)
    forget.add_argument("person", metavar="ID|EMAIL", help="who; an address is looked up in Webex")
    forget.set_defaults(run=_forget)


def _moment(text: str) -> datetime:
    """Read a time of the command line; without a zone it is UTC."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"“{text}” is no time; write it as 2026-03-24T17:13") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _number(text: str) -> int:
    """Read a number of rows."""
    if not text.isascii() or not text.isdigit():
        raise argparse.ArgumentTypeError(f"“{text}” is no number of rows")
    return int(text)


def _complain(*lines: str) -> None:
    print(*map(_clean, lines), sep="\n", file=sys.stderr)


def _say(line: str) -> None:
    print(_clean(line), flush=True)


def _clean(line: str) -> str:
    """What is said may hold names from Webex: nothing in it moves the terminal's cursor, and no secret is in it."""
    from bot.observe import mask, visible  # noqa: PLC0415

    return visible(mask(line))


def _say_with_links(line: str) -> None:
    """For what holds links of our own making: a link's query is masked elsewhere, since Webex's hold tokens."""
    from bot.observe import visible, without_secrets  # noqa: PLC0415

    print(visible(without_secrets(line)), flush=True)


def _begin(process: str) -> Settings:
    """Read the settings and start the log; raises ``SettingsError``."""
    from bot.observe import catch_crashes, hide, start_logging  # noqa: PLC0415
    from bot.settings import load, prepare_folder  # noqa: PLC0415

    settings = load(os.environ)
    prepare_folder(settings)
    hide(*settings.secret_values())
    start_logging(process, level=settings.log_level, form=settings.log_format)
    catch_crashes()
    return settings


def _serve(_: argparse.Namespace) -> int:
    settings = _begin("serve")
    from bot import lifeline  # noqa: PLC0415
    from bot.serve import serve  # noqa: PLC0415

    lifeline.hold()
    for remark in settings.remarks():
        _complain(remark)
    serve(settings, os.environ)
    return DONE


def _worker(_: argparse.Namespace) -> int:
    settings = _begin("worker")
    from bot import lifeline  # noqa: PLC0415
    from bot.heaps import share_heaps  # noqa: PLC0415
    from bot.metrics import start_metrics  # noqa: PLC0415
    from bot.signals import on_stop  # noqa: PLC0415
    from bot.switching import switch_quickly  # noqa: PLC0415

    share_heaps()
    switch_quickly()
    stop = threading.Event()
    on_stop(stop.set)
    lifeline.hold()
    os.nice(WORKER_NICENESS)
    start_metrics(settings.data_dir)
    from bot.wiring import build_worker  # noqa: PLC0415

    build_worker(settings).run(stop)
    return DONE


def _plan(_: argparse.Namespace) -> int:
    settings = _begin("manifest")
    from bot import manifest_command  # noqa: PLC0415

    return manifest_command.plan(settings, _say)


def _apply(_: argparse.Namespace) -> int:
    settings = _begin("manifest")
    from bot import manifest_command  # noqa: PLC0415

    return manifest_command.apply(settings, _say)


def _doctor(_: argparse.Namespace) -> int:
    settings = _begin("doctor")
    from bot import doctor  # noqa: PLC0415

    return doctor.run(settings, _say)


def _audit(arguments: argparse.Namespace) -> int:
    settings = _begin("audit")
    from bot import audit_command  # noqa: PLC0415

    wanted = audit_command.Wanted(arguments.person, arguments.report, arguments.since, arguments.limit)
    return audit_command.export(settings, wanted, _say, as_json=arguments.json)


def _forget(arguments: argparse.Namespace) -> int:
    settings = _begin("forget")
    from bot import audit_command  # noqa: PLC0415

    return audit_command.forget(settings, arguments.person, _say)


def _why(arguments: argparse.Namespace) -> int:
    settings = _begin("why")
    from bot import why_command  # noqa: PLC0415

    return why_command.tell(settings, arguments.wanted, _say_with_links, as_json=arguments.json)


def _demo(_: argparse.Namespace) -> int:
    from bot import demo  # noqa: PLC0415

    return demo.run(os.environ, _say)
