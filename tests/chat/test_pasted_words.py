"""Mentions, quotes and IDs as clients send them and as people paste them: each reads as what the person means."""
# ruff: noqa: RUF001 characters that look like others are the subject

from __future__ import annotations

import base64
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.chat.commands import registry
from bot.chat.letters import plain
from bot.chat.parser import Words, parse
from bot.chat.report_ids import chosen, ids_in_link
from bot.text import escape_card
from bot.webex.types import Person

UUID = "2f1a9c0e-6f0e-4c4a-9d2c-0b1f5d7e3a55"
SOMEBODY = "9b7f1c2d-1111-4222-8333-444455556666"


def encoded(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


BOT_ID = encoded(f"ciscospark://us/PEOPLE/{UUID}")
EMAIL = "report-bot@webex.bot"
BOT = Person(BOT_ID, "Report Bot", "Report", "org", emails=(EMAIL,), nick_name="Report Bot", kind="bot")
ID = encoded("ciscospark://us/REPORT/9c8f0a1b2c3d4e5f60718293a4b5c6d7")
OTHER_ID = encoded(f"ciscospark://urn:TEAM:us-west-2_r/REPORT/{SOMEBODY}")
OPAQUE = "8f3a-11_TEST"
"""An ID that decodes to nothing."""


def read(text: str, html: str = "", *, direct: bool = False) -> Words:
    return parse(text, html, BOT, registry.words, direct=direct)


MENTIONS = {
    "desktop": '<spark-mention data-object-type="person" data-object-id="{id}">Report Bot</spark-mention>',
    "first name only": '<spark-mention data-object-type="person" data-object-id="{id}">Report</spark-mention>',
    "iPhone": "<spark-mention data-object-id='{uuid}' data-object-type='person'>Report</spark-mention>",
    "iPhone, with an at sign": '<spark-mention data-object-id="{uuid}">@Report Bot</spark-mention>',
    "no quotes": "<spark-mention data-object-id={uuid}>Report Bot</spark-mention>",
    "capitals": '<SPARK-MENTION DATA-OBJECT-TYPE="person" DATA-OBJECT-ID="{id}">Report Bot</SPARK-MENTION>',
    "the UUID in capitals": '<spark-mention data-object-id="{upper}">Report Bot</spark-mention>',
    "padded": '<spark-mention data-object-id="{id}=">Report Bot</spark-mention>',
    "another cluster": '<spark-mention data-object-id="{team}">Report Bot</spark-mention>',
    "by its address": '<spark-mention data-object-id="{email}">helper</spark-mention>',
    "by its address, encoded": '<spark-mention data-object-id="{encoded_email}">helper</spark-mention>',
    "blanks around the id": '<spark-mention data-object-id=" {id}\n">Report Bot</spark-mention>',
    "blanks and lines in the tag": '<spark-mention\n  data-object-id = "{id}"\n>Report Bot</spark-mention >',
    "more attributes": '<spark-mention class="a>b" data-object-id="{id}" data-x>Report Bot</spark-mention>',
    "entities in the id": '<spark-mention data-object-id="{id}&#61;">Report Bot</spark-mention>',
    "bold label": '<spark-mention data-object-id="{id}"><b>Report</b> <i>Bot</i></spark-mention>',
    "bold mention": '<strong><spark-mention data-object-id="{id}">Report Bot</spark-mention></strong>',
    "a label of its own": '<spark-mention data-object-id="{id}">the admins\' helper</spark-mention>',
    "a label that is a command": '<spark-mention data-object-id="{id}">cancel</spark-mention>',
    "a label that is an id": '<spark-mention data-object-id="{id}">{other}</spark-mention>',
    "an empty label": '<spark-mention data-object-id="{id}"></spark-mention>',
    "closed in itself": '<spark-mention data-object-id="{id}"/>',
    "no id": "<spark-mention>Report Bot</spark-mention>",
    "an unknown id with the name": '<spark-mention data-object-id="{someone}">Report Bot</spark-mention>',
    "a span": '<span class="mention" data-object-id="{uuid}">Report Bot</span>',
    "a link": '<a href="#" data-person="{id}">@Report Bot</a>',
    "a span within a span": '<span data-id="{id}"><span>@</span>Report <span>Bot</span></span>',
    "another tag": '<at id="{uuid}">Report Bot</at>',
    "a soft hyphen in the label": '<spark-mention data-object-id="{id}">Re\xadport Bot</spark-mention>',
    "twice": '<spark-mention data-object-id="{id}">Report Bot</spark-mention>'
    '<spark-mention data-object-id="{uuid}">Report</spark-mention>',
    "with somebody else": '<spark-mention data-object-id="{id}">Report Bot</spark-mention> '
    '<spark-mention data-object-type="person" data-object-id="{someone}">Mary-Ann</spark-mention>',
    "with everybody": '<spark-mention data-object-type="groupMention" data-group-type="all">All</spark-mention> '
    '<spark-mention data-object-id="{id}">Report Bot</spark-mention>',
}


def mention(kind: str) -> str:
    return MENTIONS[kind].format(
        id=BOT_ID,
        uuid=UUID,
        upper=UUID.upper(),
        team=encoded(f"ciscospark://urn:TEAM:us-west-2_r/PEOPLE/{UUID}"),
        email=EMAIL,
        encoded_email=encoded(f"ciscospark://us/PEOPLE/{EMAIL.upper()}"),
        other=OTHER_ID,
        someone=SOMEBODY,
    )


@pytest.mark.parametrize("kind", MENTIONS)
@pytest.mark.parametrize(
    "message",
    ["<p>{bot} cancel {id}</p>", "{bot}&nbsp;cancel {id}", "<p>please {bot}, cancel {id}</p>", "cancel {id} {bot}"],
)
@pytest.mark.parametrize("direct", [True, False])
def test_a_mention_is_no_word_however_it_is_spelled_and_wherever_it_stands(
    kind: str, message: str, direct: bool
) -> None:
    html = message.format(bot=mention(kind), id=ID)
    assert read("whatever the text says", html, direct=direct) == Words("cancel", (ID,))


def test_it_is_known_that_somebody_else_is_mentioned_and_only_then() -> None:
    somebody = f"<spark-mention data-object-id='{SOMEBODY}'>Mary-Ann</spark-mention>"
    assert read("", f"{mention('iPhone')} audit {somebody}").mentions_others
    assert read("", f"audit {somebody}", direct=True).mentions_others
    assert not read("", f"{mention('iPhone')} audit").mentions_others
    assert not read("", f"audit {somebody}").mentions_others, "in a group space that may be the bot"


@pytest.mark.parametrize("kind", ["desktop", "iPhone", "a span"])
def test_the_whole_mention_goes_also_between_a_word_and_its_id(kind: str) -> None:
    assert read("", f"<p>cancel{mention(kind)}{ID}</p>") == Words("cancel", (ID,))


@pytest.mark.parametrize(
    "html",
    [
        "<blockquote>cancel {other}</blockquote>{bot} report {id}",
        "<blockquote>cancel {other}</blockquote><p>{bot} report {id}</p>",
        "<p>{bot}</p><blockquote><p>cancel <b>{other}</b></p></blockquote><p>report {id}</p>",
        "<p>{bot} report {id}</p><blockquote>cancel {other}</blockquote>",
        "<blockquote>{bot} cancel {other}<blockquote>why {other}</blockquote> audit</blockquote>{bot} report {id}",
        "<BLOCKQUOTE class='q' data-object-id='{uuid}'>cancel {other}</BLOCKQUOTE>{bot} report {id}",
        "{bot} report {id}<blockquote>cancel {other}",
        "<p>&gt; cancel {other}<br>&gt;&gt; why {other}</p><p>{bot} report {id}</p>",
        "<p>{bot}</p>\n&gt; cancel {other}\nreport {id}",
        "<p>{bot} report {id}</p><p>\ufeff&#65310; cancel {other}</p>",
        "<style>cancel {other}</style><p>{bot} report {id}</p>",
        "<blockquote><a href='https://reports.example/reports/{other}'>this</a></blockquote>{bot} report {id}",
    ],
)
@pytest.mark.parametrize("direct", [True, False])
def test_a_quote_holds_no_command_and_no_id(html: str, direct: bool) -> None:
    html = html.format(bot=mention("desktop"), id=ID, other=OTHER_ID, uuid=UUID)
    assert read(f"cancel {OTHER_ID}", html, direct=direct) == Words("report", (ID,))


def test_one_to_one_the_html_is_read_although_nobody_is_mentioned() -> None:
    text = f"cancel {OTHER_ID}\nreport {ID}"
    html = f"<blockquote>cancel {OTHER_ID}</blockquote><p>report {ID}</p>"
    assert read(text, html, direct=True) == Words("report", (ID,))


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("cancel it", "<blockquote>cancel it</blockquote>"),
        ("cancel it", "<blockquote>cancel it</blockquote>" + mention("desktop")),
        ("cancel it", "<blockquote>cancel it" + "<b>" * 2_000),  # more than is read: which words are quoted is unknown
        ("cancel it", "<blockquote>cancel it</blockquote><![if"),
        ("> cancel it\n > why", ""),
        ("Report Bot\n> cancel it", ""),
    ],
)
@pytest.mark.parametrize("direct", [True, False])
def test_nothing_but_a_quote_says_nothing(text: str, html: str, direct: bool) -> None:
    found = read(text, html, direct=direct)
    assert found in (Words(""), Words("Report", ("Bot",))), "the name alone is left of a text without html, 1:1"


