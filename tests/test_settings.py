"""Settings: read as the contract's table says, every mistake at once with its remedy, and never a secret shown."""

from __future__ import annotations

import base64
import os
import stat
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from bot import setting_types
from bot.errors import SettingsError
from bot.files.data_dir import prepare_folder
from bot.settings import Settings, load, load_storage, secret_keys

BOT = "bot-token-0123456789"
ADMIN = "admin-token-0123456789"
SECRET = "webhook-secret-0123456789"
REQUIRED = {"WEBEX_BOT_TOKEN": BOT, "WEBEX_ADMIN_TOKEN": ADMIN, "WEBEX_WEBHOOK_SECRET": SECRET}
CLIENT = {
    "WEBEX_ADMIN_CLIENT_ID": "client-id",
    "WEBEX_ADMIN_CLIENT_SECRET": "client-secret-0123",
    "WEBEX_ADMIN_REFRESH_TOKEN": "refresh-token-0123",
}


UUID = "c0ffee00-1234-5678-9abc-def012345678"


def encoded(kind: str, cluster: str = "us") -> str:
    return base64.urlsafe_b64encode(f"ciscospark://{cluster}/{kind}/{UUID}".encode()).decode().rstrip("=")


def problems(**changes: str | None) -> list[str]:
    environ = {name: value for name, value in {**REQUIRED, **changes}.items() if value is not None}
    with pytest.raises(SettingsError) as caught:
        load(environ)
    return caught.value.problems


