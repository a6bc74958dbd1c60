"""Only what Webex signed with one of our secrets verifies."""

from __future__ import annotations

import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.web.signature import SPARK, WEBEX, is_signed

SECRETS = [b"the first secret", b"the second secret"]
BODY = b'{"resource": "messages"}'


def spark(body: bytes = BODY, secret: bytes = SECRETS[0]) -> str:
    return hmac.new(secret, body, hashlib.sha1).hexdigest()


def webex(name: str, body: bytes = BODY, secret: bytes = SECRETS[0]) -> str:
    return hmac.new(secret, body, name.replace("-", "").lower()).hexdigest()


@pytest.mark.parametrize("secret", SECRETS)
def test_either_secret_verifies_while_they_are_rotated(secret: bytes) -> None:
    assert is_signed(BODY, {SPARK: spark(secret=secret)}, SECRETS)
    assert is_signed(BODY, {WEBEX: f"SHA-256={webex('SHA-256', secret=secret)}"}, SECRETS)


@pytest.mark.parametrize("given", [spark().upper(), f"  {spark()} "])
def test_the_case_of_hex_digits_says_nothing(given: str) -> None:
    assert is_signed(BODY, {SPARK: given}, SECRETS)


@pytest.mark.parametrize(
    "given",
    [
        "",
        "0" * 40,
        spark()[:-1],
        spark() + "0",
        spark(secret=b"another"),
        spark(body=BODY + b" "),
        hashlib.sha1(BODY).hexdigest(),
        "ü" * 40,
        "\udcff" * 40,
        f"sha1={spark()}",
    ],
)
def test_whatever_else_is_given_does_not(given: str) -> None:
    assert not is_signed(BODY, {SPARK: given}, SECRETS)
    assert not is_signed(BODY, {WEBEX: given}, SECRETS)


@pytest.mark.parametrize(
    ("given", "good"),
    [
        (f"SHA-256={webex('SHA-256')}, SHA-512={webex('SHA-512')}", True),
        (f"SHA-512={webex('SHA-512')}", True),
        (f"sha-256 = {webex('SHA-256').upper()}", True),
        (f"SHA-256={webex('SHA-512')}", False),
        (f"SHA-1={spark()}", False),
        (f"SHA-256={webex('SHA-256')[:-2]}", False),
        ("SHA-256=, SHA-512=", False),
        (f"SHA-256=00,SHA-512=00,SHA-256={webex('SHA-256')}", False),
    ],
)
def test_the_second_header(given: str, good: bool) -> None:
    assert is_signed(BODY, {WEBEX: given}, SECRETS) is good


def test_without_a_header_and_without_a_secret_nothing_verifies() -> None:
    assert not is_signed(BODY, {}, SECRETS)
    assert not is_signed(BODY, {SPARK: spark()}, [])


@given(st.binary(max_size=200), st.binary(min_size=1, max_size=60), st.integers(0, 199))
def test_one_byte_changed_anywhere_is_noticed(body: bytes, secret: bytes, place: int) -> None:
    headers = {SPARK: spark(body, secret)}
    assert is_signed(body, headers, [secret])
    if body:
        place %= len(body)
        changed = body[:place] + bytes([body[place] ^ 1]) + body[place + 1 :]
        assert not is_signed(changed, headers, [secret])


@given(st.text(), st.text())
def test_no_header_is_a_reason_to_fail(one: str, other: str) -> None:
    assert not is_signed(BODY, {SPARK: one, WEBEX: other}, SECRETS)
