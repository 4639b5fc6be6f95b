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
    (b"\x28\xb5\x2f\xfd", "compressed with zstd. Unpack it first"),
    (b"BZh", "compressed with bzip2. Unpack it first"),
    (b"\xd0\xcf\x11\xe0", "an old or password-protected Excel workbook. Save it as .xlsx without a password"),
    (b"%PDF", "a PDF. Export the table behind it as CSV"),
    (b"\x89PNG", "a picture. Export the table behind it as CSV"),
    (b"\xff\xd8\xff", "a picture. Export the table behind it as CSV"),
    (b"MZ\x90", "a program, not a table. Export the table as CSV"),
    (b"{\\rtf", "a text document. Export the table in it as CSV"),
    (b"MIME-Version:", "a web archive, not a table. Export the table as CSV"),
    (b"ID;PWXL", "a SYLK sheet. Save it as CSV"),
    (b"<", "HTML or XML, not a table. Export the table as CSV"),
)
KNOWN: tuple[tuple[bytes, str], ...] = (
    (b"PK\x03\x04", "zip"), (b"PK\x05\x06", "zip"), (b"\x1f\x8b", "gzip"), (b"PAR1", "parquet"),
    (b"SQLite format 3\x00", "sqlite"),
)  # fmt: skip
SUFFIXES = frozenset({".csv", ".tsv", ".txt", ".tab", ".parquet", ".json", ".jsonl", ".ndjson", ".xlsx", ".gz", ".zip"})
"""Endings of the files that are read when a folder is named."""


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
    try:
        found = [path for file in files for path in _several(start, file, name)]
        for path in found:
            path.open("rb").close()
    except (OSError, ValueError) as error:  # a name that is too long, or has a NUL in it; no right to read
        said = getattr(error, "strerror", None) or "no name of a file"
        raise InputError(f"sources.{name}.file cannot be opened: {said}. Name a file that may be read") from error
    if len({path.resolve() for path in found}) < len(found):
        raise InputError(f"sources.{name}.file names the same file twice. Name each file once")
    return found


def _package_folder(package: str) -> Path:
    """Where an installed package keeps its files; the package itself is not run."""
    spec = importlib.util.find_spec(package) if package.isidentifier() else None
    if spec is None or spec.origin is None:
        raise InputError(f"the package {package} is not installed. Install it: pip install {package.replace('_', '-')}")
    return Path(spec.origin).parent


def _several(start: Path, file: str, name: str) -> list[Path]:
    """The files of one entry: a file, the files of a folder, or those that fit ``*`` and ``?``; in order of name."""
    if "://" in file:
        raise InputError(f"sources.{name}.file is an address ({file}). Download it and name the local file")
    path = home = start / file
    if not path.exists() and any(sign in file for sign in "*?["):
        home = path.parent
        found = sorted(p for p in home.glob(path.name) if p.is_file()) if home.is_dir() else []
        if not found:
            raise InputError(
                f"no file fits {file} (sources.{name}.file). Paths count from the folder of the configuration."
            )
    elif path.is_dir():
        found = sorted(p for p in path.iterdir() if p.is_file() and p.suffix.lower() in SUFFIXES)
        if not found:
            raise InputError(
                f"the folder {file} (sources.{name}.file) has no file that is read: {', '.join(sorted(SUFFIXES))}"
            )
    else:
        return [_one(start, file, name)]
    for one in found:
        if not one.resolve().is_relative_to(home.resolve()):
            raise InputError(f"{one.name} (sources.{name}.file) is a link out of its folder. Name the file itself")
    return [_one(one.parent, one.name, name) for one in found]


def _one(start: Path, file: str, name: str) -> Path:
    path = start / file
    if path.is_symlink() and not path.exists():
        raise InputError(f"{file} (sources.{name}.file) is a link that leads nowhere. Name the file itself")
    if path.exists() and not path.is_file():
        raise InputError(f"{file} (sources.{name}.file) is no regular file. Save it as one")
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


def kind_of(path: Path) -> str:
    """``parquet``, ``csv``, ``json``, ``gzip``, ``zip``, ``sqlite`` or ``duckdb`` by the first bytes.

    Raises InputError in words when the file is something else.
    """
    with path.open("rb") as file:
        return kind_of_bytes(file.read(64), path.name)


def kind_of_bytes(start: bytes, label: str) -> str:
    """The kind of content that begins with ``start``."""
    for signature, kind in KNOWN:
        if start.startswith(signature):
            return kind
    if start[8:12] == b"DUCK":
        return "duckdb"
    bare = start.removeprefix(b"\xef\xbb\xbf").lstrip(b" \t\r\n")
    for signature, words in FOREIGN:
        if (start if len(signature) > 1 else bare).startswith(signature):
            raise InputError(f"{label} is {words}")
    return "json" if bare[:1] in (b"{", b"[") else "csv"


def sha256_of(path: Path) -> str:
    """SHA-256 of the file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def content_hash(data: bytes) -> str:
    """SHA-256 of the sorted lines, in hexadecimal: the same records in another order are the same content."""
    return hashlib.sha256(b"\n".join(sorted(data.splitlines()))).hexdigest()