def test_the_required_ones_are_enough_and_the_rest_has_the_defaults_of_the_contract(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    settings = load(REQUIRED)
    assert settings.webex_bot_token.get_secret_value() == BOT
    assert settings.webex_api_url == "https://webexapis.com/v1"
    assert settings.report_download_hosts == ("*.webex.com",)
    assert settings.data_dir == tmp_path / "data"
    assert settings.database_url.get_secret_value() == f"sqlite:///{tmp_path}/data/reportbot.db"
    assert (settings.port, settings.host) == (8000, None)
    assert (settings.poll_interval, settings.watch_deadline) == (15, 93600)
    assert settings.report_families == ("partner", "organization")
    assert (settings.allowed_roles, settings.allowed_people, settings.allowed_spaces, settings.allowed_orgs) == (
        (),
    ) * 4
    assert (settings.log_level, settings.log_format, settings.operators_space) == ("info", None, None)
    assert not settings.refreshable


def test_every_mistake_is_named_at_once():
    with pytest.raises(SettingsError) as caught:
        load({"PORT": "http", "WEBEX_API_URL": "http://example.com", "LOG_LEVEL": "loud", "DATABASE_URL": "mysql://x"})
    named = {problem.split()[0] for problem in caught.value.problems}
    assert named == {
        *("WEBEX_BOT_TOKEN", "WEBEX_ADMIN_TOKEN", "WEBEX_WEBHOOK_SECRET"),
        *("PORT", "WEBEX_API_URL", "LOG_LEVEL", "DATABASE_URL"),
    }
    assert str(caught.value).splitlines() == caught.value.problems


def test_empty_and_blank_variables_count_as_unset():
    assert load({**REQUIRED, "PORT": "", "PUBLIC_URL": "  ", **dict.fromkeys(CLIENT, "")}) == load(REQUIRED)
    assert problems(WEBEX_BOT_TOKEN=" ")[0].startswith("WEBEX_BOT_TOKEN is not set")


def test_a_misspelled_variable_is_a_remark_with_the_nearest_name_and_without_its_value():
    settings = load(
        {
            **REQUIRED,
            "WEBEX_BOT_TOKENS": "m4rk3d",
            "ALLOWED_ROLE": "m4rk3d",
            "REPORT_X": "1",
            "REPORT_Y": "",
            "PATH": "/bin",
            "DATBASE_URL": "m4rk3d",
            "AUDIT_DAY": "3",
            "PORTS": "1",
            "EMAIL_HOST": "mail.example.com",
        }
    )
    assert settings.remarks() == [
        "ALLOWED_ROLE is not a setting of this bot, so it has no effect. Did you mean ALLOWED_ROLES?",
        "AUDIT_DAY is not a setting of this bot, so it has no effect. Did you mean AUDIT_DAYS?",
        "DATBASE_URL is not a setting of this bot, so it has no effect. Did you mean DATABASE_URL?",
        "REPORT_X is not a setting of this bot, so it has no effect.",
        "WEBEX_BOT_TOKENS is not a setting of this bot, so it has no effect. Did you mean WEBEX_BOT_TOKEN?",
    ]


def test_a_required_one_under_a_wrong_name_is_found():
    found = problems(WEBEX_BOT_TOKEN=None, WEBEX_TOKEN="m4rk3d")
    assert found[0].startswith("WEBEX_BOT_TOKEN is not set")
    assert found[1].endswith("Did you mean WEBEX_BOT_TOKEN?")
    assert "m4rk3d" not in "".join(found)


def test_a_token_for_metrics_that_could_be_guessed_is_a_remark():
    assert "OPS_TOKEN is short" in load({**REQUIRED, "OPS_TOKEN": "metrics"}).remarks()[0]
    assert load({**REQUIRED, "OPS_TOKEN": "o" * 16}).remarks() == []


def test_what_only_reads_the_database_needs_no_token_and_no_other_setting(tmp_path):
    settings = load_storage({"DATA_DIR": str(tmp_path), "PORT": "nonsense"})
    assert settings.database_url.get_secret_value() == f"sqlite:///{tmp_path}/reportbot.db"
    assert load_storage({"DATABASE_URL": "sqlite:////x/y.db"}).database_url.get_secret_value() == "sqlite:////x/y.db"
    assert load_storage({"DATABASE_URL": "postgres://db/x"}).database_url.get_secret_value() == "postgresql://db/x"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HOST", "0.0.0.0:8000"),
        ("HOST", "[::]:8000"),
        ("HOST", "http://0.0.0.0"),
        ("HOST", "*"),
        ("DATA_DIR", "~no-such-user/x"),
        ("DATA_DIR", "/data\n/other"),
        ("DATA_DIR", os.fsdecode(b"/data/\xff\xfe")),
        ("PUBLIC_URL", os.fsdecode(b"https://b\xff.example.com")),
        ("ALLOWED_SPACES", "Admin reports"),
        ("ALLOWED_SPACES", encoded("PEOPLE")),
        ("ALLOWED_SPACES", "https://web.webex.com/spaces/"),
        ("OPERATORS_SPACE", f"{UUID},{UUID}"),
        ("OPERATORS_SPACE", "ops@example.com"),
        ("WEBEX_ORG_ID", "Acme"),
        ("WEBEX_ORG_ID", encoded("ROOM")),
        ("ALLOWED_ORGS", f"webexteams://im?space={UUID}"),
        ("OUTBOUND_ALLOWED_NETWORKS", "hooks.example.com"),
        ("OUTBOUND_ALLOWED_NETWORKS", "10.20.0.1/16"),
        ("OUTBOUND_ALLOWED_NETWORKS", "10.20.0.0/33"),
        ("ALLOWED_ROLES", '["Full Administrator"]'),
        ("ALLOWED_PEOPLE", '["ada@example.com"]'),
        ("ALLOWED_PEOPLE", "ada@example.com;grace@example.com"),
        ("OPS_TOKEN", "two words"),
        ("PUBLIC_URL", "https://bot example.com"),
        ("PUBLIC_URL", "https://localhost:8000"),
        ("PUBLIC_URL", "http://[::1]:8000"),
        ("PUBLIC_URL", "https://192.168.1.7"),
        ("PUBLIC_URL", "https://bot"),
        ("PUBLIC_URL", "https://https://bot.example.com"),
        ("WEBEX_BOT_TOKEN", '"half-quoted-0123456789'),
        ("PORT", "tcp://10.0.0.1:8000"),
        ("PORT", "0"),
        ("PORT", "65536"),
        ("PORT", "-1"),
        ("POLL_INTERVAL", "0"),
        ("POLL_INTERVAL", "nan"),
        ("POLL_INTERVAL", "inf"),
        ("WATCH_DEADLINE", "soon"),
        ("LOG_FORMAT", "xml"),
        ("PUBLIC_URL", "bot.example.com"),
        ("PUBLIC_URL", "http://bot.example.com"),
        ("PUBLIC_URL", "https://"),
        ("PUBLIC_URL", "https://u:p@bot.example.com"),
        ("PUBLIC_URL", "https://bot.example.com/?a=b"),
        ("PUBLIC_URL", "https://[bad"),
        ("PUBLIC_URL", "https://bot.example.com/<path>"),
        ("WEBEX_API_URL", "ftp://webexapis.com"),
        ("REPORT_DOWNLOAD_HOSTS", "*"),
        ("REPORT_DOWNLOAD_HOSTS", "*.com"),
        ("REPORT_DOWNLOAD_HOSTS", "*webex.com"),
        ("REPORT_DOWNLOAD_HOSTS", "webex.*"),
        ("REPORT_DOWNLOAD_HOSTS", "http://files.webex.com"),
        ("REPORT_FAMILIES", "partner,partner"),
        ("REPORT_FAMILIES", "all"),
        ("ALLOWED_PEOPLE", "ada"),
        ("DATABASE_URL", "sqlite://"),
        ("DATABASE_URL", "sqlite:///:memory:"),
        ("DATABASE_URL", "postgresql://"),
        ("DATABASE_URL", "redis://host"),
        ("SECRET_KEY", "short"),
        ("WEBEX_BOT_TOKEN", "two words"),
        ("WEBEX_BOT_TOKEN", "line\nbreak"),
        ("WEBEX_BOT_TOKEN", "tökén-0123456789"),
        ("WEBEX_WEBHOOK_SECRET", "only-15-letters"),
        ("WEBEX_WEBHOOK_SECRET", f"{SECRET},short"),
        ("WEBEX_WEBHOOK_SECRET", f"{SECRET},{SECRET}2,{SECRET}3"),
    ],
)
def test_a_wrong_value_is_one_problem_that_names_the_variable_and_a_remedy(name, value):
    found = problems(**{"SECRET_KEY": "k" * 16, name: value})
    assert len(found) == 1
    assert found[0].startswith(f"{name} ")
    assert "\n" not in found[0]


