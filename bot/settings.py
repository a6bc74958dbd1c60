"""The settings: read once at start, from the environment that is passed in, with every mistake named at once.

Attribute names are the variables' names in lower case. What could be abused is a ``SecretStr``, so that no print, log
line or traceback shows it. A message about a wrong setting never holds its value when that could be a secret.
"""

from __future__ import annotations

import contextlib
import difflib
import os
import secrets
from typing import TYPE_CHECKING, Any, Final, TypeVar
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, SecretStr, ValidationError

from bot import setting_types
from bot.errors import SettingsError
from bot.process import give_to_owner
from bot.webex.report_families import Family

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

KEY_FILE: Final = "secret.key"
KEY_BYTES: Final = 32
DEFAULT_API_URL: Final = "https://webexapis.com/v1"
SQLITE: Final = "sqlite:///"
OUR_PREFIXES: Final = ("WEBEX_", "ALLOWED_", "REPORT_", "OUTBOUND_")
"""A variable that begins so and is no setting is most likely a misspelled one."""
ALIKE: Final = 0.7
"""How much of a name, from 0 to 1, must be that of a setting to be taken for it."""
MISSPELLED: Final = 0.9
"""The same for a name that does not begin so, and may be another program's."""
SHORTEST_MISSPELLED: Final = 8
"""Letters of such a name."""
EASILY_GUESSED: Final = (
    "OPS_TOKEN is short and could be guessed. Use 16 characters or more (try: openssl rand -hex 32)."
)
NOT_PUBLIC: Final = (
    "PUBLIC_URL leads to this machine or network alone, where Webex can't reach the bot. Use its public https address."
)
CLIENT_VARIABLES: Final = ("WEBEX_ADMIN_CLIENT_ID", "WEBEX_ADMIN_CLIENT_SECRET", "WEBEX_ADMIN_REFRESH_TOKEN")


class StorageSettings(BaseModel):
    """The settings of a command that only reads the database; no token is among them."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    database_url: setting_types.DatabaseUrl
    """``sqlite:///…`` or ``postgresql://…``; a secret, since it may contain a password."""
    data_dir: setting_types.Folder
    poll_interval: setting_types.PollInterval = 15.0
    """Seconds, the shortest time between two checks of pending reports."""
    audit_days: setting_types.Days = 365
    """How long the audit, requests, events and messages are kept; 0 keeps them for ever."""
    log_level: setting_types.LogLevel = "info"
    log_format: setting_types.LogFormat | None = None
    """None: text on a terminal, otherwise JSON."""

    def secret_values(self) -> list[str]:
        """Return every value that must never be seen, for the log's mask."""
        url = self.database_url.get_secret_value()
        if url.startswith(SQLITE):
            return []
        parameters = setting_types.connection_parameters(url)
        found = (urlsplit(url).password, parameters.get("password"), parameters.get("sslpassword"))
        return [secret for secret in found if secret]


class WebSettings(StorageSettings):
    """The settings of the web process, which strangers reach: it is given no other."""

    webex_bot_token: setting_types.Token = Field(description="the bot's access token from developer.webex.com/my-apps")
    webex_webhook_secret: setting_types.Secrets = Field(
        description="16 random characters or more, the same at every start; try: openssl rand -hex 24"
    )
    """The first one signs, both verify."""
    public_url: setting_types.WebAddress | None = None
    port: setting_types.Port = 8000
    host: setting_types.Host | None = None
    """None: 127.0.0.1 in ``serve``, 0.0.0.0 under gunicorn."""
    watch_deadline: setting_types.Deadline = 93600.0
    """Seconds."""
    ops_token: setting_types.Token | None = None
    """None: ``/metrics`` and the details of ``/readyz`` can't be read."""

    def secret_values(self) -> list[str]:
        """Return every value that must never be seen, for the log's mask."""
        return _values(self.webex_bot_token, self.ops_token, *self.webex_webhook_secret) + super().secret_values()


