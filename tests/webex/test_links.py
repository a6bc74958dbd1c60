"""Which addresses may be sent the admin token."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.errors import FileRejected
from bot.webex.links import permitted_host, redirected

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
    assert "hush" not in str(caught.value)
    assert "secret-path" not in str(caught.value)


@settings(max_examples=60, deadline=None)
@given(st.text())
def test_no_text_can_crash_the_decision(text):
    for url in (text, f"https://{text}", f"https://a.webex.com{text}", redirected("https://a.webex.com/x", text)):
        try:
            host = permitted_host(url, ("*.webex.com",))
        except FileRejected:
            continue
        assert host.endswith(".webex.com")


def test_a_redirect_may_be_relative():
    assert redirected("https://a.webex.com/x?y=1", "/z") == "https://a.webex.com/z"
    assert redirected("https://a.webex.com/x", "https://b.webex.com/z") == "https://b.webex.com/z"
    assert redirected("https://a.webex.com/x", "http://[x") == "http://[x"