@pytest.mark.parametrize(
    ("name", "value", "read"),
    [
        ("WEBEX_API_URL", "https://api-usgov.webex.com/v1/", "https://api-usgov.webex.com/v1"),
        ("WEBEX_API_URL", "http://127.0.0.1:9000/v1", "http://127.0.0.1:9000/v1"),
        ("WEBEX_API_URL", "https://webexapis.com", "https://webexapis.com/v1"),
        ("WEBEX_API_URL", "https://webexapis.com/", "https://webexapis.com/v1"),
        ("WEBEX_API_URL", "https://gateway.example/webex//", "https://gateway.example/webex/v1"),
        ("WEBEX_API_URL", "https://webexapis.com/v1//", "https://webexapis.com/v1"),
        ("PUBLIC_URL", "https://bot.example.com:8443/", "https://bot.example.com:8443"),
        ("PUBLIC_URL", "https://8.8.8.8/bot", "https://8.8.8.8/bot"),
        ("REPORT_DOWNLOAD_HOSTS", "*.Webex.com, 127.0.0.1:81", ("*.webex.com", "127.0.0.1")),
        (
            "REPORT_DOWNLOAD_HOSTS",
            "http://localhost:9/, https://a.example.com, [::1]",
            ("localhost", "a.example.com", "::1"),
        ),
        ("WEBEX_WEBHOOK_SECRET", f" {SECRET} , {SECRET}2,", None),
        ("REPORT_FAMILIES", "Organisation", ("organization",)),
        ("POLL_INTERVAL", "0.05", 0.05),
        ("ALLOWED_PEOPLE", "Ada@Example.com,grace@example.com", ("ada@example.com", "grace@example.com")),
        ("ALLOWED_ROLES", "Full Administrator, id_readonly_admin", ("Full Administrator", "id_readonly_admin")),
        ("ALLOWED_ROLES", '"Full Administrator","Compliance Officer"', ("Full Administrator", "Compliance Officer")),
        ("ALLOWED_SPACES", f"{encoded('ROOM')},\n{UUID.upper()}\n", (encoded("ROOM"),) * 2),
        ("ALLOWED_SPACES", f"webexteams://im?space={UUID}&message=1", (encoded("ROOM"),)),
        ("ALLOWED_SPACES", f"'<https://web.webex.com/spaces/{UUID}>'", (encoded("ROOM"),)),
        (
            "ALLOWED_SPACES",
            encoded("ROOM", "urn:TEAM:eu-central-1_k") + "==",
            (encoded("ROOM", "urn:TEAM:eu-central-1_k"),),
        ),
        ("OPERATORS_SPACE", f"ciscospark://us/ROOM/{UUID}", encoded("ROOM")),
        ("OPERATORS_SPACE", UUID, encoded("ROOM")),
        ("WEBEX_ORG_ID", f'"{UUID}"\n', encoded("ORGANIZATION")),
        ("WEBEX_ORG_ID", encoded("ORGANIZATION"), encoded("ORGANIZATION")),
        ("ALLOWED_ORGS", f"{UUID},{encoded('ORGANIZATION')}", (encoded("ORGANIZATION"),) * 2),
        (
            "OUTBOUND_ALLOWED_NETWORKS",
            "10.20.0.0/16, fd00::/8\n192.0.2.1",
            ("10.20.0.0/16", "fd00::/8", "192.0.2.1/32"),
        ),
        (
            "ALLOWED_PEOPLE",
            "mailto:Ada@example.com, Grace Hopper <grace@example.com>",
            ("ada@example.com", "grace@example.com"),
        ),
        ("ALLOWED_PEOPLE", "“ada@example.com”\n'grace@example.com'", ("ada@example.com", "grace@example.com")),
        ("WEBEX_API_URL", "'https://webexapis.com/'", "https://webexapis.com/v1"),
        ("PUBLIC_URL", "<https://bot.example.com/>\n", "https://bot.example.com"),
        ("PORT", '"8080"\n', 8080),
        ("HOST", "[::]", "::"),
        ("HOST", "[::1]", "::1"),
        ("HOST", "localhost", "localhost"),
        ("LOG_LEVEL", "DEBUG", "debug"),
        ("LOG_FORMAT", "Text", "text"),
        ("HOST", "::", "::"),
    ],
)
def test_a_value_is_read(name, value, read):
    settings = load({**REQUIRED, name: value})
    if name == "WEBEX_WEBHOOK_SECRET":
        assert [secret.get_secret_value() for secret in settings.webex_webhook_secret] == [SECRET, f"{SECRET}2"]
    else:
        assert getattr(settings, name.lower()) == read


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_postgresql_is_written_in_one_way_and_needs_a_secret_key(scheme):
    url = f"{scheme}://bot:pass%40word@db/reports"
    assert setting_types.database(url) == "postgresql://bot:pass%40word@db/reports"
    (found,) = problems(DATABASE_URL=url)
    assert found.startswith("SECRET_KEY is not set")
    assert load({**REQUIRED, "DATABASE_URL": url, "SECRET_KEY": "k" * 16}).database_url.get_secret_value() == (
        "postgresql://bot:pass%40word@db/reports"
    )
    read = Settings.model_validate(
        {**{name.lower(): value for name, value in REQUIRED.items()}, "database_url": url, "secret_key": "k" * 16}
        | {"data_dir": "/data"}
    )
    assert {"pass%40word", "pass@word", "k" * 16} <= set(read.secret_values())


