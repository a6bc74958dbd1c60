"""Puts the program together: the one file that names adapters. Tests call the same functions with other settings."""

from __future__ import annotations

import os
import threading
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

import structlog

import bot
from bot import manifest, metrics, migrations, tasks
from bot.access.partner_role import PartnerRole
from bot.catchup import CatchUp, unheard
from bot.chat.answer import Answer
from bot.chat.answer_limit import AnswerLimit
from bot.chat.context import Context
from bot.chat.limits import Limits, SlowDown
from bot.chat.living import LivingCard
from bot.chat.reader import Reader
from bot.errors import BotError, StoreUnavailable
from bot.folder_check import folder_check
from bot.guard import Guard
from bot.identity import Identity, KeptIdentity
from bot.ledger import settings_seen
from bot.ledger.retention import Retention
from bot.observe import hide, new_reference, start_logging
from bot.operators import News, Operators, knocking
from bot.ops.checks import families as family_checks
from bot.ops.checks import oldest_job, webhook_secrets
from bot.ops.checks.operators_space import operators_space
from bot.outbox import Outbox
from bot.policy import ORGANIZATION_ROLES, Rules
from bot.queue import open_queue
from bot.reach import sides
from bot.reports.deliver import Deliver
from bot.reports.model import Family
from bot.reports.report_messages import ReportMessages
from bot.reports.take_back import TakeBack
from bot.reports.tell import Tell
from bot.reports.waiting import Listening, Waiting, WaitingWatch
from bot.reports.watch import Watch
from bot.reports.workroom import Workroom
from bot.settings import Settings, StorageSettings, WebSettings, load_web, secret_key
from bot.store_watch import WatchedStore
from bot.sweep import Sweep
from bot.token_checks import TokenChecks
from bot.web import create_app
from bot.web.heartbeat import Heartbeat
from bot.web.ops import Ops
from bot.web.rejected_calls import RejectedCalls
from bot.web.webhook import Door, keeper
from bot.webex.chat import Chat
from bot.webex.client import Client
from bot.webex.directory import Directory
from bot.webex.files import Files
from bot.webex.keeper import LedgerKeeper
from bot.webex.quick_retries import QuickRetries
from bot.webex.reports import ReportsApi
from bot.webex.tokens import RefreshableToken, StaticToken
from bot.webex.transport import Brake
from bot.webex.webhooks import BotWebhooks
from bot.webhook_care import WebhookCare
from bot.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from flask import Flask

    from bot.ports import Role
    from bot.store import Store
    from bot.webex.transport import Observe, TokenSource

log = structlog.get_logger(__name__)

THREADS = 16
"""Jobs at once. They wait for Webex most of the time."""
HANDOVER = 30.0
"""Seconds after another worker's end until anyone who routes webhooks leads them to the door beside this one."""
DATABASE_AWAY = 2.0
"""Seconds between tries to open a database that is away at the start."""


def now() -> datetime:
    """The time, aware, UTC."""
    return datetime.now(UTC)


def open_store(settings: StorageSettings) -> WatchedStore:
    """The database of the settings, and the folder that an embedded one lies in."""
    settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    return WatchedStore(settings.database_url.get_secret_value())


def admin_token(settings: Settings, store: Store, observe: Observe = metrics.webex_called) -> TokenSource:
    """The admin token of the settings: plain, or refreshed for all processes together."""
    if settings.webex_admin_refresh_token is None or settings.webex_admin_client_secret is None:
        assert settings.webex_admin_token is not None
        return StaticToken(settings.webex_admin_token.get_secret_value())
    return RefreshableToken(
        settings.webex_admin_client_id or "",
        settings.webex_admin_client_secret.get_secret_value(),
        settings.webex_admin_refresh_token.get_secret_value(),
        settings.webex_api_url,
        LedgerKeeper(store, settings.data_dir, lambda: secret_key(settings), hide),
        observe=observe,
    )


def told_to_all(observers: Sequence[Observe]) -> Observe:
    """Tells each call to all of them, also to those who come later."""

    def observe(method: str, path: str, status: int | None, seconds: float) -> None:
        for one in observers:
            one(method, path, status, seconds)

    return observe


def rules(settings: Settings, our_org: str) -> Rules:
    """Give the operator's settings as policy reads them."""
    return Rules(
        our_org=our_org,
        families=settings.report_families,
        roles=settings.allowed_roles or ORGANIZATION_ROLES,
        partner_roles=settings.allowed_partner_roles,
        people=frozenset(email.lower() for email in settings.allowed_people),
        spaces=frozenset(settings.allowed_spaces) or None,
        partner_orgs=frozenset(settings.allowed_orgs),
    )


