"""Which organization words name, and which words are left."""

from __future__ import annotations

import pytest

from bot.chat.sub_partners import take_organization
from bot.emulator.ids import webex_id
from bot.webex.ids import organization_id

UUID = "0e182e15-9fca-4478-ba38-c4ab2e27aed0"
ENCODED = organization_id(UUID)
REPORT = webex_id("REPORT", "0e182e159fca4478ba38c4ab2e27aed0")


@pytest.mark.parametrize(
    ("said", "left"),
    [
        (f"calling usage last month for {ENCODED}", "calling usage last month"),
        (f"calling usage for {ENCODED}= EU last month", "calling usage EU last month"),
        (f"calling usage for organization {UUID}", "calling usage"),
        (f"Calling usage For Organization {UUID.upper()} anyway", "Calling usage anyway"),
        (f"partner:130 {ENCODED}", "partner:130"),
        (f"for {UUID}", ""),
        (ENCODED, ""),
    ],
)
def test_an_organization_is_taken_out_of_the_words(said: str, left: str) -> None:
    assert take_organization(said.split()) == (ENCODED, tuple(left.split()))


@pytest.mark.parametrize("said", ["", "usage for us", f"again {UUID}", f"report {REPORT}", f"for {REPORT}", "for"])
def test_other_words_stay_as_they_are(said: str) -> None:
    assert take_organization(said.split()) == ("", tuple(said.split()))