def test_after_a_move_to_postgresql_the_key_is_the_one_of_the_file(tmp_path):
    given = {"DATABASE_URL": "postgresql://db/name", "DATA_DIR": str(tmp_path)}
    assert problems(**given)[0].endswith("needs the same one (try: openssl rand -hex 32).")
    (tmp_path / "secret.key").write_text("k" * 64)
    assert problems(**given)[0].endswith(
        f"needs the same one (after a move from SQLite: what {tmp_path}/secret.key contains)."
    )


@pytest.mark.parametrize(
    "address",
    [
        "u:p@127.0.0.1:port/db",
        "u:p@127.0.0.1:99999/db",
        "u:p@[::1/db",
        "u:p@db..example.com/db",
        "u:p@db/name?sslmod=require",
        "u:p@db/name?sslmode",
        "u:p@db/name?connect_timeout=soon",
        "u:p@/name?host=db1,db2&port=5432,high",
        "u:p@/name?host=db1,db2&port=1,2,3",
        "u:p@Zebra99@127.0.0.1:28432/db",
        "u:p@x:Zebra99@127.0.0.1:28432/db",
        "u:p@Zebra99/x@127.0.0.1:28432/db",
        "u:p@Zebra99?x@127.0.0.1:28432/db",
        "u:p@Zebra99?x=y@127.0.0.1:28432/db",
        "u:p@Zebra99#x@127.0.0.1:28432/db",
    ],
)
def test_an_address_of_postgresql_that_cannot_be_read_is_refused_without_a_part_of_it(address):
    (found,) = problems(DATABASE_URL=f"postgresql://{address}", SECRET_KEY="k" * 16)
    assert found.startswith("DATABASE_URL ")
    assert "%40" in found or "?sslmode=require" in found
    assert not any(part in found for part in ("Zebra99", "127.0.0.1", "sslmod=", "soon", "99999"))


