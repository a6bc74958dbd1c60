"""What an answer means: waits, errors, links, paths without ids."""

import json
import time
from datetime import UTC, datetime
from email.utils import format_datetime

import pytest
import requests
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.errors import ELSEWHERE, TOO_SLOW, UNUSABLE, WebexError, sentence_for
from bot.webex.responses import (
    cleaned,
    endless,
    error_from,
    names_of,
    next_link,
    origin,
    retry_after,
    template,
    too_large,
    unreadable,
)

NOW = datetime(2026, 1, 1, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("raw", "seconds"),
    [
        ("7", 7.0),
        (" 0 ", 0.0),
        ("1.5", 1.5),
        ("-5", 0.0),
        ("99999999999", 3600.0),
        ("1e400", 3600.0),
        (format_datetime(datetime(2026, 1, 1, 0, 1, tzinfo=UTC), usegmt=True), 60.0),
        (format_datetime(datetime(2025, 1, 1, tzinfo=UTC), usegmt=True), 0.0),
        ("Thu, 01 Jan 2026 00:00:30 -0000", 30.0),
        ("rand(30),add(30)", None),
        ("soon", None),
        ("", None),
        ("nan", None),
        ("9" * 500, None),
        ("Fri, 99 Foo 2026 99:99:99 GMT", None),
    ],
)
def test_retry_after_is_read_in_every_spelling(raw, seconds):
    assert retry_after({"retry-AFTER": raw}, NOW) == seconds


def test_no_retry_after_is_no_wait():
    assert retry_after({}, NOW) is None


@settings(max_examples=60, deadline=None)
@given(st.text())
def test_no_retry_after_can_crash(raw):
    seconds = retry_after({"Retry-After": raw}, NOW)
    assert seconds is None or 0 <= seconds <= 3600


def test_webex_says_what_is_wrong_and_its_tracking_id():
    body = {"message": "No such thing.", "errors": [{"description": "x"}], "trackingId": "BODY_1"}
    error = error_from("GET /v1/x", 404, {"trackingId": "HEADER_1"}, json.dumps(body).encode())
    assert (error.status, error.message, error.tracking_id) == (404, "No such thing.", "HEADER_1")
    assert error_from("GET /v1/x", 404, {}, json.dumps(body).encode()).tracking_id == "BODY_1"


def test_a_description_stands_in_for_a_missing_message():
    assert error_from("GET /", 400, {}, b'{"errors":[{"description":"too long"}]}').message == "too long"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"null",
        b"[]",
        b'{"message":5,"errors":5,"trackingId":[]}',
        b'{"errors":[5]}',
        b"\xff",
        b"[" * 99999,
    ],
)
def test_any_error_body_is_survived(body):
    error = error_from("GET /", 500, {"trackingId": "bad id\twith spaces"}, body)
    assert (error.message, error.tracking_id) == ("", "")


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (unreadable("GET /v1/x"), "couldn't be read"),
        (unreadable("POST /v1/x"), "couldn't be read"),
        (too_large("GET /v1/x"), "is too large"),
        (endless("GET /v1/x", circles=True), "never ends"),
        (endless("GET /v1/x", circles=False), "too long"),
        (WebexError("GET /v1/x", None, message=ELSEWHERE, reached=False), "isn't its own"),
        (WebexError("GET download", None, message=TOO_SLOW), "too slowly"),
    ],
)
def test_an_answer_that_is_of_no_use_is_not_called_none(error, words):
    """It says what is true, and what to do."""
    assert words in error.sentence
    assert "didn't respond" not in error.sentence
    assert any(remedy in error.sentence for remedy in ("lease tell the people who run this bot.", "again"))


def test_no_answer_is_called_so():
    assert sentence_for(None) == sentence_for(None, "ConnectTimeout") == "Webex didn't respond."
    for message in UNUSABLE:  # with a status it is Webex's message, whatever it says
        assert sentence_for(404, message) == "Webex couldn't find this."


def test_links_credentials_and_secrets_are_taken_out_of_a_message():
    text = cleaned("see https://x.example/?sig=1 with Bearer abc.def\nand hush", ("hush",))
    assert text == "see (link) with Bearer (hidden) and (hidden)"
    assert len(cleaned("x" * 5000)) == 300


@pytest.mark.parametrize("unit", ["a-", "/", "./", "://", "basic "])
def test_a_long_message_is_cleaned_as_quickly_as_a_short_one(unit):
    before = time.thread_time()
    cleaned(unit * (64_000 // len(unit)))
    assert time.thread_time() - before < 0.05


def test_no_secret_is_cut_in_two_before_it_is_looked_for():
    secret = "half-a-secret-is-a-secret"
    assert "half-a" not in cleaned("https://x.example/" + "y" * 1175 + secret, (secret,))
    assert "half-a" not in cleaned("\x00" * 1190 + secret, (secret,))


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/v1/partner/reports/abc", "/v1/partner/reports/{id}"),
        ("/v1/reports", "/v1/reports"),
        ("/v1/people/me", "/v1/people/me"),
        ("/v1/attachment/actions/Y2lz", "/v1/attachment/actions/{id}"),
        ("/identity/scim/1-2/v2/Users/3-4", "/identity/scim/{id}/v2/Users/{id}"),
        ("/v1/messages/reportsx", "/v1/messages/{id}"),
    ],
)
def test_a_template_holds_no_id(path, expected):
    assert template(path) == expected


@pytest.mark.parametrize(
    ("link", "expected"),
    [
        ('<https://a/x?cursor=1>; rel="next"', "https://a/x?cursor=1"),
        ('<https://a/p>; rel="prev", <https://a/n>; rel="next"', "https://a/n"),
        ('<https://a/p>; rel="prev"', None),
        ("", None),
        ("nonsense", None),
        (";;;,,,", None),
    ],
)
def test_only_a_next_link_leads_on(link, expected):
    assert next_link({"Link": link}) == expected


def test_an_origin_is_scheme_host_and_port():
    assert origin("https://A.example/x") == origin("https://a.example:443/y")
    assert origin("https://a.example") != origin("http://a.example")
    assert origin("https://a.example") != origin("https://a.example:8443")
    for unfit in ("/x", "a.example", "https://", "https://user@a.example", "https://a.example:x"):
        with pytest.raises(ValueError):
            origin(unfit)


def test_a_foreign_error_is_named_without_its_text():
    error = requests.ConnectionError("https://x/?sig=hush", ConnectionResetError(104, "Connection reset by peer"))
    assert names_of(error) == "ConnectionError: ConnectionResetError (Connection reset by peer)"
