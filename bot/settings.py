"""The settings: read once at start, from the environment that is passed in, with every mistake named at once.

Attribute names are the variables' names in lower case. What could be abused is a ``SecretStr``, so that no print, log
line or traceback shows it. A message about a wrong setting never holds its value when that could be a secret.
"""

from __future__ import annotations

import contextlib
import difflib
import os
import secrets
from pathlib import Path  # noqa: TC003 pydantic reads the annotations
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, TypeVar
from urllib.parse import unquote, urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PrivateAttr, SecretStr, ValidationError

from bot import setting_types
from bot.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

SHORTEST_POLL_SECONDS: Final = 0.05
KEY_FILE: Final = "secret.key"
KEY_BYTES: Final = 32
DEFAULT_API_URL: Final = "https://webexapis.com/v1"
NO_POSTGRESQL: Final = (
    "DATABASE_URL names PostgreSQL, which this version cannot use yet; remove it (the bot then keeps its data in"
    " DATA_DIR), or name a file: sqlite:////folder/reportbot.db"
)
SQLITE: Final = "sqlite:///"
OUR_PREFIXES: Final = ("WEBEX_", "ALLOWED_", "REPORT_")
"""A variable that begins so and is no setting is most likely a misspelled one."""
ALIKE: Final = 0.7
"""How much of a name, from 0 to 1, must be that of a setting to be taken for it."""
EASILY_GUESSED: Final = (
    "OPS_TOKEN is short, so it could be guessed; use 16 characters or more (try: openssl rand -hex 32)"
)
NOT_PUBLIC: Final = (
    "PUBLIC_URL leads to this machine or network alone, where Webex cannot reach the bot; use its public https address"
)
CLIENT_VARIABLES: Final = ("WEBEX_ADMIN_CLIENT_ID", "WEBEX_ADMIN_CLIENT_SECRET", "WEBEX_ADMIN_REFRESH_TOKEN")


def _setting(meaning: str, shown: str, default: Any = None, *, in_repr: bool = True) -> Any:
    """Declare an optional setting; ``shown`` is its default in words, for the table in the documents."""
    return Field(default=default, description=meaning, json_schema_extra={"shown": shown}, repr=in_repr)


def _required(meaning: str) -> Any:
    return Field(description=meaning, json_schema_extra={"shown": "required"})


Token = Annotated[SecretStr, BeforeValidator(setting_types.token)]


class StorageSettings(BaseModel):
    """What a command needs that only reads the database: no token of Webex's."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    database_url: Annotated[SecretStr, BeforeValidator(setting_types.database)] = _setting(
        "database: sqlite:///… or postgresql://… (it may hold a password, so it is treated as a secret)",
        "SQLite in DATA_DIR",
    )
    data_dir: Annotated[Path, BeforeValidator(setting_types.folder)] = _setting("folder for the bot's files", "./data")
    poll_interval: Annotated[float, BeforeValidator(setting_types.seconds(SHORTEST_POLL_SECONDS))] = _setting(
        "shortest time between two looks at pending reports, in seconds", "15", 15.0
    )
    audit_days: Annotated[int, BeforeValidator(setting_types.days)] = _setting(
        "how long the audit, requests, events and the ids of messages are kept, in days; 0 keeps them for ever",
        "365",
        365,
    )
    log_level: Annotated[str, BeforeValidator(setting_types.one_of("debug", "info", "warning", "error"))] = _setting(
        "least important log line that is written: debug, info, warning or error", "info", "info"
    )
    log_format: Annotated[Literal["json", "text"] | None, BeforeValidator(setting_types.one_of("json", "text"))] = (
        _setting("json or text", "json (text on a terminal)")
    )

    def secret_values(self) -> list[str]:
        """Every value that must never be seen: for the log's mask."""
        password = urlsplit(self.database_url.get_secret_value()).password
        return [password, unquote(password)] if password else []


