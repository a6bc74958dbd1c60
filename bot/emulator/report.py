"""One report: its fate, the shape its details are written in, and its file."""

import hashlib
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from bot.emulator.things import Content, Family

Wrap = Literal["items", "object", "flat", "list"]
ExpirySpelling = Literal["seconds", "epoch", "milliseconds", "iso", "none"]

CHUNK = 1 << 16
DONE = "done"
CHECKSUMS = ("md5", "sha1", "sha256")
LINK_SECONDS = 3600


@dataclass(frozen=True)
class Shape:
    """How details are written. `names` renames fields (`{"Id": "id", "scheduleFrom": "scheduledFrom"}`).

    `wrap`: `{"items": [{…}], "numberOfReports": 1}` (items), `{"items": {…}}` (object), bare (flat) or `[{…}]` (list).
    """

    wrap: Wrap = "flat"
    names: Mapping[str, str] = field(default_factory=dict)
    expiry: ExpirySpelling = "seconds"


@dataclass(frozen=True)
class Body:
    """The finished file: where it is, its length in bytes, and its checksums in hex by algorithm."""

    path: Path
    size: int
    sums: Mapping[str, str]


@dataclass(eq=False)
class Report:
    """One report. From `download_limit` on, the fields are the ways in which its download can go wrong.

    `redirect_to`: an address, or `here` for the same host. `claimed_length`: a false Content-Length. `locked_times`:
    so many 423 with `retry_after` first. `link_seconds`: how long a link lasts. `has_file`: whatever the status says.
    Before them `announced_size` is a `fileSize` of another unit, or of something else.
    """

    id: str
    family: Family
    title: str
    status: str | int | None
    content: Content
    owner_org_id: str
    created: float
    created_by: str
    template_id: int
    service: str
    start: str
    end: str
    region: str
    shape: Shape
    size: int | None = None
    as_zip: bool = False
    listed: bool = True
    checksum: str | None = None
    announced_size: int | None = None
    file_name: str = ""
    site_list: str = ""
    scheduled_from: str = "api"
    sub_partner: str | None = None
    ready_after_polls: int | None = None
    ready_after_seconds: float | None = None
    made_in_portal: bool = False
    note: str = ""
    kind: str = ""
    polls: int = 0
    first_asked: float | None = None
    deleted: bool = False
    body: Body | None = None
    downloads: int = 0
    download_limit: int | None = None
    link_seconds: float = LINK_SECONDS
    redirect_to: str | None = None
    html_error: bool = False
    claimed_length: int | None = None
    without_length: bool = False
    content_type: str = "application/octet-stream"
    locked_times: int = 0
    retry_after: str = "1"
    unscannable: bool = False
    infected: bool = False
    has_file: bool = False

    @property
    def is_done(self) -> bool:
        """Return True when the file can be fetched."""
        return self.has_file or str(self.status).lower() == DONE

    def produced(self) -> Iterator[bytes]:
        """Return the CSV itself, in pieces."""
        content = self.content() if callable(self.content) else self.content
        if isinstance(content, str):
            yield content.encode("utf-8-sig")
        elif isinstance(content, bytes):
            yield content
        else:
            yield from content


def write_body(report: Report, path: Path) -> Body:
    """Return the file as it is served, zipped when asked, without ever holding it whole in memory."""
    if report.as_zip:
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            entry = zipfile.ZipInfo(report.file_name, datetime.fromtimestamp(report.created, UTC).timetuple()[:6])
            entry.compress_type = zipfile.ZIP_DEFLATED
            with archive.open(entry, "w", force_zip64=True) as target:
                for piece in report.produced():
                    target.write(piece)
    else:
        with path.open("wb") as file:
            for piece in report.produced():
                file.write(piece)
    sums = {name: hashlib.new(name) for name in CHECKSUMS}
    for piece in read_pieces(path):
        for one in sums.values():
            one.update(piece)
    return Body(path, path.stat().st_size, {name: one.hexdigest() for name, one in sums.items()})


def read_pieces(path: Path) -> Iterable[bytes]:
    """Return a file in pieces of 64 kB."""
    with path.open("rb") as file:
        while piece := file.read(CHUNK):
            yield piece
