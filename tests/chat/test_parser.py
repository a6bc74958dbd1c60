"""What a person wrote becomes a word and the rest, whatever way the bot was mentioned."""

from __future__ import annotations

import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.chat.commands import registry
from bot.chat.parser import Words, parse
from bot.webex.types import Person

KNOWN = registry.words
ID = "Y2lzY29zcGFyazovL3VzL1JFUE9SVC85Yzg"
BOT = Person("BOT", "Report Bot", "Report", "org", nick_name="Report Bot", kind="bot")
PLAIN_BOT = Person("BOT", "Ada's Helper", "Ada's", "org", kind="bot")
NAMELESS_BOT = Person("BOT", "Report Bot", "", "org", kind="bot")
"""Webex gives a bot neither a first name nor a nick name, it seems."""
WANTED = Words("report", (ID,))


def mention(label: str, person_id: str = "BOT") -> str:
    kind = f'data-object-type="person" data-object-id="{person_id}"'
    return f"<spark-mention {kind}>{label}</spark-mention>"


def read(text: str, html: str = "", *, bot: Person = BOT, direct: bool = False) -> Words:
    return parse(text, html, bot, KNOWN, direct=direct)


def same(words: Words, word: str, *rest: str) -> bool:
    return words.word.casefold() == word and words.rest == rest


@pytest.mark.parametrize(
    "text",
    [
        f"Report Bot report {ID}",
        f"Report Bot, report {ID}",
        f"Report Bot: REPORT   {ID}",
        f"@Report Bot report {ID}",
        f"report Bot rePort\n{ID}",
        f"report {ID} Report Bot",
        f"report {ID} @Report Bot!",
        f"  report {ID},Report  Bot. ",
        f"Report report {ID}",
        f"report {ID} Report",
        f"report {ID}",
        f"/report {ID}",
        f"“report” <{ID}>",
        f"Report Bot\u200b report\u00a0`{ID}`",
    ],
)
def test_a_mention_in_the_text_by_full_or_first_name_at_either_end(text: str) -> None:
    """Also for a bot whose first name is the command's own word: "Report report X", and "report X" alone."""
    assert same(read(text), "report", ID)


@pytest.mark.parametrize("label", ["Ada's Helper", "Ada's", "@Ada's Helper"])
@pytest.mark.parametrize("form", ["{label} report {id}", "report {id} {label}", "{label}: report {id}"])
def test_any_bot_s_name_is_taken_off(label: str, form: str) -> None:
    assert same(read(form.format(label=label, id=ID), bot=PLAIN_BOT), "report", ID)


@pytest.mark.parametrize("label", ["Report Bot", "Report", "whatever the client shows"])
@pytest.mark.parametrize(
    "html",
    [
        "<p>{mention} report {id}</p>",
        "<p>report {id} {mention}</p>",
        "<p>report {mention} {id}</p>",
        "{mention}<br>report<br/>{id}",
        "<p>{mention}&nbsp;report <code>{id}</code></p>",
        "<ul><li>report</li><li>{id}</li></ul>{mention}",
        "<SPARK-MENTION data-object-id='BOT'>Report</SPARK-MENTION> report {id}",
    ],
)
def test_the_html_mention_settles_it(label: str, html: str) -> None:
    found = read("the text says something else", html.format(mention=mention(label), id=ID))
    assert same(found, "report", ID)


@pytest.mark.parametrize("year", ["'25", "’25", "'25."])
def test_a_year_of_two_digits_is_no_day(year: str) -> None:
    assert read(f"new calling usage May {year}", direct=True).rest == ("calling", "usage", "May", "2025")


def test_a_mention_of_somebody_else_is_no_word() -> None:
    html = f"<p>{mention('Report Bot')} report {ID} {mention('Grace', 'GRACE')}</p>"
    assert same(read("", html), "report", ID)
    assert same(read("", html.replace("person", "groupMention").replace("GRACE", "all")), "report", ID)


def test_a_mention_whose_id_is_in_a_spelling_unknown_to_us_is_no_word_either() -> None:
    """In a group space someone has mentioned the bot: whatever its name, the rest is the message."""
    html = f"<p>{mention('Helper', 'an e-mail address perhaps')} cancel {ID}</p>"
    assert same(read(f"Helper cancel {ID}", html), "cancel", ID)


def test_a_bare_mention_says_nothing() -> None:
    assert read("Report Bot", f"<p>{mention('Report Bot')}</p>") == Words("")
    assert read("Ada's Helper", bot=PLAIN_BOT) == Words("")
    assert read("") == Words("")


def test_one_to_one_a_name_of_one_word_is_no_mention() -> None:
    """The bot's first name is the command's word: 1:1 the text is taken as it stands, but for the full name."""
    assert same(read(f"report {ID}", direct=True), "report", ID)
    assert same(read(f"Report Bot report {ID}", direct=True), "report", ID)
    assert same(read(f"Hey Report Bot, cancel {ID}", direct=True), "cancel", ID)
    assert same(read(f"cancel {ID}, Report Bot!", direct=True), "cancel", ID)
    assert same(read("Report Bot", direct=True), "report", "Bot")
    assert same(read(f"Ada's Helper report {ID}", bot=PLAIN_BOT, direct=True), "report", ID)


def test_the_bot_s_full_name_is_no_word_beside_a_mention_either() -> None:
    assert same(read("", f"{mention('Report')} hey Report Bot, cancel {ID}"), "cancel", ID)
    assert same(read("", f"{mention('Report')} report {ID}"), "report", ID)


