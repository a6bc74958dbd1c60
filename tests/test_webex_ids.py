"""Which ids name the same person, space or organization, whatever their spelling."""

from __future__ import annotations

import base64

import pytest

from bot.webex.ids import id_key, organization_id, same_id
from bot.webex.types import Person

UUID = "1d4b05f5-1ea0-4d52-9f49-6cbb4eb8e0c7"
OTHER = "1d4b05f5-1ea0-4d52-9f49-6cbb4eb8e0c8"


def encoded(text: str, *, url_safe: bool = True, padded: bool = False) -> str:
    made = (base64.urlsafe_b64encode if url_safe else base64.b64encode)(text.encode()).decode()
    return made if padded else made.rstrip("=")


US = encoded(f"ciscospark://us/PEOPLE/{UUID}")


@pytest.mark.parametrize(
    "spelling",
    [
        US,
        encoded(f"ciscospark://us/PEOPLE/{UUID}", padded=True),
        encoded(f"ciscospark://urn:TEAM:us-west-2_r/PEOPLE/{UUID}"),
        encoded(f"ciscospark://us/PEOPLE/{UUID.upper()}"),
        encoded(f"ciscospark://us~?>/PEOPLE/{UUID}"),
        encoded(f"ciscospark://us~?>/PEOPLE/{UUID}", url_safe=False, padded=True),
        UUID,
        UUID.upper(),
    ],
)
def test_one_id_in_all_its_spellings(spelling: str) -> None:
    assert same_id(spelling, US)
    assert same_id(US, spelling)
    assert id_key(spelling) == UUID


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (US, encoded(f"ciscospark://us/PEOPLE/{OTHER}")),
        (US, OTHER),
        (UUID, None),
        ("", ""),
        (None, None),
        ("an opaque id", "An Opaque Id"),
        ("QUJD", "qujd"),
    ],
)
def test_these_are_two_or_nobody(one: str | None, other: str | None) -> None:
    assert not same_id(one, other)


def test_an_id_that_is_made_of_an_address_is_compared_without_case() -> None:
    assert same_id(
        encoded("ciscospark://us/PEOPLE/Ada@Acme.Example"), encoded("ciscospark://us/PEOPLE/ada@acme.example")
    )
    assert same_id("Ada@Acme.Example", encoded("ciscospark://us/PEOPLE/ada@acme.example"))


@pytest.mark.parametrize(
    ("an_id", "email", "known"),
    [
        (US, None, True),
        (UUID.upper(), None, True),
        (OTHER, None, False),
        (OTHER, "second@webex.bot", True),
        (OTHER, "Report-Bot@Webex.Bot", True),
        (OTHER, "ada@acme.example", False),
        (encoded("ciscospark://us/PEOPLE/report-bot@webex.bot"), None, True),
        (None, None, False),
        ("", "", False),
    ],
)
def test_a_person_goes_by_an_id_and_each_address(an_id: str | None, email: str | None, known: bool) -> None:
    person = Person(US, "Report Bot", "Report", "", ("report-bot@webex.bot", "second@webex.bot"))
    assert person.goes_by(an_id, email) is known


def test_somebody_without_id_and_address_is_nobody() -> None:
    assert not Person("", "", "", "").goes_by("", "")


@pytest.mark.parametrize(
    ("word", "cluster"),
    [
        (UUID, "us"),
        (UUID.upper(), "us"),
        (encoded(f"ciscospark://us/ORGANIZATION/{UUID}"), "us"),
        (encoded(f"ciscospark://us/ORGANIZATION/{UUID}", padded=True), "us"),
        (encoded(f"ciscospark://urn:TEAM:us-west-2_r/ORGANIZATION/{UUID}"), "urn:TEAM:us-west-2_r"),
    ],
)
def test_an_organizations_id_has_one_spelling_in_calls(word: str, cluster: str) -> None:
    assert organization_id(word) == encoded(f"ciscospark://{cluster}/ORGANIZATION/{UUID}")


@pytest.mark.parametrize(
    "word",
    [
        "",
        "acme",
        US,
        encoded(f"ciscospark://us/REPORT/{UUID}"),
        encoded("ciscospark://us/ORGANIZATION/acme"),
        encoded(f"ciscospark://us/ORGANIZATION/{UUID}/x"),
        f"ciscospark://us/ORGANIZATION/{UUID}",
    ],
)
def test_other_words_are_no_organizations_id(word: str) -> None:
    assert organization_id(word) == ""
