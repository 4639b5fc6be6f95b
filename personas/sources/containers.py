"""What is inside a file: unpacked from gzip or a zip of one file, never trusting what the archive says of its size."""

from __future__ import annotations

import gzip
import io
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from personas.errors import InputError, LimitError
from personas.sources.gate import kind_of_bytes

MAX_UNPACKED = 20 * 1024**3
MAX_RATIO = 200
FREE = 64 * 1024**2
"""Up to here any ratio is allowed."""
STEP = 1 << 20


@dataclass(frozen=True, slots=True)
class Content:
    """The bytes of a text, JSON or Excel file, its kind, and how it was packed."""

    kind: str
    data: bytes
    notes: tuple[str, ...] = ()


def unpacked(path: Path, kind: str) -> Content:
    """The content of a file of text, JSON, gzip or zip.

    Raises
    ------
    InputError
        For a damaged archive, one with several files, a locked one, or one archive inside another.
    LimitError
        When it unpacks to more than is read.
    """
    if kind == "gzip":
        return _gunzipped(path)
    if kind == "zip":
        return _unzipped(path)
    return Content(kind, path.read_bytes())


def _gunzipped(path: Path) -> Content:
    try:
        with gzip.open(path) as stream:
            data = _limited(stream, path.stat().st_size, path.name)
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{path.name} is a damaged gzip file ({error}). Pack it again") from error
    return Content(_inner_kind(data, path.name), data, ("unpacked from gzip",))


def _unzipped(path: Path) -> Content:
    try:
        with zipfile.ZipFile(path) as archive:
            members = [
                info
                for info in archive.infolist()
                if not info.is_dir() and not info.filename.startswith("__MACOSX/") and not _hidden(info.filename)
            ]
            names = {info.filename for info in members}
            if "xl/workbook.xml" in names:
                return Content("excel", path.read_bytes())
            if "xl/workbook.bin" in names:
                raise InputError(f"{path.name} is a binary Excel workbook. Save it as .xlsx or CSV")
            if {"mimetype", "content.xml"} <= names or any(one.endswith(".iwa") for one in names):
                raise InputError(f"{path.name} is a spreadsheet of LibreOffice or Numbers. Save it as .xlsx or CSV")
            if len(members) != 1:
                shown = ", ".join(sorted(names)[:5])
                raise InputError(
                    f"{path.name} packs {len(members)} files ({shown}). Unpack it and name the file that is meant"
                )
            if members[0].flag_bits & 1:
                raise InputError(f"{path.name} is locked with a password. Unpack it first")
            with archive.open(members[0]) as stream:
                data = _limited(stream, path.stat().st_size, path.name)
    except (zipfile.BadZipFile, OSError, EOFError, zlib.error, NotImplementedError) as error:
        raise InputError(f"{path.name} is a damaged zip archive or Excel workbook ({error}). Save it again") from error
    inside = members[0].filename.rsplit("/", 1)[-1]
    return Content(_inner_kind(data, path.name), data, (f"unpacked from zip: {inside!r}",))


def _hidden(member: str) -> bool:
    """What systems put into archives on their own, such as .DS_Store."""
    return member.rsplit("/", 1)[-1].startswith(".")


def _limited(stream: IO[bytes] | gzip.GzipFile, packed: int, label: str) -> bytes:
    """All bytes of a stream, counted while they come."""
    out = io.BytesIO()
    while block := stream.read(STEP):
        out.write(block)
        size = out.tell()
        if size > MAX_UNPACKED or (size > FREE and size > MAX_RATIO * packed):
            raise LimitError(
                f"{label} unpacks to more than {size:,} bytes from {packed:,}: at most "
                f"{MAX_RATIO} times its size is read. "
                "Unpack it yourself if that is right"
            )
    return out.getvalue()


def _inner_kind(data: bytes, label: str) -> str:
    kind = kind_of_bytes(data[:64], label)
    if kind in ("gzip", "zip"):
        raise InputError(f"{label} is an archive inside an archive. Unpack it first")
    if kind not in ("csv", "json"):
        raise InputError(f"{label} packs a {kind} file. Unpack it first")
    return kind
