"""The command line. What a command needs is imported when it runs, so that ``--help`` and a wrong setting are quick.

Exit codes: 0 done; 1 something could not be done, one sentence on stderr says what; 2 wrong settings or a wrong call.
"""

from __future__ import annotations

import argparse
import os
import sys
import threading
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
    run: Callable[[], int] = arguments.run
    try:
        return run()
    except SettingsError as error:
        _complain("The settings are wrong:", *(f"  {problem}" for problem in error.problems))
        return WRONG_SETTINGS
    except BotError as error:
        _complain(f"reportbot: {error.sentence}")
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
    manifest = commands.add_parser("manifest", help="what must exist on Webex's side")
    steps = manifest.add_subparsers(required=True, metavar="step")
    steps.add_parser("plan", help="show what differs, change nothing").set_defaults(run=_plan)
    steps.add_parser("apply", help="migrate the database, make the webhooks as wanted").set_defaults(run=_apply)
    return parser


def _complain(*lines: str) -> None:
    print(*map(_clean, lines), sep="\n", file=sys.stderr)


def _say(line: str) -> None:
    print(_clean(line), flush=True)


def _clean(line: str) -> str:
    """What is said may hold names from Webex: nothing in it moves the terminal's cursor, and no secret is in it."""
    from bot.observe import mask, visible  # noqa: PLC0415

    return visible(mask(line))


def _begin(process: str) -> Settings:
    """Read the settings and start the log; raises ``SettingsError``."""
    from bot.observe import catch_crashes, hide, start_logging  # noqa: PLC0415
    from bot.settings import load  # noqa: PLC0415

    settings = load(os.environ)
    hide(*settings.secret_values())
    start_logging(process, level=settings.log_level, form=settings.log_format)
    catch_crashes()
    return settings


def _serve() -> int:
    settings = _begin("serve")
    from bot import lifeline  # noqa: PLC0415
    from bot.serve import serve  # noqa: PLC0415

    lifeline.hold()
    for remark in settings.remarks():
        _complain(remark)
    serve(settings, os.environ)
    return DONE


def _worker() -> int:
    settings = _begin("worker")
    from bot import lifeline  # noqa: PLC0415
    from bot.metrics import start_metrics  # noqa: PLC0415
    from bot.signals import on_stop  # noqa: PLC0415

    stop = threading.Event()
    on_stop(stop.set)
    lifeline.hold()
    os.nice(WORKER_NICENESS)
    start_metrics(settings.data_dir)
    from bot.wiring import build_worker  # noqa: PLC0415

    build_worker(settings).run(stop)
    return DONE


def _plan() -> int:
    settings = _begin("manifest")
    from bot import manifest_command  # noqa: PLC0415

    return manifest_command.plan(settings, _say)


def _apply() -> int:
    settings = _begin("manifest")
    from bot import manifest_command  # noqa: PLC0415

    return manifest_command.apply(settings, _say)


def _doctor() -> int:
    settings = _begin("doctor")
    from bot import doctor  # noqa: PLC0415

    return doctor.run(settings, _say)


def _demo() -> int:
    from bot import demo  # noqa: PLC0415

    return demo.run(os.environ, _say)