class WebSettings(StorageSettings):
    """What the web process needs. It is the one that strangers reach, so it is given no other setting."""

    webex_bot_token: Token = _required("the bot's token")
    webex_webhook_secret: Annotated[tuple[SecretStr, ...], BeforeValidator(setting_types.webhook_secrets)] = _required(
        "signs webhooks, 16 characters or more; two, comma-separated, while rotating: the first signs, both verify"
    )
    public_url: Annotated[str | None, BeforeValidator(setting_types.web_address)] = _setting(
        "where Webex reaches the bot, https", "required for manifest apply"
    )
    port: Annotated[int, BeforeValidator(setting_types.port)] = _setting("port that web listens on", "8000", 8000)
    host: Annotated[str | None, BeforeValidator(setting_types.host)] = _setting(
        "address that web listens on", "127.0.0.1 in serve, 0.0.0.0 in the Procfile"
    )
    ops_token: Token | None = _setting(
        "bearer token with which /metrics and the details of /readyz can be read", "none: nobody sees them"
    )

    def secret_values(self) -> list[str]:
        """Every value that must never be seen: for the log's mask."""
        found = [self.webex_bot_token, self.ops_token, *self.webex_webhook_secret]
        return [secret.get_secret_value() for secret in found if secret is not None] + super().secret_values()


class Settings(WebSettings):
    """Everything the operator may choose; ``load`` is the only way it is made outside tests."""

    webex_admin_token: Token | None = _setting(
        "the admin token, which reads the reports; or the three WEBEX_ADMIN_CLIENT_… variables, which win over it",
        "one of the two is required",
    )
    webex_admin_client_id: Annotated[str | None, BeforeValidator(setting_types.token)] = _setting(
        "client id of the Service App or integration that reads the reports", "none"
    )
    webex_admin_client_secret: Token | None = _setting("its client secret", "none")
    webex_admin_refresh_token: Token | None = _setting("its refresh token", "none")
    webex_org_id: Annotated[str | None, BeforeValidator(setting_types.webex_id(setting_types.ORGANIZATION))] = _setting(
        "id of the admin token's organization, where Webex does not tell it", "asked of Webex"
    )
    webex_api_url: Annotated[str, BeforeValidator(setting_types.api_address)] = _setting(
        "base address of the Webex API, with or without /v1", DEFAULT_API_URL, DEFAULT_API_URL
    )
    report_download_hosts: Annotated[tuple[str, ...], BeforeValidator(setting_types.host_patterns)] = _setting(
        "hosts that may be sent the admin token for a download, comma-separated, any port",
        "*.webex.com",
        ("*.webex.com",),
    )
    watch_deadline: Annotated[float, BeforeValidator(setting_types.seconds(1))] = _setting(
        "how long a report is watched, in seconds", "93600 (26 hours)", 93600.0
    )
    report_families: Annotated[tuple[str, ...], BeforeValidator(setting_types.families)] = _setting(
        "which report families are asked, in that order", "partner,organization", ("partner", "organization")
    )
    allowed_roles: Annotated[tuple[str, ...], BeforeValidator(setting_types.names)] = _setting(
        "names or ids of the roles whose people may have organization reports",
        "full and read-only administrators",
        (),
    )
    allowed_partner_roles: Annotated[tuple[str, ...], BeforeValidator(setting_types.names)] = _setting(
        "names or ids of the roles whose people may have partner reports",
        "Partner Full and Partner Read-only Administrator, by name",
        (),
    )
    allowed_people: Annotated[tuple[str, ...], BeforeValidator(setting_types.people)] = _setting(
        "e-mail addresses of people who may ask besides", "nobody", (), in_repr=False
    )
    allowed_spaces: Annotated[tuple[str, ...], BeforeValidator(setting_types.webex_ids(setting_types.SPACE))] = (
        _setting("ids of the spaces in which the bot answers, or links to them", "all", ())
    )
    allowed_orgs: Annotated[tuple[str, ...], BeforeValidator(setting_types.webex_ids(setting_types.ORGANIZATION))] = (
        _setting("ids of partner organisations whose people may be in the space", "none", ())
    )
    requests_per_minute: Annotated[int, BeforeValidator(setting_types.number)] = _setting(
        "requests of one person that are answered in a minute; 0: all", "30", 30
    )
    operators_space: Annotated[str | None, BeforeValidator(setting_types.webex_id(setting_types.SPACE))] = _setting(
        "id of the space where the bot tells its operators of trouble, or a link to it", "none"
    )
    secret_key: Annotated[SecretStr | None, BeforeValidator(setting_types.key_text)] = _setting(
        "encrypts what is kept at rest, 16 characters or more; required with PostgreSQL",
        "made in DATA_DIR at first start",
    )

    _unknown: tuple[str, ...] = PrivateAttr(default=())

    @property
    def refreshable(self) -> bool:
        """True when the admin token comes from the three client variables; they win over ``WEBEX_ADMIN_TOKEN``."""
        return self.webex_admin_refresh_token is not None

    def secret_values(self) -> list[str]:
        """Every value that must never be seen: for the log's mask."""
        found = [
            self.webex_admin_token,
            self.webex_admin_client_secret,
            self.webex_admin_refresh_token,
            self.secret_key,
        ]
        return [secret.get_secret_value() for secret in found if secret is not None] + super().secret_values()

    def remarks(self) -> list[str]:
        """What is not wrong, but good to know at start."""
        found = [_unknown_variable(name) for name in self._unknown]
        if self.refreshable and self.webex_admin_token is not None:
            found.append(
                "WEBEX_ADMIN_TOKEN is not used: the three WEBEX_ADMIN_CLIENT_… variables win; remove one of the two"
            )
        if self.ops_token is not None and len(self.ops_token.get_secret_value()) < setting_types.SHORTEST_SECRET:
            found.append(EASILY_GUESSED)
        return found


