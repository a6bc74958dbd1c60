"""Misbehaviour: each kind does what it says, as often as it says, and to nothing else."""

import time

import pytest
import requests

from tests.waiting import until


def test_a_status_with_headers_and_body_is_given_so_many_times(live, bot):
    faults = live.emulator.faults
    fault = faults.add(method="GET", path="/v1/people/*", status=429, headers={"Retry-After": "rand(30)"}, times=2)
    answers = [bot.get("/people/me") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [429, 429, 200]
    assert answers[0].headers["Retry-After"] == "rand(30)"
    assert answers[0].json()["trackingId"] == answers[0].headers["trackingId"]
    assert fault.hits == 2


def test_other_methods_paths_and_hosts_are_spared(live, bot, admin):
    report = live.world.add_report(family="partner")
    live.emulator.faults.add(method="POST", path="/v1/people/me", status=500)
    live.emulator.faults.add(path="/v1/rooms", host="download", status=500)
    live.emulator.faults.add(path="*", host="download", status=502)
    assert bot.get("/people/me").status_code == 200
    assert bot.get("/rooms").status_code == 200
    assert admin.get(admin.get(f"/partner/reports/{report.id}").json()["downloadURL"]).status_code == 502


def test_the_first_calls_can_be_skipped_and_all_faults_cleared(live, bot):
    live.emulator.faults.add(path="/v1/people/me", status=503, skip=1)
    assert [bot.get("/people/me").status_code for _ in range(3)] == [200, 503, 503]
    live.emulator.faults.clear()
    assert bot.get("/people/me").status_code == 200


@pytest.mark.parametrize(("body", "text"), [("<html>", "<html>"), (b"\xff", None), ({"a": 1}, '{"a": 1}')])
def test_a_body_may_be_text_bytes_or_json(live, bot, body, text):
    live.emulator.faults.add(path="/v1/people/me", status=200, body=body)
    answer = bot.get("/people/me")
    assert answer.content == b"\xff" if text is None else answer.text == text


def test_cut_before_the_call_takes_no_effect(live, bot):
    live.emulator.faults.add("POST", "/v1/messages", cut="before", times=1)
    with pytest.raises(requests.ConnectionError):
        bot.post("/messages", roomId=live.space.id, text="a")
    assert live.world.messages(live.space) == []
    assert bot.post("/messages", roomId=live.space.id, text="a").status_code == 200


def test_cut_after_the_call_took_effect_and_the_answer_is_lost(live, bot):
    live.emulator.faults.add("POST", "/v1/messages", cut="after", times=1)
    with pytest.raises(requests.ConnectionError):
        bot.post("/messages", roomId=live.space.id, text="a")
    assert [message.text for message in live.world.messages(live.space)] == ["a"]


def test_cut_late_the_call_takes_effect_a_moment_after_its_client_has_lost_it(live, bot):
    live.emulator.faults.add("POST", "/v1/messages", cut="late", times=1)
    with pytest.raises(requests.ConnectionError):
        bot.post("/messages", roomId=live.space.id, text="a")
    assert live.world.messages(live.space) == []
    until(lambda: [message.text for message in live.world.messages(live.space)] == ["a"], "the late message")


def test_cut_in_the_middle_sends_half_of_the_body(live, admin):
    content = b"x" * 400_000
    report = live.world.add_report(family="partner", content=content)
    url = admin.get(f"/partner/reports/{report.id}").json()["downloadURL"]
    live.emulator.faults.add(path="/api", cut="middle", times=1)
    received: list[bytes] = []
    with admin.session.get(url, stream=True, timeout=5) as answer:
        with pytest.raises(requests.exceptions.ChunkedEncodingError):
            received.extend(answer.iter_content(1000))
        assert answer.headers["Content-Length"] == "400000"
    assert 150_000 <= len(b"".join(received)) <= 200_000
    assert admin.get(url).content == content


def test_a_delay_alone_delays_a_normal_answer(live, bot):
    live.emulator.faults.add(path="/v1/people/me", delay=0.2, times=1)
    started = time.perf_counter()
    assert bot.get("/people/me").status_code == 200
    assert time.perf_counter() - started >= 0.2


def test_latency_slows_the_api_but_not_the_download_host(live, admin):
    report = live.world.add_report(family="partner")
    url = admin.get(f"/partner/reports/{report.id}").json()["downloadURL"]
    live.emulator.latency = 0.1
    started = time.perf_counter()
    admin.get(f"/partner/reports/{report.id}")
    slow = time.perf_counter() - started
    admin.get(url)
    assert slow >= 0.1
    assert live.emulator.calls.calls_to("GET", "/api")[0].seconds < 0.1


def test_a_stop_does_not_wait_for_a_long_delay(live, bot):
    """A client that hangs in a delay gets its answer when the emulator stops."""
    from concurrent.futures import ThreadPoolExecutor

    fault = live.emulator.faults.add(path="/v1/people/me", delay=60)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(bot.get, "/people/me")
        live.world.wait_for(lambda world: fault.hits == 1)
        started = time.perf_counter()
        live.emulator.stop()
        waiting.exception(timeout=5)
    assert time.perf_counter() - started < 3


def test_calls_are_recorded_with_owner_status_host_and_headers(live, bot, admin):
    report = live.world.add_report(family="partner")
    url = admin.get(f"/partner/reports/{report.id}").json()["downloadURL"]
    admin.get(url)
    bot.get("/people", email="a@b")
    requests.get(f"{live.emulator.api_url}/people/me", timeout=5)
    details, file, people, nobody = live.emulator.calls
    assert (details.method, details.path, details.host) == ("GET", f"/v1/partner/reports/{report.id}", "api")
    assert (details.status, details.token_owner) == (200, live.ada)
    assert (file.path, file.host, file.query["reportId"]) == ("/api", "download", report.id)
    assert people.query == {"email": "a@b"}
    assert people.headers["authorization"].startswith("Bearer ")
    assert (nobody.status, nobody.token_owner) == (401, None)
    assert live.emulator.calls.calls_to("*", "/v1/partner/reports/*") == [details]
    live.emulator.calls.clear()
    assert len(live.emulator.calls) == 0


def test_a_cut_call_is_recorded_without_a_status(live, bot):
    live.emulator.faults.add(path="/v1/people/me", cut="before", times=1)
    with pytest.raises(requests.ConnectionError):
        bot.get("/people/me")
    assert [call.status for call in live.emulator.calls] == [None]