def test_a_quote_in_markdown_is_one_line() -> None:
    assert read(f"> cancel {OTHER_ID}\nreport {ID}\n>why", direct=True) == Words("report", (ID,))
    assert read(f"Report Bot\n> cancel {OTHER_ID}\nreport {ID}") == Words("report", (ID,))
    assert read(f"report\n<{ID}>", direct=True) == Words("report", (ID,)), "a bracket that opens is no quote"
    assert read(f"›report {ID}‹", direct=True) == Words("report", (ID,)), "nor is a foreign quotation mark"
    assert read(f"report\n \ufeff›{ID}‹", direct=True) == Words("report", (ID,))
    assert read(f"report -> {ID}", direct=True).rest[-1] == ID


IDS = {
    "alone": "{id}",
    "in quotes": "“{id}”",
    "in single foreign quotes": "‹{id}›",
    "in double foreign quotes": "»{id}«",
    "in corner brackets": "「{id}」",
    "in full-width brackets": "（{id}）",
    "in brackets": "[({id})]",
    "in code": "`{id}`",
    "in bold": "**{id}**",
    "in underscores": "_{id}_",
    "in two underscores": "__{id}__",
    "with an ellipsis": "{id}…",
    "with an ideographic full stop": "{id}。",
    "with a full stop": "{id}.",
    "with a full-width colon": "：{id}",
    "with a hash": "#{id}",
    "with a full-width hash": "＃{id}",
    "with an emoji": "👉{id}👍🏽",
    "with an emoji of several": "{id}👩‍💻❤️",
    "with a key": "1️⃣ {id}",
    "with a soft hyphen within": "{start}\xad{end}",
    "with a soft hyphen at the end": "{id}\xad",
    "with a zero-width space within": "{start}\u200b{end}",
    "with a word joiner within": "{start}\u2060{end}",
    "with a zero-width space at both ends": "\u200b{id}\u200b",
    "with a byte order mark": "\ufeff{id}",
    "with marks of direction": "\u202a{id}\u202c\u200e",
    "with isolates": "\u2066{id}\u2069",
    "with a variation selector": "{id}\ufe0f",
    "with an object's replacement": "\ufffc{id}\ufffc",
    "with a replacement character": "{id}\ufffd",
    "with no-break spaces": "\xa0{id}\u202f",
    "with an ideographic space": "\u3000{id}",
    "with a superscript": "{id}²",
    "in full-width letters": "{wide}",
    "in mathematical letters": "{bold}",
    "with a dash": "{id} – ",
    "glued by a dash": "{id}—please",
    "glued by a hyphen": "{id}-please",
    "as a value": "id={id}",
    "glued to a word": "ID:{id}",
    "glued to characters of another script": "レポート{id}です",
    "in a table of text": "| {id} | done |",
    "percent-encoded": "{id}%20",
    "in a link": "https://reports.example/reports/{id}",
    "in a link with a query": "https://reports.example/v1/reports/{id}?orgId=1#top",
    "in a link's query": "https://reports.example/view?x=1&reportId={id}&y=2",
    "in a link that is encoded": "https://go.example/?u=https%3A%2F%2Freports.example%2Freports%2F{id}&d=1",
    "in a link that is encoded twice": "https://go.example/?u=https%253A%252F%252Fx.example%252F%253FreportId%253D{id}",
    "in a link with underscores": "https://go.example/v3/__https://reports.example/reports/{id}__;!!x",
    "in a link without a scheme": "www.reports.example/reports/{id}/",
    "in a markdown link": "[the file](https://reports.example/reports/{id})",
    "in angle brackets": "<https://reports.example/reports/{id}|here>",
    "in an app's link": "webexteams://reports?reportId={id}",
}


