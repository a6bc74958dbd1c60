"""Put the API together: its routes, its errors, and the document about them, which is made from the code."""

from __future__ import annotations

from functools import partial
from http import HTTPStatus
from json import loads
from typing import TYPE_CHECKING, Any

import structlog
from flask import Response, g, json, request
from flask.json.provider import DefaultJSONProvider
from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.info import Info
from flask_openapi3.openapi import OpenAPI
from werkzeug.exceptions import HTTPException

import bot
from bot.errors import DatabaseUnavailable
from bot.logs import new_reference
from bot.web.api import (
    calls,
    deliveries,
    hook_calls,
    hooks,
    models,
    pages,
    reports,
    schedules,
    subscriptions,
    webhooks,
)
from bot.web.api.polls import Polls
from bot.web.api.problems import KINDS, Problem, faults
from bot.web.webhook import MAX_BODY, RETRY_AFTER

if TYPE_CHECKING:
    from pydantic import ValidationError

    from bot.web.api.context import ApiContext
    from bot.web.api.owned import OwnedByKey

log = structlog.get_logger(__name__)

PREFIX = "/api/v1"
_SECURITY: list[dict[str, list[Any]]] = [{"key": []}]
_BY_STATUS = {404: "not-found", 405: "method-not-allowed", 413: "body-too-large", 415: "unsupported-media-type"}


class Json(DefaultJSONProvider):
    """Read the JSON of bodies; what is nested too deeply is none."""

    sort_keys = False

    def loads(self, s: str | bytes, **kwargs: Any) -> Any:
        """Return what a body says. Raises ``ValueError``."""
        try:
            return loads(s, **kwargs)
        except RecursionError:
            raise ValueError("nested too deeply") from None


def create_api(context: ApiContext) -> OpenAPI:
    """Return the Flask app that serves everything beneath ``/api``."""
    app = OpenAPI(
        "bot.api",
        info=Info(title="Webex report bot", version=bot.__version__, description="Deliver, run and read reports."),
        doc_ui=False,
        static_folder=None,
        validation_error_callback=_invalid,
        security_schemes={"key": {"type": "http", "scheme": "bearer"}},
    )
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY
    app.config["MAX_FORM_PARTS"] = None  # a hook takes any body; its length is limited
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False
    app.url_map.merge_slashes = False  # a redirect would lead to plain http, with the key or with a hook's token
    app.json = Json(app)
    errors: dict[str | int | HTTPStatus, Any] = {
        status: {
            "description": "; ".join(titles),
            "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Error"}}},
        }
        for status, titles in _titles().items()
    }
    api = APIBlueprint("v1", __name__, url_prefix=PREFIX, abp_security=_SECURITY, abp_responses=errors)
    api.before_request(lambda: calls.admit(context))
    api.after_request(lambda answer: _finished(context, answer))
    _add_deliveries(api, context)
    _add_reports(api, context)
    _add_subscriptions(api, context)
    _add_schedules(api, context)
    webhooks.add(api, context)
    hooks.add(api, context)
    app.register_api(api)
    pages.add(app, PREFIX)
    app.add_url_rule("/hooks/<token>", "hook", lambda token: _called(context, token), methods=["POST"])
    app.register_error_handler(Exception, _failed)
    app.after_request(_as_it_is_called)
    return app


def _titles() -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    for kind in KINDS.values():
        found.setdefault(kind.status, []).append(kind.title)
    return found


def _add_deliveries(api: APIBlueprint, context: ApiContext) -> None:
    polls = Polls(partial(deliveries.ended, context))

    @api.post("/deliveries", responses={202: models.Delivery}, summary="Deliver a report")
    def deliver(body: models.NewDelivery, header: models.Idempotent) -> Response:
        made = deliveries.deliver(context, body, header.idempotency_key)
        return _answer(made, HTTPStatus.ACCEPTED, location=f"{PREFIX}/deliveries/{made['id']}")

    @api.get("/deliveries", responses={200: models.Deliveries}, summary="List deliveries")
    def list_deliveries(query: models.Page) -> Response:
        return _answer(deliveries.listed(context, query))

    @api.get("/deliveries/<delivery_id>", responses={200: models.Delivery}, summary="See a delivery, or wait for it")
    def get_delivery(path: models.ByReference, query: models.Wait) -> Response:
        return _answer(deliveries.get(context, polls, path.delivery_id, query.wait))

    @api.delete("/deliveries/<delivery_id>", responses={204: None}, summary="Cancel a delivery")
    def cancel_delivery(path: models.ByReference) -> Response:
        deliveries.cancel(context, path.delivery_id)
        return Response(status=HTTPStatus.NO_CONTENT)


def _add_reports(api: APIBlueprint, context: ApiContext) -> None:
    @api.get("/reports", responses={200: models.Reports}, summary="List reports")
    def list_reports(query: models.ReportQuery) -> Response:
        return _answer(reports.listed(context, query))

    @api.post("/reports", responses={202: models.Created}, summary="Run a report")
    def create_report(body: models.NewReport, header: models.Idempotent) -> Response:
        made = reports.create(context, body, header.idempotency_key)
        location = f"{PREFIX}/deliveries/{made['deliveryId']}" if "deliveryId" in made else ""
        return _answer(made, HTTPStatus.ACCEPTED, location=location)

    @api.get("/reports/<report_id>", responses={200: models.Report}, summary="See a report")
    def get_report(path: models.ByReport) -> Response:
        return _answer(reports.get(context, path.report_id))

    @api.delete("/reports/<report_id>", responses={204: None}, summary="Delete a report that this key has made")
    def delete_report(path: models.ByReport) -> Response:
        reports.delete(context, path.report_id)
        return Response(status=HTTPStatus.NO_CONTENT)

    @api.get("/templates", responses={200: models.Templates}, summary="List what can be run")
    def list_templates(query: models.FamilyQuery) -> Response:
        return _answer(reports.templates(context, query.family))