def partner_role(directory: Directory, reports: ReportsApi) -> Callable[[], Role | None]:
    """Make what finds out by which role the admin token reads partner reports."""
    return PartnerRole(directory, partial(reports.list, Family.PARTNER)).proven


class Migration:
    """Migrates when it can, at the latest when it is asked whether it has."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._done = False

    def __call__(self) -> bool:
        """Whether the database is as this version needs it. Raises ``StoreUnavailable``."""
        if not self._done:
            migrations.upgrade(self._store)
            self._done = True
        return True

    def until_done(self, stop: threading.Event) -> None:
        """Try until it works: the database may come later than the program."""
        while not stop.is_set():
            try:
                self()
            except StoreUnavailable as error:
                log.debug("database_away_at_start", cause=str(error))  # the store has said so
                stop.wait(DATABASE_AWAY)
            else:
                return


def web() -> Flask:
    """The app for gunicorn, from the environment. Wrong settings end the process: the command line has said why."""
    settings = load_web(os.environ)
    start_logging("web", level=settings.log_level, form=settings.log_format)
    hide(*settings.secret_values())
    metrics.start_metrics(settings.data_dir, "web")
    return build_web(settings)


def build_web(settings: WebSettings, stop: threading.Event | None = None) -> Flask:
    """The Flask app; it never asks Webex. What runs beside it ends with ``stop``, or with the process."""
    stop = stop or threading.Event()
    store = open_store(settings)
    queue = open_queue(store, settings.data_dir)
    migration = Migration(store)
    rejected = RejectedCalls()
    heartbeat = Heartbeat(store, queue, now, rejected.count)

    def beside() -> None:
        migration.until_done(stop)
        heartbeat.forever(stop)

    threading.Thread(target=beside, name="heartbeat", daemon=True).start()
    bot_token = settings.webex_bot_token.get_secret_value()
    door = Door(
        keep=keeper(store, queue, now),
        secrets=[secret.get_secret_value().encode() for secret in settings.webex_webhook_secret],
        bot=KeptIdentity(store, bot_token).person,
        ready=migration,
        count=metrics.webhook_answered,
        rejected=rejected,
        refused=heartbeat.refused,
    )
    ops = Ops(
        store=store,
        queue=queue,
        now=now,
        render=metrics.render,
        migrated=migration,
        version=bot.__version__,
        unverified=rejected.count,
        writable=lambda: store.writable,
        token=None if settings.ops_token is None else settings.ops_token.get_secret_value(),
    )
    return create_app(door, ops, manifest.read().path, settings.public_url)


def build_worker(settings: Settings) -> Worker:
    """Everything behind the queue."""
    store = open_store(settings)
    queue = open_queue(store, settings.data_dir)
    bot_token, url = settings.webex_bot_token.get_secret_value(), settings.webex_api_url
    observers: list[Observe] = [metrics.webex_called]
    observe = told_to_all(observers)
    bots_observers: list[Observe] = [metrics.webex_called]
    clients_observers: list[Observe] = [observe]
    admin = admin_token(settings, store, observe)
    brakes = Brake(), Brake()
    bots_observe, clients_observe = told_to_all(bots_observers), told_to_all(clients_observers)
    chat = Chat(url, StaticToken(bot_token), observe=bots_observe, brake=brakes[0], retries=QuickRetries())
    client = Client(url, admin, observe=clients_observe, brake=brakes[1], retries=QuickRetries())
    identity = Identity(store, chat, bot_token, now)
    directory = Directory(client, our_org=settings.webex_org_id)
    families = [Family(family) for family in settings.report_families]
    catalogue = Listening(ReportsApi(client), families, directory.accepts_token)
    guard = Guard(
        directory,
        chat,
        identity.person,
        partial(rules, settings),
        partner_role(directory, ReportsApi(client)),
    )
    outbox = Outbox(store, chat, identity.person, now)
    messages = ReportMessages(store, outbox, guard, now)
    folder = settings.data_dir / "files"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    context = Context(
        store=store,
        queue=queue,
        catalogue=catalogue,
        guard=guard,
        outbox=outbox,
        messages=messages,
        card=LivingCard(store, outbox, messages, now),
        chat=chat,
        directory=directory,
        now=now,
        new_reference=new_reference,
        watch_deadline=timedelta(seconds=settings.watch_deadline),
        poll_interval=settings.poll_interval,
        kept_days=settings.audit_days,
    )
    workroom = Workroom(folder)
    files = Files(admin, settings.report_download_hosts, observe=observe, workroom=workroom, retries=QuickRetries())
    tokens = TokenChecks(directory, identity.person, admin if isinstance(admin, RefreshableToken) else None)
    observers.append(tokens.observed)
    wanted = manifest.read()
    care = WebhookCare(
        store=store,
        queue=queue,
        webhooks=BotWebhooks(chat),
        wanted=wanted,
        target_url=f"{settings.public_url}{wanted.path}" if settings.public_url else None,
        secrets=[secret.get_secret_value() for secret in settings.webex_webhook_secret],
        now=now,
    )
    listings = {family.value: partial(catalogue.listing, family.value, None) for family in families}
    bot_side, admin_sides = sides(chat.me, directory.me, listings, now)
    bots_observers.append(bot_side.observed)
    accesses = family_checks.accesses(wanted.scopes, listings)
    clients_observers += [side.observed for side in admin_sides] + [access.observed for access in accesses]
    sweep = Sweep(
        store,
        queue,
        folder,
        workroom,
        now,
        retention=Retention(store, settings.audit_days, now),
        outage=bot_side.outage,
    )
    catch_up = CatchUp(
        store=store, queue=queue, spaces=chat, outbox=outbox, bot=identity.person, now=now, outage=bot_side.outage
    )
    limits, answer_limit = Limits(settings.requests_per_minute), AnswerLimit(now)
    checks = [
        *(operators_space(one, chat.spaces, store, now) for one in [settings.operators_space] if one),
        *tokens.all(),
        answer_limit.check(),
        knocking(store, now),
        care.check(),
        webhook_secrets.check(settings, store, now),
        unheard(store),
        oldest_job.check(store, queue),
        folder_check(folder),
        *(side.check() for side in (bot_side, *admin_sides)),
        *(access.check() for access in accesses),  # after the sides, whose first question tells these, too
    ]
    operators = Operators(
        store,
        outbox,
        settings.operators_space,
        checks,
        now,
        hurry=tokens.in_doubt,
        news=lambda: [News(one.key, one.sentence) for one in store.long_absences()],
    )
    deliver = Deliver(
        store=store,
        queue=queue,
        catalogue=catalogue,
        files=files,
        chat=chat,
        messages=messages,
        outbox=outbox,
        card=context.card,
        folder=folder,
        workroom=workroom,
        now=now,
        poll_interval=settings.poll_interval,
    )
    migration = Migration(store)

    def start(stop: threading.Event, waited: bool) -> None:  # noqa: FBT001 as the queue says it
        migration.until_done(stop)
        if stop.is_set():
            return
        _note_settings(settings, store)
        if waited:
            care.look_for_what_was_missed(after=HANDOVER)
        sweep.forever(stop)
        operators.forever(stop)
        threading.Thread(target=_warm_up, args=(identity, directory), name="warm-up", daemon=True).start()

    return Worker(
        queue,
        {
            tasks.EVENT: Reader(context, identity.person, limits, answer_limit),
            tasks.SLOW_DOWN: SlowDown(context, limits),
            tasks.ANSWER: Waiting(tasks.ANSWER, Answer(context), store, queue, outbox, now),
            tasks.WATCH: WaitingWatch(
                Watch(store, queue, catalogue, now, settings.poll_interval), catalogue, store, queue, outbox, now
            ),
            tasks.DELIVER: Waiting(tasks.DELIVER, deliver, store, queue, outbox, now),
            tasks.TELL: Tell(store, outbox, messages, context.card, now),
            tasks.CATCH_UP: catch_up,
            tasks.TAKE_BACK: TakeBack(outbox),
        },
        new_reference=new_reference,
        observe=metrics.job_run,
        threads=THREADS,
        start=start,
        end=partial(_end, sweep, workroom, admin),
    )


def _end(sweep: Sweep, workroom: Workroom, admin: TokenSource) -> None:
    sweep.end()
    workroom.close()
    if isinstance(admin, RefreshableToken):
        try:
            admin.flush()
        except BotError as error:
            log.error("refreshed_token_not_kept", cause=str(error))  # noqa: TRY400 the cause says it all


def _note_settings(settings: Settings, store: Store) -> None:
    """Have the audit say what was changed since the last start."""
    try:
        with store.begin() as tx:
            settings_seen.note(tx, settings, now())
    except BotError as error:
        log.warning("settings_not_noted", cause=str(error))


def _warm_up(identity: Identity, directory: Directory) -> None:
    """Learn who we are before the first person asks; what fails here is asked again when it is needed."""
    for learn in (identity.id, directory.our_org):
        try:
            learn()
        except BotError as error:
            log.warning("not_learned_at_start", cause=str(error))