class Settings(WebSettings):
    """All settings. Outside tests, ``load`` makes them."""

    webex_admin_token: setting_types.Token | None = None
    webex_admin_client_id: setting_types.ClientId | None = None
    webex_admin_client_secret: setting_types.Token | None = None
    webex_admin_refresh_token: setting_types.Token | None = None
    webex_org_id: setting_types.OrganizationId | None = None
    webex_api_url: setting_types.ApiAddress = DEFAULT_API_URL
    report_download_hosts: setting_types.HostPatterns = ("*.webex.com",)
    report_families: setting_types.Families = tuple(one.value for one in Family)
    allowed_roles: setting_types.Names = ()
    allowed_partner_roles: setting_types.Names = ()
    allowed_people: setting_types.People = Field(default=(), repr=False)
    allowed_spaces: setting_types.SpaceIds = ()
    """Empty: all spaces."""
    allowed_orgs: setting_types.OrganizationIds = ()
    outbound_allowed_networks: setting_types.Networks = ()
    """Networks that outbound events may reach although they aren't public."""
    requests_per_minute: setting_types.Number = 30
    """0: no limit."""
    operators_space: setting_types.SpaceId | None = None
    secret_key: setting_types.Secrets | None = None
    """The first one encrypts, both decrypt. None: the key is in ``DATA_DIR``."""
    metrics_port: setting_types.Port | None = None
    """None: the worker serves no ``/metrics`` of its own."""

    _unknown: tuple[str, ...] = PrivateAttr(default=())

    @property
    def refreshable(self) -> bool:
        """Return True when the admin token comes from the three client variables; they win over its own."""
        return self.webex_admin_refresh_token is not None

    def secret_values(self) -> list[str]:
        """Return every value that must never be seen, for the log's mask."""
        own = (
            self.webex_admin_token,
            self.webex_admin_client_secret,
            self.webex_admin_refresh_token,
            *(self.secret_key or ()),
        )
        return _values(*own) + super().secret_values()

    def remarks(self) -> list[str]:
        """Return sentences about what is not wrong, but good to know at start."""
        found = [_unknown_variable(name) for name in self._unknown]
        if self.refreshable and self.webex_admin_token is not None:
            found.append(
                "WEBEX_ADMIN_TOKEN is not used: the three WEBEX_ADMIN_CLIENT_… variables win. Remove one of the two."
            )
        if self.ops_token is not None and len(self.ops_token.get_secret_value()) < setting_types.SHORTEST_SECRET:
            found.append(EASILY_GUESSED)
        if self.metrics_port is not None and self.ops_token is None:
            found.append("METRICS_PORT is not used, since only who has OPS_TOKEN sees metrics. Set that too.")
        return found


def _values(*found: SecretStr | None) -> list[str]:
    return [secret.get_secret_value() for secret in found if secret is not None]


AnySettings = TypeVar("AnySettings", bound=StorageSettings)


def load(environ: Mapping[str, str]) -> Settings:
    """Read the settings from ``environ``; empty variables count as unset, unknown ones are a remark.

    Raises ``SettingsError`` with one line for each wrong or missing setting, each with its remedy.
    """
    unknown = sorted(_unknown_names(environ))
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
    return _read(StorageSettings, given, problems)


def load_web(environ: Mapping[str, str]) -> WebSettings:
    """Read what the web process needs; raises ``SettingsError`` as ``load`` does."""
    given, problems = _given(environ, WebSettings)
    return _read(WebSettings, given, problems)


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
    """Return the texts that are set, without what a shell would have removed, and what is wrong with the bytes."""
    given, problems = {}, []
    for name in kind.model_fields:
        value = setting_types.without_quotes(environ.get(name.upper(), ""))
        if not value.isascii() and any("\ud800" <= letter <= "\udfff" for letter in value):
            problems.append(f"{name.upper()} contains bytes that are not text. Write it again in UTF-8.")
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


def _unknown_names(environ: Mapping[str, str]) -> Iterable[str]:
    return (
        name
        for name, value in environ.items()
        if value.strip()
        and name.lower() not in Settings.model_fields
        and (name.startswith(OUR_PREFIXES) or (len(name) >= SHORTEST_MISSPELLED and _like(name, MISSPELLED)))
    )


def _like(name: str, cutoff: float) -> list[str]:
    """Return the setting whose name is like this one, if there is any."""
    known = [field.upper() for field in Settings.model_fields]
    return difflib.get_close_matches(name, known, n=1, cutoff=cutoff)


def _unknown_variable(name: str) -> str:
    """Return a remark about a variable that is no setting, without its value."""
    near = _like(name, ALIKE)
    return f"{name} is not a setting of this bot, so it has no effect." + (f" Did you mean {near[0]}?" if near else "")


