"""Files that are small outside and large inside: a limit, in seconds, without their content in memory."""

import gzip
import io
import time
import zipfile
from pathlib import Path

import pytest

from personas.config import SourceConfig
from personas.errors import LimitError, PersonasError
from personas.sources.readers import read_source

MIB = 1 << 20


def test_a_thousandfold_gzip_meets_a_limit_above_64_mib(tmp_path: Path) -> None:
    path = tmp_path / "orders.csv.gz"
    with gzip.open(path, "wb", compresslevel=9) as file:
        for _ in range(80):
            file.write(b"\0" * MIB)
    began = time.monotonic()
    with pytest.raises(LimitError, match="unpacks to more than"):
        read_source("orders", SourceConfig(file=path.name), tmp_path)
    assert time.monotonic() - began < 30


def test_a_thousandfold_zip_meets_a_limit_whatever_it_says_of_its_size(tmp_path: Path) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("a.csv", "w") as member:
        for _ in range(80):
            member.write(b"\0" * MIB)
    (tmp_path / "orders.zip").write_bytes(out.getvalue())
    with pytest.raises(LimitError, match="unpacks to more than"):
        read_source("orders", SourceConfig(file="orders.zip"), tmp_path)


def test_a_hundred_thousand_columns_meet_a_limit(tmp_path: Path) -> None:
    header = ",".join(f"c{n}" for n in range(100_000))
    (tmp_path / "orders.csv").write_text(f"{header}\n{','.join('1' * 100_000)}\n")
    began = time.monotonic()
    with pytest.raises(LimitError, match="100,000 columns"):
        read_source("orders", SourceConfig(file="orders.csv"), tmp_path)
    assert time.monotonic() - began < 30


def test_a_cell_of_two_million_characters_meets_a_limit(tmp_path: Path) -> None:
    (tmp_path / "orders.csv").write_text(f"id,x\n1,{'a' * 2_000_000}\n2,b\n")
    with pytest.raises(PersonasError) as found:
        read_source("orders", SourceConfig(file="orders.csv"), tmp_path)
    assert found.value.exit_code in (3, 4)


def test_a_line_without_end_meets_a_limit_in_seconds(tmp_path: Path) -> None:
    with (tmp_path / "orders.csv").open("wb") as file:
        file.write(b"id,x\n1,2\n")
        for _ in range(200):
            file.write(b"a" * MIB)
    began = time.monotonic()
    with pytest.raises(LimitError, match="a line of more than 4,194,304 bytes from byte 9 on"):
        read_source("orders", SourceConfig(file="orders.csv"), tmp_path)
    assert time.monotonic() - began < 30
