"""Answer what calls of the HTTP API must know from Webex: reports, templates, which report a title means.

The web process asks by a row and waits for its answer for some seconds; nobody waits for a late one. An answer holds
what the caller is given, or the name of a problem.
"""

from __future__ import annotations

from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

import structlog

from bot.db import api_questions, audit, reports
from bot.db.api_keys import caller_of
from bot.db.audit import Channel, Entry
from bot.errors import BotError, WebexError
from bot.messages.report_list import asked_words
from bot.outbound.registration import check_webhook
from bot.queue import tasks
from bot.reports.delete import delete_report
from bot.reports.newest_ready import newest_ready
from bot.reports.report_search import filter_reports
from bot.webex.catalog import NotFound

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bot.db.database import Transaction
    from bot.queue import Queue
    from bot.services import Services
    from bot.webex.report import Report
    from bot.webex.report_templates import Template

log = structlog.get_logger(__name__)

MOST_CHOICES: Final = 20
"""Reports that are named where a title means several."""
AGAIN_AFTER: Final = 5.0
"""Seconds until a call is to be repeated where Webex has trouble and says nothing else."""


def put_question(tx: Transaction, queue: Queue, question_id: int, key_id: int) -> None:
    """Have a question answered, in the turn of its key."""
    queue.put(tx, tasks.QUESTION, str(question_id), person=caller_of(key_id))


class Questions:
    """The task behind the API's calls; the key is the question's ID."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._kinds: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
            "delivery": self._delivery,
            "reports": self._reports,
            "report": self._report,
            "delete": self._delete,
            "templates": self._templates,
            "webhook": partial(check_webhook, services.settings),
        }

    def run(self, key: str) -> None:
        """Answer a question once; trouble is an answer too, since a caller waits."""
        with self._services.database.read() as tx:
            found = api_questions.get(tx, int(key))
        if found is None or found.answer is not None:
            return
        try:
            answer = self._kinds[found.question["kind"]](found.question)
        except BotError as error:
            log.info("api_question_failed", kind=found.question["kind"], cause=str(error))
            answer = _problem_of(error)
        with self._services.database.begin(durable=False) as tx:
            api_questions.set_answer(tx, found.id, answer)

    def on_failure(self, key: str, sentence: str) -> None:
        """Answer that there is no answer."""
        with self._services.database.begin(durable=False) as tx:
            api_questions.set_answer(tx, int(key), {"problem": "internal-error", "detail": sentence})

    def _families(self, question: dict[str, Any]) -> Sequence[str]:
        wanted = question.get("family")
        return [one.value for one in self._services.catalog.families if wanted in {None, one.value}]

    def _delivery(self, question: dict[str, Any]) -> dict[str, Any]:
        """Return which report a title means, and whose an address is, as far as either is asked."""
        found: dict[str, Any] = {}
        if email := question.get("email"):
            person_id = self._services.directory.find(email)
            if person_id is None:
                return _problem("not-found", "No person in your organization has this e-mail address.")
            found["person_id"] = person_id
        if title := question.get("title"):
            words, today = title.split(), self._services.now().date()
            newest = newest_ready(self._services.catalog, words, self._families(question), today)
            if newest.report is None:
                if not newest.choices:
                    return _problem("not-found", f"No report that is ready has a title with {asked_words(words)}.")
                choices = [{"id": one.id, "title": one.title, **_days(one)} for one in newest.choices[:MOST_CHOICES]]
                return _problem("several-reports", choices=choices)
            found["report_id"] = newest.report.id
        return {"ok": found}

    def _reports(self, question: dict[str, Any]) -> dict[str, Any]:
        listed, _ = self._services.catalog.everything(self._families(question), question.get("region"), shared=True)
        if words := (question.get("words") or "").split():
            named = filter_reports(words, listed, self._services.now().date())
            listed = list(named.found.items) if named.found.exact else []
        return {"ok": {"items": [report_json(one) for one in listed]}}

    def _report(self, question: dict[str, Any]) -> dict[str, Any]:
        with self._services.database.read() as tx:
            known, on_behalf_of = reports.known_place(tx, question["report_id"]) or (None, None)
        report = self._services.catalog.find(
            question["report_id"], known, families=self._families(question), on_behalf_of=on_behalf_of
        )
        return {"ok": report_json(report)}

    def _delete(self, question: dict[str, Any]) -> dict[str, Any]:
        key = f"api:{question['key']}"
        family, report_id = question["family"], question["report_id"]
        caller = question["caller"]
        entry = Entry(Channel.API, question["act"], audit.DELETED, caller, report_id=report_id)
        delete_report(self._services, family, report_id, event_key=key, person_id=caller, entry=entry)
        return {"ok": {}}

    def _templates(self, question: dict[str, Any]) -> dict[str, Any]:
        found, _ = self._services.catalog.templates(self._families(question))
        return {"ok": {"items": [template_json(one) for one in found]}}


def _problem(name: str, detail: str = "", **more: Any) -> dict[str, Any]:
    return {"problem": name, "detail": detail, **more}


def _problem_of(error: BotError) -> dict[str, Any]:
    if isinstance(error, NotFound) and all(one.status == HTTPStatus.FORBIDDEN for one in error.answers.values()):
        return _problem("webex-refused", error.sentence)  # nobody could look
    if isinstance(error, NotFound) or (isinstance(error, WebexError) and error.status == HTTPStatus.NOT_FOUND):
        return _problem("not-found", error.sentence)
    if error.passing:
        return _problem("busy", error.sentence, retry_after=error.retry_after or AGAIN_AFTER)
    return _problem("webex-refused", error.sentence)


def _days(report: Report) -> dict[str, str | None]:
    return {
        "startDate": report.start.isoformat() if report.start else None,
        "endDate": report.end.isoformat() if report.end else None,
    }


def report_json(report: Report) -> dict[str, Any]:
    """Return a report as the API gives it: without the link to its file."""
    return {
        "id": report.id,
        "family": report.family.value,
        "title": report.title,
        "status": report.phase.value,
        "webexStatus": report.status,
        "service": report.service or None,
        "templateId": report.template_id or None,
        "regionId": report.region or None,
        "siteList": list(report.sites),
        **_days(report),
        "createdAt": report.created.isoformat() if report.created else None,
        "expiresAt": report.expiry.at.isoformat() if report.expiry else None,
    }


def template_json(template: Template) -> dict[str, Any]:
    """Return a template as the API gives it."""
    return {
        "id": template.id,
        "family": template.family.value,
        "title": template.title,
        "service": template.service or None,
        "maxDays": template.max_days,
        "dataStartDate": template.data_start.isoformat() if template.data_start else None,
        "dataEndDate": template.data_end.isoformat() if template.data_end else None,
        "required": sorted(template.required),
        "takesTimeZone": template.takes_time_zone,
    }
