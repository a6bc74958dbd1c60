"""The download host: another port than the API's, as reports are served by another host in Webex.

It demands the administrator's token, streams, and can go wrong in every way that a report's fields ask for.
"""

from collections.abc import Iterable
from urllib.parse import quote

from flask import Flask, Response, request

from bot.emulator import api
from bot.emulator.directory import is_admin, is_partner_admin
from bot.emulator.problems import Refusal
from bot.emulator.report import Report, read_pieces
from bot.emulator.request import attach, caller, world
from bot.emulator.things import Token
from bot.emulator.world import World

HTML_ERROR = (
    "<!DOCTYPE html>\n<html><head><title>Sign in</title></head>"
    "<body><h1>Something went wrong</h1><p>Please sign in again.</p></body></html>\n"
)
HOP = "hop"  # a link with it has been redirected already
UNSCANNABLE = "File cannot be scanned for malware and need to be force downloaded."


def _check_caller(report: Report, token: Token) -> None:
    org = world().organizations[token.person.org_id]
    admin = is_partner_admin(token.person, org) if report.family == "partner" else is_admin(token.person)
    if report.owner_org_id != org.id or not admin:
        raise Refusal(403, "The report belongs to another organization, or the token is no administrator's.")


def _check_state(report: Report) -> None:
    """Refuse the download as the report's state demands, or count it."""
    if not report.is_done:
        raise Refusal(404, "The report's file is not there yet.")
    if report.infected:
        raise Refusal(410, "The file was found to be infected.")
    if report.locked_times > 0:
        report.locked_times -= 1
        raise Refusal(423, "The file is being scanned for malware.", {"Retry-After": report.retry_after})
    if report.unscannable and request.args.get("allow") != "unscannable":
        raise Refusal(428, UNSCANNABLE)
    if report.download_limit is not None and report.downloads >= report.download_limit:
        raise Refusal(403, f"The report was downloaded {report.download_limit} times; more is not allowed.")


def download() -> Response:
    """`GET /api?reportId=…&expires=…&signature=…`."""
    token = caller()
    with world().change():
        report = world().report_for_link(request.args)
        _check_caller(report, token)
        if report.redirect_to is not None and HOP not in request.args:
            here = f"{request.url}&{HOP}=1"
            return Response(
                status=302, headers={"Location": here if report.redirect_to == "here" else report.redirect_to}
            )
        _check_state(report)
        report.downloads += 1
        if report.html_error:
            return Response(HTML_ERROR, mimetype="text/html")
        size = report.size if _straight(report) else world().body_of(report).size
    named = f"attachment; filename*=UTF-8''{quote(report.file_name)}"  # a header has no other way for other letters
    if report.file_name.isascii():
        named = f'attachment; filename="{report.file_name}"'
    headers = {"Content-Type": report.content_type, "Content-Disposition": named}
    if not report.without_length:
        headers["Content-Length"] = str(size if report.claimed_length is None else report.claimed_length)
    return Response(_pieces(report), headers=headers, direct_passthrough=True)


def _straight(report: Report) -> bool:
    """Return True when the content goes to the wire as it is made, since its size is known."""
    return callable(report.content) and report.size is not None and not report.as_zip


def _pieces(report: Report) -> Iterable[bytes]:
    return report.produced() if _straight(report) else read_pieces(world().body_of(report).path)


def make_app(world_: World) -> Flask:
    """Return the download host's application."""
    app = Flask("bot.emulator.files", static_folder=None)
    attach(app, world_)
    app.add_url_rule("/api", view_func=download, methods=["GET"])
    api.answer_like_webex(app)
    return app