def spelled(form: str) -> str:
    wide = "".join(chr(ord(letter) + 0xFEE0) for letter in ID)
    bold = "".join(
        chr(0x1D400 + ord(letter) - ord("A"))
        if "A" <= letter <= "Z"
        else chr(0x1D41A + ord(letter) - ord("a"))
        if "a" <= letter <= "z"
        else letter
        for letter in ID
    )
    return form.format(id=ID, start=ID[:30], end=ID[30:], wide=wide, bold=bold)


@pytest.mark.parametrize("kind", IDS)
@pytest.mark.parametrize("how", ["1:1", "text", "html"])
def test_an_id_is_found_to_the_letter_however_it_is_pasted(kind: str, how: str) -> None:
    pasted = spelled(IDS[kind])
    if how == "1:1":
        found = read(f"cancel {pasted}", direct=True)
    elif how == "text":
        found = read(f"Report Bot cancel {pasted}")
    else:
        found = read("", f"<p>{mention('iPhone')} cancel {pasted.replace('&', '&amp;').replace('<', '&lt;')}</p>")
    assert found.word == "cancel"
    assert chosen(found.rest) == [ID]


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("ｒｅｐｏｒｔ {id}", "report"),
        ("𝗿𝗲𝗽𝗼𝗿𝘁 {id}", "report"),
        ("report：{id}", "report"),
        ("report:{id}", "report"),
        ("report\u200b{id}", "report"),
        ("please\u200breport\u200b{id}", "report"),
        ("re\xadport {id}", "report"),
        ("re\u200bport {id}", "report"),
        ("\ufeffreport\ufeff {id}", "report"),
        ("please /report {id}", "report"),
        ("report reports.example/v1/reports/{id}", "report"),
        ("report …/reports/{id}", "report"),
        ("「report」{id}", "report"),
        ("👋 report {id}", "report"),
        ("report👉{id}", "report"),
        ("- report {id}", "report"),
        ("• report {id}", "report"),
        ("— report {id}", "report"),
        ("/report {id}", "report"),
        ("#report {id}", "report"),
        ("report{id}", "report"),
        ("report https://reports.example/reports/{id}", "report"),
        ("report:https://reports.example/reports/{id}", "report"),
        ("[report](https://reports.example/reports/{id})", "report"),
        ("https://reports.example/reports/{id}", ID),
        ("👍 {id}", ID),
    ],
)
def test_the_word_is_found_beside_what_comes_along(text: str, word: str) -> None:
    found = read(text.format(id=ID), direct=True)
    assert (found.word, found.rest) == (word, (ID,) if word != ID else ())