@pytest.mark.parametrize(
    "address",
    [
        "/name",
        "db_1/name",
        "bot@db.example.com:5432/name?sslmode=verify-full",
        "bot@[::1]:5432/name",
        "bot@/name?host=/var/run/postgresql",
        "bot:word@/name?host=db1,db2&port=5432,5432",
        "bot:word@/name?host=db1:5432&host=db2:5432",
        "bot@db/name?passfile=/run/secrets/bot@db&options=-c%20statement_timeout%3D5s",
        "bot@tenant:word@db/name",
    ],
)
def test_an_address_of_postgresql_is_left_as_it_is(address):
    assert setting_types.database(f"postgresql://{address}") == f"postgresql://{address}"


@pytest.mark.parametrize("password", ["wo:rd", "wo/rd", "wo?rd", "wo#rd", "wo%rd", "wo%40rd"])
def test_the_password_is_hidden_as_it_is_written_and_as_it_is_sent(password):
    given = load_storage({"DATABASE_URL": f"postgresql://bot:{password}@db/name?sslpassword=k3y"})
    assert {unquote(password), "k3y"} <= set(given.secret_values())
    assert password in given.secret_values()


@pytest.mark.parametrize(
    "written",
    ['"{}"', "'{}'", "{}\n", " {}\r\n", "Bearer {}", "bearer {}", "<{}>", '"Bearer {}"', "Authorization: Bearer {}"],
)
@pytest.mark.parametrize("name", ["WEBEX_BOT_TOKEN", "WEBEX_ADMIN_TOKEN", "OPS_TOKEN"])
def test_what_is_copied_along_with_a_token_is_removed(name, written):
    settings = load({**REQUIRED, name: written.format("a-token-0123456789")})
    assert getattr(settings, name.lower()).get_secret_value() == "a-token-0123456789"


@pytest.mark.parametrize("public_url", ["http://localhost:8000/", "http://[::1]:8000", "https://bot"])
def test_an_emulated_webex_may_reach_the_bot_within_the_machine(public_url):
    settings = load({**REQUIRED, "PUBLIC_URL": public_url, "WEBEX_API_URL": "http://127.0.0.1:9000"})
    assert settings.public_url == public_url.rstrip("/")


def test_the_same_token_twice_is_seen_however_it_is_written():
    assert "no admin rights" in problems(WEBEX_ADMIN_TOKEN=f"Bearer {BOT}")[0]


