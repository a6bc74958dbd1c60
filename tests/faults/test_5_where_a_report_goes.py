"""Issue 12 section 1: where a report goes. Each test is one line of the issue."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from bot.files import streaming_upload
from bot.queue import tasks
from bot.reports import progress

if TYPE_CHECKING:
    from tests.core.workbench import Workbench

TITLE = "Secret Figures"
CONTENT = "Name,Minutes\r\n" + "Ada Lovelace,12\r\n" * 40000


def shown(bench: Workbench) -> str:
    return "\n".join(f"{m.text} {m.card} {[f.name for f in m.files]}" for m in bench.said(bench.stage.group))


def test_another_s_cancel_shows_nothing_before_somebody_who_came(bench: Workbench) -> None:
    group, st = bench.stage.group, bench.stage
    report = st.partner_report(TITLE, status="waiting")
    for who in (st.ada, st.grace):
        bench.hears(who, f"report {report.id}", group)
        bench.work()
    before = {m.id for m in bench.said(group)}
    bench.world.join(group, st.ethan)
    bench.hears(st.ada, f"cancel {report.id}", group)
    bench.work()
    new = [m for m in bench.said(group) if m.id not in before]
    assert not [m for m in new if TITLE in f"{m.text} {m.card}"]


def test_somebody_comes_while_the_reports_api_is_asked(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    st = bench.stage
    report = st.partner_report(TITLE, status="waiting")
    find = bench.services.catalog.find

    def slow(*a: Any, **k: Any) -> Any:
        found = find(*a, **k)
        bench.world.join(st.group, st.ethan)
        return found

    monkeypatch.setattr(bench.services.catalog, "find", slow)
    bench.hears(st.ada, f"report {report.id}", st.group)
    bench.work()
    assert TITLE not in shown(bench)


@pytest.mark.parametrize("word", ["refresh", "reports"])
def test_the_same_for_other_words(bench: Workbench, word: str, monkeypatch: pytest.MonkeyPatch) -> None:
    st = bench.stage
    report = st.partner_report(TITLE, status="waiting")
    for name in ("find", "everything"):
        ask = getattr(bench.services.catalog, name)

        def slow(*a: Any, ask: Any = ask, **k: Any) -> Any:
            found = ask(*a, **k)
            bench.world.join(st.group, st.ethan)
            return found

        monkeypatch.setattr(bench.services.catalog, name, slow)
    bench.hears(st.ada, f"{word} {report.id if word == 'refresh' else ''}".strip(), st.group)
    bench.work()
    assert TITLE not in shown(bench)


def test_the_early_upload_goes_where_policy_says_now(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streaming_upload, "WORTH_IT_FROM", 1)
    st, targets = bench.stage, []
    begin = bench.chat.begin_upload

    def noted(target: Any, *a: Any, **k: Any) -> Any:
        targets.append(target)
        return begin(target, *a, **k)

    bench.chat.begin_upload = noted  # type: ignore[method-assign]
    report = st.partner_report(TITLE, content=CONTENT)
    bench.hears(st.ada, f"report {report.id}", st.group)
    bench.work(until=tasks.DELIVER)
    bench.world.join(st.group, st.ethan)
    bench.work()
    assert [one.direct for one in targets] == [True]


def test_a_long_upload_is_looked_at_again_and_deleted(bench: Workbench) -> None:
    st = bench.stage
    upload = bench.chat.upload

    def long(*a: Any, **k: Any) -> Any:
        posted = upload(*a, **k)
        if not a[0].direct:
            bench.clock.turn(11)
            bench.world.join(st.group, st.ethan)
        return posted

    bench.chat.upload = long  # type: ignore[method-assign]
    report = st.partner_report(TITLE)
    bench.hears(st.ada, f"report {report.id}", st.group)
    bench.work()
    assert not [m for m in bench.said(st.group) if m.files]
    assert [m for m in bench.said() if m.files]


def test_who_left_before_the_bot_came_to_it_is_answered_directly(bench: Workbench) -> None:
    st = bench.stage
    report = st.partner_report(TITLE)
    bench.hears(st.ada, f"report {report.id}", st.group)
    bench.world.leave(st.group, st.ada)
    bench.wait(60)
    assert TITLE not in shown(bench)
    assert [m for m in bench.said() if m.files]


def test_progress_is_told_to_nobody_whom_the_report_may_not_be_told(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "LONG", 0.01)
    monkeypatch.setattr(progress, "EVERY", 0.01)
    st, words = bench.stage, []
    post = bench.chat.post

    def noted(target: Any, **k: Any) -> Any:
        words.append((target.direct, k["markdown"]))
        return post(target, **k)

    bench.chat.post = noted  # type: ignore[method-assign]
    fetch = bench.files.download

    def slow(*a: Any, **k: Any) -> Any:
        import time

        bench.world.join(st.group, st.ethan)
        k["progress"](50, 100)
        time.sleep(0.5)
        return fetch(*a, **k)

    bench.files.download = slow  # type: ignore[method-assign]
    report = st.partner_report(TITLE)
    bench.hears(st.ada, f"report {report.id}", st.group)
    bench.work()
    assert not [w for d, w in words if not d and w.startswith("Fetching")]


@pytest.mark.parametrize(("where", "most"), [("1:1", 5), ("group", 7)])
def test_a_ready_report_costs_few_calls(bench: Workbench, where: str, most: int) -> None:
    """Warm: one look at the members before the card, one before the file."""
    st = bench.stage
    for _ in range(2):
        report = st.partner_report(TITLE)
        bench.emulator.calls.clear()
        bench.hears(st.ada, f"report {report.id}", None if where == "1:1" else st.group)
        bench.work()
    assert len(bench.emulator.calls) == most
