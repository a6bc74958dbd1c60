"""Write a CSV as an Excel file (XLSX): ``python -m bot.files.spreadsheet_writer CSV TARGET MOST_BYTES``.

It keeps one row in memory; the rows before it wait on the disk, beside the target.

Nothing in a cell is ever a formula or a link: all is text but plain numbers of at most 11 digits and 6 decimals, which
are shown as they stand. Numbers in columns of IDs, telephone numbers and versions are text, too.
"""

from __future__ import annotations

import os
import re
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

import xlsxwriter
from xlsxwriter.exceptions import FileSizeError, XlsxWriterException

from bot.errors import FileRejected
from bot.files import storage
from bot.files.csv_rows import PIECE, UnreadableError, rows_of
from bot.files.spreadsheet import LONGEST_CELL, MOST_COLUMNS, MOST_ROWS, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from xlsxwriter.worksheet import Worksheet

CHECK_ROOM_EVERY: Final = 20_000
"""Rows between two looks at how much is free on the disk."""
NARROWEST, WIDEST = 10, 40
"""Letters of a column's width."""
MOST_DECIMALS: Final = 6
SHOWN: Final = 11
"""Letters of a number without its sign that Excel shows where a cell has no format of its own; it rounds the rest."""
_PLAIN_NUMBER = re.compile(
    rf"0|(?!-0\.0*\Z)-?(?:[1-9][0-9]{{0,10}}|(?:0|[1-9][0-9]{{0,8}})\.[0-9]{{1,{MOST_DECIMALS}}})"
)
_NAMES_THINGS = re.compile(
    r"(?:\b|_)(?:u?uid|guid|ids?|pin|code|key|mac|serial|model|version|phone|extension|account|zip|postal)(?:\b|_)"
    r"|number$|[a-z]id$",
    re.IGNORECASE,
)
"""Headers of columns whose numbers are names of things; "Number of participants" is none."""


class TooManyError(Exception):
    """More than Excel takes."""


def write(rows: Iterable[Sequence[str]], target: Path) -> None:
    """Write rows, the header first. Raises ``TooManyError``, ``FileRejected``, ``OSError``."""
    storage.check_room(target.parent, done="converted")
    workbook = xlsxwriter.Workbook(str(target), {"constant_memory": True, "tmpdir": str(target.parent)})
    sheet = workbook.add_worksheet("Report")
    bold = workbook.add_format({"bold": True})
    styles = [workbook.add_format({"num_format": f"0.{'0' * number}"}) for number in range(1, MOST_DECIMALS + 1)]
    text_columns: set[int] = set()
    widths: dict[int, int] = {}
    for at, row in enumerate(rows):
        if at >= MOST_ROWS or len(row) > MOST_COLUMNS or any(len(cell) > LONGEST_CELL for cell in row):
            raise TooManyError
        if at % CHECK_ROOM_EVERY == CHECK_ROOM_EVERY - 1:
            storage.check_room(target.parent, done="converted")
        if at == 0:
            sheet.freeze_panes(1, 0)
            for place, name in enumerate(row):
                _widen(sheet, widths, place, min(len(name) + 2, WIDEST))
                sheet.write_string(at, place, name, bold)
                if _NAMES_THINGS.search(name.strip()):
                    text_columns.add(place)
            continue
        for place, cell in enumerate(row):
            if place not in text_columns and _PLAIN_NUMBER.fullmatch(cell):
                decimals = _decimals_to_show(cell)
                sheet.write_number(at, place, float(cell), styles[decimals - 1] if decimals else None)
                _widen(sheet, widths, place, len(cell) + 1)
            elif cell:
                sheet.write_string(at, place, cell)
    workbook.close()


def _decimals_to_show(number: str) -> int:
    """Return how many decimals a number's cell must be told to show; 0 where Excel shows them by itself."""
    decimals = len(number.partition(".")[2])
    return decimals if number.endswith("0") or len(number.removeprefix("-")) > SHOWN else 0


def _widen(sheet: Worksheet, widths: dict[int, int], place: int, letters: int) -> None:
    """Make a column so wide, if it is not; a number that does not fit is rounded, or shown as ``###``."""
    if letters > widths.get(place, 0):
        widths[place] = max(letters, NARROWEST)
        sheet.set_column(place, place, widths[place])


def main(arguments: Sequence[str]) -> Outcome:
    """Write the file, and return how that ended."""
    csv, target, most = Path(arguments[0]), Path(arguments[1]), int(arguments[2])
    with suppress(OSError):
        os.nice(5)
    try:
        write(_rows(csv), target)
    except TooManyError:
        return Outcome.TOO_MANY
    except (UnreadableError, UnicodeDecodeError):
        return Outcome.UNREADABLE
    except FileSizeError:
        return Outcome.TOO_LARGE
    except (FileRejected, OSError, XlsxWriterException):
        return Outcome.DISK_FULL
    return Outcome.WRITTEN if target.stat().st_size <= most else Outcome.TOO_LARGE


def _rows(path: Path) -> Iterator[list[str]]:
    with path.open("rb") as file:
        yield from rows_of(iter(lambda: file.read(PIECE), b""))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
