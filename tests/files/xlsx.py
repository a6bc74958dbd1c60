"""Read a spreadsheet back, from its XML."""

from __future__ import annotations

import io
import re
import zipfile
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

if TYPE_CHECKING:
    from pathlib import Path

_NS = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


def cells(content: bytes | Path) -> dict[str, tuple[str, str]]:
    """Return kind and value of each cell by its place: ``{"A1": ("text", "Name"), "B2": ("number", "12")}``."""
    with zipfile.ZipFile(io.BytesIO(content) if isinstance(content, bytes) else content) as archive:
        sheet = ET.fromstring(archive.read("xl/worksheets/sheet1.xml"))
    found = {}
    for cell in sheet.iter(f"{_NS}c"):
        assert cell.find(f"{_NS}f") is None, "a formula"
        inline = cell.find(f"{_NS}is/{_NS}t")
        value = cell.find(f"{_NS}v")
        if inline is not None:
            found[cell.attrib["r"]] = ("text", _unescaped(inline.text or ""))
        elif value is not None:
            found[cell.attrib["r"]] = ("number", value.text or "")
    return found


def number_format(path: Path, place: str) -> str:
    """Return the number format of a cell."""
    with zipfile.ZipFile(path) as archive:
        sheet, styles = (ET.fromstring(archive.read(f"xl/{name}.xml")) for name in ("worksheets/sheet1", "styles"))
    (cell,) = (one for one in sheet.iter(f"{_NS}c") if one.attrib["r"] == place)
    style = styles.findall(f"{_NS}cellXfs/{_NS}xf")[int(cell.attrib.get("s", 0))]
    own = {one.attrib["numFmtId"]: one.attrib["formatCode"] for one in styles.iter(f"{_NS}numFmt")}
    return ({"0": "General", "2": "0.00"} | own)[style.attrib["numFmtId"]]


def widths(path: Path) -> list[float]:
    """Return the width of each column, in letters."""
    with zipfile.ZipFile(path) as archive:
        sheet = ET.fromstring(archive.read("xl/worksheets/sheet1.xml"))
    return [
        float(one.attrib["width"])
        for one in sheet.iter(f"{_NS}col")
        for _ in range(int(one.attrib["min"]), int(one.attrib["max"]) + 1)
    ]


def _unescaped(text: str) -> str:
    return re.sub(r"_x([0-9A-F]{4})_", lambda found: chr(int(found[1], 16)), text)