AnySettings = TypeVar("AnySettings", bound=StorageSettings)


def load(environ: Mapping[str, str]) -> Settings:
    """Read the settings from ``environ``; empty variables count as unset, unknown ones are a remark.

    Raises ``SettingsError`` with one line for each wrong or missing setting, each with its remedy.
    """
    unknown = sorted(name for name in environ if name.startswith(OUR_PREFIXES) and _is_unknown(name, environ[name]))
    given, problems = _given(environ, Settings)
    try:
        settings = _read(Settings, given, problems + _problems_together(given))
    except SettingsError as error:  # a missing one may be there under a wrong name
        raise SettingsError([*error.problems, *map(_unknown_variable, unknown)]) from None
    settings._unknown = tuple(unknown)  # noqa: SLF001 it is made here
    return settings


def load_storage(environ: Mapping[str, str]) -> StorageSettings:
    """Read only what the database needs; raises ``SettingsError`` as ``load`` does."""
    given, problems = _given(environ, StorageSettings)
    return _read(StorageSettings, given, problems + _problems_of_database(given))


def load_web(environ: Mapping[str, str]) -> WebSettings:
    """Read what the web process needs; raises ``SettingsError`` as ``load`` does."""
    given, problems = _given(environ, WebSettings)
    return _read(WebSettings, given, problems + _problems_of_database(given))


