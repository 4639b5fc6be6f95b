"""The gate: which files a source means, and whether they are what they should be, by their first bytes."""

from __future__ import annotations

import hashlib
import importlib.util
from pathlib import Path

from personas.config import SourceConfig
from personas.errors import InputError, LimitError, did_you_mean

MAX_BYTES = 4 * 1024**3
"""Largest file that is read."""

FOREIGN: tuple[tuple[bytes, str], ...] = (
    (b"PK\x03\x04", "a zip archive or an Excel workbook. Save the sheet as CSV (UTF-8) and name that file"),
    (b"\x1f\x8b", "compressed with gzip. Unpack it first"),
    (b"\x28\xb5\x2f\xfd", "compressed with zstd. Unpack it first"),
    (b"BZh", "compressed with bzip2. Unpack it first"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook (.xls). Save the sheet as CSV (UTF-8) and name that file"),
    (b"SQLite format 3", "an SQLite database. Export the table as CSV"),
    (b"%PDF", "a PDF. Export the table behind it as CSV"),
    (b"<", "HTML or XML, not a table. Export the table as CSV"),
    (b"{", "JSON. Export the table as CSV or Parquet"),
    (b"[", "JSON. Export the table as CSV or Parquet"),
)


def locate(name: str, source: SourceConfig, folder: Path) -> list[Path]:
    """The files of a source, in the order of the configuration; each exists, is a file and is not too large.

    Raises
    ------
    InputError
        For a package that is not installed, an address, a folder, a missing or an empty file.
    LimitError
        For a file over ``MAX_BYTES``.
    """
    files = (source.file,) if isinstance(source.file, str) else source.file or ()
    if not files:
        raise InputError(f"sources.{name}.file names no file. Write the path of a CSV or Parquet file")
    start = _package_folder(source.package) if source.package else folder
    found = [_one(start, file, name) for file in files]
    if len({path.resolve() for path in found}) < len(found):
        raise InputError(f"sources.{name}.file names the same file twice. Name each file once")
    return found


def _package_folder(package: str) -> Path:
    """Where an installed package keeps its files; the package itself is not run."""
    spec = importlib.util.find_spec(package) if package.isidentifier() else None
    if spec is None or spec.origin is None:
        raise InputError(f"the package {package} is not installed. Install it: pip install {package.replace('_', '-')}")
    return Path(spec.origin).parent


def _one(start: Path, file: str, name: str) -> Path:
    if "://" in file:
        raise InputError(f"sources.{name}.file is an address ({file}). Download it and name the local file")
    path = start / file
    if path.is_dir():
        raise InputError(
            f"{file} is a folder. Name the file inside it: sources.{name}.file: {file.rstrip('/')}/NAME.csv"
        )
    if not path.is_file():
        siblings = sorted(p.name for p in path.parent.iterdir()) if path.parent.is_dir() else []
        hint = did_you_mean(path.name, siblings) or "Paths count from the folder of the configuration."
        raise InputError(f"there is no file {file} (sources.{name}.file). {hint}")
    size = path.stat().st_size
    if size == 0:
        raise InputError(f"{file} is empty (0 bytes). Export it again with a header line and at least one record")
    if size > MAX_BYTES:
        raise LimitError(f"{file} has {size:,} bytes where at most {MAX_BYTES:,} are read. Save it as Parquet in parts")
    return path


def kind_of(path: Path, declared: str) -> str:
    """``"parquet"`` or ``"csv"`` by the first bytes of the file; the extension is not asked.

    Raises InputError in words when the file is something else, or not what ``declared`` says.
    """
    with path.open("rb") as file:
        start = file.read(64)
    if start.startswith(b"PAR1"):
        found = "parquet"
    else:
        bare = start.removeprefix(b"\xef\xbb\xbf").lstrip(b" \t\r\n")
        for signature, words in FOREIGN:
            if (start if len(signature) > 1 else bare).startswith(signature):
                raise InputError(f"{path.name} is {words}")
        found = "csv"
    if declared not in ("auto", found):
        raise InputError(f"{path.name} is {found} by its first bytes, not {declared}. Write format: auto")
    return found


def sha256_of(path: Path) -> str:
    """SHA-256 of the file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def content_hash(data: bytes) -> str:
    """SHA-256 of the sorted lines, in hexadecimal: the same records in another order are the same content."""
    return hashlib.sha256(b"\n".join(sorted(data.splitlines()))).hexdigest()