@pytest.mark.parametrize(
    ("text", "word", "rest"),
    [
        (f"Report report {ID}", "report", (ID,)),
        ("Report help", "help", ()),
        (f"report {ID} Report", "report", (ID,)),
        ("Report reports", "reports", ()),
        ("reports Report", "reports", ()),
        ("Report Bot help", "help", ()),
        (f"Report {ID}", "report", (ID,)),
        (f"Report Bot {ID}", ID.casefold(), ()),
        ("Report Bot hello", "hello", ()),
        (f"Report please get report {ID}", "report", (ID,)),
        ("Report please help", "help", ()),
    ],
)
def test_a_bot_of_which_webex_tells_one_name_only(text: str, word: str, rest: tuple[str, ...]) -> None:
    """A group message without html: the label may be the first word of the name, which is a command's word too."""
    assert same(read(text, bot=NAMELESS_BOT), word, *rest)


def test_a_mention_without_an_id_may_show_the_first_word_of_the_name() -> None:
    html = f"<p><spark-mention>Report</spark-mention> help {ID}</p>"
    assert same(read("", html, bot=NAMELESS_BOT), "help", ID)


@pytest.mark.parametrize("unit", ["<a ", '<a "', "<a/", "<a a=", "<!--", "</", "<spark-mention "])
@pytest.mark.parametrize("number", [1_995, 25_000])
def test_html_that_never_ends_takes_no_time_and_the_text_is_read(unit: str, number: int) -> None:
    """The parser looks from each unfinished tag to the end: 74,000 letters of them took a minute."""
    html = mention("Report Bot") + unit * number
    before = time.thread_time()
    words = read(f"Report Bot report {ID}", html)
    assert time.thread_time() - before < 0.5
    if number > 1_995:
        assert same(words, "report", ID)


@pytest.mark.parametrize(
    ("text", "word", "rest"),
    [
        (f"please get report {ID}", "report", (ID,)),
        (f"get report {ID}", "report", (ID,)),
        (f"Could you report {ID} please?", "report", (ID, "please")),
        ("show reports", "reports", ()),
        (f"I need that report {ID}", "i", ("need", "that", "report", ID)),
        (f"do not cancel {ID}", "do", ("not", "cancel", ID)),
        (f"don’t cancel {ID}", "don’t", ("cancel", ID)),
        (f"{ID} report", ID.casefold(), ("report",)),
    ],
)
@pytest.mark.parametrize("form", ["1:1", "html", "text"])
def test_a_command_may_stand_a_little_into_the_message(text: str, word: str, rest: tuple[str, ...], form: str) -> None:
    html = f"<p>{mention('Helper')} {text}</p>" if form == "html" else ""
    said = text if form == "1:1" else f"Ada's Helper {text}"
    assert same(read(said, html, bot=PLAIN_BOT, direct=form == "1:1"), word, *rest)


def test_several_ids_may_be_parted_in_any_way() -> None:
    assert read(f"report {ID},{ID}A;{ID}B\n{ID}C", direct=True).rest == (ID, f"{ID}A", f"{ID}B", f"{ID}C")


@pytest.mark.parametrize(
    "text", ["a" + " " * 7400 + "b", "Report" + " " * 7400 + "b", ",:" * 3700, "Report " * 1000 + "b"]
)
def test_no_text_takes_long_to_read(text: str) -> None:
    """Webex lets a person write 7,439 bytes; anyone who sends the oddest ones must not hold up the others."""
    began = time.process_time()
    read(text)
    assert time.process_time() - began < 0.2


TEXT = st.text(max_size=120)
PIECES = st.sampled_from(
    [
        "<spark-mention",
        ' data-object-id="BOT">',
        "Report Bot",
        "Report",
        "</spark-mention>",
        "<p>",
        "</p>",
        "<br/>",
        "<![",
        "<![if ",
        "<!DOCTYPE",
        "<!--",
        "-->",
        "<?",
        "&nbsp;",
        "&#x",
        "<script>",
        "</",
        "]]>",
        "report ",
        ID,
        "\x00",
    ]
)
HTML = st.one_of(TEXT, st.lists(st.one_of(PIECES, TEXT), max_size=12).map("".join))


@given(TEXT, HTML, st.booleans())
@example("", f"<![foo[{mention('Report')}", False)
@example("", f"{mention('Report')}<![if !IE]>", False)
def test_no_text_and_no_html_is_too_odd(text: str, html: str, direct: bool) -> None:
    found = read(text, html, direct=direct)
    assert all(part and not part.isspace() for part in found.rest)
    assert not any(letter.isspace() for letter in found.word)


IDS = st.text("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_=-", min_size=1, max_size=120)
IDS = IDS.filter(lambda an_id: an_id.strip("_=-"))  # a mark alone is none


@given(IDS, st.sampled_from(["Report Bot {}", "{} Report", "{} @Report Bot", "Report, {}"]), st.booleans())
def test_an_id_survives_to_the_letter(an_id: str, form: str, with_html: bool) -> None:
    text = form.format(f"report {an_id}")
    html = f"<p>{mention('Report')} report {an_id}</p>" if with_html else ""
    assert same(read(text, html), "report", an_id)
    assert same(read(f"report {an_id}", direct=True), "report", an_id)


def test_who_is_mentioned_besides_the_bot_is_known_in_order() -> None:
    html = f"<p>{mention('Report Bot')} reassign all of {mention('Olga', 'OLGA')} to {mention('Hedy', 'HEDY')}</p>"
    words = read("Report Bot reassign all of Olga to Hedy", html)
    assert same(words, "reassign", "all", "of", "to")
    assert words.mentioned == ("OLGA", "HEDY")
    assert read("reassign all", f"<p>reassign all {mention('Report Bot')}</p>").mentioned == ()