def web_environ(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the environment for the web process: without the admin token, its client's secret, and ``SECRET_KEY``.

    What looks like a setting and is none goes too: it may be a secret under a name that is misspelled.
    """
    return {
        name: value
        for name, value in environ.items()
        if name.lower() in WebSettings.model_fields
        or not (name.lower() in Settings.model_fields or name.upper().startswith(OUR_PREFIXES))
    }


def _given(environ: Mapping[str, str], kind: type[StorageSettings]) -> tuple[dict[str, str], list[str]]:
    """The texts that are set, without what a shell would have removed; and what of them is no text."""
    given, problems = {}, []
    for name in kind.model_fields:
        value = setting_types.without_quotes(environ.get(name.upper(), ""))
        if not value.isascii() and any("\ud800" <= letter <= "\udfff" for letter in value):
            problems.append(f"{name.upper()} holds bytes that are not text; write it again, in UTF-8")
        elif value:
            given[name] = value
    given.setdefault("data_dir", "./data")
    if "database_url" not in given:
        with contextlib.suppress(ValueError):  # DATA_DIR is a problem of its own
            given["database_url"] = f"{SQLITE}{setting_types.folder(given['data_dir']) / 'reportbot.db'}"
    given.setdefault("database_url", f"{SQLITE}/unknown")
    return given, problems


def _read(kind: type[AnySettings], given: Mapping[str, str], problems: list[str]) -> AnySettings:
    try:
        settings = kind.model_validate(given)
    except ValidationError as found:
        found_ones = [_problem(error) for error in found.errors(include_url=False, include_input=False)]
        told = {problem.split()[0] for problem in problems}  # one that is no text is not missing besides
        problems = [problem for problem in found_ones if problem.split()[0] not in told] + problems
    if problems:
        raise SettingsError(problems) from None
    return settings


def _is_unknown(name: str, value: str) -> bool:
    return bool(value.strip()) and name.lower() not in Settings.model_fields


def _unknown_variable(name: str) -> str:
    """A remark about a variable that is no setting. Its value stays unsaid."""
    known = [field.upper() for field in Settings.model_fields]
    near = difflib.get_close_matches(name, known, n=1, cutoff=ALIKE)
    return f"{name} is not a setting of this bot, so it has no effect." + (f" Did you mean {near[0]}?" if near else "")


def _problem(error: Any) -> str:
    name = str(error["loc"][0]).upper()
    if error["type"] == "missing":
        meaning = Settings.model_fields[name.lower()].description
        return f"{name} is missing; set it to this: {meaning}"
    return f"{name} {error.get('ctx', {}).get('error', 'is wrong')}"


def _problems_together(given: Mapping[str, str]) -> list[str]:
    """What is wrong between settings; read from the raw texts, so that it is named together with the others."""
    problems, same = [], False
    clients = [name for name in CLIENT_VARIABLES if name.lower() in given]
    missing = [name for name in CLIENT_VARIABLES if name not in clients]
    if clients and missing:
        verb = "is" if len(missing) == 1 else "are"
        problems.append(
            f"{' and '.join(missing)} {verb} missing; set all three of {', '.join(CLIENT_VARIABLES)}, or none"
        )
    elif not clients and "webex_admin_token" not in given:
        problems.append(f"WEBEX_ADMIN_TOKEN is missing; set it, or all three of {', '.join(CLIENT_VARIABLES)}")
    with contextlib.suppress(KeyError, ValueError):  # those are named already
        same = setting_types.token(given["webex_admin_token"]) == setting_types.token(given["webex_bot_token"])
    if same:
        problems.append("WEBEX_ADMIN_TOKEN is the bot's token, which has no admin rights; use an administrator's token")
    with contextlib.suppress(ValueError):  # likewise
        public = urlsplit(setting_types.web_address(given.get("public_url", "")))
        api = urlsplit(setting_types.web_address(given.get("webex_api_url", DEFAULT_API_URL)))
        if not setting_types.is_public(public.hostname or "") and setting_types.is_public(api.hostname or ""):
            problems.append(NOT_PUBLIC)
    if given["database_url"].lower().startswith("postgres") and "secret_key" not in given:
        problems.append(
            "SECRET_KEY is missing; with PostgreSQL every machine needs the same (try: openssl rand -hex 32)"
        )
    return problems + _problems_of_database(given)


def _problems_of_database(given: Mapping[str, str]) -> list[str]:
    with contextlib.suppress(ValueError):  # one that cannot be read is a problem of its own
        if setting_types.database(given["database_url"]).startswith("postgresql://"):
            return [NO_POSTGRESQL]
    return []


def settings_table() -> Iterator[tuple[str, str, str]]:
    """Name, meaning and default of every setting, in words; a test proves that the documents hold each of them."""
    for name, field in Settings.model_fields.items():
        extra = field.json_schema_extra
        shown = extra["shown"] if isinstance(extra, dict) else ""
        yield name.upper(), field.description or "", str(shown)


def unusable(settings: StorageSettings, exc: OSError) -> str:
    """Say what is wrong with ``DATA_DIR``, and the remedy."""
    if isinstance(exc, FileExistsError):
        return f"DATA_DIR is a file ({settings.data_dir}); choose a folder"
    return f"DATA_DIR cannot be used ({exc.strerror}); make {settings.data_dir} writable or choose another"


def secret_key(settings: Settings) -> bytes:
    """Give the key for what is kept at rest: ``SECRET_KEY``, or the file that the first start makes in ``DATA_DIR``.

    Web and worker may start at the same moment: the file appears whole, by a hard link that only one of them can make.
    Raises ``SettingsError`` when the folder cannot be written or the file is damaged.
    """
    if settings.secret_key is not None:
        return settings.secret_key.get_secret_value().encode()
    path = settings.data_dir / KEY_FILE
    try:
        if not path.exists():
            _make_key(path)
        key = path.read_bytes().strip()
    except OSError as exc:
        raise SettingsError([unusable(settings, exc)]) from exc
    if len(key) < setting_types.SHORTEST_SECRET:
        raise SettingsError([f"{path} is damaged; restore it from a backup, or delete it and lose what it encrypted"])
    return key


def _make_key(path: Path) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_hex(KEY_BYTES).encode())
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):  # the other process was first: its key is the key
            os.link(fresh, path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)  # the name too must outlive a power cut, or what it encrypted is lost
        finally:
            os.close(folder)
    finally:
        fresh.unlink()