@pytest.mark.parametrize(
    ("html", "rest"),
    [
        ("<p>report <a href='https://reports.example/reports/{id}'>the May report</a></p>", (ID,)),
        ("<p>report <a href='https://reports.example/reports/{id}'>https://reports.example/rep…</a></p>", (ID,)),
        ("<p>report <a href='https://x.example/?reportId={id}&amp;a=b'>{id}</a></p>", (ID,)),
        ("<p>report <a href='https://x.example/{other}'>{id}</a></p>", (ID, OTHER_ID)),
        ("<p>report <a href='https://x.example/help'>{id}</a></p>", (ID,)),
        ("<p>report <a href='{quoted}'>here", (ID,)),
        ("<p>report {start}<wbr>{end}</p>", (ID,)),
        ("<p>report <del>{other}</del> <s>{other}</s> {id}</p>", (ID,)),
        ("<p>report {start}<b>{end}</b></p>", (ID,)),
        ("<p>report</p><table><tr><td>{id}</td><td>done</td></tr><tr><td>{other}</td></tr></table>", (ID, OTHER_ID)),
        ("<ul><li>report</li><li>{id}</li><li>{other}</li></ul>", (ID, OTHER_ID)),
        ("<p>report<o:p></o:p></p><p class=MsoNormal><span style='x'>{id}</span><o:p>&nbsp;</o:p></p>", (ID,)),
        ("<div>report</div><div>{id}</div>", (ID,)),
    ],
)
def test_the_html_holds_ids_that_the_text_does_not_show(html: str, rest: tuple[str, ...]) -> None:
    link = f"https://go.example/?u={quote(f'https://reports.example/reports/{ID}', safe='')}"
    html = html.format(id=ID, other=OTHER_ID, start=ID[:25], end=ID[25:], quoted=link)
    found = read("report", html, direct=True)
    assert found.word == "report"
    assert tuple(chosen(found.rest)) == rest


def test_a_long_table_is_read_also_where_it_is_quoted() -> None:
    rows = f"<tr><td>cancel</td><td>{OTHER_ID}</td></tr>" * 150
    html = f"<blockquote><table>{rows}</table></blockquote>{mention('desktop')} report {ID}"
    assert read("", html) == Words("report", (ID,))


