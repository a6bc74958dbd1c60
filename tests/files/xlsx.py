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


def _unescaped(text: str) -> str:
    return re.sub(r"_x([0-9A-F]{4})_", lambda found: chr(int(found[1], 16)), text)