def _problem(error: Any) -> str:
    name = str(error["loc"][0]).upper()
    if error["type"] == "missing":
        meaning = Settings.model_fields[name.lower()].description
        return f"{name} is not set ({meaning})."
    return f"{name} {error.get('ctx', {}).get('error', 'is wrong.')}"


def _problems_together(given: Mapping[str, str]) -> list[str]:
    """Return what is wrong between settings, from the raw texts, so that it is named together with the others."""
    problems, same = [], False
    clients = [name for name in CLIENT_VARIABLES if name.lower() in given]
    missing = [name for name in CLIENT_VARIABLES if name not in clients]
    if clients and missing:
        verb = "is" if len(missing) == 1 else "are"
        problems.append(
            f"{' and '.join(missing)} {verb} not set. Set all three of {', '.join(CLIENT_VARIABLES)}, or none."
        )
    elif not clients and "webex_admin_token" not in given:
        problems.append(
            "WEBEX_ADMIN_TOKEN is not set (an administrator's access token; for production set"
            f" {', '.join(CLIENT_VARIABLES)} instead)."
        )
    with contextlib.suppress(KeyError, ValueError):  # those are named already
        same = setting_types.token(given["webex_admin_token"]) == setting_types.token(given["webex_bot_token"])
    if same:
        problems.append(
            "WEBEX_ADMIN_TOKEN is the bot's token, which has no admin rights. Use an administrator's token."
        )
    with contextlib.suppress(ValueError):  # likewise
        public = urlsplit(setting_types.web_address(given.get("public_url", "")))
        api = urlsplit(setting_types.web_address(given.get("webex_api_url", DEFAULT_API_URL)))
        if not setting_types.is_public(public.hostname or "") and setting_types.is_public(api.hostname or ""):
            problems.append(NOT_PUBLIC)
    if given["database_url"].lower().startswith("postgres") and "secret_key" not in given:
        problems.append(_no_secret_key(given["data_dir"]))
    return problems


def _no_secret_key(data_dir: str) -> str:
    remedy = "try: openssl rand -hex 32"
    with contextlib.suppress(ValueError):  # named already
        file = setting_types.folder(data_dir) / KEY_FILE
        if os.path.exists(file):  # noqa: PTH110 - False also where it may not be looked for
            remedy = f"after a move from SQLite: what {file} contains"
    return f"SECRET_KEY is not set; with PostgreSQL every machine needs the same one ({remedy})."


def unusable(settings: StorageSettings, exc: OSError) -> str:
    """Return what is wrong with ``DATA_DIR``, and the remedy."""
    if isinstance(exc, FileExistsError):
        return f"DATA_DIR is a file ({settings.data_dir}). Choose a folder."
    return f"DATA_DIR can't be used ({exc.strerror}). Make {settings.data_dir} writable, or choose another folder."


def denied(file: Path | str) -> str:
    """Return that a file can't be opened by the bot's user, such as one that root has restored, and the remedy."""
    owned = f"sudo chown {os.geteuid()} {file} && sudo chmod 600 {file}"
    return f"{file} can't be opened (Permission denied). Make the bot's user its owner: {owned}"


def secret_keys(settings: Settings, *, make: bool = True) -> tuple[bytes, ...]:
    """Return the keys of what is stored encrypted, the one that encrypts first.

    They are in ``SECRET_KEY``, two of them while it is rotated, or in the file made in ``DATA_DIR`` at the first start.
    ``make=False``: no file is made, and there is no key without one. For what only decrypts: a new key opens nothing.

    Web and worker may start at the same moment: the file appears whole, by a hard link that only one of them can make.
    Raises ``SettingsError`` when the folder cannot be written or the file is damaged.
    """
    if settings.secret_key is not None:
        return tuple(key.get_secret_value().encode() for key in settings.secret_key)
    path = settings.data_dir / KEY_FILE
    try:
        if not path.exists():
            if not make:
                return ()
            _make_key(path)
        key = path.read_bytes().strip()
    except OSError as exc:
        is_there = isinstance(exc, PermissionError) and os.path.exists(path)  # noqa: PTH110 - False if it can't be known
        raise SettingsError([denied(path) if is_there else unusable(settings, exc)]) from exc
    if len(key) < setting_types.SHORTEST_SECRET:
        raise SettingsError([f"{path} is damaged. Restore it from a backup, or delete it and lose what it encrypted."])
    return (key,)


def _make_key(path: Path) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        give_to_owner(descriptor, path.parent)
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
