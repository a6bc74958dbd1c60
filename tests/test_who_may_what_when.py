"""Entry point × person × space × family × moment: what changes before the card, before the file, or during upload."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import pytest

from bot.files import streaming_upload
from bot.queue import tasks
from bot.webex.report_families import Family
from tests.live_bot import ADMIN_OF_BOTH

if TYPE_CHECKING:
    from tests.stepped_bot import SteppedBot

TITLE = "Secret Figures"
CONTENT = "Name,Minutes\r\n" + "Ada Lovelace,12\r\n" * 4000
LONGER_THAN_ROLES_ARE_REMEMBERED = 301

FAMILIES = tuple(family.value for family in Family)
MOMENTS = ("before the card", "between card and file", "during the upload")
CASES = {
    # who, where: whether the file comes at all, and then where
    ("stays", "group"): "group",
    ("stays", "1:1"): "1:1",
    ("beside an outsider", "group"): "1:1",
    ("leaves", "group"): "1:1",
    ("loses the role", "group"): "",
    ("loses the role", "1:1"): "",
}


@pytest.mark.parametrize(("who", "where"), CASES)
@pytest.mark.parametrize(("word", "family", "moment"), list(product(("report", "again"), FAMILIES, MOMENTS)))
def test_what_counts_is_what_is_so_now(  # noqa: PLR0917 one for each column of the table
    stepped: SteppedBot, word: str, who: str, where: str, family: str, moment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streaming_upload, "WORTH_IT_FROM", 1)
    st = stepped.setup
    person = stepped.world.add_person("Pat Smith", st.acme, roles=ADMIN_OF_BOTH)
    group = stepped.world.add_space("Figures", [st.ada, person, st.bot])
    made = st.partner_report if family == "partner" else st.organization_report
    report = made(TITLE, content=CONTENT)

    def change() -> None:
        stepped.clock.turn(LONGER_THAN_ROLES_ARE_REMEMBERED)
        if who == "beside an outsider":
            stepped.world.join(group, st.ethan)
        elif who == "leaves":
            stepped.world.leave(group, person)
        elif who == "loses the role":
            person.roles = []

    stepped.receive(person, f"{word} {report.id}", group if where == "group" else None)
    if moment == "before the card":
        change()
    elif moment == "between card and file":
        stepped.work(until=tasks.DELIVER)
        change()
    else:
        stepped.while_fetching(change)
    stepped.work()

    in_group, alone = stepped.said(group), stepped.said(person=person)
    expected = CASES[who, where]
    assert bool([one for one in in_group if one.files]) is (expected == "group")
    assert bool([one for one in alone if one.files]) is (expected == "1:1")
    if expected == "1:1" and where == "group":
        assert TITLE not in "".join(f"{one.text} {one.card}" for one in in_group)
