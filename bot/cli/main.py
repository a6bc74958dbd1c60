"""The command line. What a command needs is imported when it runs, so that ``--help`` and a wrong setting are quick.

Exit codes: 0 done; 1 something could not be done, one sentence on stderr says what; 2 wrong settings or a wrong call;
130 interrupted; 141 the reader of the output has closed the pipe (``| head``).
"""

from __future__ import annotations

import argparse
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bot import __version__
from bot.cli.startup import start, start_with_storage
from bot.cli.terminal import discard_output, print_errors, say, say_with_links
from bot.errors import BotError, SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


DONE: Final = 0
FAILED: Final = 1
WRONG_SETTINGS: Final = 2
INTERRUPTED: Final = 130
PIPE_CLOSED: Final = 141
"""As a shell reports a program that SIGPIPE ended."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; expected errors become sentences on stderr."""
    try:
        try:
            return _run(argv)
        finally:
            sys.stdout.flush()  # argparse's output too: at the interpreter's end it would be too late
            sys.stderr.flush()
    except BrokenPipeError:
        discard_output()
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
        print_errors("These settings are wrong:", *(f"  {problem}" for problem in error.problems))
        return WRONG_SETTINGS
    except BotError as error:
        print_errors(f"reportbot: {error.in_full}")
        return FAILED
    except KeyboardInterrupt:
        return INTERRUPTED


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
    why = add("why", _why, "show what happened to the requests for a report, newest first")
    why.add_argument("wanted", metavar="ID|REFERENCE", help="a report's ID, or the reference that the bot gave")
    why.add_argument("--json", action="store_true", help="JSON, one object a line")
    backup = add("backup", _backup, "copy the SQLite database into a new file while the bot runs")
    backup.add_argument("file", metavar="FILE", type=Path, help="it must not be there yet")
    migrate = add("migrate", _migrate, "bring the database to this version; or carry everything over into another one")
    migrate.add_argument("--from", dest="source", metavar="URL", help="the database to read, with the bot stopped")
    migrate.add_argument(
        "--to", dest="target", metavar="URL", help="a new database, such as postgresql://host/reportbot"
    )
    _add_keys(commands.add_parser("keys", help="make, list and revoke keys of the HTTP API"), every)
    schedules = commands.add_parser("schedules", help="export or import subscriptions and schedules as YAML")
    _add_schedules(schedules, every)
    _add_webhooks(commands.add_parser("webhooks", help="see, test and repair other systems' webhooks"), every)
    manifest = commands.add_parser("manifest", help="compare or set up the bot's webhooks in Webex")
    steps = manifest.add_subparsers(required=True, metavar="step")
    steps.add_parser("plan", help="show what differs, change nothing", parents=[every]).set_defaults(run=_plan)
    steps.add_parser("apply", help="migrate the database and set up the webhooks", parents=[every]).set_defaults(
        run=_apply
    )
    return parser


def _add_keys(keys: argparse.ArgumentParser, every: argparse.ArgumentParser) -> None:
    steps = keys.add_subparsers(required=True, metavar="step")
    create = steps.add_parser("create", help="make a key and print it once", parents=[every])
    create.add_argument("--name", required=True, type=str.strip, help="what it is for")
    create.add_argument(
        "--space",
        metavar="ID|all",
        action="extend",
        nargs="+",
        default=[],
        type=str.strip,
        help="spaces that it reaches, by ID, UUID or link; may be repeated",
    )
    create.add_argument(
        "--can",
        metavar="deliver,create,manage",
        type=_rights,
        default=["deliver"],
        help="deliver: post reports, read reports and templates; create: also run reports, and delete those it made; "
        "manage: also subscriptions, schedules, hooks, webhooks",
    )
    create.set_defaults(run=_create_key)
    steps.add_parser("list", help="show the keys", parents=[every]).set_defaults(run=_list_keys)
    revoke = steps.add_parser("revoke", help="revoke a key at once", parents=[every])
    revoke.add_argument("name", metavar="NAME", type=str.strip, help="its name, or its first letters")
    revoke.set_defaults(run=_revoke_key)


def _add_webhooks(webhooks: argparse.ArgumentParser, every: argparse.ArgumentParser) -> None:
    steps = webhooks.add_subparsers(required=True, metavar="step")

    def add(name: str, meaning: str, of: str = "ID") -> argparse.ArgumentParser:
        made = steps.add_parser(name, help=meaning, parents=[every])
        if of:
            made.add_argument("wanted", metavar=of, type=str.strip)
        made.set_defaults(run=_webhooks, step=name)
        return made

    add("list", "show the webhooks, and whether they take their events", of="")
    add("show", "show a webhook's last events, and what it answered")
    add("test", "send a test event")
    recover = add("recover", "enable a webhook, and send again what it has not taken since a time")
    recover.add_argument("--since", metavar="TIME", type=_time, required=True, help="such as 2026-03-24T17:13 (UTC)")
    add("replay", "send one event again", of="EVENT")
    add("rotate", "print a new secret; for 24 hours events are signed with the old one too")
    add("delete", "delete a webhook; what waits for it is not sent")