def _add_subscriptions(api: APIBlueprint, context: ApiContext) -> None:
    _add_owned(api, context, subscriptions.OWNED, models.Subscription, models.Subscriptions)

    @api.post("/subscriptions", responses={201: models.Subscription}, summary="Subscribe a space")
    def subscribe(body: models.NewSubscription, header: models.Idempotent) -> Response:
        made = subscriptions.create(context, body, header.idempotency_key)
        return _answer(made, HTTPStatus.CREATED, location=f"{PREFIX}/subscriptions/{made['id']}")


def _add_schedules(api: APIBlueprint, context: ApiContext) -> None:
    _add_owned(api, context, schedules.OWNED, models.Schedule, models.Schedules)

    @api.post("/schedules", responses={201: models.Schedule}, summary="Make a schedule")
    def create_schedule(body: models.NewSchedule, header: models.Idempotent) -> Response:
        made = schedules.create(context, body, header.idempotency_key)
        return _answer(made, HTTPStatus.CREATED, location=f"{PREFIX}/schedules/{made['id']}")

    @api.patch("/schedules/<reference>", responses={200: models.Schedule}, summary="Change, pause or resume a schedule")
    def change_schedule(path: models.ByStanding, body: models.ChangedSchedule) -> Response:
        return _answer(schedules.change(context, path.reference, body))

    @api.get("/schedules/<reference>/runs", responses={200: models.ScheduleRuns}, summary="List the runs of a schedule")
    def list_runs(path: models.ByStanding, query: models.Page) -> Response:
        return _answer(schedules.runs(context, path.reference, query))

    @api.post("/schedules/<reference>/runs", responses={202: models.ScheduleRun}, summary="Run a schedule now")
    def run_schedule(path: models.ByStanding) -> Response:
        return _answer(schedules.run(context, path.reference), HTTPStatus.ACCEPTED)


def _add_owned(
    api: APIBlueprint, context: ApiContext, owned: OwnedByKey[Any], one: type[models.Model], several: type[models.Model]
) -> None:
    """Serve the calls that subscriptions and schedules have in common."""

    def list_all(query: models.Page) -> Response:
        return _answer(owned.listed(context, query))

    def get(path: models.ByStanding) -> Response:
        return _answer(owned.get(context, path.reference))

    def end(path: models.ByStanding) -> Response:
        owned.delete(context, path.reference)
        return Response(status=HTTPStatus.NO_CONTENT)

    noun, address = owned.noun, f"/{owned.noun}s"
    # By these names the audit and the document call them.
    list_all.__name__, get.__name__, end.__name__ = f"list_{noun}s", f"get_{noun}", f"end_{noun}"
    api.get(address, responses={200: several}, summary=f"List {noun}s")(list_all)
    api.get(f"{address}/<reference>", responses={200: one}, summary=f"See a {noun}")(get)
    api.delete(f"{address}/<reference>", responses={204: None}, summary=f"End a {noun}")(end)


def _as_it_is_called(answer: Response) -> Response:
    """Keep browsers from taking an answer for another type than it says."""
    answer.headers["X-Content-Type-Options"] = "nosniff"
    return answer


def _finished(context: ApiContext, answer: Response) -> Response:
    try:
        return calls.finish(context, answer)
    except DatabaseUnavailable as error:
        return _failed(error)


def _called(context: ApiContext, token: str) -> Response:
    answer = _answer({"reference": hook_calls.call(context, token)}, HTTPStatus.ACCEPTED)
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _answer(body: dict[str, Any], status: HTTPStatus = HTTPStatus.OK, *, location: str = "") -> Response:
    headers = {"Location": f"{request.script_root}{location}"} if location else {}
    return Response(json.dumps(body), status, headers, content_type="application/json")


def _invalid(error: ValidationError) -> Response:
    return _told(Problem("invalid-request", errors=faults(error.errors(include_url=False, include_input=False))))


def _failed(error: Exception) -> Response:
    """Return what the caller is told of any error."""
    if isinstance(error, Problem):
        return _told(error)
    if isinstance(error, DatabaseUnavailable):
        g.is_database_away = True
        return _told(Problem("unavailable", headers={"Retry-After": RETRY_AFTER}))
    if isinstance(error, HTTPException):
        name = _BY_STATUS.get(error.code or 0, "malformed-body")
        allow = error.get_headers() if error.code == HTTPStatus.METHOD_NOT_ALLOWED else []
        return _told(Problem(name, headers={key: value for key, value in allow if key == "Allow"}))
    reference = new_reference()
    log.error("api_call_failed", exc_info=error, reference=reference, endpoint=request.endpoint)
    return _told(Problem("internal-error", reference=reference))


def _told(problem: Problem) -> Response:
    return problem.response(f"{request.script_root}{PREFIX}/docs/errors")
