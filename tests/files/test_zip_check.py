"""A zip is looked through before it is posted: what is no plain box of a few files is refused with a sentence."""

from __future__ import annotations

import io
import re
import stat
import struct
import tracemalloc
import zipfile
import zlib
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.errors import FileRejected
from bot.files import zip_check

if TYPE_CHECKING:
    from pathlib import Path

CSV = b"Name,Minutes\r\nAda,12\r\n"
SENTENCE = re.compile(r"The zip that Webex sent [^\n]+\. (Run the report|Run it|Ask again)[^\n]+\.")


def packed(*entries: tuple[str | zipfile.ZipInfo, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as made:
        for name, content in entries:
            made.writestr(name, content)
    return buffer.getvalue()


def with_info(name: str = "a.csv", content: bytes = CSV, **more: Any) -> bytes:
    info = zipfile.ZipInfo(name)
    for field, value in more.items():
        setattr(info, field, value)
    return packed((info, content))


@pytest.fixture
def refused(tmp_path: Path) -> Any:
    def inspected(content: bytes) -> str:
        path = tmp_path / "x.zip"
        path.write_bytes(content)
        with pytest.raises(FileRejected) as caught:
            zip_check.inspect(path)
        assert SENTENCE.fullmatch(caught.value.sentence)
        return caught.value.sentence

    return inspected


def passes(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    zip_check.inspect(path)


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_reports_pass(tmp_path, method):
    path = tmp_path / "x.zip"
    passes(path, packed(("Calling Detailed Call History 2024-01-01 00.00.csv", CSV), method=method))
    passes(path, packed(("eine Übersicht.csv", CSV), ("folder/", b""), ("folder/b.csv", b""), method=method))
    passes(path, packed(("a.csv", CSV * 100_000), method=method))
    passes(path, packed(method=method))


def test_a_zip_that_was_written_as_a_stream_passes(tmp_path):
    class Stream(io.RawIOBase):
        def __init__(self) -> None:
            self.parts: list[bytes] = []

        def writable(self):
            return True

        def write(self, data):
            self.parts.append(bytes(data))
            return len(data)

    stream = Stream()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as made, made.open("a.csv", "w", force_zip64=True) as entry:
        entry.write(CSV * 1000)
    passes(tmp_path / "x.zip", b"".join(stream.parts))


@pytest.mark.parametrize(
    "name",
    [
        "/etc/passwd",
        "../a.csv",
        "a/../../b.csv",
        "..",
        "C:a.csv",
        "a.csv:b.csv",
        "folder/a:$DATA",
        "\uff0fa.csv",
        "a/\uff0e\uff0e/b.csv",
        "\u2025/a.csv",
        "c:/a.csv",
        "a\\b.csv",
        "..\\a.csv",
        "\\\\host\\a.csv",
        "a\nb.csv",
        "a\x1b[2J.csv",
        "a\x00.csv",
        "a\u202evsc.exe",
        "a\u2028.csv",
        "a\u200b.csv",
        "a\u200fb.csv",
        "a\u00ad.csv",
        "a\u3164.csv",
        "a\U000e0041.csv",
        "con",
        "NUL.csv",
        "folder/Aux.b.csv",
        "prn/a.csv",
        "com1 .csv",
        "Com\u00b9.csv",
        "lpt9. ",
        "\uff23\uff2f\uff2e.csv",
        "CONOUT$",
    ],
)
def test_a_name_that_could_lead_astray_is_refused_and_never_repeated(refused, name):
    content = packed((name.replace("\x00", "\x01"), CSV))
    if "\x00" in name:  # zipfile cuts at it when it writes
        content = content.replace(b"a\x01.csv", b"a\x00.csv")
    sentence = refused(content)
    assert "name" in sentence
    assert name.strip("./") not in sentence or name == ".."


@pytest.mark.parametrize("name", ["...", "a/. ./b.csv", ".. /a.csv", ".", " ", "./ "])
def test_a_name_of_dots_and_spaces_is_refused(refused, name):
    assert "leads out" in refused(packed((name, CSV)))


def test_a_second_name_in_an_extra_field_is_looked_at_too(refused, tmp_path):
    def named(other: bytes) -> bytes:
        field = b"\x01" + struct.pack("<L", zlib.crc32(b"a.csv")) + other
        return with_info(extra=struct.pack("<2H", 0x7075, len(field)) + field)

    passes(tmp_path / "x.zip", named(b"b.csv"))
    assert "leads out" in refused(named(b"../b.csv"))
    assert "damaged" in refused(named(b"\xff"))


@pytest.mark.parametrize("mode", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR, stat.S_IFBLK, stat.S_IFSOCK])
def test_a_link_or_device_is_refused(refused, mode):
    assert "link or a device" in refused(with_info(external_attr=(mode | 0o777) << 16))


@pytest.mark.parametrize("bit", [0x1, 0x40, 0x2000])
def test_an_encrypted_entry_is_refused(refused, bit):
    content = bytearray(packed(("a.csv", CSV)))
    at = content.index(b"PK\x01\x02") + 8
    content[at : at + 2] = struct.pack("<H", bit)
    assert "encrypted" in refused(bytes(content))


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_another_way_of_packing_is_refused(refused, method):
    assert "can't check" in refused(packed(("a.csv", CSV), method=method))


@pytest.mark.parametrize(
    "content",
    [
        packed(("a.csv", CSV)),
        packed(),
        b"\x1f\x8b\x08\x00",
        b"BZh91AY&SY....",
        b"\xfd7zXZ\x00",
        b"7z\xbc\xaf\x27\x1c",
        b"Rar!\x1a\x07\x00",
        b"\x28\xb5\x2f\xfd",
        b"a.csv" + b"\x00" * 252 + b"ustar",
    ],
)
@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_an_archive_within_is_refused_by_its_first_bytes(refused, content, method):
    assert "another archive" in refused(packed(("a.csv", content), method=method))


@pytest.mark.parametrize(
    "name",
    [
        "r.html",
        "r.exe",
        "r.com",
        "r.bat",
        "r.ps1",
        "r.iqy",
        "r.xlsx",
        "r.py",
        "report.csv.exe",
        "r.lnk",
        "r.js",
        "r.docm",
        "r.HTA",
        ".exe",
        "folder/r.svg ",
        "r.csv/x.pdf",
        *("b.zip", "b.CSV.GZ", "b.7z ", "b.tar.", "folder/b.rar"),
        *("r.slk", "r.wqy", "r.rqy", "r.oqy", "r.dqy", "r.odc", "r.url", "r.scf", "r.library-ms", "r.search-ms"),
        *("r.SettingContent-ms", "r.appinstaller", "r.udl", "r.dif", "r.ini", "r.plist", "r.dat", "r.nobodyknows"),
        *("r.\uff49\uff51\uff59", "r.\u200diqy", "r\u2024iqy", "r.{3050f4d8-98b5-11cf-bb82-00aa00bdce0b}", "c.{x}/a"),
    ],
)
def test_a_name_that_is_opened_as_something_else_is_refused(refused, name):
    """What a click on the unpacked file does is decided by its name's ending, whatever lies beside it."""
    assert "of another kind than a report's" in refused(packed(("a.csv", CSV), (name, CSV)))


@pytest.mark.parametrize(
    "name",
    [
        *(
            "r.CSV",
            "read me.txt",
            "Usage",
            "folder.d/",
            "folder.d/Usage",
            "r.csv. ",
            "r.tsv",
            "r.TAB",
        ),
        *("acme.webex.com_usage", "acme.webex.com-usage", "Usage 2024.05.01", "Usage v1.2", "r.csv_1", "exe"),
    ],
)
def test_other_names_do(tmp_path, name):
    passes(tmp_path / "x.zip", packed(("a.csv", CSV), (name, b"" if name.endswith("/") else CSV)))


@pytest.mark.parametrize(
    "name",
    [
        "\u5229\u7528\u72b6\u6cc1\uff1a\uff11\u6708\uff0f\uff12\u6708.csv",
        "\u845b\U000e0100\u98fe\u533a.csv",
        "\u06af\u0632\u0627\u0631\u0634\u200c\u0647\u0627.csv",
        "\u0627\u0644\u062a\u0642\u0631\u064a\u0631.csv",
        "\u05d3\u05d5\u05d7.csv",
        "\u0939\u093f\u0928\u094d\u200d\u0926\u0940.csv",
        "\u0423\u0436\u0430\u0441 Us\u0430ge.csv",
        "\U0001f468\u200d\U0001f469\u200d\U0001f467 \u2764\ufe0f.csv",
        "u\u0308bersicht.\u5229\u7528",
        *("console.csv", "nullable", "com.csv", "com10.csv", "Auxiliary", "acon.csv"),
    ],
)
def test_names_in_every_script_do(tmp_path, name):
    passes(tmp_path / "x.zip", packed((name, CSV)))


@pytest.mark.parametrize(
    "names",
    [
        ("a.csv", "b.csv", "a.csv"),
        ("a.csv", "A.CSV"),
        ("stra\u00dfe.csv", "STRASSE.csv"),
        ("\u00fc.csv", "u\u0308.csv"),
        ("\ufb01le.csv", "file.csv"),
        ("a\ufe0f.csv", "a.csv"),
        ("a.csv", "a.csv. "),
        ("a.csv", "./a.csv"),
        ("folder/a.csv", "folder//A.csv"),
        ("folder", "folder/"),
        ("Folder/", "b.csv", "folder"),
        ("folder/a.csv", "folder-b.csv", "FOLDER"),
        ("a", "a/b/c.csv"),
    ],
)
@pytest.mark.filterwarnings("ignore:Duplicate name:UserWarning")
def test_no_entry_replaces_another(refused, names):
    entries = [(name, b"" if name.endswith("/") else CSV) for name in names]
    assert "two entries of one name" in refused(packed(*entries))


@pytest.mark.filterwarnings("ignore:Duplicate name:UserWarning")
def test_entries_beside_each_other_replace_nothing(tmp_path):
    names = ["folder/", "folder/", "folder/a.csv", "folder/b.csv", "folder.csv", "folder-a.csv", "a.csv", "other/a.csv"]
    passes(tmp_path / "x.zip", packed(*((name, b"" if name.endswith("/") else CSV) for name in names)))


@pytest.mark.parametrize(
    ("head", "what"),
    [
        (b"<!DOCTYPE html><html><script>", "a web page"),
        (b"\xef\xbb\xbf\n <html>", "a web page"),
        (b'{"message": "no"}', "an error message"),
        (b"%PDF-1.7", "a document"),
        (b"#!/bin/sh\necho", "a program"),
        (b"ID;PWXL;N;E\r\n", "a spreadsheet file"),
        (b"WEB\r\n1\r\nhttps://evil.example/\r\n", "a spreadsheet file"),
        (b"MZ\x90\x00\x03", "a program"),
        (b"\x7fELF\x02\x01", "a program"),
        (b"\xcf\xfa\xed\xfe\x07", "a program"),
        (b"L\x00\x00\x00\x01\x14\x02\x00", "a program"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\x00", "a document"),
        (Random(7).randbytes(600), "no text"),
    ],
)
@pytest.mark.parametrize("name", ["a.csv", "Usage", "b.txt"])
def test_what_is_no_csv_is_refused_by_its_first_bytes(refused, head, what, name):
    assert f"{what} instead of a CSV" in refused(packed((name, head + CSV)))
    assert f"{what} instead of a CSV" in refused(packed(("first.csv", CSV), (name + ".csv", head + CSV)))


def test_more_than_a_thousand_entries_are_refused(refused, tmp_path):
    passes(tmp_path / "x.zip", packed(*((f"{number}.csv", b"") for number in range(1000))))
    assert "1,000 entries" in refused(packed(*((f"{number}.csv", b"") for number in range(1001))))


def test_a_huge_table_of_contents_is_refused_before_it_is_read(refused):
    """Half a million entries would take hundreds of megabytes as objects."""
    content = packed(("a.csv", b""))
    start = content.index(b"PK\x01\x02")
    entry = content[start:-22]
    table = entry * 500_000
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 7, 7, len(table), start, 0)
    whole = content[:start] + table + end
    del table
    tracemalloc.start()
    try:
        assert "1,000 entries" in refused(whole)
        assert tracemalloc.get_traced_memory()[1] < 2_000_000
    finally:
        tracemalloc.stop()


def test_a_bomb_of_zeros_is_refused_by_its_ratio_before_it_is_unpacked(refused):
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    megabyte = bytes(1024**2)
    data = b"".join([*(packer.compress(megabyte) for _ in range(64)), packer.flush()])
    checksum = 0
    for _ in range(64):
        checksum = zlib.crc32(megabyte, checksum)
    assert "zip bomb" in refused(by_hand([("a.csv", data, 64 * 1024**2, checksum)]))


def test_more_than_four_gigabytes_are_refused(refused):
    """Declared sizes of several entries, none of which is remarkable."""
    many = [(f"{number}.csv", b"x" * 5000, 4_000_000, 0) for number in range(999)]
    assert "damaged" in refused(by_hand(many))
    too_much = [(f"{number}.csv", b"x" * 10_000, 5_000_000, 0) for number in range(999)]
    assert "4 GiB" in refused(by_hand(too_much))


def by_hand(entries: list[tuple[str, bytes, int, int]]) -> bytes:
    """Return a zip of (name, deflated bytes, announced size, checksum)."""
    body, table = b"", b""
    headers = [
        struct.pack("<4s5H3L2H", b"PK\x03\x04", 20, 0, 8, 0, 33, checksum, len(data), size, len(name), 0)
        + name.encode()
        for name, data, size, checksum in entries
    ]
    for (name, data, size, checksum), header in zip(entries, headers, strict=True):
        at = len(body)
        table += struct.pack(
            "<4s6H3L5H2L", b"PK\x01\x02", 20, 20, 0, 8, 0, 33, checksum, len(data), size, len(name), 0, 0, 0, 0, 0, at
        )
        table += name.encode()
        body += header + data
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, len(entries), len(entries), len(table), len(body), 0)
    return body + table + end


def quoting_bomb(copies: int, kernel: bytes) -> bytes:
    """A flat bomb: each entry's deflate stream quotes the next header as a stored block and runs on into its data."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    data = packer.compress(kernel) + packer.flush()
    size, plain = len(kernel), kernel
    files: list[bytes] = []
    described: list[tuple[bytes, int, int, int]] = []
    tail = b""
    for number in reversed(range(copies)):
        name = f"{number:03}.csv".encode()
        if tail:
            header = files[-1]
            quote = b"\x00" + struct.pack("<HH", len(header), len(header) ^ 0xFFFF)
            data, plain = quote + header + data, header + plain
            size = len(plain)
        checksum = zlib.crc32(plain)
        made = struct.pack("<4s5H3L2H", b"PK\x03\x04", 20, 0, 8, 0, 33, checksum, len(data), size, len(name), 0) + name
        files.append(made)
        described.append((name, len(data), size, checksum))
        tail = made + data
    table, at = b"", 0
    for name, length, size, checksum in reversed(described):
        table += struct.pack(
            "<4s6H3L5H2L", b"PK\x01\x02", 20, 20, 0, 8, 0, 33, checksum, length, size, len(name), 0, 0, 0, 0, 0, at
        )
        table += name
        at += 30 + len(name) + 5
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, copies, copies, len(table), len(tail), 0)
    return tail + table + end


def test_a_flat_bomb_is_refused_by_its_ratio_to_the_whole_file(refused):
    """Its entries share their data, so each by itself announces nothing remarkable."""
    bomb = quoting_bomb(40, bytes(2_000_000))
    with zipfile.ZipFile(io.BytesIO(bomb)) as opened:
        total = sum(entry.file_size for entry in opened.infolist())
        assert len(opened.infolist()) == 40
        assert total < 1000 * sum(entry.compress_size for entry in opened.infolist())
    assert "zip bomb" in refused(bomb)


def test_an_entry_that_is_larger_or_smaller_than_it_says_is_refused_and_unpacked_no_further(refused):
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    data = packer.compress(b"0" * 30_000_000) + packer.flush()
    tracemalloc.start()
    try:
        assert "damaged" in refused(by_hand([("a.csv", data, 10_000, 0)]))
        assert tracemalloc.get_traced_memory()[1] < 3_000_000
    finally:
        tracemalloc.stop()
    assert "damaged" in refused(by_hand([("a.csv", data, 30_000_001, 0)]))


def test_what_is_damaged_is_refused(refused):
    good = packed(("a.csv", CSV))
    flipped = bytearray(good)
    flipped[40] ^= 0x55
    for content in (
        b"",
        good[:-1],
        good[1:],
        good[: len(good) // 2],
        bytes(flipped),
        good.replace(b"a.csv", b"b.csv", 1),
    ):
        assert "damaged" in refused(content)


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(st.data())
def test_no_damage_at_all_raises_anything_but_the_refusal(tmp_path, data):
    content = bytearray(packed(("a.csv", CSV * 3), ("b/", b""), ("ü.csv", b"x")))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(content)))
    path = tmp_path / "x.zip"
    path.write_bytes(bytes(content[: cut if data.draw(st.booleans()) else None]))
    said = ""
    try:
        zip_check.inspect(path)
    except FileRejected as rejected:
        said = rejected.sentence
    assert not said or SENTENCE.fullmatch(said)


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), min_size=1, max_size=40))
def test_a_name_that_passes_stays_in_its_folder_and_on_its_line(tmp_path, name):
    path = tmp_path / "x.zip"
    try:
        passes(path, packed((name, CSV)))
    except FileRejected:
        return
    target = (tmp_path / "folder").resolve()
    with zipfile.ZipFile(path) as opened:
        for entry in opened.infolist():
            assert (target / entry.filename).resolve().is_relative_to(target)
            assert "\\" not in entry.orig_filename
            assert len(entry.orig_filename.splitlines()) <= 1


@pytest.mark.parametrize(
    "entries",
    [
        [("a.csv", CSV * 50_000)],
        [("folder/", b""), ("read me.txt", b"no"), ("folder/Usage.CSV", CSV), ("b.csv", b"no")],
        [("folder/", b""), ("Usage", CSV), ("read me.txt", b"no")],
        [("read me.txt", b"no"), ("acme.webex.com_usage", CSV)],
        [("read me.txt", b"no"), ("about", b"no"), ("Usage.TSV", CSV)],
        [],
    ],
)
@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_the_csv_is_handed_over_while_it_is_unpacked(tmp_path, entries, method):
    """The first CSV by its name, otherwise the first file; nothing else."""
    path = tmp_path / "x.zip"
    path.write_bytes(packed(*entries, method=method))
    seen: list[bytes] = []
    zip_check.inspect(path, csv=seen.append)
    assert b"".join(seen) == next((content for _, content in entries if content.startswith(CSV)), b"")
    assert all(len(piece) <= zip_check.PIECE for piece in seen)


def test_what_is_handed_over_of_a_damaged_zip_is_no_more_than_its_entry_announces(tmp_path):
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    data = packer.compress(b"0" * 30_000_000) + packer.flush()
    path = tmp_path / "x.zip"
    path.write_bytes(by_hand([("a.csv", data, 10_000, 0)]))
    seen: list[bytes] = []
    with pytest.raises(FileRejected, match="damaged"):
        zip_check.inspect(path, csv=seen.append)
    assert sum(len(piece) for piece in seen) <= 10_000
