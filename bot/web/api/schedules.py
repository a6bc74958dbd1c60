"""``/schedules``: reports that a key has run regularly, and their runs."""

from __future__ import annotations

import re
import threading
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

from bot.db import audit, origins, past_runs, schedules, tables
from bot.db.api_keys import Right
from bot.db.origin import PASSING, OriginState, PauseCause
from bot.db.requests import GROUP
from bot.db.runs import Why
from bot.outbound.events import tell_paused
from bot.reports.conditions import UnknownCondition, parse
from bot.reports.periods import find_period
from bot.reports.recurrence import InvalidRecurrence, validated
from bot.reports.schedules import open_scheduled_run, put_schedules, set_next
from bot.web.api.calls import current_key, need, record
from bot.web.api.models import Schedule, ScheduleRun, Standing
from bot.web.api.owned import OwnedByKey
from bot.web.api.problems import Problem
from bot.web.api.repeated import Repeated
from bot.web.api.waiting import AGAIN_AFTER, ask

if TYPE_CHECKING:
    from bot.db.database import Transaction
    from bot.db.past_runs import PastRun
    from bot.db.schedules import Schedule as Row
    from bot.web.api.context import ApiContext
    from bot.web.api.models import ChangedSchedule, NewSchedule, Page

_START: Final = re.compile(
    r"(?:DTSTART;)?(?:TZID=(?P<ical>[\w+/-]+):)?"
    r"(?P<local>\d{4}-?\d\d-?\d\dT\d\d:?\d\d(?::?\d\d)?)(?P<offset>Z|[+-]\d\d:?\d\d)?(?:\[(?P<zone>[\w+/-]+)\])?"
)
"""``2026-11-30T08:00:00[Europe/Berlin]`` (RFC 9557) or ``TZID=Europe/Berlin:20261130T080000`` (RFC 5545)."""
LOCK_TIMEOUT: Final = 0.5
"""Seconds for which a call waits for its turn."""
_ONE_AT_A_TIME: Final = threading.Lock()
"""Of some recurrences it takes a second to know that they never come; many at once would hold up the webhook."""


def create(context: ApiContext, body: NewSchedule, idempotency_key: str | None) -> dict[str, Any]:
    """Make a schedule and return it. Raises ``Problem``."""
    need(Right.MANAGE)
    need(Right.CREATE)
    key = current_key()
    if not key.may_reach(body.space_id):
        raise Problem("space-not-allowed")
    when = _when(body.rrule, body.dtstart)
    conditions = _conditions(body.only_if)
    _check_period(context, body.period)
    repeated = Repeated(context, "schedules", idempotency_key, body)
    if (stored := repeated.answer()) is not None:
        return stored
    template_id = str(body.template_id)
    found = ask(context, key.id, {"kind": "templates", "family": body.family})["items"]
    template = next((one for one in found if one["id"] == template_id), None)
    if template is None:
        raise Problem("not-found", f"There is no {body.family} template {template_id}: see /api/v1/templates.")
    values = when | {
        "reference": context.new_reference(),
        "event_key": f"api:{context.new_reference()}",
        "person_id": key.owner,
        "room_id": body.space_id,
        "room_type": GROUP,
        "created_at": context.now(),
        "name": body.name,
        "note": None,
        "family": body.family,
        "template_id": template_id,
        "title": template["title"],
        "region": body.region_id,
        "sites": ",".join(body.sites) or None,
        "period": body.period,
        "only_if": conditions,
        "takes_time_zone": template["takesTimeZone"],
    }

    def make(tx: Transaction) -> dict[str, Any]:
        OWNED.refuse_too_many(tx)
        schedules.add(tx, values)
        made = schedules.of_event(tx, str(values["event_key"]))
        assert made is not None
        set_next(tx, made, context.now())
        put_schedules(tx, context.queue)
        record(tx, context, audit.ASKED, room_id=body.space_id, reference=made.reference)
        stored = schedules.get(tx, made.id)
        assert stored is not None
        return shown(stored)

    return repeated.once(make)


def change(context: ApiContext, reference: str, body: ChangedSchedule) -> dict[str, Any]:
    """Change, pause or resume one of the key's schedules. Raises ``Problem``."""
    need(Right.MANAGE)
    given = body.model_fields_set
    now = context.now()
    _check_period(context, body.period)
    values: dict[str, Any] = {name: getattr(body, name) for name in given & {"name", "period"}}
    if "only_if" in given:
        values["only_if"] = _conditions(body.only_if)
    if given & {"rrule", "dtstart"}:
        with context.database.read() as tx:
            known = OWNED.one(tx, reference)
        # Outside the transaction: while it looks for a run, nobody else could write.
        values |= _when(body.rrule or known.rrule, body.dtstart or f"{known.dtstart}[{known.time_zone}]")
    with context.database.begin() as tx:
        found = OWNED.one(tx, reference)
        if values:
            schedules.set_values(tx, found.id, **values)
        if body.status is Standing.PAUSED:
            if origins.pause(tx, found.origin, PauseCause.PERSON, ""):
                tell_paused(tx, context.queue, found, PauseCause.PERSON, now)
        elif body.status is Standing.ACTIVE:
            origins.resume(tx, found.origin, now)
        changed = OWNED.one(tx, reference)
        if changed.state is OriginState.ACTIVE or changed.pause_cause in PASSING:
            set_next(tx, changed, now)
            put_schedules(tx, context.queue)
        record(tx, context, audit.ALLOWED, room_id=found.room_id, reference=found.reference)
        return shown(OWNED.one(tx, reference))