def test_a_sqlite_path_is_made_absolute(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert (
        load({**REQUIRED, "DATABASE_URL": "sqlite:///x.db"}).database_url.get_secret_value()
        == f"sqlite:///{tmp_path}/x.db"
    )
    assert (
        load({**REQUIRED, "DATABASE_URL": "sqlite:////x/y.db"}).database_url.get_secret_value() == "sqlite:////x/y.db"
    )


def test_the_admin_token_may_come_from_the_three_client_variables_which_win():
    settings = load({**REQUIRED, **CLIENT})
    assert settings.refreshable
    assert "not used" in settings.remarks()[0]
    without = {name: value for name, value in REQUIRED.items() if name != "WEBEX_ADMIN_TOKEN"}
    assert load({**without, **CLIENT}).remarks() == []


@pytest.mark.parametrize("missing", CLIENT)
def test_two_of_the_three_client_variables_are_a_problem_that_names_the_third(missing):
    given = {name: value for name, value in CLIENT.items() if name != missing}
    assert problems(WEBEX_ADMIN_TOKEN=None, **given)[0].startswith(f"{missing} is not set")


def test_the_bots_token_as_admin_token_is_named():
    assert "no admin rights" in problems(WEBEX_ADMIN_TOKEN=BOT)[0]


SECRETS = [
    *("WEBEX_BOT_TOKEN", "WEBEX_ADMIN_TOKEN", "WEBEX_ADMIN_CLIENT_SECRET", "WEBEX_ADMIN_REFRESH_TOKEN"),
    *("WEBEX_WEBHOOK_SECRET", "SECRET_KEY", "DATABASE_URL", "OPS_TOKEN"),
]


@given(st.sampled_from(SECRETS), st.text(st.characters(exclude_characters="\0"), min_size=1, max_size=40))
def test_no_secret_is_shown_by_a_model_or_by_a_problem(name, text):
    """A marked secret goes in, well-formed or not; the mark comes out nowhere."""
    value = f"m4rk3d{text}m4rk3d" if name != "DATABASE_URL" else f"postgresql://bot:m4rk3d{text}@db/x"
    environ = {**REQUIRED, **CLIENT, "SECRET_KEY": "k" * 16, name: value}
    try:
        settings = load(environ)
        shown = f"{settings} {settings!r} {settings.model_dump()} {settings.model_dump_json()}"
    except SettingsError as error:
        shown = f"{error} {error!r} {error.problems}"
    assert "m4rk3d" not in shown


def test_settings_cannot_be_changed():
    with pytest.raises(ValidationError):
        load(REQUIRED).port = 1


def test_the_key_is_the_setting_when_there_is_one():
    assert secret_keys(load({**REQUIRED, "SECRET_KEY": "k" * 16})) == (b"k" * 16,)
    assert secret_keys(load({**REQUIRED, "SECRET_KEY": f"{'n' * 16}, {'k' * 16}"})) == (b"n" * 16, b"k" * 16)


def test_two_processes_that_start_at_once_make_one_key_that_only_we_can_read(tmp_path):
    code = (
        "import os, sys; from bot.settings import load, secret_keys; s = load(os.environ);"
        "print('ready', flush=True); sys.stdin.read(1); print(secret_keys(s)[0].decode())"
    )
    environ = {**os.environ, **REQUIRED, "DATA_DIR": str(tmp_path / "new")}
    started = [
        subprocess.Popen(
            [sys.executable, "-c", code], env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(3)
    ]
    for process in started:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    keys = [process.communicate("x", timeout=20)[0].strip() for process in started]
    assert len(keys[0]) == 64
    assert set(keys) == {keys[0]}
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["secret.key"]
    assert stat.S_IMODE((tmp_path / "new" / "secret.key").stat().st_mode) == 0o600


def test_a_damaged_key_and_an_unusable_folder_are_said(tmp_path):
    (tmp_path / "secret.key").write_text("")
    with pytest.raises(SettingsError, match="damaged"):
        secret_keys(load({**REQUIRED, "DATA_DIR": str(tmp_path)}))
    Path(tmp_path / "file").touch()
    with pytest.raises(SettingsError, match="DATA_DIR can't be used"):
        secret_keys(load({**REQUIRED, "DATA_DIR": str(tmp_path / "file" / "x")}))


@pytest.mark.parametrize("name", ["reportbot.db", "reportbot.db-wal", "secret.key"])
def test_a_file_that_root_has_restored_is_named_with_the_remedy(tmp_path, monkeypatch, name):
    """The tests may run as root, who may open everything."""
    for one in ("reportbot.db", "reportbot.db-wal", "secret.key"):
        (tmp_path / one).write_text("k" * 64)
    file = str(tmp_path / name)
    open_, access = Path.read_bytes, os.access

    def read(path: Path) -> bytes:
        if str(path) == file:
            raise PermissionError(13, "Permission denied", file)
        return open_(path)

    monkeypatch.setattr(Path, "read_bytes", read)
    monkeypatch.setattr(os, "access", lambda path, how: access(path, how) and (str(path) != file or how == os.F_OK))
    settings = load({**REQUIRED, "DATA_DIR": str(tmp_path)})
    with pytest.raises(SettingsError) as caught:
        (secret_keys if name == "secret.key" else prepare_folder)(settings)
    (found,) = caught.value.problems
    assert found.startswith(f"{file} can't be opened (Permission denied). Make the bot's user its owner: ")
    assert found.endswith(f": sudo chown {os.geteuid()} {file} && sudo chmod 600 {file}")


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("DATA_DIR", "{}/file", r"DATA_DIR is a file \(.*/file\)\. Choose a folder"),
        ("DATA_DIR", "{}/file/x", r"DATA_DIR can't be used \(Not a directory\)\. Make .*/file/x writable, or choose"),
        ("DATABASE_URL", "sqlite:///{}", "DATABASE_URL names a folder .*\\. Name a file in it"),
        (
            "DATABASE_URL",
            "sqlite:///{}/missing/reportbot.db",
            "DATABASE_URL cannot be used .*; make .*/missing a folder",
        ),
    ],
)
def test_a_place_that_cannot_hold_the_data_is_a_sentence(tmp_path, name, value, said):
    (tmp_path / "file").touch()
    with pytest.raises(SettingsError, match=said) as caught:
        prepare_folder(load({"DATA_DIR": str(tmp_path / "data"), **REQUIRED, name: value.format(tmp_path)}))
    assert len(caught.value.problems) == 1
