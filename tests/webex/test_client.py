"""JSON calls: ids in paths, broken bodies, pages."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest

from bot.errors import IN_CIRCLES, TOO_MANY_PAGES, WebexError
from bot.webex.client import Client, segment
from bot.webex.tokens import StaticToken

SECRET = "top-secret-token-0123456789"


@pytest.fixture
def client(loopback, closed):
    return closed(Client(loopback.url, StaticToken(SECRET)))


@pytest.mark.parametrize("unfit", ["", ".", "..", "...", "a/b", "../people", "a b", "a?b", "a#b", "a%2Fb", "é", "a\n"])
def test_what_is_no_id_is_unknown_without_asking(loopback, client, unfit):
    with pytest.raises(WebexError) as caught:
        segment(unfit)
    assert (caught.value.status, caught.value.reached, caught.value.passing) == (404, False, False)
    with pytest.raises(WebexError):
        client.call("GET", f"reports/{unfit}/x" if "/" not in unfit else unfit.replace("a/b", ".."))
    assert loopback.asked == []


def test_an_answer_has_its_body_its_status_and_its_tracking_id(loopback, client):
    loopback.always(200, {"a": 1}, {"trackingId": "T_1"})
    answer = client.call("GET", "reports", params={"from": "2024-01-01"})
    assert (answer.status, answer.json, answer.tracking_id) == (200, {"a": 1}, "T_1")
    assert loopback.asked[0].path == "/v1/reports?from=2024-01-01"


def test_a_path_may_begin_at_the_host_and_the_base_may_end_with_a_slash(loopback, closed):
    client = closed(Client(loopback.url + "/", StaticToken(SECRET)))
    client.call("GET", "/identity/scim/1/v2/Users/2")
    client.call("GET", "reports")
    assert [asked.path for asked in loopback.asked] == ["/identity/scim/1/v2/Users/2", "/v1/reports"]


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"a":', b"\xff\xfe", b"[" * 100_000])
def test_a_success_that_cannot_be_read_passes_for_a_get_and_is_unsure_for_a_post(loopback, client, body):
    loopback.always(200, body)
    with pytest.raises(WebexError) as caught:
        client.call("GET", "reports")
    assert (caught.value.status, caught.value.reached, caught.value.passing) == (None, True, True)
    assert str(caught.value).startswith("GET /v1/reports -> no answer")
    if body:
        with pytest.raises(WebexError) as caught:
            client.call("POST", "reports", json={})
        assert (caught.value.status, caught.value.reached) == (None, None)


def test_no_content_is_no_body(loopback, client):
    loopback.answer(lambda exchange, asked: exchange.reply(204))
    assert client.call("DELETE", "reports/x").json is None
    assert client.call("GET", "reports/x").json is None


def pages_of(loopback, links) -> None:
    """Page n answers `{"items": [n]}` (an empty one where n is 1) and links to where `links` says."""

    def answer(exchange, asked):
        number = int(parse_qs(urlsplit(asked.path).query).get("page", ["0"])[0])
        link = links[number] if number < len(links) else ""
        exchange.reply(200, {"items": [] if number == 1 else [number]}, {"Link": link} if link else {})

    loopback.answer(answer)


def test_pages_are_followed_and_an_empty_one_goes_on(loopback, client):
    url = f"{loopback.url}/memberships?page="
    pages_of(loopback, [f'<{url}1>; rel="next"', f'<{url}2>; rel="next"', '</v1/memberships?page=3>; rel="next"'])
    found = [answer.json["items"] for answer in client.pages("memberships", {"roomId": "x"})]
    assert found == [[0], [], [2], [3]]
    assert {asked.headers["Authorization"] for asked in loopback.asked} == {f"Bearer {SECRET}"}


@pytest.mark.parametrize(
    "link", ["page=1", "page=1&max=null", "page=1&roomId=another&max=50", "max=null&page=1&roomId=x"]
)
def test_a_next_page_that_lost_its_filter_is_asked_for_with_it(loopback, client, link):
    pages_of(loopback, [f'<{loopback.url}/memberships?{link}>; rel="next"'])
    list(client.pages("memberships", {"roomId": "x", "max": "100"}))
    asked = parse_qs(urlsplit(loopback.asked[1].path).query)
    assert asked["roomId"] == ["x"]
    assert asked["max"] == ["50" if "max=50" in link else "100"]


def test_a_next_page_that_is_whole_is_asked_for_to_the_letter(loopback, client):
    link = f"{loopback.url}/people?page=1&cursor=a%2Bb==&email=ada%40acme.example"
    pages_of(loopback, [f'<{link}>; rel="next"'])
    list(client.pages("people", {"email": "ada@acme.example"}))
    assert link.endswith(loopback.asked[1].path)


@pytest.mark.parametrize(
    "elsewhere", ["https://evil.example/v1/x?page=1", "http://127.0.0.1:1/x", "//evil.example/x", "http://[x"]
)
def test_a_page_on_another_host_is_refused(loopback, client, elsewhere):
    pages_of(loopback, [f'<{elsewhere}>; rel="next"'])
    with pytest.raises(WebexError) as caught:
        list(client.pages("memberships"))
    assert not caught.value.passing
    assert len(loopback.asked) == 1


def test_a_listing_without_end_is_an_error_and_not_a_shorter_list(loopback, client):
    url = f"{loopback.url}/roles?page="
    pages_of(loopback, [f'<{url}{number}>; rel="next"' for number in range(1, 100)])
    found: list[int] = []
    with pytest.raises(WebexError, match=TOO_MANY_PAGES) as caught:
        found.extend(len(answer.json["items"]) for answer in client.pages("roles", most=7))
    assert len(found) == len(loopback.asked) == 7
    assert (caught.value.reached, caught.value.passing) == (True, False)


@pytest.mark.parametrize(
    ("params", "links", "asked"),
    [
        pytest.param(None, ["roles"], 1, id="the first page leads to itself"),
        pytest.param({"a": "b c"}, ["roles?a=b+c"], 1, id="with its parameters"),
        pytest.param(None, ["roles?page=1", "roles?page=1"], 2, id="a later one leads to itself"),
        pytest.param(None, ["roles?page=1", "roles?page=2", "roles?page=1"], 3, id="one leads back"),
    ],
)
def test_a_page_that_was_asked_for_already_is_an_error_at_once(loopback, client, params, links, asked):
    pages_of(loopback, [f'<{loopback.url}/{link}>; rel="next"' for link in links])
    with pytest.raises(WebexError, match=IN_CIRCLES) as caught:
        list(client.pages("roles", params))
    assert len(loopback.asked) == asked
    assert (caught.value.reached, caught.value.passing) == (True, False)


def test_a_page_that_fails_fails_the_listing(loopback, client):
    pages_of(loopback, [f'<{loopback.url}/roles?page=x>; rel="next"'])
    with pytest.raises(WebexError):
        list(client.pages("roles"))
