"""The card check: what 1.3 has is taken, everything else is named."""

from typing import Any

import pytest

from bot.emulator.cards import MAX_CARD_BYTES, problems


def card(*body, version="1.3", **more) -> Any:
    return {"type": "AdaptiveCard", "version": version, "body": list(body), **more}


EVERYTHING = card(
    {"type": "TextBlock", "text": "Report", "size": "Large", "weight": "bolder", "color": "good", "wrap": True},
    {"type": "RichTextBlock", "inlines": ["plain", {"type": "TextRun", "text": "run", "italic": True}]},
    {
        "type": "ColumnSet",
        "columns": [
            {"type": "Column", "width": "stretch", "items": [{"type": "Image", "url": "https://a/b.png"}]},
            {"width": 2, "items": [], "verticalContentAlignment": "center"},
            {"type": "Column", "width": "50px", "items": []},
        ],
    },
    {
        "type": "Container",
        "id": "details",
        "isVisible": False,
        "style": "emphasis",
        "items": [{"type": "FactSet", "facts": [{"title": "Id", "value": "abc"}]}],
        "selectAction": {"type": "Action.OpenUrl", "url": "https://example.com"},
    },
    {"type": "ImageSet", "imageSize": "small", "images": [{"type": "Image", "url": "https://a/b.png"}]},
    {"type": "Input.Text", "id": "t", "label": "Text", "isRequired": True, "regex": "^a$", "errorMessage": "no"},
    {"type": "Input.Number", "id": "n", "min": 1, "max": 5, "value": 3},
    {"type": "Input.Date", "id": "d", "value": "2026-01-01"},
    {"type": "Input.Time", "id": "z", "value": "10:00"},
    {"type": "Input.Toggle", "id": "x", "title": "On", "valueOn": "1", "valueOff": "0"},
    {"type": "Input.ChoiceSet", "id": "c", "choices": [{"title": "A", "value": "a"}], "style": "compact"},
    {"type": "ActionSet", "actions": [{"type": "Action.ToggleVisibility", "targetElements": ["details"]}]},
    actions=[
        {"type": "Action.Submit", "title": "Again", "data": {"any": {"thing": [1]}}, "style": "positive"},
        {"type": "Action.ShowCard", "title": "More", "card": card({"type": "TextBlock", "text": "x"})},
    ],
    fallbackText="Report",
    lang="en",
)
EVERYTHING["$schema"] = "http://adaptivecards.io/schemas/adaptive-card.json"


def test_every_element_of_1_3_is_taken():
    assert problems(EVERYTHING) == []


@pytest.mark.parametrize(
    "new",
    [
        {"type": "Input.Text", "id": "t", "label": "Text"},
        {"type": "Input.Text", "id": "t", "regex": "^a$"},
        {"type": "Input.Date", "id": "t", "isRequired": True},
        {"type": "Container", "items": [{"type": "Input.ChoiceSet", "id": "t", "choices": [], "errorMessage": "no"}]},
        {"type": "RichTextBlock", "inlines": [{"type": "TextRun", "text": "a", "underline": True}]},
    ],
)
def test_what_1_3_added_is_refused_in_a_card_of_1_2(new):
    assert problems(card(new)) == []
    (problem,) = problems(card(new, version="1.2"))
    assert "is of version 1.3" in problem


def test_null_is_taken_for_any_field_but_type_and_version():
    nothing = {"type": "TextBlock", "text": None, "size": None, "wrap": None, "url": None}
    assert problems(card(nothing, {"type": "Image", "url": None}, actions=None, fallbackText=None)) == []
    for bad in (card(version=None), card({"type": None})):
        assert problems(bad)


@pytest.mark.parametrize("version", ["1.0", "1.1", "1.2", "1.3"])
def test_versions_up_to_1_3_are_taken(version):
    assert problems(card(version=version)) == []


@pytest.mark.parametrize(
    ("bad", "word"),
    [
        (card(version="1.4"), "version"),
        ({"type": "AdaptiveCard", "body": []}, "version is missing"),
        ("card", "object"),
        (None, "object"),
        (card(refresh={}), "refresh"),
        (card(authentication={}), "authentication"),
        (card(rtl=True), "rtl"),
        (card({"type": "Table", "columns": []}), "Table"),
        (card({"type": "Media", "sources": []}), "Media"),
        (card({"type": "Badge"}), "Badge"),
        (card({"text": "no type"}), "None"),
        (card({"type": "TextBlock", "text": "a", "style": "heading"}), "style"),
        (card({"type": "TextBlock", "text": "a", "colour": "good"}), "colour"),
        (card({"type": "TextBlock", "text": "a", "color": "green"}), "green"),
        (card({"type": "TextBlock", "text": 5}), "text must be"),
        (card({"type": "TextBlock"}), "text is missing"),
        (card({"type": "FactSet", "facts": [{"title": "a"}]}), "value is missing"),
        (card({"type": "Input.Text"}), "id is missing"),
        (card({"type": "Input.Text", "id": "a", "labelPosition": "above"}), "labelPosition"),
        (card({"type": "Column", "items": []}), "Column"),
        (card(actions=[{"type": "Action.Execute", "verb": "x"}]), "Action.Execute"),
        (card(actions=[{"type": "Action.Submit", "tooltip": "x"}]), "tooltip"),
        (card(actions=[{"type": "Action.Submit", "isEnabled": False}]), "isEnabled"),
        (card(actions=[{"type": "Action.Submit", "associatedInputs": "auto"}]), "associatedInputs"),
        (card(actions="none"), "list"),
        (card(actions=[{"type": "Action.ShowCard", "card": card({"type": "Table"})}]), "Table"),
        (card({"type": "Container", "items": [{"type": "Media"}]}), "Media"),
        (card({"type": "TextBlock", "text": "a", "id": "x"}, {"type": "Container", "items": [], "id": "x"}), "twice"),
        (card({"type": "TextBlock", "text": "ä" * (MAX_CARD_BYTES // 2)}), "bytes"),
    ],
)
def test_what_1_3_does_not_know_is_named(bad, word):
    found = problems(bad)
    assert found
    assert word in " ".join(found)


def test_a_problem_tells_where_it_is():
    (found,) = problems(card({"type": "Container", "items": [{"type": "TextBlock", "text": "a", "wrap": "yes"}]}))
    assert found == "card (AdaptiveCard).body[0] (Container).items[0] (TextBlock).wrap must be true or false"


@pytest.mark.parametrize("words", [{}, {"text": ""}, {"markdown": ""}, {"text": None}])
def test_the_api_refuses_a_card_without_words_beside_it(live, bot, words):
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "content": card()}
    assert bot.post("/messages", roomId=live.space.id, attachments=[attachment], **words).status_code == 400
    assert live.world.messages(live.space) == []
    assert bot.post("/messages", roomId=live.space.id, attachments=[attachment], markdown="a").status_code == 200


def test_the_api_refuses_a_bad_card_with_its_problem(live, bot):
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "content": card({"type": "Table"})}
    answer = bot.post("/messages", roomId=live.space.id, text="a", attachments=[attachment])
    assert (answer.status_code, "Table" in answer.json()["message"]) == (400, True)