def runs(context: ApiContext, reference: str, page: Page) -> dict[str, Any]:
    """Return a page of a schedule's runs, the newest first. Raises ``Problem``."""
    need(Right.MANAGE)
    start = int(page.cursor or 0)
    with context.database.read() as tx:
        found = past_runs.latest(tx, OWNED.one(tx, reference).origin, page.max + 1, skip=start)
    items = [_shown_run(one) for one in found[: page.max]]
    return {"items": items, "next": str(start + page.max) if len(found) > page.max else None}


def run(context: ApiContext, reference: str) -> dict[str, Any]:
    """Run a schedule now, and return the run. Raises ``Problem``."""
    need(Right.MANAGE)
    now = context.now()
    with context.database.begin() as tx:
        found = OWNED.one(tx, reference)
        event_key = f"api:{context.new_reference()}"
        made = open_scheduled_run(tx, context, found, Why.BY_HAND, planned_at=now, event_key=event_key)
        assert made is not None
        record(tx, context, audit.ASKED, room_id=found.room_id, reference=made)
        past = past_runs.with_reference(tx, found.origin, made)
    assert past is not None
    return _shown_run(past)


def _when(rrule: str, dtstart: str) -> dict[str, Any]:
    """Return the columns that say when it runs. Raises ``Problem``."""
    found = _START.fullmatch(dtstart)
    zone = None if found is None else found["zone"] or found["ical"] or ("UTC" if found["offset"] == "Z" else None)
    if found is None or zone is None:
        raise Problem("invalid-schedule", "dtstart needs a time zone by name: 2026-11-30T08:00:00[Europe/Berlin].")
    if not _ONE_AT_A_TIME.acquire(timeout=LOCK_TIMEOUT):
        raise Problem("busy", headers={"Retry-After": AGAIN_AFTER})
    try:
        recurrence = validated(rrule.removeprefix("RRULE:"), found["local"], zone)
    except InvalidRecurrence as error:
        raise Problem("invalid-schedule", str(error)) from None
    finally:
        _ONE_AT_A_TIME.release()
    local = recurrence.dtstart.isoformat(timespec="seconds")
    return {"rrule": recurrence.rrule, "dtstart": local, "time_zone": zone}


def _conditions(words: str | None) -> str | None:
    if not words:
        return None
    try:
        found, rest = parse(f"only if {words.replace(',', ' and ')}".split())
    except UnknownCondition:
        found, rest = None, ("",)
    if found is None or rest:
        raise Problem("invalid-schedule", "onlyIf is of: not blank, changed, more than 100 rows.")
    return found


def _check_period(context: ApiContext, words: str | None) -> None:
    if words is None:
        return
    period, rest = find_period(words.split(), context.now().astimezone(ZoneInfo("UTC")).date())
    if period is None or rest:
        raise Problem("invalid-schedule", "period is in words: last week, last month, 2026-05-01 to 2026-05-20.")


def shown(one: Row) -> dict[str, Any]:
    """Return a schedule as the API gives it."""
    return Schedule(
        id=one.reference,
        name=one.name,
        family=one.family,
        template_id=one.template_id,
        title=one.title,
        period=one.period,
        region_id=one.region,
        site_list=[name for name in (one.sites or "").split(",") if name],
        space_id=one.room_id,
        dtstart=f"{one.dtstart}[{one.time_zone}]",
        rrule=one.rrule,
        only_if=one.only_if,
        status=Standing(one.state.value),
        reason=one.reason or None,
        next_run_at=one.next_at if one.state is OriginState.ACTIVE else None,
        created_at=one.created_at,
    ).model_dump(mode="json", by_alias=True)


def _shown_run(one: PastRun) -> dict[str, Any]:
    run = one.run
    return ScheduleRun(
        id=one.reference if run is None else run.reference,
        why=None if run is None or run.why is None else run.why.value,
        planned_at=None if run is None else run.planned_at,
        started_at=one.asked_at,
        closed_at=one.closed_at,
        start_date=None if run is None else run.start_date,
        end_date=None if run is None else run.end_date,
        status=one.state.value,
        reason=one.reason or None,
        report_id=None if one.row is None else one.row.report_id,
        reference=one.reference,
    ).model_dump(mode="json", by_alias=True)


def _end(tx: Transaction, context: ApiContext, one: Row) -> None:
    origins.end(tx, one.origin, context.now())


OWNED: Final = OwnedByKey("schedule", tables.schedules, schedules.find, shown, _end)