def _webhooks(arguments: argparse.Namespace) -> int:
    step = arguments.step
    if step == "rotate":
        everything = start("webhooks", uses_database=True)
        from bot.cli import webhooks  # noqa: PLC0415

        return webhooks.rotate(everything, arguments.wanted, say)
    settings = start_with_storage("webhooks", uses_database=True)
    from bot.cli import webhooks  # noqa: PLC0415

    if step == "list":
        return webhooks.show_all(settings, say)
    if step == "recover":
        return webhooks.recover(settings, arguments.wanted, arguments.since, say)
    steps = {
        "show": webhooks.show,
        "test": webhooks.test,
        "replay": webhooks.replay,
        "delete": webhooks.delete,
    }
    return steps[step](settings, arguments.wanted, say)


def _rights(text: str) -> list[str]:
    """Read what a key may do; each right has those before it."""
    known = ["deliver", "create", "manage"]
    given = [one.strip().lower() for one in text.split(",") if one.strip()]
    if not given or any(one not in known for one in given):
        raise argparse.ArgumentTypeError(f"Not valid: “{text}”. Choose of: {', '.join(known)}.")
    return known[: max(map(known.index, given)) + 1]


def _create_key(arguments: argparse.Namespace) -> int:
    settings = start_with_storage("keys")
    from bot.cli import keys  # noqa: PLC0415

    return keys.create(settings, arguments.name, arguments.space, arguments.can, say)


def _list_keys(_: argparse.Namespace) -> int:
    settings = start_with_storage("keys", uses_database=True)
    from bot.cli import keys  # noqa: PLC0415

    return keys.show(settings, say)


def _revoke_key(arguments: argparse.Namespace) -> int:
    settings = start_with_storage("keys", uses_database=True)
    from bot.cli import keys  # noqa: PLC0415

    return keys.revoke(settings, arguments.name, say)


def _add_schedules(schedules: argparse.ArgumentParser, every: argparse.ArgumentParser) -> None:
    steps = schedules.add_subparsers(required=True, metavar="step")
    meaning = "print all subscriptions and schedules as YAML"
    steps.add_parser("export", help=meaning, description=meaning, parents=[every]).set_defaults(run=_export_schedules)
    meaning = "create or update the subscriptions and schedules of a file, by reference; or change nothing"
    reading = steps.add_parser("import", help=meaning, description=meaning, parents=[every])
    reading.add_argument("file", metavar="FILE", help="a file that export has written; - for standard input")
    reading.add_argument("--dry-run", action="store_true", help="check the file and show what would be done")
    reading.set_defaults(run=_import_schedules)


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


def _serve(_: argparse.Namespace) -> int:
    from bot.cli.serve import serve  # noqa: PLC0415
    from bot.process import exit_with_parent  # noqa: PLC0415

    settings = start("serve")
    exit_with_parent()
    serve(settings, os.environ)
    return DONE


def _worker(_: argparse.Namespace) -> int:
    settings = start("worker")
    from bot.cli import worker  # noqa: PLC0415

    worker.run(settings)
    return DONE


def _plan(_: argparse.Namespace) -> int:
    settings = start("manifest")
    from bot.cli import manifest  # noqa: PLC0415

    return manifest.plan(settings, say)


def _apply(_: argparse.Namespace) -> int:
    settings = start("manifest")
    from bot.cli import manifest  # noqa: PLC0415

    return manifest.apply(settings, say)


def _doctor(arguments: argparse.Namespace) -> int:
    settings = start("doctor")
    from bot.cli import doctor  # noqa: PLC0415

    return doctor.run(settings, say, arguments.person)


def _audit(arguments: argparse.Namespace) -> int:
    settings = start_with_storage("audit", uses_database=True)
    from bot.cli import audit  # noqa: PLC0415

    wanted = audit.Wanted(arguments.person, arguments.report, arguments.since, arguments.limit)
    return audit.export(settings, wanted, say, as_json=arguments.json)


def _forget(arguments: argparse.Namespace) -> int:
    settings = start_with_storage("forget", uses_database=True)
    from bot.cli import audit  # noqa: PLC0415

    return audit.forget(settings, arguments.person, say, sure=arguments.yes)


def _backup(arguments: argparse.Namespace) -> int:
    settings = start_with_storage("backup", uses_database=True)
    from bot.cli import backup  # noqa: PLC0415

    return backup.run(settings, arguments.file, say)


def _migrate(arguments: argparse.Namespace) -> int:
    settings = start_with_storage("migrate")
    from bot.cli import migrate  # noqa: PLC0415

    if (arguments.source is None) != (arguments.target is None):
        raise SettingsError(["--from and --to belong together: give both to carry everything over, or neither."])
    if arguments.source is None:
        return migrate.upgrade(settings, say)
    return migrate.carry_over(settings, arguments.source, arguments.target, say)


def _why(arguments: argparse.Namespace) -> int:
    settings = start_with_storage("why", uses_database=True)
    from bot.cli import why  # noqa: PLC0415

    return why.tell(settings, arguments.wanted, say_with_links, as_json=arguments.json)


def _export_schedules(_: argparse.Namespace) -> int:
    settings = start_with_storage("schedules", uses_database=True)
    from bot.cli import schedules  # noqa: PLC0415

    return schedules.export(settings, say_with_links)


def _import_schedules(arguments: argparse.Namespace) -> int:
    settings = start_with_storage("schedules")
    from bot.cli import schedules  # noqa: PLC0415

    return schedules.import_file(settings, arguments.file, say, dry_run=arguments.dry_run)


def _demo(_: argparse.Namespace) -> int:
    from bot.cli import demo  # noqa: PLC0415

    return demo.run(os.environ, say)
