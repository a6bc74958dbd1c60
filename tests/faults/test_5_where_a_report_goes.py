"""Issue 12 section 1: where a report goes. Each test is one line of the issue."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from bot.files import streaming_upload
from bot.queue import tasks
from bot.reports import progress

if TYPE_CHECKING:
    from tests.stepped_bot import SteppedBot

TITLE = "Secret Figures"
CONTENT = "Name,Minutes\r\n" + "Ada Lovelace,12\r\n" * 40000


def shown(stepped: SteppedBot) -> str:
    return "\n".join(f"{m.text} {m.card} {[f.name for f in m.files]}" for m in stepped.said(stepped.setup.group))


def test_another_s_cancel_shows_nothing_before_somebody_who_came(stepped: SteppedBot) -> None:
    group, st = stepped.setup.group, stepped.setup
    report = st.partner_report(TITLE, status="waiting")
    for who in (st.ada, st.grace):
        stepped.receive(who, f"report {report.id}", group)
        stepped.work()
    before = {m.id for m in stepped.said(group)}
    stepped.world.join(group, st.ethan)
    stepped.receive(st.ada, f"cancel {report.id}", group)
    stepped.work()
    new = [m for m in stepped.said(group) if m.id not in before]
    assert not [m for m in new if TITLE in f"{m.text} {m.card}"]


def test_somebody_comes_while_the_reports_api_is_asked(stepped: SteppedBot, monkeypatch: pytest.MonkeyPatch) -> None:
    st = stepped.setup
    report = st.partner_report(TITLE, status="waiting")
    find = stepped.services.catalog.find

    def slow(*a: Any, **k: Any) -> Any:
        found = find(*a, **k)
        stepped.world.join(st.group, st.ethan)
        return found

    monkeypatch.setattr(stepped.services.catalog, "find", slow)
    stepped.receive(st.ada, f"report {report.id}", st.group)
    stepped.work()
    assert TITLE not in shown(stepped)


@pytest.mark.parametrize("word", ["refresh", "reports"])
def test_the_same_for_other_words(stepped: SteppedBot, word: str, monkeypatch: pytest.MonkeyPatch) -> None:
    st = stepped.setup
    report = st.partner_report(TITLE, status="waiting")
    for name in ("find", "everything"):
        ask = getattr(stepped.services.catalog, name)

        def slow(*a: Any, ask: Any = ask, **k: Any) -> Any:
            found = ask(*a, **k)
            stepped.world.join(st.group, st.ethan)
            return found

        monkeypatch.setattr(stepped.services.catalog, name, slow)
    stepped.receive(st.ada, f"{word} {report.id if word == 'refresh' else ''}".strip(), st.group)
    stepped.work()
    assert TITLE not in shown(stepped)


def test_the_early_upload_goes_where_policy_says_now(stepped: SteppedBot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streaming_upload, "WORTH_IT_FROM", 1)
    st, targets = stepped.setup, []
    begin = stepped.chat.begin_upload

    def noted(target: Any, *a: Any, **k: Any) -> Any:
        targets.append(target)
        return begin(target, *a, **k)

    stepped.chat.begin_upload = noted  # type: ignore[method-assign]
    report = st.partner_report(TITLE, content=CONTENT)
    stepped.receive(st.ada, f"report {report.id}", st.group)
    stepped.work(until=tasks.DELIVER)
    stepped.world.join(st.group, st.ethan)
    stepped.work()
    assert [one.direct for one in targets] == [True]


def test_a_long_upload_is_looked_at_again_and_deleted(stepped: SteppedBot) -> None:
    st = stepped.setup
    upload = stepped.chat.upload

    def long(*a: Any, **k: Any) -> Any:
        posted = upload(*a, **k)
        if not a[0].direct:
            stepped.clock.turn(11)
            stepped.world.join(st.group, st.ethan)
        return posted

    stepped.chat.upload = long  # type: ignore[method-assign]
    report = st.partner_report(TITLE)
    stepped.receive(st.ada, f"report {report.id}", st.group)
    stepped.work()
    assert not [m for m in stepped.said(st.group) if m.files]
    assert [m for m in stepped.said() if m.files]


def test_who_left_before_the_bot_came_to_it_is_answered_directly(stepped: SteppedBot) -> None:
    st = stepped.setup
    report = st.partner_report(TITLE)
    stepped.receive(st.ada, f"report {report.id}", st.group)
    stepped.world.leave(st.group, st.ada)
    stepped.wait(60)
    assert TITLE not in shown(stepped)
    assert [m for m in stepped.said() if m.files]


def test_progress_is_told_to_nobody_whom_the_report_may_not_be_told(
    stepped: SteppedBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "LONG", 0.01)
    monkeypatch.setattr(progress, "EVERY", 0.01)
    st, words = stepped.setup, []
    post = stepped.chat.post

    def noted(target: Any, **k: Any) -> Any:
        words.append((target.direct, k["markdown"]))
        return post(target, **k)

    stepped.chat.post = noted  # type: ignore[method-assign]
    fetch = stepped.files.download

    def slow(*a: Any, **k: Any) -> Any:
        import time

        stepped.world.join(st.group, st.ethan)
        k["progress"](50, 100)
        time.sleep(0.5)
        return fetch(*a, **k)

    stepped.files.download = slow  # type: ignore[method-assign]
    report = st.partner_report(TITLE)
    stepped.receive(st.ada, f"report {report.id}", st.group)
    stepped.work()
    assert not [w for d, w in words if not d and w.startswith("Fetching")]


@pytest.mark.parametrize(("where", "most"), [("1:1", 5), ("group", 7)])
def test_a_ready_report_costs_few_calls(stepped: SteppedBot, where: str, most: int) -> None:
    """Warm: one look at the members before the card, one before the file."""
    st = stepped.setup
    for _ in range(2):
        report = st.partner_report(TITLE)
        stepped.emulator.calls.clear()
        stepped.receive(st.ada, f"report {report.id}", None if where == "1:1" else st.group)
        stepped.work()
    assert len(stepped.emulator.calls) == most