@pytest.mark.parametrize(
    ("link", "ids"),
    [
        (f"https://reports.example/reports/{OPAQUE}", [OPAQUE]),
        (f"https://reports.example/report/{OPAQUE}/?x", [OPAQUE]),
        (f"https://reports.example/?a=b&reportId={OPAQUE}&c", [OPAQUE]),
        (f"https://reports.example/?report_id={OPAQUE}", [OPAQUE]),
        (f"https://reports.example/reports/{OPAQUE}?reportId={ID}", [ID]),
        (f"https://reports.example/?a={OTHER_ID},{ID}", [OTHER_ID, ID]),
        (f"https://reports.example/reports/{ID}%3D%3D", [f"{ID}=="]),
        ("https://reports.example/reports/", []),
        ("https://reports.example/help", []),
        (f"https://reports.example/messages/{BOT_ID}", []),
    ],
)
def test_a_link_names_a_report_by_what_decodes_or_by_its_place(link: str, ids: list[str]) -> None:
    assert ids_in_link(link) == ids


@pytest.mark.parametrize(
    "pasted",
    [
        f"https://reports.example/reports/{OPAQUE}",
        f"reports.example/reports/{OPAQUE}?x",
        f"…/reports/{OPAQUE}",
        f"?reportId={OPAQUE}",
        f"“{OPAQUE}”",
        f"8f3a\u200b{OPAQUE[4:]}",
        f"8f3a\xad{OPAQUE[4:]}",
        f"\u200b{OPAQUE}\ufe0f👍",
    ],
)
def test_an_id_that_decodes_to_nothing_is_found_in_what_it_comes_in(pasted: str) -> None:
    assert read(f"cancel {pasted}", direct=True) == Words("cancel", (OPAQUE,))


@pytest.mark.parametrize("an_id", [OPAQUE, "-a_b__c-", "_abc_", "---1"])
def test_an_id_copied_from_a_card_is_itself_again(an_id: str) -> None:
    assert read(f"cancel {escape_card(an_id)}", direct=True) == Words("cancel", (an_id,))
    assert ids_in_link(plain(escape_card(f"https://x.example/reports/{an_id}"))) == [an_id]


def test_a_break_beside_a_command_parts_words() -> None:
    assert read(f"please\u200bcancel\u200b{OPAQUE}", direct=True) == Words("cancel", (OPAQUE,))


@pytest.mark.parametrize("an_id", [OPAQUE, "REPORT1", "0", "a_b", "abc=="])
def test_an_id_that_decodes_to_nothing_is_one_where_no_other_does(an_id: str) -> None:
    found = read(f"report {an_id}", direct=True)
    assert found == Words("report", (an_id,))
    assert chosen(found.rest) == [an_id]
    assert chosen([*found.rest, ID]) == [ID]


WORDS_BESIDE = "for Mary-Ann 2024-05-01 v2 ② 50% a=b https://x.example/"
MARKS_BESIDE = "👍 ： 「 」 。 … # — \u200b \xad \ufe0f \ufffc \u2066"
NOISE = st.sampled_from(f"{WORDS_BESIDE} {MARKS_BESIDE}".split(" "))


@given(st.lists(NOISE, max_size=8), st.lists(NOISE, max_size=8), st.sampled_from([ID, OTHER_ID, f"{ID}=="]))
def test_an_id_among_noise_is_found_to_the_letter(before: list[str], after: list[str], an_id: str) -> None:
    text = " ".join(["cancel", *before, an_id, *after])
    assert chosen(read(text, direct=True).rest) == [an_id]
    assert chosen(read("", f"<p>{mention('iPhone')} {text}</p>").rest) == [an_id]


TRAVELS = st.text("\xad\u200b\u200e\u2060\u2066\ufe0f\ufeff：「」。‹›…#👍\ufffc ", max_size=6)


@given(TRAVELS, TRAVELS)
def test_whatever_travels_with_an_id_is_left_behind(before: str, after: str) -> None:
    assert chosen(read(f"cancel {before}{ID}{after}", direct=True).rest) == [ID]


@given(st.text(max_size=200), st.text("<>/=\"' abspark-mention" + ID[:20], max_size=200), st.booleans())
def test_reading_never_raises(text: str, html: str, direct: bool) -> None:
    found = read(text, html, direct=direct)
    assert all(part and not part.isspace() for part in found.rest)
