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
    ({"WEBEX_BOT_TOKEN": ""}, "WEBEX_BOT_TOKEN is not set (the bot's access token from developer.webex.com/my-apps)."),
    ({"WEBEX_BOT_TOKEN": "<your bot token>"}, "WEBEX_BOT_TOKEN contains a space"),
    ({"WEBEX_BOT_TOKEN": '"half-quoted-0123456789'}, "WEBEX_BOT_TOKEN contains a quotation mark"),
    (
        {"WEBEX_ADMIN_TOKEN": ""},
        "WEBEX_ADMIN_TOKEN is not set (an administrator's access token",
    ),
    ({"WEBEX_ADMIN_TOKEN": "Bearer bot-token-0123456789"}, "Use an administrator's"),
    ({"WEBEX_ADMIN_CLIENT_ID": "C123"}, "Set all three of"),
    ({"WEBEX_WEBHOOK_SECRET": "secret"}, "use at least 16 characters"),
    ({"WEBEX_API_URL": "webexapis.com"}, "Write it like https://"),
    ({"WEBEX_ORG_ID": "acme.com"}, "Use its ID from the API or from Control Hub"),
    ({"PUBLIC_URL": "http://bot.example.com"}, "Use https"),
    ({"PUBLIC_URL": "https://localhost:8000"}, "Use its public https address"),
    ({"REPORT_DOWNLOAD_HOSTS": "*"}, "Write files.example.com"),
    ({"REPORT_FAMILIES": "all"}, "must be partner or organization, or several"),
    ({"DATABASE_URL": "/var/lib/reportbot.db"}, "Use sqlite:////folder/reportbot.db"),
    ({"DATABASE_URL": "sqlite:///{folder}"}, "Name a file in it"),
    ({"DATABASE_URL": "sqlite:///{folder}/missing/bot.db"}, "a folder that the bot can write"),
    (
        {"DATABASE_URL": "postgresql://u:p@127.0.0.1:port/db", "SECRET_KEY": "k" * 32},
        "postgresql://user@host:5432/name. A password follows the user and a colon; write @ : / ? # % [ in it as %40 ",
    ),
    ({"DATABASE_URL": "postgresql://u:p@127.0.0.1/db?sslmod=require", "SECRET_KEY": "k" * 32}, "?sslmode=require"),
    ({"DATA_DIR": "~nobody-at-all/x"}, "Write the folder like /var/lib/reportbot"),
    ({"DATA_DIR": "{folder}/file"}, "is a file ({folder}/file). Choose a folder."),
    ({"DATA_DIR": "{folder}/file/x"}, "Make {folder}/file/x writable, or choose another folder."),
    ({"DATA_DIR": os.fsdecode(b"/tmp/\xff\xfe")}, "contains bytes that are not text. Write it again"),
    ({"PORT": "tcp://10.0.0.1:8000"}, "must be a whole number from 1 to 65535."),
    ({"HOST": "0.0.0.0:8000"}, "Set HOST to “0.0.0.0” and PORT to 8000."),
    ({"HOST": "http://0.0.0.0"}, "Use 0.0.0.0, 127.0.0.1 or ::."),
    ({"POLL_INTERVAL": "15s"}, "such as 15 or 0.5."),
    ({"WATCH_DEADLINE": "1 day"}, "such as 15 or 0.5."),
    ({"ALLOWED_PEOPLE": "ada"}, "Write ada@example.com"),
    ({"ALLOWED_ROLES": '["Full Administrator"]'}, "Write names or IDs separated by commas."),
    ({"ALLOWED_SPACES": "Admin reports"}, "Use its ID from the API, its UUID, or a link to the space."),
    ({"ALLOWED_ORGS": "Acme"}, "or from Control Hub"),
    ({"OUTBOUND_ALLOWED_NETWORKS": "intranet"}, "Write it like 10.20.0.0/16."),
    ({"OPERATORS_SPACE": "#operators"}, "Use its ID from the API, its UUID, or a link to the space."),
    ({"OPS_TOKEN": "two words"}, "Copy it again."),
    ({"REQUESTS_PER_MINUTE": "many"}, "must be a whole number"),
    ({"SECRET_KEY": "short"}, "use at least 16 characters"),
    ({"AUDIT_DAYS": "forever"}, "must be a whole number from 0 to 36500."),
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
        """Return the one sentence of a command that ends with exit code 2."""
        assert run(command) == 2
        told = self._capsys.readouterr()
        assert told.out == ""
        (head, sentence) = told.err.splitlines()
        assert head == "These settings are wrong:"
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
