"""Webex allows thirty downloads of a report: they are counted, told when few are left, and not one person's alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.db import reports
from bot.db.downloads import FEW, MOST, MOST_OF_ONE_PERSON

if TYPE_CHECKING:
    from tests.core.workbench import Workbench


def count(bench: Workbench, report_id: str) -> int:
    with bench.database.read() as tx:
        row = reports.get(tx, report_id)
    return row.downloads if row is not None else 0


def count_up_to(bench: Workbench, report_id: str, number: int) -> None:
    more = number - count(bench, report_id)
    with bench.database.begin() as tx:
        reports.add_downloads(tx, report_id, more)


def lines(bench: Workbench) -> list[str]:
    return [one.text or one.markdown or "" for one in bench.said() if one.files]


def forget_the_file(bench: Workbench) -> None:
    for path in bench.folder.rglob("*"):
        if path.is_file():
            path.unlink()


def test_each_download_counts_also_one_that_fails(bench: Workbench) -> None:
    report = bench.stage.partner_report()
    bench.hears(bench.stage.ada, f"report {report.id}")
    bench.work()
    assert count(bench, report.id) == bench.downloads == 1

    forget_the_file(bench)
    fault = bench.emulator.faults.add("GET", host="download", status=503, times=1)
    bench.hears(bench.stage.ada, f"again {report.id}")
    bench.work()
    bench.wait(60)
    assert fault.hits == 1
    assert count(bench, report.id) == bench.downloads == 3
    assert len(lines(bench)) == 2


def test_few_that_are_left_are_told_with_the_file(bench: Workbench) -> None:
    report = bench.stage.partner_report()
    bench.hears(bench.stage.ada, f"again {report.id}")
    bench.work()
    for used, told in ((MOST - FEW - 2, ""), (MOST - FEW - 1, "5 are left"), (MOST - 2, "1 is left"), (MOST, "none")):
        count_up_to(bench, report.id, used)
        forget_the_file(bench)
        bench.hears(bench.stage.ada, f"again {report.id}")
        bench.work()
        assert ("Webex allows 30 downloads" in lines(bench)[-1]) == bool(told)
        assert told in lines(bench)[-1]


def test_the_last_downloads_are_for_others(bench: Workbench) -> None:
    report, other = bench.stage.partner_report(), bench.stage.partner_report()
    for number in range(MOST_OF_ONE_PERSON + 2):
        bench.hears(bench.stage.ada, f"again {report.id}")
        bench.work()
        bench.clock.turn(60)
        assert len(lines(bench)) == number + 1, "while downloads are left nobody is refused one"
    count_up_to(bench, report.id, MOST - FEW)

    bench.hears(bench.stage.ada, f"again {report.id}")
    bench.work()
    assert len(lines(bench)) == MOST_OF_ONE_PERSON + 2
    assert "the last 5 of this one are for others" in (bench.said()[-1].text or "")

    bench.hears(bench.stage.ada, f"report {report.id} {other.id}")
    bench.hears(bench.stage.grace, f"report {report.id}")
    bench.work()
    assert len(lines(bench)) == MOST_OF_ONE_PERSON + 3, "another report"
    assert [one for one in bench.said(person=bench.stage.grace) if one.files], "another person"
