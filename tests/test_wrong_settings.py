"""Settings that cannot work, as an operator meets them: one sentence with the remedy, and exit code 2, everywhere."""

from __future__ import annotations

import os
import runpy
from typing import TYPE_CHECKING

import pytest

from bot.cli.main import main
from bot.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

RIGHT = {
    "WEBEX_BOT_TOKEN": "bot-token-0123456789",
    "WEBEX_ADMIN_TOKEN": "admin-token-0123456789",
    "WEBEX_WEBHOOK_SECRET": "webhook-secret-0123456789",
    "DATA_DIR": "{folder}/data",
}
COMMANDS = ["serve", "worker", "doctor", "manifest plan", "manifest apply", "gunicorn"]
WRONG = [
    # what is set, and words of the remedy
    ({"WEBEX_BOT_TOKEN": ""}, "WEBEX_BOT_TOKEN is missing"),
    ({"WEBEX_BOT_TOKEN": "<your bot token>"}, "WEBEX_BOT_TOKEN holds a space"),
    ({"WEBEX_BOT_TOKEN": '"half-quoted-0123456789'}, "WEBEX_BOT_TOKEN holds a quotation mark"),
    ({"WEBEX_ADMIN_TOKEN": ""}, "WEBEX_ADMIN_TOKEN is missing; set it, or all three"),
    ({"WEBEX_ADMIN_TOKEN": "Bearer bot-token-0123456789"}, "use an administrator's token"),
    ({"WEBEX_ADMIN_CLIENT_ID": "C123"}, "set all three of"),
    ({"WEBEX_WEBHOOK_SECRET": "secret"}, "each secret needs 16 characters"),
    ({"WEBEX_API_URL": "webexapis.com"}, "write it as https://"),
    ({"WEBEX_ORG_ID": "acme.com"}, "write it as the API gives it, or as Control Hub does"),
    ({"PUBLIC_URL": "http://bot.example.com"}, "use https"),
    ({"PUBLIC_URL": "https://localhost:8000"}, "use its public https address"),
    ({"REPORT_DOWNLOAD_HOSTS": "*"}, "write names as files.example.com"),
    ({"REPORT_FAMILIES": "all"}, "must be partner, organization, or both"),
    ({"DATABASE_URL": "/var/lib/reportbot.db"}, "use sqlite:////folder/reportbot.db"),
    ({"DATABASE_URL": "sqlite:///{folder}"}, "name a file in it"),
    ({"DATABASE_URL": "sqlite:///{folder}/missing/bot.db"}, "a folder that the bot can write"),
    ({"DATABASE_URL": "postgres://u:p@db/x", "SECRET_KEY": "k" * 16}, "cannot use yet; remove it"),
    ({"DATA_DIR": "~nobody-at-all/x"}, "write the folder as /var/lib/reportbot"),
    ({"DATA_DIR": "{folder}/file"}, "is a file ({folder}/file); choose a folder"),
    ({"DATA_DIR": "{folder}/file/x"}, "make {folder}/file/x writable or choose another"),
    ({"DATA_DIR": os.fsdecode(b"/tmp/\xff\xfe")}, "holds bytes that are not text; write it again"),
    ({"PORT": "tcp://10.0.0.1:8000"}, "write a number from 1 to 65535"),
    ({"HOST": "0.0.0.0:8000"}, "set HOST to the address alone (0.0.0.0) and PORT to 8000"),
    ({"HOST": "http://0.0.0.0"}, "write 0.0.0.0, 127.0.0.1 or ::"),
    ({"POLL_INTERVAL": "15s"}, "write it as 15 or 0.5"),
    ({"WATCH_DEADLINE": "1 day"}, "write it as 15 or 0.5"),
    ({"ALLOWED_PEOPLE": "ada"}, "write ada@example.com"),
    ({"ALLOWED_ROLES": '["Full Administrator"]'}, "write names or IDs with commas between"),
    ({"ALLOWED_SPACES": "Admin reports"}, "as a UUID, or as a link to the space"),
    ({"ALLOWED_ORGS": "Acme"}, "or as Control Hub does"),
    ({"OPERATORS_SPACE": "#operators"}, "as a UUID, or as a link to the space"),
    ({"OPS_TOKEN": "two words"}, "copy it again"),
    ({"REQUESTS_PER_MINUTE": "many"}, "write it as 30"),
    ({"SECRET_KEY": "short"}, "needs 16 characters"),
    ({"AUDIT_DAYS": "forever"}, "write it as 365"),
    ({"LOG_LEVEL": "verbose"}, "must be one of debug, info, warning, error"),
]


ids = ["=".join(next(iter(wrong.items()))) for wrong, _ in WRONG]
OF_THE_DATABASE = [case for case in WRONG if {"DATA_DIR", "DATABASE_URL", "LOG_LEVEL"} & {*case[0]}]


class Operator:
    """Sets variables, runs a command, and reads what is said."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self._monkeypatch = monkeypatch
        self._capsys = capsys
        (folder / "file").touch()
        for name in Settings.model_fields:
            monkeypatch.delenv(name.upper(), raising=False)

    def sets(self, variables: dict[str, str]) -> None:
        for name, value in variables.items():
            self._monkeypatch.setenv(name, self.filled(value))

    def filled(self, text: str) -> str:
        return text.replace("{folder}", str(self.folder))

    def is_told(self, command: str) -> str:
        """The one sentence of a command that ends with exit code 2."""
        assert run(command) == 2
        told = self._capsys.readouterr()
        assert told.out == ""
        (head, sentence) = told.err.splitlines()
        assert head == "The settings are wrong:"
        return sentence


def run(command: str) -> int:
    if command != "gunicorn":
        return main(command.split())
    with pytest.raises(SystemExit) as ended:  # what `gunicorn -c python:bot.web.gunicorn_conf` reads first
        runpy.run_module("bot.web.gunicorn_conf")
    return int(str(ended.value.code))


@pytest.fixture
def operator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Operator:
    return Operator(tmp_path, monkeypatch, capsys)


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(("wrong", "said"), WRONG, ids=ids)
def test_one_sentence_with_the_remedy_and_exit_code_2(
    operator: Operator, command: str, wrong: dict[str, str], said: str
) -> None:
    operator.sets(RIGHT | wrong)

    sentence = operator.is_told(command)

    assert next(iter(wrong)).removesuffix("_CLIENT_ID") in sentence
    assert operator.filled(said) in sentence


@pytest.mark.parametrize("command", ["audit", "why x", "forget x"])
@pytest.mark.parametrize(("wrong", "said"), OF_THE_DATABASE)
def test_what_reads_the_database_alone_says_the_same_of_it(
    operator: Operator, command: str, wrong: dict[str, str], said: str
) -> None:
    operator.sets({"DATA_DIR": RIGHT["DATA_DIR"]} | wrong)

    assert operator.filled(said) in operator.is_told(command)
