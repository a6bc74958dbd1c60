"""What a message without a command is taken for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.chat.commands import registry
from bot.chat.plain_language import Politeness, Wish, argument, politeness, wish, word_of_signs

KNOWN = registry.words


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("hi", Politeness.HELLO),
        ("Hello there", Politeness.HELLO),
        ("good morning bot", Politeness.HELLO),
        ("thanks", Politeness.THANKS),
        ("Thank you so much", Politeness.THANKS),
        ("thanks for the report", Politeness.THANKS),
        ("ok thanks", Politeness.THANKS),
        ("ok", Politeness.OKAY),
        ("OK got it", Politeness.OKAY),
        ("no", Politeness.OKAY),
        ("good", None),
        ("the report", None),
        ("hi calling usage", None),
        ("", None),
    ],
)
def test_politeness(text: str, kind: Politeness | None) -> None:
    assert politeness(text.split()) is kind


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("please send me the calling usage report", Wish("report", ("calling", "usage"), clear=True)),
        ("can you send us the Calling Usage report", Wish("report", ("Calling", "Usage"), clear=True)),
        ("get calling usage US", Wish("report", ("calling", "usage", "US"), clear=True)),
        ("may I have the usage for May", Wish("report", ("usage", "May"), clear=True)),
        ("I'd like to see the report", Wish("report", (), clear=True)),
        ("show me all the failed reports", Wish("reports", ("failed",), clear=True)),
        ("list partner", Wish("reports", ("partner",), clear=True)),
        ("could you please run calling usage for last month", Wish("new", ("calling", "usage", "last", "month"))),
        ("I want a new usage report for May", Wish("new", ("usage", "May"))),
        ("send the new usage report", Wish("report", ("usage",), clear=True)),
        ("Calling Usage report", Wish("report", ("Calling", "Usage"), clear=True)),
        ("download calling usage", Wish("report", ("calling", "usage"), clear=True)),
        ("is the active hosts report ready yet", Wish("report", ("active", "hosts"), clear=True)),
        ("can u give me the calling usage report asap", Wish("report", ("calling", "usage"), clear=True)),
        ("show me the reports that are ready", Wish("reports", ("ready",), clear=True)),
        ("what can you do for me", Wish("help", clear=True)),
        ("who else can see these reports", Wish("help", clear=True)),
        ("who of us may run these", Wish("help", clear=True)),
        ("where is my report", Wish("pending")),
        ("stop waiting for usage", Wish("cancel", ("usage",))),
        ("stop", Wish("cancel")),
        ("stop the daily usage schedule", Wish("unschedule", ("daily", "usage"))),
        ("please remove my subscription to usage", Wish("unsubscribe", ("usage",))),
        (
            "change the daily usage schedule to every Tuesday 9am",
            Wish("schedule", ("change", "daily", "usage", "every", "Tuesday", "9am")),
        ),
        ("edit the schedule daily usage", Wish("schedule", ("change", "daily", "usage"))),
        ("status", Wish("refresh")),
        ("what's the status of usage", Wish("refresh", ("usage",))),
        ("resend calling usage", Wish("again", ("calling", "usage"))),
        ("make me a report", Wish("new")),
        ("please can you cancel it", Wish("cancel", ())),
        ("can you please delete the calling usage report", Wish("delete", ("calling", "usage"))),
        ("reprot Calling Usage", Wish("report", ("Calling", "Usage"))),
        ("reprots", Wish("reports")),
        ("cancle it", Wish("cancel", ("it",))),
        ("hlep", Wish("help")),
        ("tempaltes calling", Wish("templates", ("calling",))),
        (
            "send us calling usage each Monday at 8am for last week",
            Wish("schedule", ("calling", "usage", "last", "week", "each", "Monday", "at", "8am")),
        ),
        ("remind me every Friday to get the usage report", Wish("schedule", ("usage", "every", "Friday"))),
        ("we want to run usage every day", Wish("schedule", ("usage", "every", "day"))),
        ("stop sending usage every Monday", Wish("cancel", ("sending", "usage", "Monday"))),
        ("show me every report", Wish("report", (), clear=True)),
        ("tell me when a new license consumption report is ready", Wish("subscribe", ("license", "consumption"))),
        ("notify us when calling usage is done", Wish("subscribe", ("calling", "usage"))),
        ("let me know as soon as calling usage US is available", Wish("subscribe", ("calling", "usage", "US"))),
        ("let us know when it's ready", Wish("refresh")),
        ("rerun", Wish("run", ("again",))),
        ("rerun calling usage", Wish("run", ("calling", "usage"))),
        ("please rerun it for last week", Wish("run", ("again", "last", "week"))),
        ("same but for yesterday pls", Wish("run", ("again", "yesterday"))),
        ("and the one from last week", Wish("run", ("again", "last", "week"))),
        ("the same procedure", None),
        ("don't send me the calling usage report", None),
        ("never mind", None),
        ("calling usage", None),
        ("why not", None),
        ("x", None),
        ("", None),
    ],
)
def test_wishes(text: str, meant: Wish | None) -> None:
    assert wish(text.split(), KNOWN) == meant


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("\N{THUMBS UP SIGN}", "ok"),
        ("Report Bot \N{WHITE HEAVY CHECK MARK}", "ok"),
        ("Report Bot", "help"),
        ("", "help"),
    ],
)
def test_a_message_without_words(text: str, word: str) -> None:
    assert word_of_signs(text) == word


@given(st.lists(st.text(max_size=20), max_size=12))
def test_any_message_is_read_and_none_of_its_words_is_made_up(words: list[str]) -> None:
    meant = wish(words, KNOWN)

    politeness(words)
    if meant is not None:
        assert meant.word in KNOWN
        assert set(meant.rest) <= set(words)
    assert len(" ".join(argument(words))) <= 1000
