"""Excel workbooks: what is in them arrives as written, and what a reader cannot see is said or refused."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from personas.config import SourceConfig
from personas.engines import Engine
from personas.errors import InputError, LimitError
from personas.sources.excel import read_workbook
from personas.sources.raw import Raw
from personas.sources.readers import read_source

from .conftest import Prepare, rows
from .workbook import Cell, sheet_xml, workbook

HEAD: list[Cell] = ["order_id", "customer_id", "ordered_on", "total_amount", "note"]
# Day 45383 of a workbook is 1 April 2024.
BODY: list[list[Cell]] = [[1, "007", "day:45383", 10, "x"], [2, "bob", "day:45384", 20.5, "y"]]


def read(folder: Path, data: bytes, **settings: Any) -> Raw:
    (folder / "orders.xlsx").write_bytes(data)
    return read_source("orders", SourceConfig(file="orders.xlsx", **settings), folder)


def cells(raw: Raw) -> dict[str, list[str]]:
    assert isinstance(raw.data, pa.Table)
    return raw.data.to_pydict()


def book(body: Sequence[Sequence[Cell]] = BODY, more: str = "", **settings: Any) -> bytes:
    return workbook({"Orders": sheet_xml([HEAD, *body], more)}, **settings)


def test_numbers_days_and_texts_arrive_as_they_are_meant(tmp_path: Path) -> None:
    assert cells(read(tmp_path, book())) == {
        "order_id": ["1", "2"],
        "customer_id": ["007", "bob"],
        "ordered_on": ["2024-04-01", "2024-04-02"],
        "total_amount": ["10", "20.5"],
        "note": ["x", "y"],
    }


def test_a_workbook_that_counts_from_1904_gives_its_own_days(tmp_path: Path) -> None:
    # 1462 days lie between the two ways of counting: 45383 - 1462 = 43921.
    body: list[list[Cell]] = [[1, "a", "day:43921", 10, "x"]]
    assert cells(read(tmp_path, book(body, from_1904=True)))["ordered_on"] == ["2024-04-01"]


def test_a_title_above_and_a_total_below_are_no_records(tmp_path: Path) -> None:
    sheet = sheet_xml([["Orders of April"], [], HEAD, *BODY, ["Total", None, None, 30.5, None]])
    raw = read(tmp_path, workbook({"Orders": sheet}))
    assert cells(raw)["order_id"] == ["1", "2"] and raw.dropped == (("total-row", 1),)


def test_hidden_sheets_are_named_and_several_visible_ones_are_a_question(tmp_path: Path) -> None:
    sheet = sheet_xml([HEAD, *BODY])
    raw = read(tmp_path, workbook({"Orders": sheet, "Old": sheet}, hidden=["Old"]))
    assert "hidden sheets are not read: Old" in str(raw.facts["notes"])
    with pytest.raises(InputError, match=r"sources\.orders\.sheet: Orders"):
        read(tmp_path, workbook({"Orders": sheet, "Other": sheet}))
    assert read(tmp_path, workbook({"Orders": sheet, "Other": sheet}), sheet="Other").records == 2
    with pytest.raises(InputError, match="no visible sheet 'Old'"):
        read(tmp_path, workbook({"Orders": sheet, "Old": sheet}, hidden=["Old"]), sheet="Old")


@pytest.mark.parametrize(("cell", "why"), [("#N/A", "error cells"), ("=A1", "formulas without a stored value")])
def test_cells_that_cannot_be_seen_are_refused_where_they_are_needed(
    cell: str, why: str, shop: Prepare, tmp_path: Path, engine: Engine
) -> None:
    (tmp_path / "o.xlsx").write_bytes(book([BODY[0], [2, "bob", "day:45384", cell, "y"]]))
    with pytest.raises(InputError, match=why):
        shop(orders="x", orders_with={"file": "o.xlsx"})
    (tmp_path / "o.xlsx").write_bytes(book([BODY[0], [2, "bob", "day:45384", 20.5, cell]]))
    tables = shop(orders="x", orders_with={"file": "o.xlsx"})
    assert any(why in notice.text for notice in tables.audit.notices)
    assert len(rows(engine, "orders")) == 2


def test_numbers_that_a_workbook_has_rounded_are_no_ids(shop: Prepare, tmp_path: Path) -> None:
    (tmp_path / "o.xlsx").write_bytes(book([BODY[0], [12345678901234567, "bob", "day:45384", 1, "y"]]))
    with pytest.raises(InputError, match="no longer holds exactly"):
        shop(orders="x", orders_with={"file": "o.xlsx"})


def test_merged_cells_are_told(tmp_path: Path) -> None:
    raw = read(tmp_path, book(more='<mergeCells count="1"><mergeCell ref="A2:A3"/></mergeCells>'))
    assert "1 merged ranges" in str(raw.facts["notes"])


def test_one_cell_far_out_meets_a_limit_before_a_reader_sees_it(tmp_path: Path) -> None:
    # 4.8 kB of this kind abort the reader when memory is limited (ingest.md 5).
    far = '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>'
    sheet = sheet_xml([HEAD, *BODY]).replace("</sheetData>", far)
    with pytest.raises(LimitError, match="XFD1048576"):
        read(tmp_path, workbook({"Orders": sheet}))


def test_entities_and_torn_workbooks_are_refused(tmp_path: Path) -> None:
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaa">]>' + sheet_xml([HEAD, *BODY])
    with pytest.raises(InputError, match="XML entities"):
        read(tmp_path, workbook({"Orders": bomb}))
    with pytest.raises(InputError, match="damaged"):
        read(tmp_path, book()[:-60])


def test_a_workbook_with_any_byte_turned_is_read_or_refused_in_words(tmp_path: Path) -> None:
    """A wrong checksum, a torn stream, a locked part, a place before the file: every library names it otherwise."""
    whole = book()
    told = 0
    for place in range(0, len(whole), 3):
        data = bytearray(whole)
        data[place] ^= 0xFF
        try:
            read_workbook(bytes(data), None, "orders.xlsx", "orders")
        except (InputError, LimitError):
            told += 1
    assert told > 0.4 * len(whole) / 3
    locked = bytearray(whole)
    for mark, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        start = -1
        while (start := whole.find(mark, start + 1)) >= 0:
            locked[start + flags] |= 1
    with pytest.raises(InputError, match=r"orders\.xlsx is a damaged Excel workbook .*encrypted"):
        read_workbook(bytes(locked), None, "orders.xlsx", "orders")
