"""Which addresses may be sent the admin token."""

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.errors import FileRejected
from bot.webex.download_hosts import outside_host, permitted_host, redirected

HOSTS = ("*.webex.com", "Files.Example.gov", "127.0.0.1", "localhost")


@pytest.mark.parametrize(
    "url",
    [
        "https://reportdownload-a.webex.com/api?reportId=x",
        "https://reportdownload-a.webex.com:8443/api",
        "https://a.b.webex.com",
        "HTTPS://A.WEBEX.COM/x",
        "https://files.example.gov/x",
        "https://127.0.0.1/x",
        "http://127.0.0.1:9000/x",
        "http://localhost/x",
    ],
)
def test_an_address_of_a_named_host_may_be_sent_the_token(url):
    assert permitted_host(url, HOSTS)


@pytest.mark.parametrize(
    "url",
    [
        "https://webex.com/x",
        "https://evilwebex.com/x",
        "https://a.webex.com.evil.example/x",
        "https://evil.example/a.webex.com",
        "https://evil.example?.webex.com",
        "https://evil.example#.webex.com",
        "https://a.webex.com@evil.example/x",
        "https://user:pass@a.webex.com/x",
        "https://@a.webex.com/x",
        "https://evil.example\\.webex.com/x",
        "https://evil.example\\@a.webex.com/x",
        "https://a.webex.com\t.evil.example/x",
        "https://a.webex.com\n/x",
        "https://a.webex.com /x",
        "https://\uff41.webex.com/x",
        "https://a.webex.com./x",
        "https://evil.example%2f.webex.com/x",
        "https://evil.example%00.webex.com/x",
        "https://[::1].webex.com/x",
        "https://a.webex.com:x/",
        "https://a.webex.com:99999/",
        "https:///a.webex.com",
        "//a.webex.com/x",
        "a.webex.com/x",
        "/api?reportId=x",
        "",
        "http://a.webex.com/x",
        "ftp://a.webex.com/x",
        "file:///etc/passwd",
        "javascript://a.webex.com/x",
        "http://127.0.0.2/x",
        "https://127.0.0.1.evil.example/x",
    ],
)
def test_other_addresses_may_not(url):
    with pytest.raises(FileRejected):
        permitted_host(url, HOSTS)


def test_no_pattern_permits_nothing():
    with pytest.raises(FileRejected):
        permitted_host("https://a.webex.com", ())


def test_the_sentence_names_the_host_and_nothing_else_of_the_link():
    with pytest.raises(FileRejected) as caught:
        permitted_host("https://evil.example/secret-path?signature=hush", HOSTS)
    assert "“evil.example”" in caught.value.sentence
    assert "REPORT_DOWNLOAD_HOSTS" not in caught.value.sentence, "nobody in a chat can set it, or should for this"
    assert "hush" not in str(caught.value)
    assert "secret-path" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://storage.example.net/x?signature=y", "storage.example.net"),
        ("HTTPS://Storage.Example.net:8443/x", "storage.example.net"),
        ("https://8.8.8.8/x", "8.8.8.8"),
        ("https://a.webex.com/x", "a.webex.com"),
    ],
)
def test_any_host_may_be_asked_without_the_token_over_https(url, host):
    assert outside_host(url) == host


@pytest.mark.parametrize(
    "url",
    [
        "http://storage.example.net/x",
        "http://127.0.0.1/x",
        "ftp://storage.example.net/x",
        "file:///etc/passwd",
        "//storage.example.net/x",
        "https://user@storage.example.net/x",
        "https://a\\@storage.example.net/x",
        "https://storage.example.net\t.webex.com/x",
        "https://\uff41.example/x",
        "https://2130706433/x",
        "https://0x7f.1/x",
        "https://127.1/x",
        "https://a.b.7/x",
        "https://storage.example.net./x",
        "",
    ],
)
def test_other_addresses_are_not_asked_at_all(url):
    with pytest.raises(FileRejected):
        outside_host(url)


@settings(max_examples=60, deadline=None)
@given(st.text())
def test_no_text_can_crash_the_decision(text):
    for url in (text, f"https://{text}", f"https://a.webex.com{text}", redirected("https://a.webex.com/x", text)):
        with suppress(FileRejected):
            outside_host(url)
        try:
            host = permitted_host(url, ("*.webex.com",))
        except FileRejected:
            continue
        assert host.endswith(".webex.com")


def test_a_redirect_may_be_relative():
    assert redirected("https://a.webex.com/x?y=1", "/z") == "https://a.webex.com/z"
    assert redirected("https://a.webex.com/x", "https://b.webex.com/z") == "https://b.webex.com/z"
    assert redirected("https://a.webex.com/x", "http://[x") == "http://[x"
